/* SPDX-License-Identifier: GPL-2.0 */
/* The process that reads what may never be answered. See ask.h. */
#ifndef QUEZTL_PROCREADER_H
#define QUEZTL_PROCREADER_H

#include <limits.h>
#include <sys/types.h>

#define ANSWER_ROOM	16384

enum question_kind { QUESTION_FILE, QUESTION_VM };

struct question {
	enum question_kind kind;
	char path[PATH_MAX];
};

struct answer {
	int result;		/* bytes of text, or yes or no, or -errno */
	char text[ANSWER_ROOM];
};

struct procreader {
	pid_t pid;		/* 0: there is none */
	int socket;
};

/* Returns 0 or -errno. It ends when the socket is closed. */
int start_procreader(struct procreader *reader);

#endif /* QUEZTL_PROCREADER_H */

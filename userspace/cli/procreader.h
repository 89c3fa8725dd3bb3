/* SPDX-License-Identifier: GPL-2.0 */
/* The process that reads what may never be answered. See ask.h. */
#ifndef QUEZTL_PROCREADER_H
#define QUEZTL_PROCREADER_H

#include <limits.h>
#include <sys/types.h>

#define ANSWER_ROOM	16384

enum question_kind {
	QUESTION_FILE,
	QUESTION_VM,		/* the number of a descriptor of a KVM VM */
	QUESTION_VM_COPY,	/* the same, and a descriptor of that VM */
};

struct question {
	enum question_kind kind;
	int pid;
	int from;		/* the least number of the descriptor */
	char path[PATH_MAX];	/* of the file */
};

struct answer {
	int result;		/* bytes of text, or a number, or -errno */
	char text[ANSWER_ROOM];
};

struct procreader {
	pid_t pid;		/* 0: there is none */
	int socket;
};

/* Returns 0 or -errno. It ends when the socket is closed. */
int start_procreader(struct procreader *reader);

/* *fd becomes what the answer gives, -1 if it gives none. 0 or -errno. */
int receive_answer(const struct procreader *reader, struct answer *answer,
		   int *fd);

#endif /* QUEZTL_PROCREADER_H */

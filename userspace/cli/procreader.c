// SPDX-License-Identifier: GPL-2.0
/*
 * It may wait for ever, and SIGKILL may not end it: a page of a FUSE file that has
 * to be written. So it has nothing that somebody else waits for: no descriptor but
 * its socket, no terminal, no directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procfile.h"
#include "procreader.h"
#include "vmscan.h"

static void close_range_or_each(unsigned int first, unsigned int last)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return;
	for (unsigned int fd = first; fd <= last && fd < (unsigned long)most; fd++)
		close(fd);
}

static void let_go(int socket)
{
	close_range_or_each(0, socket - 1);
	close_range_or_each(socket + 1, ~0U);
	setsid();
	if (chdir("/"))
		_exit(EXIT_FAILURE);
}

static int has_vm(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (!directory)
		return -errno;
	while (!found && (entry = readdir(directory)))
		found = is_kvm_vm(dirfd(directory), entry->d_name);
	closedir(directory);
	return found;
}

static size_t answer_question(const struct question *question,
			      struct answer *answer)
{
	size_t size = offsetof(struct answer, text);

	if (question->kind == QUESTION_VM) {
		answer->result = has_vm(question->path);
		return size;
	}
	answer->result = read_file_at(AT_FDCWD, question->path, answer->text,
				      sizeof(answer->text));
	return size + (answer->result > 0 ? answer->result : 0);
}

static _Noreturn void answer_questions(int socket)
{
	struct question question;
	struct answer answer;
	size_t size;

	while (read(socket, &question, sizeof(question)) > 0) {
		size = answer_question(&question, &answer);
		if (write(socket, &answer, size) != (ssize_t)size)
			break;
	}
	_exit(EXIT_SUCCESS);
}

/* What ends this program ends the child, unless it was too early for that. */
static _Noreturn void be_procreader(int socket, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, "queztl-reader");
	let_go(socket);
	answer_questions(socket);
}

int start_procreader(struct procreader *reader)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	reader->pid = fork();
	if (!reader->pid)
		be_procreader(pair[1], parent);
	close(pair[1]);
	reader->socket = pair[0];
	if (reader->pid > 0)
		return 0;
	reader->pid = 0;
	close(pair[0]);
	return -EAGAIN;
}

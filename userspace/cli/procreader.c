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
#include <string.h>
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

static DIR *open_descriptors(int pid)
{
	int process = open_process(pid);
	DIR *directory = NULL;
	int fd;

	if (process < 0) {
		errno = -process;
		return NULL;
	}
	fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		directory = fdopendir(fd);
	close(process);
	return directory;
}

static bool is_vm_from(DIR *directory, const char *name, int from)
{
	return atoi(name) >= from && is_kvm_vm(dirfd(directory), name);
}

/* -ENXIO: there is none. The position of descriptor N in fd is N + 2. */
static int find_vm(int pid, int from)
{
	DIR *directory = open_descriptors(pid);
	struct dirent *entry;
	int found = -ENXIO;

	if (!directory)
		return -errno;
	if (from)
		seekdir(directory, from + 2L);
	while (found < 0 && (entry = readdir(directory)))
		if (is_vm_from(directory, entry->d_name, from))
			found = atoi(entry->d_name);
	closedir(directory);
	return found;
}

/* The process was there when it was opened, and may close a descriptor at any time. */
static int copy_vm(int pid, int from, int *copy)
{
	int process = syscall(SYS_pidfd_open, pid, 0), number;

	if (process < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	do {
		number = find_vm(pid, from);
		if (number < 0)
			break;
		*copy = syscall(SYS_pidfd_getfd, process, number, 0);
		from = number + 1;
	} while (*copy < 0 && errno == EBADF);
	if (number >= 0 && *copy < 0)
		number = -errno;
	close(process);
	return number;
}

static size_t answer_question(const struct question *question,
			      struct answer *answer, int *copy)
{
	size_t size = offsetof(struct answer, text);

	if (question->kind == QUESTION_VM)
		answer->result = find_vm(question->pid, question->from);
	else if (question->kind == QUESTION_VM_COPY)
		answer->result = copy_vm(question->pid, question->from, copy);
	else
		answer->result = read_file_at(AT_FDCWD, question->path,
					      answer->text,
					      sizeof(answer->text));
	if (question->kind != QUESTION_FILE || answer->result < 0)
		return size;
	return size + answer->result;
}

union one_fd {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

static bool send_answer(int socket, struct answer *answer, size_t size, int fd)
{
	struct iovec part = { .iov_base = answer, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union one_fd control = { 0 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

int receive_answer(const struct procreader *reader, struct answer *answer,
		   int *fd)
{
	struct iovec part = { .iov_base = answer, .iov_len = sizeof(*answer) };
	union one_fd control = { 0 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;

	*fd = -1;
	if (recvmsg(reader->socket, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -EPIPE;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return 0;
}

static _Noreturn void answer_questions(int socket)
{
	struct question question;
	struct answer answer;
	bool goes_on = true;
	size_t size;

	while (goes_on && read(socket, &question, sizeof(question)) > 0) {
		int copy = -1;

		size = answer_question(&question, &answer, &copy);
		goes_on = send_answer(socket, &answer, size, copy);
		if (copy >= 0)
			close(copy);
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

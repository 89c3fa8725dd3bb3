// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "memory.h"
#include "procfile.h"
#include "procreader.h"

/*
 * A busy host gives the child a CPU much earlier. Each process that does not answer
 * halves the limit for the others, so that all of them together take little more
 * than two seconds; the least is still a hundred times what an answer takes.
 */
#define MOST_MS		1000
#define LEAST_MS	20
#define AGAIN_MS	60000	/* a process that did not answer is asked again */

/* A process that did not answer, and the child that may still wait for it. */
struct silent {
	struct silent *next;
	int pid;
	pid_t child;		/* 0: it has ended */
	uint64_t since_ms;
};

static struct procreader reader;
static struct silent *silents;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* At most one child waits for a process, however often it is asked for. */
static bool is_over(struct silent *silent, uint64_t now)
{
	if (silent->child && waitpid(silent->child, NULL, WNOHANG))
		silent->child = 0;
	return !silent->child && now - silent->since_ms >= AGAIN_MS;
}

static void forget_silents(void)
{
	struct silent **at = &silents;
	uint64_t now = silents ? now_ms() : 0;

	while (*at) {
		struct silent *silent = *at;

		if (!is_over(silent, now)) {
			at = &silent->next;
			continue;
		}
		*at = silent->next;
		free(silent);
	}
}

static bool is_silent(int pid)
{
	for (struct silent *silent = silents; silent; silent = silent->next)
		if (silent->pid == pid)
			return true;
	return false;
}

static int limit_ms(void)
{
	int limit = MOST_MS;

	for (struct silent *s = silents; s && limit > LEAST_MS; s = s->next)
		limit /= 2;
	return limit < LEAST_MS ? LEAST_MS : limit;
}

/* Nobody waits for the child: it ends when the process lets it. */
static void note_silent(int pid)
{
	struct silent *silent = grow(NULL, sizeof(*silent));

	kill(reader.pid, SIGKILL);
	close(reader.socket);
	*silent = (struct silent){
		.next = silents, .pid = pid, .child = reader.pid,
		.since_ms = now_ms(),
	};
	silents = silent;
	reader.pid = 0;
}

/* It has ended, or ends at once: it waits for nothing but a question. */
static void end_reader(void)
{
	if (!reader.pid)
		return;
	kill(reader.pid, SIGKILL);
	close(reader.socket);
	waitpid(reader.pid, NULL, 0);
	reader.pid = 0;
}

/* 1, 0 if the time is over, or -errno. */
static int wait_for_answer(void)
{
	uint64_t end = now_ms() + limit_ms(), now;
	struct pollfd polled = { .fd = reader.socket, .events = POLLIN };
	int ready;

	do {
		now = now_ms();
		ready = poll(&polled, 1, now < end ? end - now : 0);
	} while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready;
}

static int exchange(const struct question *question, struct answer *answer,
		    int *fd)
{
	size_t size = offsetof(struct question, path) +
		      strlen(question->path) + 1;
	int ready;

	if (send(reader.socket, question, size, MSG_NOSIGNAL) < 0)
		return -EPIPE;
	ready = wait_for_answer();
	if (ready <= 0) {
		note_silent(question->pid);
		return ready ? ready : -ETIMEDOUT;
	}
	return receive_answer(&reader, answer, fd);
}

/* Somebody may have killed the child since the last question. */
static int ask(const struct question *question, struct answer *answer, int *fd)
{
	int ret = -EPIPE;

	forget_silents();
	if (is_silent(question->pid))
		return -ETIMEDOUT;
	for (int tries = 0; ret == -EPIPE && tries < 2; tries++) {
		ret = reader.pid ? 0 : start_procreader(&reader);
		if (!ret)
			ret = exchange(question, answer, fd);
		if (ret == -EPIPE)
			end_reader();
	}
	return ret;
}

int ask_file(int pid, const char *name, char *buffer, size_t size)
{
	struct question question = { .kind = QUESTION_FILE, .pid = pid };
	static struct answer answer;
	int ret, length, fd;

	buffer[0] = '\0';
	snprintf(question.path, sizeof(question.path), "%s/%d/%s", proc_path,
		 pid, name);
	ret = ask(&question, &answer, &fd);
	if (ret || answer.result < 0)
		return ret ? ret : answer.result;
	length = (size_t)answer.result < size ? answer.result : (int)size - 1;
	memcpy(buffer, answer.text, length);
	buffer[length] = '\0';
	return length;
}

int ask_for_vm(int pid)
{
	const struct question question = { .kind = QUESTION_VM, .pid = pid };
	static struct answer answer;
	int fd, ret = ask(&question, &answer, &fd);

	if (ret)
		return ret;
	return answer.result < 0 && answer.result != -ENXIO ? answer.result :
							     answer.result >= 0;
}

int ask_for_vm_copy(int pid, int from, int *vm)
{
	const struct question question = {
		.kind = QUESTION_VM_COPY, .pid = pid, .from = from,
	};
	static struct answer answer;
	int ret = ask(&question, &answer, vm);

	return ret ? ret : answer.result;
}

void stop_asking(void)
{
	struct silent *silent;

	end_reader();
	while ((silent = silents)) {
		if (silent->child)
			waitpid(silent->child, NULL, WNOHANG);
		silents = silent->next;
		free(silent);
	}
}

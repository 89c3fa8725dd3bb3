// SPDX-License-Identifier: GPL-2.0
/*
 * Exchange a structure by a channel: one end answers what the other one asks.
 *
 *	channel_echo listen CHANNEL [WINDOW]
 *	channel_echo connect CHANNEL [WINDOW [QUESTIONS]]
 *
 * Without WINDOW it runs in a guest, whose VM has a window (queztl window serve).
 * With WINDOW it is a process of the host, and has a window of that name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <qhp.h>
#include <queztl.h>

#define QUESTIONS	10000

struct question {
	uint64_t number;
	uint64_t square;
};

/* The peer may change a message while it is read, so it is copied. */
static int receive(struct qhp *end, struct question *q)
{
	struct qhp_msg msg;
	int ret = qhp_wait(end, QHP_MESSAGE, -1);

	if (ret > 0)
		ret = qhp_peek(end, &msg);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	memset(q, 0, sizeof(*q));
	memcpy(q, msg.data, msg.len < sizeof(*q) ? msg.len : sizeof(*q));
	return qhp_release(end, 1);
}

static int answer(struct qhp *end)
{
	struct question q;
	int ret;

	while (!(ret = receive(end, &q))) {
		q.square = q.number * q.number;
		ret = qhp_send(end, &q, sizeof(q), 0);
		if (ret)
			break;
	}
	return ret == -ECONNRESET ? 0 : ret;	/* the peer has finished */
}

static int ask(struct qhp *end, unsigned int questions)
{
	struct timespec begun, now;
	struct question q;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (uint64_t i = 0; !ret && i < questions; i++) {
		q = (struct question){ .number = i };
		ret = qhp_send(end, &q, sizeof(q), 0);
		if (!ret)
			ret = receive(end, &q);
		if (!ret && q.square != i * i)
			ret = -EBADMSG;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!ret)
		printf("%u questions, %.0f ns each\n", questions,
		       ((now.tv_sec - begun.tv_sec) * 1e9 + now.tv_nsec -
			begun.tv_nsec) / questions);
	return ret;
}

/* Of the host. */
static int open_window(struct qhp_window *window, const char *name)
{
	int device = queztl_open(), fd;

	if (device < 0)
		return device;
	fd = queztl_window_create(device, name, 1, QHP_REGION_MIN, NULL);
	close(device);
	return fd < 0 ? fd : qhp_window_map(window, fd);
}

int main(int argc, char **argv)
{
	struct qhp_window window;
	struct qhp end;
	int ret = 0;

	if (argc < 3 || (strcmp(argv[1], "listen") && strcmp(argv[1], "connect"))) {
		fprintf(stderr, "usage: %s listen|connect CHANNEL [WINDOW [QUESTIONS]]\n", argv[0]);
		return 2;
	}
	if (argc > 3)
		ret = open_window(&window, argv[3]);
	if (!ret && *argv[1] == 'l')
		ret = qhp_listen(&end, argc > 3 ? &window : NULL, argv[2], 0);
	else if (!ret)
		ret = qhp_connect(&end, argc > 3 ? &window : NULL, argv[2]);
	if (!ret) {
		ret = *argv[1] == 'l' ? answer(&end) :
		      ask(&end, argc > 4 ? atoi(argv[4]) : QUESTIONS);
		qhp_close(&end);
	}
	if (ret)
		fprintf(stderr, "channel %s: %s\n", argv[2], strerror(-ret));
	return !!ret;
}

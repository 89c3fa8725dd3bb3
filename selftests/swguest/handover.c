// SPDX-License-Identifier: GPL-2.0
/* Hand-overs between two processes of one CPU, each with a port: who has sent gives way to who is to answer. */
#define _GNU_SOURCE
#include "world.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	200
#define TRIES	10

static struct member *m[2];

/*
 * Sends each frame back, and sleeps until there is one. As a batch task it does not take the CPU when it is woken: it has to
 * be given it.
 */
static void answer(void)
{
	static const struct sched_param plain = { 0 };
	static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };
	uint8_t frame[SWG_FRAME];
	uint32_t count = 0;

	if (sched_setscheduler(0, SCHED_BATCH, &plain) || swg_open(&m[1]->port, m[1]->name) ||
	    swg_start(&m[1]->port, &options))
		_exit(1);
	for (;;)
		if (swg_receive(&m[1]->port, frame, sizeof(frame), 1000) > 0) {
			send_to(m[1], m[0]->mac, 60, count++, 0);
			swg_reap(&m[1]->port);
		}
}

static pid_t start_answering(void)
{
	static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };
	pid_t child;

	make_lan(m, 2, &options);
	swg_close(&m[1]->port);
	child = fork();
	if (!child)
		answer();
	return child;
}

static void hear(void)
{
	uint8_t frame[SWG_FRAME];
	int length;

	do
		length = swg_receive(&m[0]->port, frame, sizeof(frame), SOON);
	while (length > 0 && length != 60);
	ASSERT_EQ(length, 60);
}

/* How often the answer is there when the kick returns. */
static int converse(void)
{
	int there = 0;

	/* It may not be ready yet. */
	for (int i = 0; i < SOON; i++) {
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
		swg_wait_sent(&m[0]->port, SOON);
		if (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 10) > 0)
			break;
	}
	for (int i = 0; i < ROUNDS; i++) {
		while (swg_receive(&m[0]->port, (uint8_t[SWG_FRAME]){ 0 }, SWG_FRAME, 0) > 0)
			;
		ASSERT_EQ(send_to(m[0], m[1]->mac, 60, i, 0), 0);
		there += swg_used_any(&m[0]->port, SWG_RX);
		hear();
		swg_reap(&m[0]->port);
	}
	return there;
}

/* Where an answer took milliseconds, as on a host that is busy, hand-overs pause for a while: so there are some tries. */
TEST_WITHIN(a_sender_returns_when_the_answer_is_there, 120)
{
	pid_t child;
	int there = 0;

	keep_to_one_cpu();
	child = start_answering();
	for (int try = 0; try < TRIES && 2 * there < ROUNDS; try++)
		there = converse();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ktap_say("of %d answers %d were there when the kick returned", ROUNDS, there);
	EXPECT_GE(2 * there, ROUNDS);
}

/* On a CPU that a third one wants as well nobody is let in for long, and every answer comes. */
TEST(a_conversation_beside_others_goes_on)
{
	pid_t child, other;

	keep_to_one_cpu();
	child = start_answering();
	other = fork();
	if (!other)
		for (;;)
			;
	converse();
	kill(other, SIGKILL);
	kill(child, SIGKILL);
	waitpid(other, NULL, 0);
	waitpid(child, NULL, 0);
}

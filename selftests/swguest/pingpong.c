// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "pingpong.h"
#include "world.h"

/* Frames of the racers come in between. */
static int await_ball(struct ping_report *report, struct member *at, struct member *from, uint32_t round)
{
	static uint8_t frame[SWG_FRAME];
	double begun = swg_now();
	int length;

	for (;;) {
		length = swg_receive(&at->port, frame, sizeof(frame), 4 * SOON);
		if (length < 0)
			return length;
		if (length == 100 && frame_check(frame, length, at->mac, from->mac, round))
			break;
		report->foreign++;
		if (swg_now() - begun > 8 * SOON / 1e3)
			return -ETIMEDOUT;
	}
	if (swg_now() - begun > report->longest)
		report->longest = swg_now() - begun;
	return 0;
}

/* A throw is lost when the racers' broadcasts have filled the ring: only then it may be thrown again. */
static bool was_dropped(struct member *at)
{
	struct queztl_port_stats now;

	return !port_stats(at->name, &now) && now.drops[QUEZTL_DROP_FULL] > at->then.drops[QUEZTL_DROP_FULL];
}

void pingpong_run(struct ping_report *report, const char *const names[2], const int numbers[2])
{
	static struct member side[2];
	static const struct swg_options options = { .num = 1024, .features = F(VIRTIO_RING_F_EVENT_IDX) };
	uint32_t round = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(side[i].name, sizeof(side[i].name), "%s", names[i]);
		frame_mac(side[i].mac, numbers[i]);
		if (swg_open(&side[i].port, side[i].name) || swg_start(&side[i].port, &options)) {
			snprintf(report->why, sizeof(report->why), "cannot start");
			return;
		}
		port_stats(side[i].name, &side[i].then);
	}
	report->ready = true;
	while (!report->stop && !report->why[0]) {
		struct member *from = &side[round & 1], *to = &side[!(round & 1)];
		int r = send_to(from, to->mac, 100, round, 0);

		if (!r)
			r = await_ball(report, to, from, round);
		if (r == -ETIMEDOUT && was_dropped(to)) {
			port_stats(to->name, &to->then);
			continue;
		}
		if (r)
			snprintf(report->why, sizeof(report->why), "round %u, %s to %s: %s", round, from->name, to->name,
				 r == -ENOMSG ? "no interrupt" : strerror(-r));
		round++;
		report->rounds = round;
	}
	report->done = true;
}

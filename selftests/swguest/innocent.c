// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "innocent.h"
#include "frame.h"
#include "swguest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LENGTH 300

struct side {
	struct swg port;
	uint8_t mac[6];
	uint32_t sent, next;
};

static void note(struct innocent_report *report, uint64_t *count, const char *what, long detail)
{
	(*count)++;
	if (!report->why[0])
		snprintf(report->why, sizeof(report->why), "%s (%ld) after %llu frames", what, detail,
			 (unsigned long long)report->received);
}

/* A frame of somebody else's: the hostile port may send what it likes, from its own memory. */
static void look_at_foreign(struct innocent_report *report, const uint8_t *frame, int length, const uint8_t mac[6])
{
	report->foreign++;
	if (memmem(frame, length, INNOCENT_SECRET, 16))
		note(report, &report->leaked, "a frame holds memory its sender was never given", length);
	if (length < FRAME_HEADER || (memcmp(frame, mac, 6) && !(frame[0] & 1)))
		note(report, &report->damaged, "a frame for somebody else", length);
}

static void receive(struct innocent_report *report, struct side *to, struct side *from)
{
	static uint8_t frame[SWG_FRAME];
	int length;

	while (swg_used_any(&to->port, SWG_RX)) {
		uint32_t seed;

		length = swg_receive(&to->port, frame, sizeof(frame), 0);
		if (length < FRAME_HEADER) {
			note(report, &report->damaged, "the ring went wrong", length);
			return;
		}
		if (memcmp(frame + 6, from->mac, 6)) {
			look_at_foreign(report, frame, length, to->mac);
			continue;
		}
		seed = frame_seed(frame);
		if (length != LENGTH || !frame_check(frame, length, to->mac, from->mac, seed) || seed < to->next ||
		    seed >= from->sent) {
			note(report, &report->damaged, "a damaged frame", length);
			continue;
		}
		report->gaps += seed - to->next;
		report->received++;
		to->next = seed + 1;
	}
}

static void send_some(struct innocent_report *report, struct side *from, struct side *to)
{
	uint8_t frame[LENGTH];

	for (int i = 0; i < 4; i++) {
		int r;

		frame_make(frame, LENGTH, to->mac, from->mac, from->sent);
		r = swg_send(&from->port, NULL, frame, LENGTH, 0);
		if (r == -ENOSPC)
			break;
		if (r)
			note(report, &report->damaged, "the send ring went wrong", r);
		from->sent++;
		report->sent++;
	}
}

void innocent_run(struct innocent_report *report, const char *const names[2], const int numbers[2])
{
	static const struct swg_options options = { .num = 1024, .features = F(VIRTIO_RING_F_EVENT_IDX) };
	static struct side side[2];

	for (int i = 0; i < 2; i++) {
		frame_mac(side[i].mac, numbers[i]);
		if (swg_open(&side[i].port, names[i]) || swg_start(&side[i].port, &options)) {
			note(report, &report->failed, "cannot start", i);
			report->done = true;
			return;
		}
	}
	report->ready = true;
	while (!report->stop) {
		for (int i = 0; i < 2; i++)
			send_some(report, &side[i], &side[!i]);
		usleep(2000);
		for (int i = 0; i < 2; i++)
			receive(report, &side[i], &side[!i]);
		for (int i = 0; i < 2; i++)
			if (swg_get_status(&side[i].port) & VIRTIO_CONFIG_S_NEEDS_RESET)
				note(report, &report->failed, "an innocent port was broken", i);
	}
	for (int i = 0; i < 2; i++)
		if (swg_wait_sent(&side[i].port, 5000))
			note(report, &report->failed, "sending got stuck", i);
	usleep(100000);
	for (int i = 0; i < 2; i++) {
		receive(report, &side[i], &side[!i]);
		report->gaps += side[!i].sent - side[i].next;
	}
	report->done = true;
}

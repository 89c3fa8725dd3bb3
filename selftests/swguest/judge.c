// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "judge.h"
#include "races.h"
#include "world.h"

void judge_innocent(const struct innocent_report *report)
{
	uint64_t full = 0, others = 0;

	for (int i = GOOD_A; i <= GOOD_B; i++) {
		struct queztl_port_stats stats;

		ASSERT_EQ(port_stats(names[i], &stats), 0);
		full += stats.drops[QUEZTL_DROP_FULL];
		/* before both were up, and after the first had gone */
		for (int reason = 0; reason < QUEZTL_DROP_ROOM; reason++)
			others += reason == QUEZTL_DROP_FULL || reason == QUEZTL_DROP_DOWN ? 0 : stats.drops[reason];
	}
	ktap_say("innocent pair: sent %llu, received %llu, lost %llu, receiver full %llu, from others %llu",
		 (unsigned long long)report->sent, (unsigned long long)report->received,
		 (unsigned long long)report->gaps, (unsigned long long)full, (unsigned long long)report->foreign);
	KTAP_CHECK(!report->why[0], false, "innocent pair: %s", report->why);
	EXPECT(report->done);
	EXPECT_GE(report->received, 100);
	EXPECT_LE(report->gaps, full);
	EXPECT_EQ(others, 0);
}

void judge_ping(const struct ping_report *report)
{
	ktap_say("ping-pong: %llu rounds, %llu frames of others, longest %.1f ms", (unsigned long long)report->rounds,
		 (unsigned long long)report->foreign, report->longest * 1e3);
	KTAP_CHECK(!report->why[0], false, "ping-pong: %s", report->why);
	EXPECT(report->done);
	EXPECT_GE(report->rounds, 50);
}

void judge_racers(const struct racer_report *reports)
{
	struct racer_report sum = { 0 };

	for (int i = 0; i < RACERS; i++) {
		const struct racer_report *one = &reports[i];

		KTAP_CHECK(!one->why[0], false, "%s: %s", names[RACER + i], one->why);
		for (int op = 0; op < RACER_OPS; op++) {
			sum.done[op] += one->done[op];
			sum.kicks_during[op] += one->kicks_during[op];
		}
		sum.broken += one->broken;
		sum.confused += one->confused;
	}
	ktap_say("%llu listings, %llu deletions of a fabric refused, %llu fabrics come and gone, %llu bindings, %llu rulings, "
		 "%llu broken, %llu confused", (unsigned long long)did.listings, (unsigned long long)did.refused,
		 (unsigned long long)did.flights, (unsigned long long)did.bindings, (unsigned long long)did.rulings,
		 (unsigned long long)sum.broken, (unsigned long long)sum.confused);
	for (int op = RACER_RESET; op < RACER_OPS; op++)
		ktap_say("%-20s %8llu times, %8llu kicks inside", racer_op_names[op], (unsigned long long)sum.done[op],
			 (unsigned long long)sum.kicks_during[op]);
	for (int op = RACER_RESET; op < RACER_VM; op++)
		EXPECT_GE(sum.done[op], 1);
	EXPECT_GE(sum.kicks_during[RACER_RESET] + sum.kicks_during[RACER_RESTART], 1);
	EXPECT_GE(sum.kicks_during[RACER_UNMAP] + sum.kicks_during[RACER_REMAP], 1);
	EXPECT_GE(did.kills, 1);
}

void judge_ports(void)
{
	static struct member racer[RACERS];

	for (int i = 0; i < RACERS; i++) {
		snprintf(racer[i].name, sizeof(racer[i].name), "%s", names[RACER + i]);
		frame_mac(racer[i].mac, RACER + i + 1);
		ASSERT_EQ(swg_open(&racer[i].port, racer[i].name), 0);
		start(&racer[i], NULL);
	}
	for (int i = 0; i < RACERS; i++)
		expect_pair_works(&racer[i], &racer[(i + 1) % RACERS], 2 * i);
	for (int i = 0; i < RACERS; i++)
		swg_close(&racer[i].port);
}

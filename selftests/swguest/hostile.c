// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that writes nonsense into its rings, millions of times, beside innocent ones that must not notice.
 *
 *	hostile [--seed N] [--count N] [--seconds N]
 *
 * Two hostile ports of one process send to each other (so that receive rings are spoiled as well) and to an innocent pair
 * of the same fabric; another pair talks on another fabric. Prints KTAP.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "fabric.h"
#include "frame.h"
#include "innocent.h"
#include "ktap.h"
#include "meddler.h"
#include "mutate.h"

#include <pthread.h>

#define CHAINS		64	/* in a ring before a kick */
#define PAGE		4096
#define MEDDLE_US	600000	/* between changes, at most: each is a grace period, in which no ring is set up */

enum { HOSTILE, SINK, GOOD_A, GOOD_B, FAR_A, FAR_B, PORTS };
static const char *const names[PORTS] = { "qth0", "qth1", "qtg0", "qtg1", "qtf0", "qtf1" };

static struct {
	uint64_t seed, count;
	int seconds;
} wanted = { .seed = 1, .count = 1000000, .seconds = 600 };

static struct swg port[2];
static struct mutator mutator[2];
static uint8_t *canary[2];		/* a page before and one behind each one's memory */
static struct innocent_report *reports;
static uint16_t base[2][SWG_RINGS];	/* where the device was at the last look */
static uint64_t written, met, kicks, resets, broken;	/* met: of those written, the device came as far as this */

/* ---- the stage ---- */

static void make_ports(void)
{
	ASSERT_EQ(fabric_add("qtlan", NULL), 0);
	ASSERT_EQ(fabric_add("qtfar", NULL), 0);
	for (int i = 0; i < PORTS; i++) {
		__u8 mac[6];

		frame_mac(mac, i + 1);
		ASSERT_EQ(port_add(names[i], i >= FAR_A ? "qtfar" : "qtlan", mac, 0), 0);
	}
}

static void fill_with(uint8_t *at, size_t size, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < size; i++)
		at[i] = text[i % length];
}

static bool filled_with(const uint8_t *at, size_t size, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (at[i] != (uint8_t)text[i % length])
			return false;
	return true;
}

/* Memory with pages around it that no device was given. */
static void open_hostile(int index)
{
	struct swg *self = &port[index];

	ASSERT_EQ(swg_open(self, names[index]), 0);
	canary[index] = mmap(self->memory - 64 * PAGE, 64 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT(canary[index] != MAP_FAILED);
	fill_with(canary[index], 64 * PAGE, INNOCENT_SECRET);
	/* the last part of its memory is not mapped for the device either */
	self->size -= 64 * PAGE;
	fill_with(self->memory + self->size, 64 * PAGE, INNOCENT_SECRET);
	self->slot = 2048;
	ASSERT_EQ(swg_map_all(self, true), 0);
	mutator[index].port = self;
	mutator[index].state = wanted.seed * 2 + index + 1;
	frame_mac(mutator[index].own, index + 1);
}

static bool canaries_live(int index)
{
	return filled_with(canary[index], 64 * PAGE, INNOCENT_SECRET) &&
	       filled_with(port[index].memory + port[index].size, 64 * PAGE, INNOCENT_SECRET);
}

static pid_t start_pair(int first)
{
	pid_t child = fork();
	double end = swg_now() + 20;

	if (!child) {
		const char *const pair[2] = { names[first], names[first + 1] };

		innocent_run(&reports[first / 2], pair, (const int[]){ first + 1, first + 2 });
		_exit(0);
	}
	while (!reports[first / 2].ready && !reports[first / 2].done && swg_now() < end)
		usleep(1000);
	ASSERT(reports[first / 2].ready);
	return child;
}

/* ---- the crime ---- */

static void aim(int index)
{
	static const int targets[] = { SINK, HOSTILE, GOOD_A, GOOD_B, FAR_A };
	int target = mutate_random(&mutator[index], 16);

	frame_mac(mutator[index].other, target < 5 ? targets[target] + 1 : (index ? HOSTILE : SINK) + 1);
}

/* How far the device has read, by its own account, for which it stops: the rings may lie. False: no further. */
static bool count_met(int index)
{
	uint64_t before = met;

	for (int i = 0; i < SWG_RINGS; i++) {
		uint16_t now = swg_get_base(&port[index], i);

		swg_enable(&port[index], i, 1);
		met += (uint16_t)(now - base[index][i]) <= SWG_MAX_RING ? (uint16_t)(now - base[index][i]) : 0;
		base[index][i] = now;
	}
	return met != before;
}

static void spoil(int index, int which)
{
	struct swg_ring *ring = &port[index].ring[which];
	int room = ring->num - (uint16_t)(ring->next - base[index][which]);

	for (int i = 0; i < room && i < CHAINS; i++) {
		mutate_chain(&mutator[index], which);
		written++;
	}
	__atomic_store_n(&ring->avail->idx, ring->next, __ATOMIC_RELEASE);
	if (!mutate_random(&mutator[index], 12)) {
		mutate_ring(&mutator[index], which);
		written++;
		met++;
	}
}

static void start_again(int index)
{
	mutate_setup(&mutator[index]);
	port[index].slot = 2048;
	for (int i = 0; i < SWG_RINGS; i++)
		base[index][i] = port[index].ring[i].next;
	resets++;
}

/* One port's turn: rings filled, kicked; all over when that broke it, and now and then for nothing. */
static void one_turn(int index)
{
	struct swg *self = &port[index];
	int status;
	bool moved;

	aim(index);
	spoil(index, SWG_RX);
	spoil(index, SWG_TX);
	spoil(index, SWG_CTRL);
	swg_kick(self, SWG_TX);
	swg_kick(self, SWG_CTRL);
	kicks++;
	moved = count_met(index);
	status = swg_get_status(self);
	if (status & VIRTIO_CONFIG_S_NEEDS_RESET) {
		broken++;
		met++;		/* the chain that did it */
	}
	if (!status || status & VIRTIO_CONFIG_S_NEEDS_RESET || !mutate_random(&mutator[index], moved ? 256 : 4))
		start_again(index);
}

static volatile bool swapping;

/* Maps come and go, whole and in part, while packets fly: only sometimes, each costs the device a grace period. */
static void *swap_maps(void *argument)
{
	struct mutator own = { .state = wanted.seed + 77 };
	int *swaps = argument;

	while (swapping) {
		struct swg *self = &port[mutate_random(&own, 2)];
		uint32_t hole = PAGE * mutate_random(&own, self->size / PAGE - 1);

		swg_iotlb(self, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0);
		swg_iotlb(self, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0);
		if (mutate_random(&own, 4)) {
			swg_iotlb(self, VHOST_IOTLB_UPDATE, self->base, self->memory, hole ? hole : PAGE,
				  1 + mutate_random(&own, 3));
			swg_iotlb(self, VHOST_IOTLB_UPDATE, self->base + hole + PAGE, self->memory + hole + PAGE,
				  self->size - hole - PAGE, VHOST_ACCESS_RW);
		}
		swg_iotlb(self, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0);
		usleep(mutate_random(&own, 20000));
		swg_map_all(self, mutate_random(&own, 2));
		++*swaps;
		usleep(300000);
	}
	return NULL;
}

/* Commands and frames change while they are read: whoever looks twice sees two things. */
static void *scribble(void *argument)
{
	struct mutator own = { .state = wanted.seed + 55 };
	uint64_t *scribbles = argument;

	while (swapping) {
		struct swg *self = &port[mutate_random(&own, 2)];
		uint8_t *at = self->memory + SWG_BUFFERS + mutate_random(&own, self->size - SWG_BUFFERS - 64);

		for (int i = 0; i < 200; i++)
			((volatile uint8_t *)at)[mutate_random(&own, 64)] ^= 1 << mutate_random(&own, 8);
		++*scribbles;
		usleep(1000);
	}
	return NULL;
}

/* VLANs, addresses and links of the hostile ones, under load. */
static void *administrate(void *unused)
{
	struct mutator own = { .state = wanted.seed + 66 };

	while (swapping) {
		meddle(&own, names[mutate_random(&own, 2)]);
		usleep(mutate_random(&own, MEDDLE_US));
	}
	for (int i = 0; i < 2; i++)
		meddle_undo(names[i]);
	return unused;
}

/* Resets while the other thread fills and kicks. */
static void *reset_in_flight(void *argument)
{
	int *count = argument;

	while (swapping) {
		usleep(50000);
		swg_set_status(&port[*count % 2], 0);
		++*count;
	}
	return NULL;
}

static void commit_crimes(void)
{
	double begun = swg_now(), told = begun;
	int swaps = 0, flights = 0;
	uint64_t scribbles = 0;
	pthread_t threads[4];

	swapping = true;
	ASSERT_EQ(pthread_create(&threads[0], NULL, swap_maps, &swaps), 0);
	ASSERT_EQ(pthread_create(&threads[1], NULL, reset_in_flight, &flights), 0);
	ASSERT_EQ(pthread_create(&threads[2], NULL, scribble, &scribbles), 0);
	ASSERT_EQ(pthread_create(&threads[3], NULL, administrate, NULL), 0);
	readers_start(2, MEDDLE_US, names, PORTS, wanted.seed);
	for (int i = 0; i < 2; i++)
		start_again(i);
	while (met < wanted.count && swg_now() - begun < wanted.seconds) {
		for (int i = 0; i < 2; i++)
			one_turn(i);
		if (swg_now() - told > 5) {
			told = swg_now();
			ktap_say("%llu mutations, %llu resets, %llu broken, %.0f mutations/s; innocent %llu and %llu frames",
				 (unsigned long long)met, (unsigned long long)resets, (unsigned long long)broken,
				 met / (told - begun), (unsigned long long)reports[GOOD_A / 2].received,
				 (unsigned long long)reports[FAR_A / 2].received);
			for (int i = 0; i < 2; i++)
				ASSERT(canaries_live(i));
		}
	}
	swapping = false;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	readers_end();
	meddle_tell();
	ktap_say("seed %llu: %llu mutations met (%llu written), %llu kicks, %llu resets, %llu broken, %d map swaps, "
		 "%d resets in flight, %llu scribbles, %.1f s, %.0f mutations/s", (unsigned long long)wanted.seed,
		 (unsigned long long)met, (unsigned long long)written, (unsigned long long)kicks,
		 (unsigned long long)resets, (unsigned long long)broken, swaps, flights,
		 (unsigned long long)scribbles, swg_now() - begun,
		 met / (swg_now() - begun));
	EXPECT_GE(met, wanted.count < 1000 ? wanted.count : 1000);
}

/* ---- the judgement ---- */

static void judge_pair(int first)
{
	struct innocent_report *report = &reports[first / 2];
	uint64_t full = 0, others = 0;

	for (int i = first; i < first + 2; i++) {
		struct queztl_port_stats stats;

		ASSERT_EQ(port_stats(names[i], &stats), 0);
		full += stats.drops[QUEZTL_DROP_FULL];
		/* before both were up, and after the first had gone */
		for (int reason = 0; reason < QUEZTL_DROP_ROOM; reason++)
			others += reason == QUEZTL_DROP_FULL || reason == QUEZTL_DROP_DOWN ? 0 : stats.drops[reason];
	}
	ktap_say("%s and %s: sent %llu, received %llu, lost %llu, receiver full %llu, from others %llu", names[first],
		 names[first + 1], (unsigned long long)report->sent, (unsigned long long)report->received,
		 (unsigned long long)report->gaps, (unsigned long long)full, (unsigned long long)report->foreign);
	KTAP_CHECK(!report->why[0], false, "%s: %s", names[first], report->why);
	EXPECT(report->done);
	EXPECT_GE(report->received, 100);
	EXPECT_LE(report->gaps, full);
	EXPECT_EQ(others, 0);
}

static void expect_port_is_usable(int index, int peer)
{
	static const struct swg_options options = { 0 };
	uint8_t frame[SWG_FRAME], from[6], to[6];

	ASSERT_EQ(swg_reset(&port[index]), 0);
	ASSERT_EQ(swg_start(&port[index], &options), 0);
	ASSERT_EQ(swg_reset(&port[peer]), 0);
	ASSERT_EQ(swg_start(&port[peer], &options), 0);
	frame_mac(from, index + 1);
	frame_mac(to, peer + 1);
	frame_make(frame, 100, to, from, 1);
	ASSERT_EQ(swg_send(&port[index], NULL, frame, 100, 0), 0);
	ASSERT_EQ(swg_receive(&port[peer], frame, sizeof(frame), 3000), 100);
	EXPECT(frame_check(frame, 100, to, from, 1));
}

static void end_pair(pid_t child, int first)
{
	reports[first / 2].stop = true;
	waitpid(child, NULL, 0);
	EXPECT(reports[first / 2].done);
}

TEST_WITHIN(nobody_notices_a_hostile_guest, 1 << 20)
{
	pid_t pairs[2];

	reports = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make_ports();
	pairs[0] = start_pair(GOOD_A);
	pairs[1] = start_pair(FAR_A);
	for (int i = 0; i < 2; i++)
		open_hostile(i);
	commit_crimes();
	for (int i = 0; i < 2; i++) {
		EXPECT(canaries_live(i));
		swg_set_status(&port[i], 0);
	}
	end_pair(pairs[0], GOOD_A);
	end_pair(pairs[1], FAR_A);
	judge_pair(GOOD_A);
	judge_pair(FAR_A);
	EXPECT_EQ(reports[FAR_A / 2].foreign, 0);
	EXPECT_EQ(reports[FAR_A / 2].gaps, 0);
	EXPECT_GE(broken, 1);
	EXPECT_GE(reports[GOOD_A / 2].foreign, 1);	/* else nothing hostile ever got anywhere */
	expect_port_is_usable(HOSTILE, SINK);
	expect_port_is_usable(SINK, HOSTILE);
}

static void parse(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			wanted.seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--count"))
			wanted.count = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seconds"))
			wanted.seconds = atoi(argv[i + 1]);
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	fabric_sweep();
	return ktap_run(1, argv, fabric_sweep);
}

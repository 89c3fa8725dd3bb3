// SPDX-License-Identifier: GPL-2.0
/*
 * For how long a hostile guest can keep a CPU from others. While an attack goes on:
 *
 *	gate	how long the fabric was in sections with softirqs or preemption off, by qz_sections.ko
 *	late	how late a thread of the highest priority (SCHED_FIFO, 99) wakes up, each millisecond
 *	trip	round trips of two innocent guests, from when they are due, PAUSE apart
 *
 * The attackers, the thread and the innocent have CPU 0; a second attacker has CPU 1. Each VM has a cgroup of its own, as with
 * libvirt: an attacker's workers take from its own share.
 */
#define _GNU_SOURCE
#include "attackers.h"
#include "cgroup.h"
#include "report.h"
#include "testmod.h"
#include "vdpanl.h"

#define SECTIONS	"/sys/kernel/debug/qz_sections"
#define ROOM		200000	/* samples of a kind */
#define PAUSE		2000000	/* ns */
#define PERIOD		1000000	/* ns, of the thread that watches */
#define PLAIN		20	/* writes to an eventfd */
#define MINUTE		60000

static struct {
	volatile int innocent_ready, ready[2], go, measure;
	volatile int trips, lates;
	volatile uint64_t steps, plain[PLAIN];
	volatile uint64_t trip[ROOM], late[ROOM];
} *shared;
static struct member *x, *y;
static const struct attack *attack;

/* ---- who is innocent, and who watches ---- */

static void run_y(void)
{
	static uint8_t frame[SWG_FRAME];
	uint32_t seed = 0;

	pin(0);
	ASSERT(join_cgroup("y"));
	ASSERT_EQ(swg_open(&y->port, y->name), 0);
	ASSERT_EQ(swg_start(&y->port, &(struct swg_options){ .num = 1024 }), 0);
	shared->innocent_ready = 1;
	for (;;)
		if (swg_receive(&y->port, frame, sizeof(frame), SOON) > 0 && !memcmp(frame + 6, x->mac, 6))
			ASSERT_EQ(send_to(y, x->mac, 60, seed++, 0), 0);
}

/* What attackers flood is no answer. */
static void await_answer(void)
{
	static uint8_t frame[SWG_FRAME];
	int got;

	do
		got = swg_receive(&x->port, frame, sizeof(frame), SOON);
	while (got > 0 && memcmp(frame + 6, y->mac, 6));
	ASSERT_EQ(got, 60);
}

/* Sleep so long. Returns when the sleep was to end. */
static uint64_t sleep_for(uint64_t ns)
{
	uint64_t due = now_ns() + ns;
	struct timespec then = { .tv_sec = due / 1000000000, .tv_nsec = due % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL))
		;
	return due;
}

static void run_x(void)
{
	uint64_t due;

	pin(0);
	ASSERT(join_cgroup("x"));
	ASSERT_EQ(swg_open(&x->port, x->name), 0);
	ASSERT_EQ(swg_start(&x->port, &(struct swg_options){ 0 }), 0);
	for (uint32_t seed = 0;; seed++) {
		due = sleep_for(PAUSE);
		ASSERT_EQ(send_to(x, y->mac, 60, seed, 0), 0);
		await_answer();
		if (shared->measure && shared->trips < ROOM)
			shared->trip[shared->trips++] = now_ns() - due;
	}
}

static void watch(void)
{
	uint64_t due, now;

	pin(0);
	be_real_time(99);
	for (;;) {
		due = sleep_for(PERIOD);
		now = now_ns();
		if (shared->measure && shared->lates < ROOM)
			shared->late[shared->lates++] = now - due;
	}
}

/* ---- who attacks ---- */

static void attack_as(int index)
{
	struct member *sender = attack->many ? stage.many_sender : stage.sender[index];

	pin(index);
	ASSERT(join_cgroup(index ? "second" : "first"));
	attack->begin(sender);
	shared->ready[index] = 1;
	while (!shared->go)
		usleep(1000);
	for (;; shared->steps += !index)
		attack->step(sender);
}

static void run_first(void)
{
	attack_as(0);
}

static void run_second(void)
{
	attack_as(1);
}

static uint64_t drops_of(const struct queztl_port_stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < QUEZTL_DROP_ROOM; i++)
		sum += stats->drops[i];
	return sum;
}

/* ---- measuring ---- */

static void copy_sections(void)
{
	FILE *file = fopen(SECTIONS, "r");
	char line[256], name[32], by[128];
	unsigned long long count, longest;
	bool first = true;

	ASSERT(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%31[a-z] %llu %llu %127s", name, &count, &longest, by) == 4) {
			fprintf(report_file(), ", \"%s\": {\"n\": %llu, \"max\": %llu, \"by\": \"%s\", \"us\": [", name, count,
				longest, by);
			first = true;
		} else if (line[0] == '.') {
			fprintf(report_file(), "]}");
		} else {
			line[strcspn(line, "\n")] = 0;
			*strchr(line, ' ') = ',';
			fprintf(report_file(), "%s[%s]", first ? "" : ", ", line);
			first = false;
		}
	}
	fclose(file);
}

static void wait_for(volatile int *flag, int seconds)
{
	for (double end = swg_now() + seconds; !*flag && swg_now() < end; usleep(10000))
		;
	ASSERT(*flag);
}

static void measure(int ms)
{
	struct member *sender = attack->many ? stage.many_sender : stage.sender[0];
	struct queztl_port_stats before = member_stats(sender), after;
	int plain = 0;

	shared->trips = shared->lates = shared->steps = 0;
	ASSERT_EQ(write_text(SECTIONS, "0"), 0);
	shared->go = shared->measure = 1;
	usleep(ms * 1000);
	shared->measure = 0;
	report_begin("atomic", attack->name);
	copy_sections();
	after = member_stats(sender);
	report_number("ms", ms);
	report_number("steps", shared->steps);
	report_number("sent", after.tx_packets - before.tx_packets);
	report_number("dropped", drops_of(&after) - drops_of(&before));
	report_times("trip", shared->trip, shared->trips);
	report_times("late", shared->late, shared->lates);
	for (int i = 0; i < PLAIN; i++)
		plain += !!shared->plain[i];
	report_times("plain", shared->plain, plain);
	report_end();
}

static void make_many(int count)
{
	stage.many = calloc(count, sizeof(*stage.many));
	stage.many_count = count;
	for (int i = 0; i < count; i++) {
		struct member *member = calloc(1, sizeof(*member));

		snprintf(member->name, sizeof(member->name), FABRIC_PREFIX "m%d", i);
		frame_mac(member->mac, 1000 + i);
		vdpanl_prepare_add(member->name, "qtmany", member->mac);
		ASSERT_EQ(vdpanl_send(), 0);
		ASSERT_EQ(vdpanl_answer(), 0);
		ASSERT_EQ(port_bind(member->name, "vhost_vdpa"), 0);
		stage.many[i] = member;
	}
}

static void run_attack(const struct attack *next, int ms)
{
	pid_t tenant[2] = { 0 };

	attack = next;
	shared->ready[0] = shared->ready[1] = shared->go = 0;
	memset((void *)shared->plain, 0, sizeof(shared->plain));
	for (int i = 0; i < 1 + next->twice; i++) {
		tenant[i] = fork_tenant(i ? run_second : run_first);
		wait_for(&shared->ready[i], 300);
	}
	measure(ms);
	for (int i = 0; i < 1 + next->twice; i++) {
		kill(tenant[i], SIGKILL);
		EXPECT_EQ(wait_gone(tenant[i], 2 * MINUTE), 0);
	}
	usleep(500000);		/* its ports are free */
}

static void load_sections(void)
{
	char line[256], options[64];
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long address = 0, found;
	char name[128];

	ASSERT(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx %*c %127s [queztl]", &found, name) == 2 && !strcmp(name, "qz_gate") &&
		    strstr(line, "[queztl]"))
			address = found;
	fclose(file);
	ASSERT(address);
	snprintf(options, sizeof(options), "gate=0x%lx", address);
	if (!testmod_load("qz_sections", options))
		SKIP("no qz_sections.ko in QZ_USER_TEST_MODULES: make test-modules");
}

TEST_WITHIN(atomic, 3000)
{
	int ms = option("QZ_USER_MS", 4000), count = option("QZ_USER_PORTS", 1000);
	const char *only = getenv("QZ_USER_ATTACK");
	double begun;

	load_sections();
	shared = share(sizeof(*shared));
	stage.plain_writes = shared->plain;
	stage.plain_count = PLAIN;
	make_fabric("qtlan");
	make_fabric("qtmany");
	stage.innocent = y = make_member("qtlan", 1, 0);
	x = make_member("qtlan", 2, 0);
	stage.sink = make_member("qtlan", 3, 0);
	stage.sender[0] = make_member("qtlan", 4, 0);
	stage.sender[1] = make_member("qtlan", 5, 0);
	stage.many_sender = make_member("qtmany", 6, 0);
	begun = swg_now();
	ASSERT_EQ(vdpanl_open(), 0);
	make_many(count);
	ktap_say("%d ports in %.1f s", count, swg_now() - begun);
	fork_tenant(run_y);
	await(&shared->innocent_ready);
	fork_tenant(run_x);
	fork_tenant(watch);
	usleep(500000);
	for (int i = 0; i < attack_count; i++) {
		if (only && !strstr(attacks[i].name, only))
			continue;
		begun = swg_now();
		run_attack(&attacks[i], ms);
		ktap_say("%s: %.1f s", attacks[i].name, swg_now() - begun);
	}
}

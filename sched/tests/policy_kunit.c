// SPDX-License-Identifier: GPL-2.0
/* The scheduling policy, step by step; sched/sim/check has its properties. */

#include <kunit/test.h>

#include "../policy.c"
#include "../waits.h"

#define MS	((u64)NSEC_PER_MSEC)

static const struct qz_policy policy = QZ_POLICY_DEFAULT;

struct machine {
	atomic64_t clock;
	struct qz_flow a, b;
	struct qz_thread a0, a1, b0;
};

static void begin(struct machine *m, u32 weight_a, u32 weight_b)
{
	*m = (struct machine){
		.a0.turn = QZ_SCHED_START, .a1.turn = QZ_SCHED_START,
		.b0.turn = QZ_SCHED_START,
	};
	atomic64_set(&m->clock, QZ_SCHED_START);
	qz_flow_init(&policy, &m->a, QZ_SCHED_START, weight_a);
	qz_flow_init(&policy, &m->b, QZ_SCHED_START, weight_b);
	atomic64_set(&m->a.tag, QZ_SCHED_START);
	atomic64_set(&m->b.tag, QZ_SCHED_START);
}

static s64 behind(struct machine *m, const struct qz_flow *flow)
{
	return atomic64_read(&m->clock) - qz_flow_tag(flow);
}

static void stop(struct machine *m, struct qz_flow *flow,
		 struct qz_thread *thread, u64 ns)
{
	qz_thread_stop(flow, thread, ns, atomic64_read(&m->clock));
}

/* It is next, and begins a slice. */
static void start(struct machine *m, struct qz_flow *flow,
		  struct qz_thread *thread)
{
	qz_clock_advance(&m->clock, flow);
	qz_thread_start(&policy, flow, thread, policy.slice,
			atomic64_read(&m->clock));
}

static void run(struct machine *m, struct qz_flow *flow,
		struct qz_thread *thread, u64 ns)
{
	start(m, flow, thread);
	stop(m, flow, thread, ns);
}

static void time_is_charged_by_weight(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 400);
	run(&m, &m.a, &m.a0, 4 * MS);
	run(&m, &m.b, &m.b0, 4 * MS);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.a) - QZ_SCHED_START, 4 * MS);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.b) - QZ_SCHED_START, MS);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.a.used), 4 * MS);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.b.used), 4 * MS);
}

static void a_weight_counts_per_vcpu_if_asked(struct kunit *test)
{
	struct qz_policy each = policy;

	KUNIT_EXPECT_EQ(test, qz_policy_weight(&policy, 200, 0), 200);
	KUNIT_EXPECT_EQ(test, qz_policy_weight(&policy, 200, 3), 200);
	each.per_vcpu = true;
	KUNIT_EXPECT_EQ(test, qz_policy_weight(&each, 200, 0), 200);
	KUNIT_EXPECT_EQ(test, qz_policy_weight(&each, 200, 1), 200);
	KUNIT_EXPECT_EQ(test, qz_policy_weight(&each, 200, 3), 600);
	KUNIT_EXPECT_EQ(test, qz_policy_weight(&each, 10000, ~0u), QZ_SCHED_HEAVIEST);
}

/* As a VM's weight does that has vCPUs now and then. */
static void a_change_of_weight_gives_nothing(struct kunit *test)
{
	struct machine m;
	int i;

	begin(&m, 100, 100);
	for (i = 0; i < 10; i++) {
		m.a.weight = 1000;
		start(&m, &m.a, &m.a0);
		m.a.weight = 100;
		stop(&m, &m.a, &m.a0, MS);
	}
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.a) - QZ_SCHED_START, 10 * MS);
}

static void a_slice_is_charged_ahead_and_comes_back(struct kunit *test)
{
	struct machine m;

	begin(&m, 200, 100);
	start(&m, &m.a, &m.a0);
	start(&m, &m.a, &m.a1);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.a) - QZ_SCHED_START, 3 * MS);
	stop(&m, &m.a, &m.a0, 0);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.a) - QZ_SCHED_START, 3 * MS / 2);
	stop(&m, &m.a, &m.a1, 5 * MS);	/* and more than that */
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.a) - QZ_SCHED_START, 5 * MS / 2);
	KUNIT_EXPECT_EQ(test, m.a0.turn, QZ_SCHED_START);
	KUNIT_EXPECT_EQ(test, m.a1.turn, QZ_SCHED_START + 5 * MS);
}

static void the_clock_never_goes_back(struct kunit *test)
{
	struct machine m;
	u64 last;

	begin(&m, 100, 1);
	run(&m, &m.b, &m.b0, 4 * MS);	/* 400 ms as a tag */
	run(&m, &m.b, &m.b0, 4 * MS);
	last = atomic64_read(&m.clock);
	run(&m, &m.a, &m.a0, 4 * MS);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.clock), last);
}

static void sleep_gives_credit_up_to_a_limit(struct kunit *test)
{
	struct machine m;
	int i;

	begin(&m, 100, 200);
	for (i = 0; i < 100; i++)
		run(&m, &m.a, &m.a0, 4 * MS);
	qz_flow_wake(&policy, &m.b, atomic64_read(&m.clock));
	KUNIT_EXPECT_EQ(test, behind(&m, &m.b), (s64)policy.credit / 2);
	qz_flow_wake(&policy, &m.b, atomic64_read(&m.clock));
	KUNIT_EXPECT_EQ(test, behind(&m, &m.b), (s64)policy.credit / 2);
}

static void sleep_does_not_pay_a_debt(struct kunit *test)
{
	struct machine m;
	s64 debt;

	begin(&m, 100, 100);
	run(&m, &m.a, &m.a0, 50 * MS);
	debt = behind(&m, &m.a);
	qz_flow_wake(&policy, &m.a, atomic64_read(&m.clock));
	KUNIT_EXPECT_EQ(test, behind(&m, &m.a), debt);
	KUNIT_EXPECT_LT(test, debt, 0);
}

static void who_can_use_no_more_saves_nothing(struct kunit *test)
{
	struct machine m;
	int i;

	begin(&m, 10000, 100);
	for (i = 0; i < 1000; i++) {
		run(&m, &m.a, &m.a0, 4 * MS);
		run(&m, &m.b, &m.b0, 4 * MS);
	}
	/* and the clock has advanced by what b has run since */
	KUNIT_EXPECT_LE(test, behind(&m, &m.a),
			(s64)(qz_flow_weigh(&m.a, policy.credit) + 4 * MS));
}

static void threads_take_turns(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 100);
	run(&m, &m.a, &m.a0, 100 * MS);
	run(&m, &m.a, &m.a0, 4 * MS);
	qz_thread_wake(&policy, &m.a, &m.a1);
	KUNIT_EXPECT_EQ(test, m.a1.turn,
			QZ_SCHED_START + 100 * MS - policy.credit);
	KUNIT_EXPECT_TRUE(test, qz_sched_before(m.a1.turn, m.a0.turn));
}

/* When a has run so long of a slice of 3 ms. */
static bool b_preempts_a(struct machine *m, u64 ran)
{
	return qz_flow_preempts(&policy, &m->b, true,
				qz_flow_reached(&m->a, 3 * MS, ran, 0), 0);
}

static void who_is_behind_preempts(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 100);
	start(&m, &m.a, &m.a0);
	KUNIT_EXPECT_FALSE(test, b_preempts_a(&m, 0));
	KUNIT_EXPECT_FALSE(test, b_preempts_a(&m, policy.margin));
	KUNIT_EXPECT_TRUE(test, b_preempts_a(&m, policy.margin + 1));
	KUNIT_EXPECT_EQ(test, qz_flow_reached(&m.a, 3 * MS, 100 * MS, 0),
			qz_flow_tag(&m.a));
}

static bool a1_preempts_a0(const struct machine *m, u64 ran)
{
	return qz_thread_preempts(&policy, &m->a1, m->a0.turn, m->a0.slice, ran);
}

/* Two that wake each other take turns by slices; one that mostly sleeps need not wait. */
static void a_sibling_preempts_if_a_slice_behind(struct kunit *test)
{
	struct machine m;
	int i;

	begin(&m, 100, 100);
	run(&m, &m.a, &m.a0, 2 * MS);
	start(&m, &m.a, &m.a0);
	KUNIT_EXPECT_FALSE(test, a1_preempts_a0(&m, policy.slice - 2 * MS));
	KUNIT_EXPECT_TRUE(test, a1_preempts_a0(&m, policy.slice - 2 * MS + 1));
	stop(&m, &m.a, &m.a0, policy.slice);
	for (i = 0; i < 10; i++)
		run(&m, &m.a, &m.a0, policy.slice);
	qz_thread_wake(&policy, &m.a, &m.a1);
	start(&m, &m.a, &m.a0);
	KUNIT_EXPECT_TRUE(test, a1_preempts_a0(&m, 0));
}

static void loans_are_limited(struct kunit *test)
{
	struct machine m;
	u64 clock;

	begin(&m, 100, 100);
	clock = atomic64_read(&m.clock);
	atomic64_set(&m.b.tag, clock + policy.loan - 1);
	KUNIT_EXPECT_TRUE(test, qz_flow_may_borrow(&policy, &m.b, clock));
	atomic64_set(&m.b.tag, clock + policy.loan);
	KUNIT_EXPECT_FALSE(test, qz_flow_may_borrow(&policy, &m.b, clock));
}

/* Two that let each other in would keep all others out. */
static void loans_do_not_move_the_clock(struct kunit *test)
{
	struct machine m;
	u64 clock;
	int i;

	begin(&m, 100, 100);
	clock = atomic64_read(&m.clock);
	for (i = 0; qz_flow_may_borrow(&policy, &m.b, clock) && i < 100; i++) {
		qz_thread_start(&policy, &m.b, &m.b0, policy.slice, clock);
		stop(&m, &m.b, &m.b0, MS);
	}
	KUNIT_EXPECT_EQ(test, i, 3);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.clock), clock);
}

/* To another VM it is a slice; in a VM there is nothing to gain. */
static void a_slice_is_passed_on(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 100);
	KUNIT_EXPECT_EQ(test, qz_flow_passes_on(&policy, &m.a, &m.b, 3 * MS, 2 * MS),
			policy.slice);
	KUNIT_EXPECT_EQ(test, qz_flow_passes_on(&policy, &m.a, &m.a, 3 * MS, 2 * MS),
			MS);
	KUNIT_EXPECT_EQ(test, qz_flow_passes_on(&policy, &m.a, &m.a, 3 * MS, 4 * MS),
			(u64)0);
}

static void a_limit_parks(struct kunit *test)
{
	struct machine m;
	u64 now = 100 * MS;
	u64 used = 0;
	int i;

	begin(&m, 100, 100);
	KUNIT_EXPECT_FALSE(test, qz_flow_is_parked(&m.a));
	m.a.limit = 300;
	for (i = 0; i < 1000; i++, now += MS) {
		qz_flow_refill(&policy, &m.a, now, atomic64_read(&m.clock));
		if (qz_flow_is_parked(&m.a))
			continue;
		run(&m, &m.a, &m.a0, MS);
		used++;
	}
	KUNIT_EXPECT_GE(test, used, 290);
	KUNIT_EXPECT_LE(test, used, 310);
}

static void a_limit_saves_two_steps_only(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 100);
	m.a.limit = 1500;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, 0);
	KUNIT_EXPECT_EQ(test, (s64)atomic64_read(&m.a.tokens),
			(s64)(2 * policy.refill * 3 / 2));
	qz_flow_refill(&policy, &m.a, 1000ULL * NSEC_PER_SEC, 0);
	KUNIT_EXPECT_EQ(test, (s64)atomic64_read(&m.a.tokens),
			(s64)(2 * policy.refill * 3 / 2));
}

static void a_late_look_at_the_clock_gives_nothing(struct kunit *test)
{
	struct machine m;
	s64 tokens;

	begin(&m, 100, 100);
	m.a.limit = 500;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, 0);
	run(&m, &m.a, &m.a0, 20 * MS);
	tokens = atomic64_read(&m.a.tokens);
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC - 1, 0);
	KUNIT_EXPECT_EQ(test, (s64)atomic64_read(&m.a.tokens), tokens);
	KUNIT_EXPECT_EQ(test, m.a.refilled, (u64)NSEC_PER_SEC);
}

static void what_runs_is_charged_to_the_limit(struct kunit *test)
{
	struct qz_thread other = {};
	struct machine m;
	s64 tokens;

	begin(&m, 100, 100);
	m.a.limit = 200;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, 0);
	tokens = atomic64_read(&m.a.tokens);
	start(&m, &m.a, &m.a0);
	KUNIT_EXPECT_FALSE(test, qz_flow_is_parked(&m.a));
	start(&m, &m.a, &other);
	KUNIT_EXPECT_TRUE(test, qz_flow_is_parked(&m.a));
	stop(&m, &m.a, &m.a0, MS);
	stop(&m, &m.a, &other, MS);
	KUNIT_EXPECT_EQ(test, (s64)atomic64_read(&m.a.tokens),
			tokens - (s64)(2 * MS));
}

/* Each vCPU of a limited VM runs in each period. */
static void what_a_limit_leaves_is_divided(struct kunit *test)
{
	struct machine m;

	begin(&m, 100, 100);
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 8), policy.slice);
	m.a.limit = 500;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, 0);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.a.tokens), 10 * MS);
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 1), policy.slice);
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 2),
			(u64)(5 * MS / 2));
	run(&m, &m.a, &m.a0, 6 * MS);
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 1), (u64)(2 * MS));
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 8),
			(u64)QZ_SCHED_SHORT);
	run(&m, &m.a, &m.a0, 6 * MS);
	KUNIT_EXPECT_EQ(test, qz_flow_slice(&policy, &m.a, 1),
			(u64)QZ_SCHED_SHORT);
}

static void parked_time_is_no_sleep(struct kunit *test)
{
	struct machine m;
	s64 before;
	int i;

	begin(&m, 100, 100);
	m.a.limit = 100;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, QZ_SCHED_START);
	run(&m, &m.a, &m.a0, 4 * MS);
	KUNIT_EXPECT_TRUE(test, qz_flow_is_parked(&m.a));
	before = behind(&m, &m.a);
	for (i = 0; i < 10; i++)
		run(&m, &m.b, &m.b0, 4 * MS);
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC + 40 * MS,
		       atomic64_read(&m.clock));
	KUNIT_EXPECT_FALSE(test, qz_flow_is_parked(&m.a));
	KUNIT_EXPECT_EQ(test, behind(&m, &m.a), before);
}

/* Its place is what it was, also if it was behind the others. */
static void waiting_for_others_is_not_parked_time(struct kunit *test)
{
	struct machine m;
	s64 before;

	begin(&m, 100, 100);
	m.a.limit = 100;
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC, QZ_SCHED_START);
	run(&m, &m.b, &m.b0, 4 * MS);
	run(&m, &m.b, &m.b0, 4 * MS);
	before = behind(&m, &m.a);
	KUNIT_EXPECT_EQ(test, before, (s64)(4 * MS));
	qz_flow_refill(&policy, &m.a, NSEC_PER_SEC + 10 * MS,
		       atomic64_read(&m.clock));
	KUNIT_EXPECT_EQ(test, behind(&m, &m.a), before);
}

/* Its disks' threads use more than the limit: its vCPUs wait, but not for ever. */
static void debts_are_bounded(struct kunit *test)
{
	struct machine m;
	u64 now = NSEC_PER_SEC;
	int i;

	begin(&m, 100, 100);
	m.a.limit = 100;
	qz_flow_refill(&policy, &m.a, now, QZ_SCHED_START);
	for (i = 0; i < 100; i++, now += 10 * MS) {
		run(&m, &m.a, &m.a0, 10 * MS);
		qz_flow_refill(&policy, &m.a, now, QZ_SCHED_START);
	}
	for (i = 0; i < 12; i++, now += 10 * MS)
		qz_flow_refill(&policy, &m.a, now, QZ_SCHED_START);
	KUNIT_EXPECT_FALSE(test, qz_flow_is_parked(&m.a));
}

static void a_newcomer_is_last(struct kunit *test)
{
	struct qz_thread thread = {};
	struct qz_flow flow;
	struct machine m;

	begin(&m, 100, 100);
	run(&m, &m.a, &m.a0, 4 * MS);
	qz_flow_init(&policy, &flow, atomic64_read(&m.clock), 200);
	KUNIT_EXPECT_EQ(test, behind(&m, &flow), -(s64)(policy.slice / 2));
	qz_thread_init(&policy, &m.a, &thread);
	KUNIT_EXPECT_TRUE(test, qz_sched_before(m.a1.turn, thread.turn));
	qz_thread_wake(&policy, &m.a, &thread);
	KUNIT_EXPECT_EQ(test, thread.turn,
			(u64)atomic64_read(&m.a.turn) + policy.slice);
}

/* Else who wakes up, and so has the turn of the others, would wait until it has caught up. */
static void a_thread_that_gets_less_saves_only_the_credit(struct kunit *test)
{
	struct machine m;
	int i;

	begin(&m, 100, 100);
	for (i = 0; i < 100; i++)
		run(&m, &m.a, &m.a0, 4 * MS);	/* on CPUs of its own */
	run(&m, &m.a, &m.a1, MS);
	KUNIT_EXPECT_EQ(test, m.a1.turn, atomic64_read(&m.a.turn) - policy.credit + MS);
}

static void what_is_given_is_not_charged(struct kunit *test)
{
	struct machine m;
	u64 tag;

	begin(&m, 100, 200);
	tag = qz_flow_tag(&m.b);
	qz_thread_start(&policy, &m.b, &m.b0, MS, QZ_SCHED_START);
	qz_thread_give(&policy, &m.b, &m.b0);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.b), tag);
	stop(&m, &m.b, &m.b0, MS / 2);
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.b), tag);
	KUNIT_EXPECT_EQ(test, m.b0.turn,	/* behind others */
			QZ_SCHED_START + policy.slice + MS / 2);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&m.b.used), MS / 2);
	qz_thread_start(&policy, &m.b, &m.b0, MS, QZ_SCHED_START);
	qz_thread_give(&policy, &m.b, &m.b0);
	stop(&m, &m.b, &m.b0, 3 * MS);	/* more than was given */
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.b), tag + MS);
	run(&m, &m.b, &m.b0, 2 * MS);	/* and as usual again */
	KUNIT_EXPECT_EQ(test, qz_flow_tag(&m.b), tag + 2 * MS);
}

/* a has a CPU where it gets 4 ms while b, who waits, gets 1 ms elsewhere. */
static u64 lead_on_an_own_cpu(struct machine *m, struct qz_price *price, int turns)
{
	u64 most = 0, lead;
	int i;

	for (i = 0; i < turns; i++) {
		if (qz_price_next(&policy, price, qz_flow_tag(&m->a),
				  qz_flow_tag(&m->b)))
			qz_clock_advance(&m->clock, &m->a);
		m->a0.discount = price->discount;
		qz_thread_start(&policy, &m->a, &m->a0, 4 * MS, QZ_SCHED_START);
		stop(m, &m->a, &m->a0, 4 * MS);
		run(m, &m->b, &m->b0, MS);
		lead = qz_flow_tag(&m->a) - qz_flow_tag(&m->b);
		most = max(most, (s64)lead > 0 ? lead : 0);
	}
	return most;
}

static void time_is_cheaper_where_tags_would_run_away(struct kunit *test)
{
	struct qz_price price = {};
	struct machine m;
	int i;

	begin(&m, 100, 100);
	KUNIT_EXPECT_LT(test, lead_on_an_own_cpu(&m, &price, 300), 5 * policy.slice);
	KUNIT_EXPECT_LT(test, lead_on_an_own_cpu(&m, &price, 1000), MS);
	KUNIT_EXPECT_GT(test, price.lasting, QZ_SCHED_PRICE * 70 / 100);
	KUNIT_EXPECT_LT(test, price.lasting, QZ_SCHED_PRICE * 80 / 100);
	for (i = 0; i < 1000; i++)
		KUNIT_EXPECT_TRUE(test, qz_price_next(&policy, &price, qz_flow_tag(&m.a), 0));
	KUNIT_EXPECT_EQ(test, price.lasting, 0);
	KUNIT_EXPECT_EQ(test, price.discount, 0);
}

/* Nothing is free, and two who are out of step by a slice change no price. */
static void a_price_has_limits(struct kunit *test)
{
	const u64 tag = QZ_SCHED_START;
	struct qz_price price = {};
	int i;

	KUNIT_EXPECT_TRUE(test, qz_price_next(&policy, &price, tag + policy.slice, tag));
	KUNIT_EXPECT_EQ(test, price.discount, 0);
	for (i = 0; i < 1000; i++) {
		KUNIT_EXPECT_FALSE(test, qz_price_next(&policy, &price,
						       tag + 100 * policy.slice, tag));
		KUNIT_EXPECT_LT(test, price.discount, QZ_SCHED_PRICE);
	}
}

static void waits_are_counted_by_powers_of_two(struct kunit *test)
{
	const u64 us = NSEC_PER_USEC;
	u32 i;

	KUNIT_EXPECT_EQ(test, qz_waits_bucket(0), 0);
	KUNIT_EXPECT_EQ(test, qz_waits_bucket(us - 1), 0);
	for (i = 1; i < QZ_WAITS; i++) {
		KUNIT_EXPECT_EQ(test, qz_waits_bucket((us << i) - 1), i);
		KUNIT_EXPECT_EQ(test, qz_waits_bucket(us << (i - 1)), i);
	}
	KUNIT_EXPECT_EQ(test, qz_waits_bucket(~0ULL), QZ_WAITS - 1);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(time_is_charged_by_weight),
	KUNIT_CASE(a_weight_counts_per_vcpu_if_asked),
	KUNIT_CASE(a_change_of_weight_gives_nothing),
	KUNIT_CASE(a_slice_is_charged_ahead_and_comes_back),
	KUNIT_CASE(the_clock_never_goes_back),
	KUNIT_CASE(sleep_gives_credit_up_to_a_limit),
	KUNIT_CASE(sleep_does_not_pay_a_debt),
	KUNIT_CASE(who_can_use_no_more_saves_nothing),
	KUNIT_CASE(threads_take_turns),
	KUNIT_CASE(who_is_behind_preempts),
	KUNIT_CASE(a_sibling_preempts_if_a_slice_behind),
	KUNIT_CASE(loans_are_limited),
	KUNIT_CASE(loans_do_not_move_the_clock),
	KUNIT_CASE(a_slice_is_passed_on),
	KUNIT_CASE(a_limit_parks),
	KUNIT_CASE(a_limit_saves_two_steps_only),
	KUNIT_CASE(a_late_look_at_the_clock_gives_nothing),
	KUNIT_CASE(what_runs_is_charged_to_the_limit),
	KUNIT_CASE(what_a_limit_leaves_is_divided),
	KUNIT_CASE(parked_time_is_no_sleep),
	KUNIT_CASE(waiting_for_others_is_not_parked_time),
	KUNIT_CASE(debts_are_bounded),
	KUNIT_CASE(a_newcomer_is_last),
	KUNIT_CASE(what_is_given_is_not_charged),
	KUNIT_CASE(a_thread_that_gets_less_saves_only_the_credit),
	KUNIT_CASE(time_is_cheaper_where_tags_would_run_away),
	KUNIT_CASE(a_price_has_limits),
	KUNIT_CASE(waits_are_counted_by_powers_of_two),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "queztl_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);

// SPDX-License-Identifier: GPL-2.0
/* Rings as a driver, hostile or not, writes them. */

#include <kunit/test.h>

#include "../ring.c"

#define NUM	8
#define SEGS	16
#define CANARY	0x5a5a

/*
 * A driver's memory: three areas and a table for indirect descriptors, with
 * room behind that must stay as it is.
 */
struct driver {
	struct vring_desc desc[NUM];
	struct {
		__virtio16 flags, idx, ring[NUM], used_event;
	} avail;
	struct {
		__virtio16 flags, idx;
		struct vring_used_elem ring[NUM];
		__virtio16 avail_event;
		u16 canary;
	} used;
	struct vring_desc table[4 * NUM];
	struct vring_desc copy[SEGS];
	u16 canary;
	struct qz_seg segs[SEGS];
	struct qz_chain chain;
	struct qz_ring ring;
};

#define TABLE	0x10000		/* where the device sees driver->table */

static bool read_table(void *ctx, u64 addr, void *to, u32 bytes)
{
	struct driver *driver = ctx;
	u64 offset = addr - TABLE;

	if (offset > sizeof(driver->table) ||
	    bytes > sizeof(driver->table) - offset)
		return false;
	memcpy(to, (u8 *)driver->table + offset, bytes);
	return true;
}

static void restart(struct driver *driver, bool event_idx)
{
	memset(driver, 0, sizeof(*driver));
	driver->used.canary = CANARY;
	driver->canary = CANARY;
	driver->chain.segs = driver->segs;
	driver->chain.table = driver->copy;
	driver->chain.max = SEGS;
	driver->ring = (struct qz_ring){
		.num = NUM,
		.longest = SEGS,
		.event_idx = event_idx,
		.desc = driver->desc,
		.avail = (struct vring_avail *)&driver->avail,
		.used = (struct vring_used *)&driver->used,
	};
}

static void set_desc(struct vring_desc *desc, u64 addr, u32 len, u16 flags,
		     u16 next)
{
	desc->addr = (__force __virtio64)cpu_to_le64(addr);
	desc->len = (__force __virtio32)cpu_to_le32(len);
	desc->flags = (__force __virtio16)cpu_to_le16(flags);
	desc->next = (__force __virtio16)cpu_to_le16(next);
}

static void offer(struct driver *driver, u16 head)
{
	u16 idx = load16(&driver->avail.idx);

	store16(&driver->avail.ring[idx % NUM], head);
	store16(&driver->avail.idx, idx + 1);
}

static int pop(struct driver *driver)
{
	struct qz_ring_mem mem = { .read = read_table, .ctx = driver };

	qz_chain_reset(&driver->chain);
	return qz_ring_pop(&driver->ring, &driver->chain, &mem);
}

static void use_one(struct driver *driver)
{
	qz_ring_push(&driver->ring, 3, 5);
	qz_ring_publish(&driver->ring);
}

static void empty_ring_has_nothing(struct kunit *test)
{
	struct driver *d = test->priv;

	KUNIT_EXPECT_EQ(test, pop(d), 0);
}

static void chain_keeps_order_and_lengths(struct kunit *test)
{
	struct driver *d = test->priv;
	const u16 next = VRING_DESC_F_NEXT, write = VRING_DESC_F_WRITE;

	set_desc(&d->desc[5], 0x1000, 10, next, 2);
	set_desc(&d->desc[2], 0x2000, 0, next, 7);	/* empty: left out */
	set_desc(&d->desc[7], 0x3000, 30, next | write, 0);
	set_desc(&d->desc[0], 0x4000, 40, write, 0);
	offer(d, 5);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.head, 5);
	KUNIT_EXPECT_EQ(test, d->chain.out, 1);
	KUNIT_EXPECT_EQ(test, d->chain.in, 2);
	KUNIT_EXPECT_EQ(test, d->chain.out_len, 10);
	KUNIT_EXPECT_EQ(test, d->chain.in_len, 70);
	KUNIT_EXPECT_EQ(test, d->segs[0].addr, 0x1000);
	KUNIT_EXPECT_EQ(test, d->segs[1].addr, 0x3000);
	KUNIT_EXPECT_EQ(test, d->segs[2].addr, 0x4000);
	KUNIT_EXPECT_EQ(test, d->segs[2].len, 40);
	KUNIT_EXPECT_EQ(test, pop(d), 0);
}

static void indirect_table_is_followed(struct kunit *test)
{
	struct driver *d = test->priv;

	set_desc(&d->desc[1], TABLE, 2 * sizeof(struct vring_desc),
		 VRING_DESC_F_INDIRECT, 0);
	set_desc(&d->table[0], 0x1000, 12, VRING_DESC_F_NEXT, 1);
	set_desc(&d->table[1], 0x2000, 60, 0, 0);
	offer(d, 1);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.head, 1);
	KUNIT_EXPECT_EQ(test, d->chain.out, 2);
	KUNIT_EXPECT_EQ(test, d->chain.out_len, 72);
}

/* Entries may be linked in any order, and not all need be. */
static void a_table_of_the_greatest_length_fits(struct kunit *test)
{
	struct driver *d = test->priv;
	u16 i;

	set_desc(&d->desc[1], TABLE, SEGS * sizeof(struct vring_desc),
		 VRING_DESC_F_INDIRECT, 0);
	set_desc(&d->table[0], 0x1000, 1, VRING_DESC_F_NEXT, SEGS - 1);
	for (i = SEGS - 1; i > 1; i--)
		set_desc(&d->table[i], 0x1000 * i, i,
			 i > 2 ? VRING_DESC_F_NEXT : 0, i - 1);
	offer(d, 1);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.out, SEGS - 1);
	KUNIT_EXPECT_EQ(test, d->segs[1].addr, 0x1000 * (SEGS - 1));
	KUNIT_EXPECT_EQ(test, d->segs[SEGS - 2].len, 2);
	KUNIT_EXPECT_EQ(test, d->chain.walked, SEGS + SEGS / QZ_TABLE_STEP);
	KUNIT_EXPECT_EQ(test, d->canary, CANARY);
}

static void a_chain_may_be_as_long_as_its_ring(struct kunit *test)
{
	struct driver *d = test->priv;
	u16 i;

	for (i = 0; i < NUM; i++)
		set_desc(&d->desc[i], 0x1000 * i, 1,
			 i < NUM - 1 ? VRING_DESC_F_NEXT : 0, i + 1);
	offer(d, 0);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.out, NUM);
}

/* Buffers gathered in one chain: the second has something to read. */
static void gathered_buffers_keep_the_order(struct kunit *test)
{
	struct driver *d = test->priv;
	struct qz_ring_mem mem = { .read = read_table, .ctx = d };

	set_desc(&d->desc[0], 0x1000, 10, VRING_DESC_F_WRITE, 0);
	set_desc(&d->desc[1], 0x2000, 20, VRING_DESC_F_WRITE, 0);
	set_desc(&d->desc[2], 0x3000, 30, 0, 0);
	offer(d, 0);
	offer(d, 1);
	offer(d, 2);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_ASSERT_EQ(test, qz_ring_pop(&d->ring, &d->chain, &mem), 1);
	KUNIT_EXPECT_EQ(test, d->chain.in, 2);
	KUNIT_EXPECT_EQ(test, d->chain.in_len, 30);
	KUNIT_EXPECT_EQ(test, qz_ring_pop(&d->ring, &d->chain, &mem), -EINVAL);
}

/* What was put back comes again, before what follows it. */
static void a_buffer_put_back_comes_again(struct kunit *test)
{
	struct driver *d = test->priv;

	set_desc(&d->desc[4], 0x1000, 10, 0, 0);
	set_desc(&d->desc[6], 0x2000, 20, 0, 0);
	offer(d, 4);
	offer(d, 6);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	qz_ring_unpop(&d->ring);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.head, 4);
	KUNIT_EXPECT_EQ(test, d->chain.out_len, 10);
	KUNIT_ASSERT_EQ(test, pop(d), 1);
	KUNIT_EXPECT_EQ(test, d->chain.head, 6);
	KUNIT_EXPECT_EQ(test, pop(d), 0);
}

/* Each must be refused without reading or writing anything out of place. */
static void expect_refused(struct kunit *test, const char *what)
{
	struct driver *driver = test->priv;
	u16 before = driver->ring.last_avail;

	KUNIT_EXPECT_EQ_MSG(test, pop(driver), -EINVAL, "accepted: %s", what);
	KUNIT_EXPECT_EQ(test, driver->ring.last_avail, before);
	restart(driver, true);
}

static void loops_are_refused(struct kunit *test)
{
	struct driver *d = test->priv;

	set_desc(&d->desc[0], 0x1000, 1, VRING_DESC_F_NEXT, 1);
	set_desc(&d->desc[1], 0x1000, 1, VRING_DESC_F_NEXT, 0);
	offer(d, 0);
	expect_refused(test, "loop");

	set_desc(&d->desc[0], 0x1000, 0, VRING_DESC_F_NEXT, 0);
	offer(d, 0);
	expect_refused(test, "loop of nothing");
}

static void indices_out_of_range_are_refused(struct kunit *test)
{
	struct driver *d = test->priv;

	offer(d, NUM);
	expect_refused(test, "head out of range");

	set_desc(&d->desc[0], 0x1000, 1, VRING_DESC_F_NEXT, 0xffff);
	offer(d, 0);
	expect_refused(test, "next out of range");

	store16(&d->avail.idx, NUM + 1);
	expect_refused(test, "index ahead of the ring");

	store16(&d->avail.idx, 0xffff);
	expect_refused(test, "index running backwards");
}

static void nonsense_is_refused(struct kunit *test)
{
	const u16 next = VRING_DESC_F_NEXT, write = VRING_DESC_F_WRITE;
	struct driver *d = test->priv;
	u16 i;

	set_desc(&d->desc[0], 0x1000, 1, write | next, 1);
	set_desc(&d->desc[1], 0x1000, 1, 0, 0);
	offer(d, 0);
	expect_refused(test, "readable behind writable");

	set_desc(&d->desc[0], -1ULL, 2, 0, 0);
	offer(d, 0);
	expect_refused(test, "address wraps");

	set_desc(&d->desc[0], 0, -1U, next, 1);
	set_desc(&d->desc[1], 0, 2, 0, 0);
	offer(d, 0);
	expect_refused(test, "length wraps");

	d->chain.max = 3;
	for (i = 0; i < 4; i++)
		set_desc(&d->desc[i], 0x1000, 1, i < 3 ? next : 0, i + 1);
	offer(d, 0);
	expect_refused(test, "more segments than there is room for");
}

static void bad_tables_are_refused(struct kunit *test)
{
	const u16 indirect = VRING_DESC_F_INDIRECT, next = VRING_DESC_F_NEXT;
	struct driver *d = test->priv;

	set_desc(&d->desc[0], TABLE, 17, indirect, 0);
	offer(d, 0);
	expect_refused(test, "odd length");

	set_desc(&d->desc[0], TABLE, 0, indirect, 0);
	offer(d, 0);
	expect_refused(test, "empty table");

	set_desc(&d->desc[0], TABLE, (SEGS + 1) * 16, indirect, 0);
	offer(d, 0);
	expect_refused(test, "table longer than a chain may be");

	set_desc(&d->desc[0], TABLE, 16, indirect | next, 1);
	offer(d, 0);
	expect_refused(test, "indirect with next");

	set_desc(&d->desc[0], TABLE, 16, indirect, 0);
	set_desc(&d->table[0], TABLE, 16, indirect, 0);
	offer(d, 0);
	expect_refused(test, "nested table");

	set_desc(&d->desc[0], TABLE, 32, indirect, 0);
	set_desc(&d->table[0], 0x1000, 1, next, 1);
	set_desc(&d->table[1], 0x1000, 1, next, 0);
	offer(d, 0);
	expect_refused(test, "loop in a table");

	set_desc(&d->desc[0], 0xdead0000, 16, indirect, 0);
	offer(d, 0);
	expect_refused(test, "table that is not mapped");

	set_desc(&d->desc[0], TABLE + (4 * NUM - 1) * 16, 32, indirect, 0);
	offer(d, 0);
	expect_refused(test, "table whose last entry is not mapped");
}

static void used_ring_wraps_and_stays_inside(struct kunit *test)
{
	struct driver *d = test->priv;
	u32 i;

	for (i = 0; i < 70000; i++)
		use_one(d);
	KUNIT_EXPECT_EQ(test, load16(&d->used.idx), 70000 % 65536);
	KUNIT_EXPECT_EQ(test, (__force u32)d->used.ring[0].id,
			(__force u32)cpu_to_le32(3));
	KUNIT_EXPECT_EQ(test, (__force u32)d->used.ring[0].len,
			(__force u32)cpu_to_le32(5));
	KUNIT_EXPECT_EQ(test, d->used.canary, CANARY);
}

static void used_is_not_seen_before_it_is_published(struct kunit *test)
{
	struct driver *d = test->priv;

	qz_ring_push(&d->ring, 3, 5);
	KUNIT_EXPECT_EQ(test, load16(&d->used.idx), 0);
	qz_ring_publish(&d->ring);
	KUNIT_EXPECT_EQ(test, load16(&d->used.idx), 1);
}

static void event_is_signalled_once_when_crossed(struct kunit *test)
{
	struct driver *d = test->priv;

	store16(&d->avail.used_event, 1);
	KUNIT_EXPECT_FALSE(test, qz_ring_wants_signal(&d->ring));
	use_one(d);
	KUNIT_EXPECT_FALSE(test, qz_ring_wants_signal(&d->ring));
	qz_ring_signalled(&d->ring);
	use_one(d);
	KUNIT_EXPECT_TRUE(test, qz_ring_wants_signal(&d->ring));
	qz_ring_signalled(&d->ring);
	use_one(d);
	KUNIT_EXPECT_FALSE(test, qz_ring_wants_signal(&d->ring));
}

static void no_interrupt_flag_is_obeyed(struct kunit *test)
{
	struct driver *d = test->priv;

	restart(d, false);
	use_one(d);
	KUNIT_EXPECT_TRUE(test, qz_ring_wants_signal(&d->ring));
	store16(&d->avail.flags, VRING_AVAIL_F_NO_INTERRUPT);
	KUNIT_EXPECT_FALSE(test, qz_ring_wants_signal(&d->ring));
}

static void reclaimed_frames_are_not_waited_for(struct kunit *test)
{
	struct driver *d = test->priv;

	use_one(d);				/* event 0: wanted, held back */
	KUNIT_EXPECT_FALSE(test, qz_ring_catch_up(&d->ring));
	KUNIT_EXPECT_TRUE(test, qz_ring_wants_signal(&d->ring));
	store16(&d->avail.used_event, 1);	/* the driver reclaimed it */
	use_one(d);
	KUNIT_EXPECT_TRUE(test, qz_ring_catch_up(&d->ring));
	KUNIT_EXPECT_EQ(test, (u16)(d->ring.used_idx - d->ring.signalled), 1);
	KUNIT_EXPECT_TRUE(test, qz_ring_wants_signal(&d->ring));
	store16(&d->avail.used_event, 2);
	KUNIT_EXPECT_TRUE(test, qz_ring_catch_up(&d->ring));
	KUNIT_EXPECT_FALSE(test, qz_ring_wants_signal(&d->ring));
	store16(&d->avail.used_event, 0x8000);	/* nothing to catch up with */
	KUNIT_EXPECT_FALSE(test, qz_ring_catch_up(&d->ring));
}

/* What a driver does before it kicks. */
static bool driver_kicks(struct driver *driver, u16 old)
{
	return vring_need_event(load16(&driver->used.avail_event),
				load16(&driver->avail.idx), old);
}

static void disabled_kicks_never_come_and_enabled_do(struct kunit *test)
{
	struct driver *d = test->priv;
	u32 i;

	for (i = 0; i < 70000; i += 7) {
		restart(d, true);
		d->ring.last_avail = i;
		qz_ring_disable_kicks(&d->ring);
		store16(&d->avail.idx, i + NUM);
		KUNIT_ASSERT_FALSE(test, driver_kicks(d, i));
		store16(&d->avail.idx, i);
		KUNIT_ASSERT_FALSE(test, qz_ring_enable_kicks(&d->ring));
		store16(&d->avail.idx, i + 1);
		KUNIT_ASSERT_TRUE(test, driver_kicks(d, i));
		KUNIT_ASSERT_TRUE(test, qz_ring_enable_kicks(&d->ring));
	}
	KUNIT_EXPECT_EQ(test, d->used.canary, CANARY);
}

static void postponed_kick_comes_when_so_many_are_there(struct kunit *test)
{
	struct driver *d = test->priv;
	u32 i, ahead;

	for (i = 0; i < 70000; i += 7)
		for (ahead = 1; ahead <= NUM; ahead++) {
			restart(d, true);
			d->ring.last_avail = i;
			qz_ring_postpone_kicks(&d->ring, ahead);
			store16(&d->avail.idx, i + ahead - 1);
			KUNIT_ASSERT_FALSE(test, driver_kicks(d, i));
			store16(&d->avail.idx, i + ahead);
			KUNIT_ASSERT_TRUE(test, driver_kicks(d, i));
		}
	KUNIT_EXPECT_EQ(test, d->used.canary, CANARY);
	restart(d, false);
	qz_ring_postpone_kicks(&d->ring, NUM);	/* there is no such thing */
	KUNIT_EXPECT_EQ(test, load16(&d->used.flags), 0);
	KUNIT_EXPECT_EQ(test, load16(&d->used.avail_event), 0);
}

static void kicks_without_event_idx_are_a_flag(struct kunit *test)
{
	struct driver *d = test->priv;

	restart(d, false);
	qz_ring_disable_kicks(&d->ring);
	KUNIT_EXPECT_EQ(test, load16(&d->used.flags), VRING_USED_F_NO_NOTIFY);
	KUNIT_EXPECT_FALSE(test, qz_ring_enable_kicks(&d->ring));
	KUNIT_EXPECT_EQ(test, load16(&d->used.flags), 0);
	KUNIT_EXPECT_EQ(test, load16(&d->used.avail_event), 0);
}

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/*
 * Whatever comes, the chain is sane and nothing outside is touched, which
 * sanitizers see. An emulated kernel with KASAN is some hundred times slower.
 */
#ifdef __KERNEL__
#define RANDOM_ROUNDS	3000
#else
#define RANDOM_ROUNDS	300000
#endif

static void random_rings_are_survived(struct kunit *test)
{
	struct driver *d = test->priv;
	u64 seed = 88172645463325252ULL;
	u32 popped = 0, round, i;
	u8 *bytes = (u8 *)d;

	for (round = 0; round < RANDOM_ROUNDS; round++) {
		restart(d, round % 2);
		for (i = 0; i < offsetof(struct driver, used); i++) {
			u64 random = next_random(&seed);

			bytes[i] = random % 3 ? random >> 32 & 7 : 0;
		}
		for (i = 0; i < NUM && pop(d) == 1; i++, popped++) {
			KUNIT_ASSERT_LE(test, d->chain.out + d->chain.in, SEGS);
			KUNIT_ASSERT_LT(test, d->chain.head, NUM);
		}
	}
	KUNIT_EXPECT_GE(test, popped, RANDOM_ROUNDS / 300);
	KUNIT_EXPECT_EQ(test, d->used.canary, CANARY);
}

static int start(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct driver), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	restart(test->priv, true);
	return 0;
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(empty_ring_has_nothing),
	KUNIT_CASE(chain_keeps_order_and_lengths),
	KUNIT_CASE(indirect_table_is_followed),
	KUNIT_CASE(a_table_of_the_greatest_length_fits),
	KUNIT_CASE(a_chain_may_be_as_long_as_its_ring),
	KUNIT_CASE(gathered_buffers_keep_the_order),
	KUNIT_CASE(a_buffer_put_back_comes_again),
	KUNIT_CASE(loops_are_refused),
	KUNIT_CASE(indices_out_of_range_are_refused),
	KUNIT_CASE(nonsense_is_refused),
	KUNIT_CASE(bad_tables_are_refused),
	KUNIT_CASE(used_ring_wraps_and_stays_inside),
	KUNIT_CASE(used_is_not_seen_before_it_is_published),
	KUNIT_CASE(event_is_signalled_once_when_crossed),
	KUNIT_CASE(no_interrupt_flag_is_obeyed),
	KUNIT_CASE(reclaimed_frames_are_not_waited_for),
	KUNIT_CASE(disabled_kicks_never_come_and_enabled_do),
	KUNIT_CASE(postponed_kick_comes_when_so_many_are_there),
	KUNIT_CASE(kicks_without_event_idx_are_a_flag),
	KUNIT_CASE(random_rings_are_survived),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "queztl_ring",
	.init = start,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);

// SPDX-License-Identifier: GPL-2.0
/* The pure parts of the fabric in user space: rings as a driver, hostile or not, writes them. */
#define KTAP_MAIN
#include "ktap.h"
#include "qhp/fabric/ring.h"

#define NUM	8
#define SEGS	16

/* A driver's memory: three areas and a table for indirect descriptors, with room behind that must stay as it is. */
struct driver {
	struct vring_desc desc[NUM];
	struct {
		u16 flags, idx, ring[NUM], used_event;
	} avail;
	struct {
		u16 flags, idx;
		struct vring_used_elem ring[NUM];
		u16 avail_event;
		u16 canary;
	} used;
	struct vring_desc table[4 * NUM];
	struct qz_seg segs[SEGS];
	struct qz_chain chain;
	struct qz_ring ring;
};

#define TABLE	0x10000		/* where the device sees driver->table */

static bool read_table(void *ctx, u64 addr, struct vring_desc *desc)
{
	struct driver *driver = ctx;
	u64 i = (addr - TABLE) / sizeof(*desc);

	if (addr < TABLE || i >= sizeof(driver->table) / sizeof(*desc))
		return false;
	*desc = driver->table[i];
	return true;
}

static void start(struct driver *driver, bool event_idx)
{
	memset(driver, 0, sizeof(*driver));
	driver->used.canary = 0x5a5a;
	driver->chain.segs = driver->segs;
	driver->chain.max = SEGS;
	driver->ring = (struct qz_ring){
		.num = NUM, .event_idx = event_idx, .desc = driver->desc,
		.avail = (struct vring_avail *)&driver->avail, .used = (struct vring_used *)&driver->used,
	};
}

static void set_desc(struct vring_desc *desc, u64 addr, u32 len, u16 flags, u16 next)
{
	*desc = (struct vring_desc){ .addr = addr, .len = len, .flags = flags, .next = next };
}

static void offer(struct driver *driver, u16 head)
{
	driver->avail.ring[driver->avail.idx++ % NUM] = head;
}

static int pop(struct driver *driver)
{
	struct qz_ring_mem mem = { read_table, driver };

	qz_chain_reset(&driver->chain);
	return qz_ring_pop(&driver->ring, &driver->chain, &mem);
}

TEST(empty_ring_has_nothing)
{
	struct driver d;

	start(&d, true);
	EXPECT_EQ(pop(&d), 0);
}

TEST(chain_keeps_order_and_lengths)
{
	struct driver d;

	start(&d, true);
	set_desc(&d.desc[5], 0x1000, 10, VRING_DESC_F_NEXT, 2);
	set_desc(&d.desc[2], 0x2000, 0, VRING_DESC_F_NEXT, 7);		/* empty: left out */
	set_desc(&d.desc[7], 0x3000, 30, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	set_desc(&d.desc[0], 0x4000, 40, VRING_DESC_F_WRITE, 0);
	offer(&d, 5);
	ASSERT_EQ(pop(&d), 1);
	EXPECT_EQ(d.chain.head, 5);
	EXPECT_EQ(d.chain.out, 1);
	EXPECT_EQ(d.chain.in, 2);
	EXPECT_EQ(d.chain.out_len, 10);
	EXPECT_EQ(d.chain.in_len, 70);
	EXPECT_EQ(d.segs[0].addr, 0x1000);
	EXPECT_EQ(d.segs[2].addr, 0x4000);
	EXPECT_EQ(pop(&d), 0);
}

TEST(indirect_table_is_followed)
{
	struct driver d;

	start(&d, true);
	set_desc(&d.desc[1], TABLE, 2 * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
	set_desc(&d.table[0], 0x1000, 12, VRING_DESC_F_NEXT, 1);
	set_desc(&d.table[1], 0x2000, 60, 0, 0);
	offer(&d, 1);
	ASSERT_EQ(pop(&d), 1);
	EXPECT_EQ(d.chain.out, 2);
	EXPECT_EQ(d.chain.out_len, 72);
}

/* Each of these must be refused without reading or writing anything out of place. */
static void expect_refused(struct driver *driver, const char *what)
{
	u16 before = driver->ring.last_avail;
	int ret = pop(driver);

	KTAP_CHECK(ret == -EINVAL, false, "%s: expected -EINVAL, got %d", what, ret);
	EXPECT_EQ(driver->ring.last_avail, before);
}

TEST(nonsense_is_refused)
{
	struct driver d;

	start(&d, true);
	set_desc(&d.desc[0], 0x1000, 1, VRING_DESC_F_NEXT, 1);
	set_desc(&d.desc[1], 0x1000, 1, VRING_DESC_F_NEXT, 0);
	offer(&d, 0);
	expect_refused(&d, "loop");

	start(&d, true);
	set_desc(&d.desc[0], 0x1000, 0, VRING_DESC_F_NEXT, 0);
	offer(&d, 0);
	expect_refused(&d, "loop of nothing");

	start(&d, true);
	offer(&d, NUM);
	expect_refused(&d, "head out of range");

	start(&d, true);
	set_desc(&d.desc[0], 0x1000, 1, VRING_DESC_F_NEXT, 0xffff);
	offer(&d, 0);
	expect_refused(&d, "next out of range");

	start(&d, true);
	d.avail.idx = NUM + 1;
	expect_refused(&d, "index ahead of the ring");

	start(&d, true);
	d.avail.idx = -1;
	expect_refused(&d, "index running backwards");

	start(&d, true);
	set_desc(&d.desc[0], 0x1000, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	set_desc(&d.desc[1], 0x1000, 1, 0, 0);
	offer(&d, 0);
	expect_refused(&d, "readable behind writable");

	start(&d, true);
	set_desc(&d.desc[0], -1ULL, 2, 0, 0);
	offer(&d, 0);
	expect_refused(&d, "address wraps");

	start(&d, true);
	set_desc(&d.desc[0], 0, -1U, VRING_DESC_F_NEXT, 1);
	set_desc(&d.desc[1], 0, 2, 0, 0);
	offer(&d, 0);
	expect_refused(&d, "length wraps");
}

TEST(bad_indirect_is_refused)
{
	struct driver d;

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 17, VRING_DESC_F_INDIRECT, 0);
	offer(&d, 0);
	expect_refused(&d, "odd length");

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 0, VRING_DESC_F_INDIRECT, 0);
	offer(&d, 0);
	expect_refused(&d, "empty table");

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 32768U * 16, VRING_DESC_F_INDIRECT, 0);
	offer(&d, 0);
	expect_refused(&d, "table of 32k");

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	offer(&d, 0);
	expect_refused(&d, "indirect with next");

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	set_desc(&d.table[0], TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	offer(&d, 0);
	expect_refused(&d, "nested table");

	start(&d, true);
	set_desc(&d.desc[0], TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	set_desc(&d.table[0], 0x1000, 1, VRING_DESC_F_NEXT, 1);
	set_desc(&d.table[1], 0x1000, 1, VRING_DESC_F_NEXT, 0);
	offer(&d, 0);
	expect_refused(&d, "loop in a table");

	start(&d, true);
	set_desc(&d.desc[0], 0xdead0000, 16, VRING_DESC_F_INDIRECT, 0);
	offer(&d, 0);
	expect_refused(&d, "table that is not mapped");
}

static void use_one(struct driver *driver)
{
	qz_ring_push(&driver->ring, 3, 5);
	qz_ring_publish(&driver->ring);
}

TEST(used_ring_wraps_and_stays_inside)
{
	struct driver d;

	start(&d, true);
	for (u32 i = 0; i < 70000; i++)
		use_one(&d);
	EXPECT_EQ(d.used.idx, 70000 % 65536);
	EXPECT_EQ(d.used.ring[0].id, 3);
	EXPECT_EQ(d.used.canary, 0x5a5a);
}

TEST(event_is_signalled_once_when_crossed)
{
	struct driver d;

	start(&d, true);
	d.avail.used_event = 1;
	use_one(&d);
	EXPECT(!qz_ring_wants_signal(&d.ring));
	qz_ring_signalled(&d.ring);
	use_one(&d);
	EXPECT(qz_ring_wants_signal(&d.ring));
	qz_ring_signalled(&d.ring);
	use_one(&d);
	EXPECT(!qz_ring_wants_signal(&d.ring));
}

TEST(no_interrupt_flag_is_obeyed)
{
	struct driver d;

	start(&d, false);
	use_one(&d);
	EXPECT(qz_ring_wants_signal(&d.ring));
	d.avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	EXPECT(!qz_ring_wants_signal(&d.ring));
}

TEST(reclaimed_frames_are_not_waited_for)
{
	struct driver d;

	start(&d, true);
	use_one(&d);				/* event 0: wanted, held back */
	EXPECT(!qz_ring_catch_up(&d.ring));
	EXPECT(qz_ring_wants_signal(&d.ring));
	d.avail.used_event = 1;			/* the driver reclaimed it */
	use_one(&d);
	EXPECT(qz_ring_catch_up(&d.ring));
	EXPECT_EQ((u16)(d.ring.used_idx - d.ring.signalled), 1);
	EXPECT(qz_ring_wants_signal(&d.ring));
	d.avail.used_event = 2;
	EXPECT(qz_ring_catch_up(&d.ring));
	EXPECT(!qz_ring_wants_signal(&d.ring));
	d.avail.used_event = 0x8000;		/* far away: nothing to catch up with */
	EXPECT(!qz_ring_catch_up(&d.ring));
}

/* What a driver does before it kicks, Linux's vring_need_event(). */
static bool driver_kicks(struct driver *driver, u16 old)
{
	return vring_need_event(driver->used.avail_event, driver->avail.idx, old);
}

TEST(disabled_kicks_never_come_and_enabled_ones_do)
{
	struct driver d;

	for (u32 i = 0; i < 70000; i += 7) {
		start(&d, true);
		d.avail.idx = d.ring.last_avail = i;
		qz_ring_disable_kicks(&d.ring);
		d.avail.idx += NUM;
		EXPECT(!driver_kicks(&d, i));
		d.avail.idx = i;
		EXPECT(!qz_ring_enable_kicks(&d.ring));
		d.avail.idx++;
		EXPECT(driver_kicks(&d, i));
		EXPECT(qz_ring_enable_kicks(&d.ring));
	}
	EXPECT_EQ(d.used.canary, 0x5a5a);
}

/* Random rings: whatever comes, the chain is sane and nothing outside is touched (built with sanitizers). */
TEST(random_rings_are_survived)
{
	static struct driver d;
	u64 seed = 88172645463325252ULL;
	u32 popped = 0;

	for (int round = 0; round < 300000; round++) {
		u8 *bytes = (u8 *)&d;

		start(&d, round % 2);
		for (size_t i = 0; i < offsetof(struct driver, used); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[i] = seed % 3 ? seed >> 32 & 7 : 0;
		}
		for (int i = 0; i < NUM && pop(&d) == 1; i++, popped++) {
			ASSERT(d.chain.out + d.chain.in <= SEGS);
			ASSERT(d.chain.head < NUM);
		}
	}
	EXPECT_GE(popped, 1000);
	EXPECT_EQ(d.used.canary, 0x5a5a);
}

int main(int argc, char **argv)
{
	return ktap_run(argc, argv, NULL);
}

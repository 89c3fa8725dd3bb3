// SPDX-License-Identifier: GPL-2.0
/* Recordings. */

#include <kunit/test.h>

#include "../recording.c"

#define RING	256

struct ring {
	u64 data[RING / sizeof(u64)];
	struct qz_recording rec;
};

static struct qz_recording *make_ring(struct ring *ring)
{
	memset(ring->data, 0xee, sizeof(ring->data));
	ring->rec = (struct qz_recording){ .data = (u8 *)ring->data, .size = RING };
	return &ring->rec;
}

static struct qz_record *write_record(struct qz_recording *rec, u32 bytes, u8 value,
				      u32 *lost)
{
	struct qz_record *record = qz_recording_reserve(rec, bytes, lost);

	if (record) {
		memset(record->data, value, bytes);
		qz_recording_commit(record);
	}
	return record;
}

/* The value of the next record, whose bytes are all alike; -1: there is none. */
static int read_record(struct kunit *test, struct qz_recording *rec, u32 bytes)
{
	struct qz_record *record = qz_recording_next(rec);
	int value;
	u32 i;

	if (!record)
		return -1;
	value = record->data[0];
	KUNIT_EXPECT_GE(test, record->room, bytes + (u32)sizeof(*record));
	KUNIT_EXPECT_LT(test, record->room,
			bytes + (u32)sizeof(*record) + QZ_RECORD_ALIGN);
	for (i = 0; i < bytes; i++)
		KUNIT_EXPECT_EQ(test, record->data[i], value);
	qz_recording_release(rec, record);
	return value;
}

static void records_come_in_order(struct kunit *test)
{
	struct qz_recording *rec;
	struct ring ring;
	u32 lost;
	int i;

	rec = make_ring(&ring);
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 0), -1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NOT_NULL(test, write_record(rec, 10 + i, i, &lost));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, read_record(test, rec, 10 + i), i);
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 0), -1);
}

/* Sizes that are no divisor of the ring's, so that its end is met at many places. */
static void records_go_around(struct kunit *test)
{
	struct qz_recording *rec;
	u32 lost, bytes;
	struct ring ring;
	int i;

	rec = make_ring(&ring);
	for (i = 0; i < 1000; i++) {
		bytes = 1 + i * 7 % 100;
		KUNIT_ASSERT_NOT_NULL(test, write_record(rec, bytes, i, &lost));
		KUNIT_EXPECT_EQ(test, lost, 0);
		KUNIT_ASSERT_EQ(test, read_record(test, rec, bytes), i & 0xff);
	}
}

static void full_recording_counts_what_is_lost(struct kunit *test)
{
	struct qz_recording *rec;
	struct ring ring;
	u32 lost, n = 0;

	rec = make_ring(&ring);
	while (write_record(rec, 24, n, &lost))
		n++;
	KUNIT_EXPECT_EQ(test, n, RING / 32);
	KUNIT_EXPECT_NULL(test, write_record(rec, 24, n, &lost));
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 24), 0);
	KUNIT_EXPECT_NOT_NULL(test, write_record(rec, 24, 77, &lost));
	KUNIT_EXPECT_EQ(test, lost, 2);
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 24), 1);
	KUNIT_EXPECT_NOT_NULL(test, write_record(rec, 24, 78, &lost));
	KUNIT_EXPECT_EQ(test, lost, 0);
}

/* One that is reserved first is read first, however late it is complete. */
static void reader_stops_at_an_incomplete_record(struct kunit *test)
{
	struct qz_recording *rec;
	struct qz_record *slow;
	struct ring ring;
	u32 lost;

	rec = make_ring(&ring);
	slow = qz_recording_reserve(rec, 8, &lost);
	KUNIT_ASSERT_NOT_NULL(test, slow);
	KUNIT_EXPECT_NOT_NULL(test, write_record(rec, 8, 2, &lost));
	KUNIT_EXPECT_FALSE(test, qz_recording_ready(rec));	/* nobody polls for it */
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 8), -1);
	memset(slow->data, 1, 8);
	qz_recording_commit(slow);
	KUNIT_EXPECT_TRUE(test, qz_recording_ready(rec));
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 8), 1);
	KUNIT_EXPECT_EQ(test, read_record(test, rec, 8), 2);
	KUNIT_EXPECT_FALSE(test, qz_recording_ready(rec));
}

/* The rest of the ring is skipped, and the record behind it is not complete. */
static void reader_skips_the_end_of_the_ring_once(struct kunit *test)
{
	struct qz_recording *rec;
	struct qz_record *slow;
	struct ring ring;
	u32 lost;

	rec = make_ring(&ring);
	for (lost = 0; rec->head < RING - 32; lost = 0)
		KUNIT_ASSERT_NOT_NULL(test, write_record(rec, 24, 1, &lost));
	while (read_record(test, rec, 24) >= 0)
		;
	slow = qz_recording_reserve(rec, 56, &lost);
	KUNIT_ASSERT_NOT_NULL(test, slow);
	KUNIT_EXPECT_PTR_EQ(test, (void *)slow, (void *)rec->data);
	KUNIT_EXPECT_TRUE(test, qz_recording_ready(rec));
	KUNIT_EXPECT_NULL(test, qz_recording_next(rec));
	KUNIT_EXPECT_FALSE(test, qz_recording_ready(rec));
	qz_recording_commit(slow);
	KUNIT_EXPECT_PTR_EQ(test, qz_recording_next(rec), slow);
}

static struct kunit_case recording_cases[] = {
	KUNIT_CASE(records_come_in_order),
	KUNIT_CASE(records_go_around),
	KUNIT_CASE(full_recording_counts_what_is_lost),
	KUNIT_CASE(reader_stops_at_an_incomplete_record),
	KUNIT_CASE(reader_skips_the_end_of_the_ring_once),
	{}
};

static struct kunit_suite recording_suite = {
	.name = "queztl_recording",
	.test_cases = recording_cases,
};

kunit_test_suite(recording_suite);

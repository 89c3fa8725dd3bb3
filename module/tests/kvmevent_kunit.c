// SPDX-License-Identifier: GPL-2.0
/* Announcements of KVM, and uevents that only look like them. */

#include <kunit/test.h>

#include "../kvmevent.c"

#define HEAD	"change@/devices/virtual/misc/kvm\0"
#define PATH	"STATS_PATH=/sys/kernel/debug/kvm/4711-12\0"

/*
 * Copied to memory of exactly its size, so that sanitizers detect over-reads.
 */
static bool parse_bytes(struct kunit *test, struct qz_kvmevent *event,
			const char *text, size_t len)
{
	char *copy = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, text, len);
	return qz_kvmevent_parse(event, copy, len);
}

#define parse(test, event, text) \
	parse_bytes(test, event, text, sizeof(text) - 1)

static bool is_ours(struct kunit *test, const char *text, size_t len)
{
	struct qz_kvmevent event;

	return parse_bytes(test, &event, text, len);
}

#define ours(test, text) is_ours(test, text, sizeof(text) - 1)

/* As Linux 6.12 writes them. */
static void begin_and_end_are_understood(struct kunit *test)
{
	struct qz_kvmevent event;

	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"ACTION=change\0DEVPATH=/devices/virtual/misc/kvm\0"
		"SUBSYSTEM=misc\0CREATED=3\0COUNT=1\0EVENT=create\0PID=4711\0"
		PATH "MAJOR=10\0MINOR=232\0DEVNAME=kvm\0SEQNUM=2143\0"));
	KUNIT_EXPECT_TRUE(test, event.create);
	KUNIT_EXPECT_FALSE(test, event.destroy);
	KUNIT_EXPECT_EQ(test, event.pid, 4711);
	KUNIT_EXPECT_STREQ(test, event.key, "4711-12");

	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=4711\0" PATH));
	KUNIT_EXPECT_FALSE(test, event.create);
	KUNIT_EXPECT_TRUE(test, event.destroy);
	KUNIT_EXPECT_STREQ(test, event.key, "4711-12");
}

static void without_debugfs_the_key_is_empty(struct kunit *test)
{
	struct qz_kvmevent event;

	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=4711\0"));
	KUNIT_EXPECT_STREQ(test, event.key, "");
	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=4711\0STATS_PATH=\0"));
	KUNIT_EXPECT_STREQ(test, event.key, "");
	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=4711\0STATS_PATH=/a/\0"));
	KUNIT_EXPECT_STREQ(test, event.key, "");
	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=4711\0STATS_PATH=1-2\0"));
	KUNIT_EXPECT_STREQ(test, event.key, "1-2");
}

#define REST "EVENT=create\0PID=1\0"

static void other_devices_are_not_kvm(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, ours(test, HEAD REST));
	KUNIT_EXPECT_FALSE(test, ours(test, "change@/devices/virtual/misc/kvm2\0" REST));
	KUNIT_EXPECT_FALSE(test, ours(test, "change@/devices/virtual/misc/kv\0\0" REST));
	KUNIT_EXPECT_FALSE(test, ours(test, "remove@/devices/virtual/misc/kvm\0" REST));
	KUNIT_EXPECT_FALSE(test, ours(test, "Change@/devices/virtual/misc/kvm\0" REST));
	KUNIT_EXPECT_FALSE(test, ours(test, REST));
	/* udev's own messages start like this. */
	KUNIT_EXPECT_FALSE(test, ours(test, "libudev\0\xfe\xed\xca\xfe"));
}

/*
 * Truncated anywhere, it is rejected or complete: nothing beyond the end is
 * read.
 */
static void cut_text_is_not_read_beyond(struct kunit *test)
{
	static const char text[] = HEAD "EVENT=create\0PID=4711\0" PATH;
	const size_t pid_end = sizeof(HEAD "EVENT=create\0PID=4711") - 1;
	struct qz_kvmevent event;
	size_t len;

	for (len = 1; len < sizeof(text); len++) {
		bool whole = len > pid_end && !text[len - 1];

		KUNIT_EXPECT_EQ(test, whole,
				parse_bytes(test, &event, text, len));
	}
	KUNIT_EXPECT_FALSE(test, qz_kvmevent_parse(&event, text, 0));
}

static void text_without_nul_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=create\0PID=4711"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=create\0PID=1\0x"));
	KUNIT_EXPECT_FALSE(test, ours(test, "change@/devices/virtual/misc/kvm"));
}

static void create_or_destroy_not_both_nor_none(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "PID=1\0" PATH));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD
		"EVENT=create\0EVENT=destroy\0PID=1\0" PATH));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=resume\0PID=1\0"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=created\0PID=1\0"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=\0PID=1\0"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "XEVENT=create\0PID=1\0"));
}

static int pid_of(struct kunit *test, const char *number)
{
	char text[128] = HEAD "EVENT=create\0PID=";
	size_t len = sizeof(HEAD "EVENT=create\0PID=") - 1;
	struct qz_kvmevent event;

	memcpy(text + len, number, strlen(number) + 1);
	len += strlen(number) + 1;
	return parse_bytes(test, &event, text, len) ? event.pid : -1;
}

static void pid_is_a_positive_number(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pid_of(test, "1"), 1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "4194304"), 4194304);
	KUNIT_EXPECT_EQ(test, pid_of(test, "007"), 7);
	KUNIT_EXPECT_EQ(test, pid_of(test, ""), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "0"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "-1"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "+1"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "1x"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "0x1"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, " 1"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "1\n"), -1);
}

static void huge_pids_do_not_overflow(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pid_of(test, "2147483639"), 2147483639);
	KUNIT_EXPECT_EQ(test, pid_of(test, "2147483648"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "4294967297"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "18446744073709551617"), -1);
	KUNIT_EXPECT_EQ(test, pid_of(test, "9999999999999999999999999"), -1);
}

/* The creation could not be announced: KVM does not know the creator then. */
static void end_without_a_pid_is_an_end(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, ours(test, HEAD "EVENT=destroy\0PID=0\0" PATH));
	KUNIT_EXPECT_TRUE(test, ours(test, HEAD "EVENT=destroy\0" PATH));
}

static void missing_pid_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=create\0" PATH));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=create\0PID\0"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD "EVENT=create\0pid=1\0"));
	KUNIT_EXPECT_FALSE(test, ours(test, HEAD));
}

/* Many empty strings, and a name far longer than any name of KVM. */
static void strange_strings_are_passed_over(struct kunit *test)
{
	const size_t head = sizeof(HEAD) - 1;
	static char text[4096];
	struct qz_kvmevent event;

	memset(text, 0, sizeof(text));
	memcpy(text, HEAD, head);
	KUNIT_EXPECT_FALSE(test, parse_bytes(test, &event, text, sizeof(text)));
	memset(text + head, 'x', sizeof(text) - head);
	memcpy(text + head, "EVENT=create\0PID=1\0STATS_PATH=", 30);
	text[sizeof(text) - 1] = 0;
	KUNIT_EXPECT_TRUE(test, parse_bytes(test, &event, text, sizeof(text)));
	KUNIT_EXPECT_EQ(test, strlen(event.key), sizeof(text) - head - 31);
}

/* Nothing of an earlier event remains. */
static void every_event_begins_anew(struct kunit *test)
{
	struct qz_kvmevent event;

	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=create\0PID=4711\0" PATH));
	KUNIT_EXPECT_FALSE(test, parse(test, &event, HEAD "EVENT=create\0"));
	KUNIT_EXPECT_TRUE(test, parse(test, &event, HEAD
		"EVENT=destroy\0PID=1\0"));
	KUNIT_EXPECT_STREQ(test, event.key, "");
}

static struct kunit_case kvmevent_cases[] = {
	KUNIT_CASE(begin_and_end_are_understood),
	KUNIT_CASE(without_debugfs_the_key_is_empty),
	KUNIT_CASE(other_devices_are_not_kvm),
	KUNIT_CASE(cut_text_is_not_read_beyond),
	KUNIT_CASE(text_without_nul_is_refused),
	KUNIT_CASE(create_or_destroy_not_both_nor_none),
	KUNIT_CASE(pid_is_a_positive_number),
	KUNIT_CASE(huge_pids_do_not_overflow),
	KUNIT_CASE(end_without_a_pid_is_an_end),
	KUNIT_CASE(missing_pid_is_refused),
	KUNIT_CASE(strange_strings_are_passed_over),
	KUNIT_CASE(every_event_begins_anew),
	{}
};

static struct kunit_suite kvmevent_suite = {
	.name = "queztl_kvmevent",
	.test_cases = kvmevent_cases,
};

kunit_test_suite(kvmevent_suite);

// SPDX-License-Identifier: GPL-2.0
/* Captured frames, through the command: lines, JSON and files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fake_policy.h"
#include "run.h"

#define FRAME	61	/* bytes: no multiple of 4, so that there is padding */

struct captured {
	struct queztl_capture_record record;
	uint8_t frame[FRAME];
	uint8_t pad[3];
};

static struct captured frames[3];
static unsigned int descriptors;

static void fill(struct captured *c, uint64_t time, uint16_t flags,
		 uint16_t drop, uint32_t lost)
{
	static const uint8_t head[14] = {
		0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 8, 0 };

	c->record = (struct queztl_capture_record){
		.time = time, .bytes = 100, .captured = FRAME, .lost = lost,
		.flags = flags, .drop = drop };
	memset(c->frame, 0xab, sizeof(c->frame));
	memcpy(c->frame, head, sizeof(head));
}

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fake_add_ports();
	setenv("TZ", "UTC", 1);
	fill(&frames[0], 1000000123456, QUEZTL_CAPTURE_SENT, 0, 0);
	fill(&frames[1], 1000000999999, 0, 0, 0);
	fill(&frames[2], 1001000000000, QUEZTL_CAPTURE_SENT |
	     QUEZTL_CAPTURE_DROPPED, QUEZTL_DROP_NO_PORT, 5);
	fake.captured = frames;
	fake.captured_size = sizeof(frames);
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static void frames_are_shown_line_by_line(void **state)
{
	struct result *r = run("capture db0");

	(void)state;
	assert_int_equal(r->code, EXIT_OK);
	assert_string_equal(r->out,
		"00:16:40.000123 out 52:54:00:00:00:01 > 52:54:00:00:00:02 0800    100\n"
		"00:16:40.000999 in  52:54:00:00:00:01 > 52:54:00:00:00:02 0800    100\n"
		"00:16:41.000000 out 52:54:00:00:00:01 > 52:54:00:00:00:02 0800    100 dropped: no_port\n");
	assert_string_equal(r->err, "3 frames captured, 5 lost\n");
	assert_int_equal(fake.snaplen, 0);
}

static void capture_ends_after_as_many_as_asked(void **state)
{
	struct result *r = run("capture db0 -c 2 -s 64");

	(void)state;
	assert_int_equal(r->code, EXIT_OK);
	assert_int_equal(count_lines(r->out), 2);
	assert_string_equal(r->err, "");
	assert_int_equal(fake.snaplen, 64);
}

static void frames_are_objects(void **state)
{
	json_t *frame;

	(void)state;
	frame = run_json("capture db0 -c 1 --json");
	assert_int_equal(json_integer_value(json_object_get(frame, "time_ns")),
			 1000000123456);
	assert_string_equal(json_string_value(json_object_get(frame, "direction")),
			    "out");
	assert_int_equal(json_integer_value(json_object_get(frame, "ethertype")),
			 0x800);
	assert_int_equal(json_integer_value(json_object_get(frame, "bytes")), 100);
	assert_true(json_is_null(json_object_get(frame, "dropped")));
	json_decref(frame);
	assert_int_equal(count_lines(run("capture db0 --json")->out), 3);
}

/* Reads a file of blocks: each has its length before and after what is in it. */
struct reader {
	uint8_t bytes[4096];
	size_t size, at;
};

static uint32_t number_at(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static const uint8_t *expect_block(struct reader *r, uint32_t type,
				   size_t *size)
{
	const uint8_t *block = r->bytes + r->at;

	assert_true(r->at + 12 <= r->size);
	assert_int_equal(number_at(block), type);
	*size = number_at(block + 4);
	assert_int_equal(*size % 4, 0);
	assert_true(r->at + *size <= r->size);
	assert_int_equal(number_at(block + *size - 4), *size);
	r->at += *size;
	return block + 8;
}

/* The value of an option, or NULL. */
static const uint8_t *find_option(const uint8_t *at, const uint8_t *end,
				  uint16_t code, uint16_t *size)
{
	uint16_t head[2];

	while (at + 4 <= end) {
		memcpy(head, at, sizeof(head));
		*size = head[1];
		if (head[0] == code)
			return at + 4;
		if (!head[0])
			break;
		at += 4 + (head[1] + 3) / 4 * 4;
	}
	return NULL;
}

static void expect_frame(struct reader *r, const struct captured *c)
{
	size_t size;
	const uint8_t *block = expect_block(r, 6, &size);
	const uint8_t *options = block + 20 + FRAME + 3, *end = block + size - 12;
	bool sent = c->record.flags & QUEZTL_CAPTURE_SENT;
	uint64_t lost = 0;
	const uint8_t *value;
	uint16_t length;

	assert_int_equal(number_at(block), 0);
	assert_int_equal((uint64_t)number_at(block + 4) << 32 |
			 number_at(block + 8), c->record.time);
	assert_int_equal(number_at(block + 12), FRAME);
	assert_int_equal(number_at(block + 16), 100);
	assert_memory_equal(block + 20, c->frame, FRAME);
	value = find_option(options, end, 2, &length);
	assert_non_null(value);
	assert_int_equal(number_at(value), sent ? 2 : 1);
	value = find_option(options, end, 4, &length);
	if (value)
		memcpy(&lost, value, sizeof(lost));
	assert_int_equal(lost, c->record.lost);
	value = find_option(options, end, 1, &length);
	assert_int_equal(!!value, !!(c->record.flags & QUEZTL_CAPTURE_DROPPED));
	if (value) {
		assert_int_equal(length, strlen("dropped: no_port"));
		assert_memory_equal(value, "dropped: no_port", length);
	}
}

static void files_are_pcapng(void **state)
{
	char path[] = "/tmp/queztl-capture-XXXXXX", words[64];
	static struct reader r;
	const uint8_t *block, *value;
	uint16_t length;
	size_t size;
	FILE *file;

	(void)state;
	close(mkstemp(path));
	snprintf(words, sizeof(words), "capture db0 -w %s", path);
	assert_int_equal(run(words)->code, EXIT_OK);
	file = fopen(path, "r");
	assert_non_null(file);
	r = (struct reader){ .at = 0 };
	r.size = fread(r.bytes, 1, sizeof(r.bytes), file);
	fclose(file);
	unlink(path);
	block = expect_block(&r, 0x0a0d0d0a, &size);
	assert_int_equal(number_at(block), 0x1a2b3c4d);
	block = expect_block(&r, 1, &size);
	assert_int_equal(block[0], 1);
	value = find_option(block + 8, block + size - 12, 2, &length);
	assert_non_null(value);
	assert_memory_equal(value, "db0", length);
	value = find_option(block + 8, block + size - 12, 9, &length);
	assert_non_null(value);
	assert_int_equal(value[0], 9);
	for (int i = 0; i < 3; i++)
		expect_frame(&r, &frames[i]);
	assert_int_equal(r.at, r.size);
}

static void mistakes_are_told(void **state)
{
	(void)state;
	assert_fails("capture", EXIT_USAGE, "usage: queztl capture PORT");
	assert_fails("capture web9", EXIT_NO_OBJECT, "no port web9");
	assert_fails("capture db0 -s 13", EXIT_USAGE, "invalid -s '13'");
	assert_fails("capture db0 -c 0", EXIT_USAGE, "invalid -c '0'");
	assert_fails("capture db0 -w /none/at/all", EXIT_FAILED,
		     "cannot write to /none/at/all");
	assert_fails("capture db0 -w", EXIT_USAGE, "-w needs a file");
	fake.captured_by_another = true;
	assert_fails("capture db0", EXIT_FAILED,
		     "port db0 is being captured by somebody else");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_are_shown_line_by_line),
		TEST(capture_ends_after_as_many_as_asked),
		TEST(frames_are_objects),
		TEST(files_are_pcapng),
		TEST(mistakes_are_told),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}

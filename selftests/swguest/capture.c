// SPDX-License-Identifier: GPL-2.0
/* Captures: what an administrator sees of a port's frames. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"
#include "world.h"

#define LENGTH	300
#define ROOM	(1 << 17)

static struct member *m[3];
static uint8_t bytes[ROOM];
static ssize_t filled, taken;
static struct flow_frame large;

static int open_capture(const char *name, uint32_t snaplen, uint32_t size)
{
	struct queztl_port_capture_args capture = { .snaplen = snaplen, .bytes = size };

	return port_capture(name, &capture);
}

static bool is_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) > 0 && poll_fd.revents & POLLIN;
}

static const struct queztl_capture_record *take_record(void)
{
	const struct queztl_capture_record *record = (void *)(bytes + taken);

	if (taken == filled)
		return NULL;
	ASSERT(filled - taken >= (ssize_t)sizeof(*record));
	ASSERT(filled - taken >= (ssize_t)(sizeof(*record) + record->captured));
	taken += (sizeof(*record) + record->captured + 7) & ~7;
	EXPECT(record->captured <= record->bytes);
	EXPECT(!record->reserved[0] && !record->reserved[1] && !record->reserved[2]);
	return record;
}

static const struct queztl_capture_record *next_record(int fd)
{
	if (taken == filled) {
		ASSERT(is_readable(fd, SOON));
		filled = read(fd, bytes, sizeof(bytes));
		taken = 0;
		ASSERT(filled > 0);
	}
	return take_record();
}

static void expect_none(int fd)
{
	EXPECT(taken == filled);
	EXPECT(!is_readable(fd, SILENCE));
	EXPECT_EQ(read(fd, bytes, sizeof(bytes)), -1);
	EXPECT_EQ(errno, EAGAIN);
}

static int begin_capture(const char *name, uint32_t snaplen)
{
	int fd = open_capture(name, snaplen, 0);

	ASSERT(fd >= 0);
	ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	filled = taken = 0;
	return fd;
}

static void expect_frame(int fd, const __u8 to[6], const __u8 from[6], uint32_t seed, int flags, int drop)
{
	const struct queztl_capture_record *record = next_record(fd);
	static uint8_t frame[LENGTH];

	frame_make(frame, LENGTH, to, from, seed);
	EXPECT_EQ(record->bytes, LENGTH);
	EXPECT_EQ(record->flags, flags);
	EXPECT_EQ(record->drop, drop);
	EXPECT_EQ(record->lost, 0);
	EXPECT_EQ(record->gso_size, 0);
	EXPECT(!memcmp(record + 1, frame, record->captured));
}

static void send_and_receive(struct member *from, struct member *to, uint32_t seed)
{
	ASSERT_EQ(send_to(from, to->mac, LENGTH, seed, 0), 0);
	expect_arrives(to, to->mac, from, LENGTH, seed);
}

TEST(both_directions_are_captured)
{
	int fd;

	make_lan(m, 3, NULL);
	fd = begin_capture(m[0]->name, 0);
	expect_none(fd);
	send_and_receive(m[0], m[1], 1);
	expect_frame(fd, m[1]->mac, m[0]->mac, 1, QUEZTL_CAPTURE_SENT, 0);
	send_and_receive(m[1], m[0], 2);
	expect_frame(fd, m[0]->mac, m[1]->mac, 2, 0, 0);
	send_and_receive(m[1], m[2], 3);	/* between others */
	expect_none(fd);
	close(fd);
	send_and_receive(m[0], m[1], 4);
}

TEST(dropped_frames_show_why)
{
	static const __u8 nobody[6] = { 0x52, 0x54, 0, 0xff, 0, 9 };
	static uint8_t frame[LENGTH];
	int fd;

	make_lan(m, 2, NULL);
	fd = begin_capture(m[0]->name, 0);
	ASSERT_EQ(send_to(m[0], nobody, LENGTH, 1, 0), 0);
	expect_frame(fd, nobody, m[0]->mac, 1, QUEZTL_CAPTURE_SENT | QUEZTL_CAPTURE_DROPPED, QUEZTL_DROP_NO_PORT);
	frame_make(frame, LENGTH, m[1]->mac, nobody, 2);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, LENGTH, 0), 0);
	expect_frame(fd, m[1]->mac, nobody, 2, QUEZTL_CAPTURE_SENT | QUEZTL_CAPTURE_DROPPED, QUEZTL_DROP_SPOOFED);
	ASSERT_EQ(swg_send(&m[0]->port, NULL, frame, 8, 0), 0);	/* no header to show */
	expect_none(fd);
	close(fd);
}

TEST(only_the_first_bytes_are_kept_if_asked)
{
	const struct queztl_capture_record *record;
	int fd;

	make_lan(m, 2, NULL);
	fd = begin_capture(m[1]->name, 61);
	for (uint32_t seed = 1; seed < 4; seed++)
		send_and_receive(m[0], m[1], seed);
	for (uint32_t seed = 1; seed < 4; seed++)
		expect_frame(fd, m[1]->mac, m[0]->mac, seed, 0, 0);
	send_and_receive(m[0], m[1], 4);
	record = next_record(fd);
	EXPECT_EQ(record->captured, 61);
	for (int i = 61; i < 64; i++)
		EXPECT_EQ(((const uint8_t *)(record + 1))[i], 0);
	close(fd);
}

/* A large frame that the receiver takes in segments is one record, as on a tap device. */
TEST(large_frames_are_captured_whole)
{
	const struct swg_options options = { .features = F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4),
					     .slot = 32768, .num = 64 };
	static const struct flow flow = { .name = "captured", .gso_size = 1000, .payload = 20000 };
	const struct queztl_capture_record *record;
	int fd;

	make_lan(m, 2, &options);
	flow_make(&large, &flow, m[1]->mac, m[0]->mac, 1);
	fd = begin_capture(m[0]->name, 0);
	ASSERT_EQ(swg_send(&m[0]->port, &large.header, large.bytes, large.length, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	record = next_record(fd);
	EXPECT_EQ(record->bytes, large.length);
	EXPECT_EQ(record->captured, large.length);
	EXPECT_EQ(record->gso_size, flow.gso_size);
	EXPECT_EQ(record->flags, QUEZTL_CAPTURE_SENT | QUEZTL_CAPTURE_NEEDS_CSUM);
	EXPECT(!memcmp(record + 1, large.bytes, large.length));
	expect_none(fd);
	close(fd);
}

/* Nobody waits for a reader that does not read. */
TEST(full_captures_lose_frames_and_say_so)
{
	int fd, sent = 0, seen = 0, lost = 0;

	make_lan(m, 2, NULL);
	fd = open_capture(m[0]->name, 0, QUEZTL_CAPTURE_BYTES_MIN);
	ASSERT(fd >= 0);
	ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	filled = taken = 0;
	for (; sent < 1000; sent++)
		send_and_receive(m[0], m[1], sent);
	while (is_readable(fd, SILENCE)) {
		const struct queztl_capture_record *record = next_record(fd);

		do {
			seen++;
			lost += record->lost;
		} while ((record = take_record()));
	}
	EXPECT_GE(seen, (int)(QUEZTL_CAPTURE_BYTES_MIN / (LENGTH + 64)));
	EXPECT(seen < sent);
	EXPECT_EQ(lost, 0);
	send_and_receive(m[0], m[1], 7);
	EXPECT_EQ(next_record(fd)->lost, sent - seen);
	close(fd);
}

TEST(a_port_is_captured_once_and_as_long_as_it_exists)
{
	struct pollfd poll_fd;
	int fd;

	make_lan(m, 2, NULL);
	EXPECT_EQ(open_capture(m[0]->name, QUEZTL_CAPTURE_SNAPLEN_MAX + 1, 0), -EINVAL);
	EXPECT_EQ(open_capture(m[0]->name, 0, QUEZTL_CAPTURE_BYTES_MIN / 2), -EINVAL);
	EXPECT_EQ(open_capture(m[0]->name, 0, QUEZTL_CAPTURE_BYTES_MIN + 8), -EINVAL);
	fd = begin_capture(m[0]->name, 0);
	EXPECT_EQ(open_capture(m[0]->name, 0, 0), -EBUSY);
	EXPECT_EQ(read(fd, bytes, 16), -1);
	EXPECT_EQ(errno, EAGAIN);
	send_and_receive(m[0], m[1], 1);
	ASSERT(is_readable(fd, SOON));
	EXPECT_EQ(read(fd, bytes, 16), -1);
	EXPECT_EQ(errno, EMSGSIZE);
	ASSERT_EQ(port_del(m[0]->name), 0);
	expect_frame(fd, m[1]->mac, m[0]->mac, 1, QUEZTL_CAPTURE_SENT, 0);
	poll_fd = (struct pollfd){ .fd = fd, .events = POLLIN };
	ASSERT_EQ(poll(&poll_fd, 1, SOON), 1);
	EXPECT(poll_fd.revents & POLLHUP);
	EXPECT_EQ(read(fd, bytes, sizeof(bytes)), 0);
	close(fd);
}

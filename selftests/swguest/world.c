// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "world.h"

#include <sched.h>
#include <unistd.h>

void make_fabric(const char *name)
{
	ASSERT_EQ(fabric_add(name, NULL), 0);
}

struct member *make_member(const char *fabric, int number, int mtu)
{
	struct member *member = calloc(1, sizeof(*member));

	snprintf(member->name, sizeof(member->name), FABRIC_PREFIX "p%d", number);
	frame_mac(member->mac, number);
	member->mtu = mtu ? mtu : 1500;
	ASSERT_EQ(port_add(member->name, fabric, member->mac, mtu), 0);
	return member;
}

struct member *join(const char *fabric, int number, int mtu)
{
	struct member *member = make_member(fabric, number, mtu);

	ASSERT_EQ(swg_open(&member->port, member->name), 0);
	return member;
}

void start(struct member *member, const struct swg_options *options)
{
	static const struct swg_options none;

	ASSERT_EQ(swg_start(&member->port, options ? options : &none), 0);
	member_mark(member);
}

void restart(struct member *member, const struct swg_options *options)
{
	ASSERT_EQ(swg_reset(&member->port), 0);
	start(member, options);
}

void paint(struct member *member, uint8_t color)
{
	memset(member->port.memory + SWG_BUFFERS, color, member->port.size - SWG_BUFFERS);
}

bool is_painted(struct member *member, uint8_t color)
{
	for (uint32_t i = SWG_BUFFERS; i < member->port.size; i++)
		if (member->port.memory[i] != color)
			return false;
	return true;
}

void make_lan(struct member *members[], int count, const struct swg_options *options)
{
	make_fabric("qtlan");
	for (int i = 0; i < count; i++) {
		members[i] = join("qtlan", i + 1, 0);
		start(members[i], options);
	}
}

struct queztl_port_stats member_stats(struct member *member)
{
	struct queztl_port_stats stats;

	ASSERT_EQ(port_stats(member->name, &stats), 0);
	return stats;
}

void member_mark(struct member *member)
{
	member->then = member_stats(member);
}

static uint64_t drops_since_mark(struct member *member, int reason)
{
	return member_stats(member).drops[reason] - member->then.drops[reason];
}

void expect_drops(struct member *member, enum queztl_drop reason, int count, const char *why)
{
	double end = swg_now() + SOON / 1e3;

	while (drops_since_mark(member, reason) < (uint64_t)count && swg_now() < end)
		usleep(1000);
	for (int i = 0; i < QUEZTL_DROP_ROOM; i++)
		KTAP_CHECK(drops_since_mark(member, i) == (uint64_t)(i == (int)reason ? count : 0), false,
			   "%s at %s: %llu drops of reason %d, expected %d of reason %d", why, member->name,
			   (unsigned long long)drops_since_mark(member, i), i, count, reason);
	member_mark(member);
}

void expect_no_drops(struct member *member)
{
	for (int i = 0; i < QUEZTL_DROP_ROOM; i++)
		KTAP_CHECK(!drops_since_mark(member, i), false, "%s dropped %llu frames for reason %d", member->name,
			   (unsigned long long)drops_since_mark(member, i), i);
}

int send_to(struct member *from, const __u8 to[6], int length, uint32_t seed, int layout)
{
	static __thread uint8_t frame[SWG_FRAME];

	frame_make(frame, length, to, from->mac, seed);
	return swg_send(&from->port, NULL, frame, length, layout);
}

void expect_arrives(struct member *at, const __u8 to[6], struct member *from, int length, uint32_t seed)
{
	static __thread uint8_t frame[SWG_FRAME];
	int got = swg_receive(&at->port, frame, sizeof(frame), SOON);

	KTAP_CHECK(got == length, true, "%s: expected a frame of %d bytes (seed %u), got %d (%s)", at->name, length,
		   seed, got, got < 0 ? strerror(-got) : "");
	KTAP_CHECK(frame_check(frame, length, to, from->mac, seed), true, "%s: frame of %d bytes (seed %u) is damaged",
		   at->name, length, seed);
	EXPECT_EQ(at->port.header.flags & ~VIRTIO_NET_HDR_F_DATA_VALID, 0);
	EXPECT_EQ(at->port.header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

void expect_silence(struct member *at)
{
	uint8_t frame[SWG_FRAME];
	int got = swg_receive(&at->port, frame, sizeof(frame), SILENCE);

	KTAP_CHECK(got == -ETIMEDOUT, false, "%s: expected nothing, got %d", at->name, got);
}

void expect_pair_works(struct member *a, struct member *b, uint32_t seed)
{
	ASSERT_EQ(send_to(a, b->mac, 100, seed, 0), 0);
	expect_arrives(b, b->mac, a, 100, seed);
	ASSERT_EQ(send_to(b, a->mac, 100, seed + 1, 0), 0);
	expect_arrives(a, a->mac, b, 100, seed + 1);
}

void keep_to_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
}

void reopen(struct member *member)
{
	for (int i = 0; swg_open(&member->port, member->name) && i < 100; i++)
		usleep(10000);
}

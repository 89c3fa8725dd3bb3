// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a guest that has gone bad costs its own VM, not the host, and nobody gets what could not be read. A frame of
 * 800 bytes is read in two pieces: its headers, and the rest.
 */
#define _GNU_SOURCE
#include "flow.h"
#include "poison.h"
#include "testmod.h"
#include "world.h"

#define LENGTH	800
#define HEADERS	(SWG_HEADER + 18)	/* with room for a VLAN tag */
#define PARAMETERS "/sys/module/qz_poison/parameters/"

static struct member *m[2];

/* The next copy of so many bytes meets an error. */
static void poison(int bytes)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", bytes);
	ASSERT_EQ(write_text(PARAMETERS "bytes", text), 0);
	ASSERT_EQ(write_text(PARAMETERS "left", "1"), 0);
}

static void expect_broken(struct member *member, bool broken, const char *why)
{
	double end = swg_now() + (broken ? SOON : SILENCE) / 1e3;
	bool is;

	do {
		is = swg_get_status(&member->port) & VIRTIO_CONFIG_S_NEEDS_RESET;
		usleep(1000);
	} while (!is && swg_now() < end);
	KTAP_CHECK(is == broken, false, "%s: %s is%s broken", why, member->name, is ? "" : " not");
}

/* @member's memory was bad: nothing came of it at the other, who goes on once it is reset. */
static void expect_only_it(struct member *member, enum queztl_drop reason, const char *why)
{
	struct member *other = m[member == m[0]];

	expect_broken(member, true, why);
	expect_broken(other, false, why);
	expect_drops(member, reason, 1, why);
	expect_no_drops(other);
	expect_silence(m[1]);
	restart(member, &(struct swg_options){ .features = member->port.features });
	expect_pair_works(m[0], m[1], 5);
	member_mark(m[0]);
	member_mark(m[1]);
}

TEST_WITHIN(memory_that_has_gone_bad_costs_its_own_vm, 60)
{
	static const struct { const char *name; int bytes, layout; } bad[] = {
		{ "its headers", HEADERS, 0 },
		{ "its rest", SWG_HEADER + LENGTH - HEADERS, 0 },
		{ "an indirect table of two", 2 * sizeof(struct vring_desc), SWG_IN_TABLE | SWG_SPLIT },
	};
	const struct swg_options options = { .features = F(VIRTIO_RING_F_INDIRECT_DESC) };

	make_lan(m, 2, &options);
	if (!testmod_load("qz_poison", ""))
		SKIP("no qz_poison.ko, or no copy_mc_to_kernel()");
	expect_pair_works(m[0], m[1], 1);
	member_mark(m[0]);
	member_mark(m[1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		poison(bad[i].bytes);
		ASSERT_EQ(send_to(m[0], m[1]->mac, LENGTH, i, bad[i].layout), 0);
		expect_only_it(m[0], QUEZTL_DROP_BAD_RING, bad[i].name);
	}
	ASSERT_EQ(testmod_unload("qz_poison"), 0);
}

/* A checksum is finished over what was written: a receiver's bad memory is met when that is read back. */
TEST_WITHIN(memory_of_a_receiver_that_has_gone_bad_costs_the_receiver, 60)
{
	static const struct flow flow = { .name = "TCP/IPv4 checksum", .payload = 200 };
	const struct swg_options options = { .features = F(VIRTIO_NET_F_CSUM) };
	static struct flow_frame frame;

	make_lan(m, 2, &options);
	if (!testmod_load("qz_poison", ""))
		SKIP("no qz_poison.ko, or no copy_mc_to_kernel()");
	member_mark(m[0]);
	member_mark(m[1]);
	flow_make(&frame, &flow, m[1]->mac, m[0]->mac, 1);
	poison(frame.length - frame.header.csum_start);
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	expect_only_it(m[1], QUEZTL_DROP_RX_BROKEN, "the receiver's");
	ASSERT_EQ(testmod_unload("qz_poison"), 0);
}

void end_poison(void)
{
	testmod_unload("qz_poison");
}

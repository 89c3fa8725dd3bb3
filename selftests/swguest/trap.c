// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers that cost their owner nothing and each sender a walk over a long chain. A driver's buffer has at most 19
 * descriptors (a page each of the largest frame, without VIRTIO_NET_F_MRG_RXBUF); 64 are taken.
 */
#define _GNU_SOURCE
#include "attack.h"
#include "tenant.h"

#define CHAIN_TAKEN	64
#define TRAP_FRAMES	4	/* a trap is broken after at most so many */

static struct member *sender, *trap, *other;

static void make_trap_lan(void)
{
	make_fabric("qtlan");
	sender = join("qtlan", 1, 0);
	trap = join("qtlan", 2, 0);
	other = join("qtlan", 3, 0);
	start(sender, NULL);
	start(other, NULL);
}

static bool is_broken(struct member *member)
{
	struct queztl_port found;

	ASSERT_EQ(port_find(member->name, &found), 0);
	return found.state & QUEZTL_PORT_BROKEN && swg_get_status(&member->port) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Frames that were sent until the trap was broken, and one to another port after each. */
static int send_into_trap(int limit)
{
	uint32_t seed = 0;
	int frames;

	for (frames = 0; frames < limit && !is_broken(trap); frames++) {
		ASSERT_EQ(send_to(sender, trap->mac, 60, seed++, 0), 0);
		ASSERT_EQ(swg_wait_sent(&sender->port, SOON), 0);
		ASSERT_EQ(send_to(sender, other->mac, 60, seed, 0), 0);
		expect_arrives(other, other->mac, sender, 60, seed++);
	}
	return frames;
}

TEST(buffers_of_empty_descriptors_break_their_port)
{
	int frames;

	make_trap_lan();
	set_up(&trap->port, F(VIRTIO_NET_F_MRG_RXBUF), 1024, NULL);
	/* each buffer: all descriptors empty, but for a byte in the last one */
	attack_fill(&trap->port, SWG_RX, attack_table(&trap->port, SWG_RX, 1024, 1));
	attack_offer(&trap->port, SWG_RX, 1024);
	bring_up(&trap->port);
	frames = send_into_trap(10);
	KTAP_CHECK(is_broken(trap), false, "the trap still works after %d frames", frames);
	EXPECT_LE(frames, TRAP_FRAMES);
	member_mark(sender);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(send_to(sender, other->mac, 200, i, 0), 0);
		expect_arrives(other, other->mac, sender, 200, i);
	}
	expect_no_drops(sender);
}

/* No buffer is too long, but of as many as a frame may take all are walked. */
TEST(many_buffers_of_empty_descriptors_break_their_port)
{
	make_trap_lan();
	set_up(&trap->port, F(VIRTIO_NET_F_MRG_RXBUF), 1024, NULL);
	attack_fill(&trap->port, SWG_RX, attack_table(&trap->port, SWG_RX, CHAIN_TAKEN, 1));
	attack_offer(&trap->port, SWG_RX, 1024);
	bring_up(&trap->port);
	send_into_trap(1);
	EXPECT(is_broken(trap));
	EXPECT_EQ(member_stats(trap).drops[QUEZTL_DROP_NO_SPACE], 0);
}

/* Receive buffers in @length pieces, in tables or along the ring. */
static void start_with_pieces(struct member *member, int num, int length, bool table)
{
	struct swg_options options = { .features = F(VIRTIO_RING_F_INDIRECT_DESC), .num = num, .no_fill = true };
	struct swg *port = &member->port;
	struct swg_ring *rx = &port->ring[SWG_RX];
	int each = 2048 / length;

	ASSERT_EQ(swg_start(port, &options), 0);
	while (rx->free_slot_count) {
		int slot = rx->free_slots[--rx->free_slot_count];
		struct vring_desc pieces[2 * CHAIN_TAKEN];

		for (int i = 0; i < length; i++)
			pieces[i] = (struct vring_desc){ .addr = rx->buffers_at + (uint64_t)slot * port->slot + i * each,
				.len = i < length - 1 ? each : 2048 - i * each, .flags = VRING_DESC_F_WRITE };
		if (swg_post(port, SWG_RX, pieces, length, slot, table))
			break;
	}
	ASSERT_GE((uint16_t)(rx->next - rx->seen), 4);
	member_mark(member);
}

static void expect_pieces_are_filled(int num, int length, bool table)
{
	make_trap_lan();
	start_with_pieces(trap, num, length, table);
	for (int i = 0; i < 4; i++) {
		int bytes = i % 2 ? 60 : 1514;

		ASSERT_EQ(send_to(sender, trap->mac, bytes, i, 0), 0);
		expect_arrives(trap, trap->mac, sender, bytes, i);
	}
	expect_no_drops(trap);
	EXPECT(!is_broken(trap));
}

TEST(a_buffer_of_64_descriptors_is_filled)
{
	expect_pieces_are_filled(1024, CHAIN_TAKEN, false);
}

TEST(a_buffer_of_64_descriptors_in_a_table_is_filled)
{
	expect_pieces_are_filled(32, CHAIN_TAKEN, true);
}

TEST(a_buffer_of_19_descriptors_is_filled)
{
	expect_pieces_are_filled(256, 19, false);
}

static void expect_too_many_pieces(int num, bool table)
{
	make_trap_lan();
	start_with_pieces(trap, num, CHAIN_TAKEN + 1, table);
	EXPECT_EQ(send_into_trap(TRAP_FRAMES), 1);
	EXPECT(is_broken(trap));
	EXPECT_GE(member_stats(trap).drops[QUEZTL_DROP_RX_BROKEN], 1);
	/* and works again when its driver has learnt better */
	restart(trap, NULL);
	expect_pair_works(sender, trap, 100);
}

TEST(a_buffer_of_65_descriptors_breaks_its_port)
{
	expect_too_many_pieces(1024, false);
}

TEST(a_buffer_of_65_descriptors_in_a_table_breaks_its_port)
{
	expect_too_many_pieces(16, true);
}

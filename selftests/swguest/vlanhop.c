// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing that a guest writes changes the VLAN or the sender of its frames: not their length, nor tags, nor what the header
 * asks the device to write into them. Two hostile ports send into VLAN 10 what they like, an access port and a trunk that
 * uses no other VLAN for the first tag; a trunk sees all VLANs, and checks; others have to see nothing.
 */
#define _GNU_SOURCE
#include "flow.h"
#include "mutate.h"
#include "world.h"

#define FRAMES		4000
#define LARGEST		65553	/* MTU, Ethernet header, a tag */

enum { ACCESS, TRUNK, WATCHER, OTHER, NONE, MEMBERS };
static struct member *m[MEMBERS];
static struct mutator mutator = { .state = 7 };
static uint64_t seen, big, tagged;

#define random(below) mutate_random(&mutator, below)
#define one_in(n) (!random(n))

#define SEND	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_HOST_TSO6) | F(VIRTIO_NET_F_HOST_USO))
#define CSUM	F(VIRTIO_NET_F_GUEST_CSUM)
#define TAKE	(CSUM | F(VIRTIO_NET_F_GUEST_TSO4) | F(VIRTIO_NET_F_GUEST_TSO6) | F(VIRTIO_NET_F_GUEST_USO4) | \
		 F(VIRTIO_NET_F_GUEST_USO6))

static void make_members(void)
{
	static const __u16 ten = 10, twenty = 20, two[] = { 10, 20 }, all[] = { 10, 20, 30 };
	struct swg_options options = { .features = SEND | TAKE, .slot = 65536 + 64 };

	make_fabric("qtlan");
	for (int i = 0; i < MEMBERS; i++) {
		m[i] = join("qtlan", i + 1, 65535);
		start(m[i], &options);
	}
	ASSERT_EQ(port_vlan(m[ACCESS]->name, QUEZTL_VLAN_ACCESS, ten, &ten, 1), 0);
	ASSERT_EQ(port_vlan(m[TRUNK]->name, QUEZTL_VLAN_TRUNK, 10, two, 2), 0);
	ASSERT_EQ(port_vlan(m[WATCHER]->name, QUEZTL_VLAN_TRUNK, 0, all, 3), 0);
	ASSERT_EQ(port_vlan(m[OTHER]->name, QUEZTL_VLAN_ACCESS, twenty, &twenty, 1), 0);
}

static int some_length(void)
{
	switch (random(8)) {
	case 0: return 14 + random(8);
	case 1: return 180 + random(24);	/* the copy of its head ends somewhere there */
	case 2: return LARGEST - random(8);
	case 3: return 1500 + random(24);
	default: return 14 + random(400);
	}
}

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* The first tag has any id but those of other VLANs that the trunk is in. */
static void write_tags(uint8_t *frame, int length)
{
	static const uint16_t first[] = { 10, 10, 0, 30, 4095 }, more[] = { 20, 10, 30 };
	int tags = random(4), at = 12;

	for (int i = 0; i < tags && at + 4 <= length; i++, at += 4) {
		put16(frame + at, one_in(6) ? 0x88a8 : 0x8100);
		put16(frame + at + 2, (i ? more[random(3)] : first[random(5)]) | random(8) << 13);
	}
	if (at + 2 <= length && !one_in(4))
		put16(frame + at, 0x0800);
}

/* Sums that begin and end where it hurts: at the edges of the frame, of its tags, and of 16 bits. */
static void write_header(struct virtio_net_hdr_v1 *header, int length)
{
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_offset = one_in(2) ? 2 * random(4) : random(24);
	switch (length > 65000 ? 2 : random(4)) {
	case 0: header->csum_start = 14 + random(9); break;
	case 1: header->csum_start = length - header->csum_offset - random(4); break;
	case 2:
		header->csum_start = 65536 - 1 - random(8);
		header->csum_offset = random(20);
		break;
	default: header->csum_start = random(length);
	}
}

static int make(uint8_t *frame, struct virtio_net_hdr_v1 *header, const struct member *from, const __u8 to[6])
{
	static struct flow_frame made;
	int length = some_length();

	if (one_in(4)) {
		const struct flow flow = { .ip6 = one_in(2), .udp = one_in(3), .vlan = one_in(2), .payload = 1 + random(3000),
					   .gso_size = one_in(3) ? 0 : 100 + random(1400) };

		flow_make(&made, &flow, to, from->mac, random(65536));
		if (flow.vlan)
			put16(made.bytes + 14, one_in(2) ? 10 : 0);
		memcpy(frame, made.bytes, made.length);
		*header = made.header;
		return made.length;
	}
	*header = (struct virtio_net_hdr_v1){ 0 };
	frame_make(frame, length, to, from->mac, random(65536));
	write_tags(frame, length);
	if (one_in(2))
		write_header(header, length);
	return length;
}

static void look(const uint8_t *frame, int length)
{
	const struct member *from = !memcmp(frame + 6, m[ACCESS]->mac, 6) ? m[ACCESS] : m[TRUNK];

	seen++;
	big += length > 65000;
	KTAP_CHECK(length >= 18, true, "a frame of %d bytes has no tag", length);
	KTAP_CHECK(!memcmp(frame + 6, from->mac, 6), true, "a frame of %d bytes is from nobody", length);
	KTAP_CHECK(frame[12] == 0x81 && !frame[13] && (frame[14] & 15) == 0 && frame[15] == 10, true,
		   "%s: a frame of %d bytes is in another VLAN: %02x%02x %02x%02x", from->name, length, frame[12], frame[13],
		   frame[14], frame[15]);
	tagged += frame[16] == 0x81;
}

static void drain(void)
{
	static uint8_t frame[SWG_FRAME];
	int length;

	while (swg_used_any(&m[WATCHER]->port, SWG_RX)) {
		length = swg_receive(&m[WATCHER]->port, frame, sizeof(frame), 0);
		ASSERT(length > 0);
		look(frame, length);
	}
	for (int i = ACCESS; i <= TRUNK; i++)
		while (swg_used_any(&m[i]->port, SWG_RX))
			ASSERT(swg_receive(&m[i]->port, frame, sizeof(frame), 0) > 0);
	for (int i = OTHER; i <= NONE; i++)
		KTAP_CHECK(!swg_used_any(&m[i]->port, SWG_RX), true, "%s got a frame", m[i]->name);
}

/* Those that finish checksums and cut frames, and those that have it done for them. */
static void restart_watcher(void)
{
	static const uint64_t takes[] = { 0, CSUM, TAKE };
	struct swg_options options = { .features = SEND | takes[random(3)], .slot = 65536 + 64 };

	restart(m[WATCHER], &options);
}

TEST_WITHIN(no_frame_leaves_its_vlan, 300)
{
	static uint8_t frame[SWG_FRAME];
	struct virtio_net_hdr_v1 header;
	static const int targets[] = { WATCHER, WATCHER, WATCHER, OTHER, NONE };

	make_members();
	for (int i = 0; i < FRAMES; i++) {
		struct member *from = m[one_in(2) ? ACCESS : TRUNK];
		const __u8 *to = one_in(8) ? frame_broadcast : m[targets[random(5)]]->mac;
		int length = make(frame, &header, from, to);

		ASSERT_EQ(swg_send(&from->port, &header, frame, length, one_in(3) ? SWG_CROOKED : 0), 0);
		ASSERT_EQ(swg_wait_sent(&from->port, SOON), 0);
		drain();
		if (one_in(200))
			restart_watcher();
	}
	ktap_say("%d frames, %llu arrived, %llu of more than 65000 bytes, %llu with a second tag", FRAMES,
		 (unsigned long long)seen, (unsigned long long)big, (unsigned long long)tagged);
	EXPECT_GE(seen, FRAMES / 16);
	EXPECT_GE(big, 1);
	EXPECT_GE(tagged, 1);
}

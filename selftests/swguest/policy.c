// SPDX-License-Identifier: GPL-2.0
/* Whom a port may send to, and as whom: what is forbidden does not arrive, from the moment the call has returned. */
#define _GNU_SOURCE
#include "flow.h"
#include "world.h"

#include <arpa/inet.h>
#include <pthread.h>

static struct member *m[3];

static void set_mode(__u32 mode)
{
	ASSERT_EQ(fabric_set("qtlan", mode), 0);
}

static void make_closed(void)
{
	make_lan(m, 3, NULL);
	set_mode(QUEZTL_FABRIC_DENY);
}

static void expect_dropped(struct member *from, const __u8 to[6], enum queztl_drop reason, const char *why)
{
	ASSERT_EQ(send_to(from, to, 100, 1, 0), 0);
	expect_drops(from, reason, 1, why);
	for (int i = 0; i < 3; i++)
		if (m[i] != from)
			expect_silence(m[i]);
}

/* ---- peers ---- */

TEST(closed_fabric_isolates_ports)
{
	static const __u8 group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	__u8 nobody[6];

	frame_mac(nobody, 999);
	make_closed();
	expect_dropped(m[0], m[1]->mac, QUEZTL_DROP_DENIED, "no peer");
	expect_dropped(m[1], m[0]->mac, QUEZTL_DROP_DENIED, "no peer");
	expect_dropped(m[0], nobody, QUEZTL_DROP_NO_PORT, "nobody");
	expect_dropped(m[0], m[0]->mac, QUEZTL_DROP_NO_PORT, "itself");
	ASSERT_EQ(send_to(m[0], frame_broadcast, 100, 1, 0), 0);
	ASSERT_EQ(send_to(m[0], group, 100, 2, 0), 0);
	ASSERT_EQ(swg_wait_sent(&m[0]->port, SOON), 0);
	for (int i = 0; i < 3; i++) {
		expect_silence(m[i]);
		expect_no_drops(m[i]);
		EXPECT_EQ(member_stats(m[i]).rx_packets, 0);
	}
}

/* Nobody restarts: a peer is reached as soon as the call has returned. */
TEST(peers_reach_each_other_and_nobody_else)
{
	make_closed();
	expect_dropped(m[0], m[1]->mac, QUEZTL_DROP_DENIED, "not yet a peer");
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	for (int i = 0; i < 20; i++)
		expect_pair_works(m[0], m[1], 2 * i);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(send_to(m[i], frame_broadcast, 100, i, 0), 0);
		expect_arrives(m[!i], frame_broadcast, m[i], 100, i);
		expect_dropped(m[i], m[2]->mac, QUEZTL_DROP_DENIED, "no peer");
		expect_dropped(m[2], m[i]->mac, QUEZTL_DROP_DENIED, "no peer");
	}
	ASSERT_EQ(send_to(m[2], frame_broadcast, 100, 3, 0), 0);
	for (int i = 0; i < 3; i++)
		expect_silence(m[i]);
	EXPECT_EQ(member_stats(m[2]).rx_packets, 0);
}

TEST(peers_are_no_peers_of_each_other)
{
	make_closed();
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[2]->name), 0);
	expect_dropped(m[1], m[2]->mac, QUEZTL_DROP_DENIED, "a peer's peer");
	ASSERT_EQ(send_to(m[0], frame_broadcast, 100, 1, 0), 0);
	expect_arrives(m[1], frame_broadcast, m[0], 100, 1);
	expect_arrives(m[2], frame_broadcast, m[0], 100, 1);
	ASSERT_EQ(send_to(m[1], frame_broadcast, 100, 2, 0), 0);
	expect_arrives(m[0], frame_broadcast, m[1], 100, 2);
	expect_silence(m[2]);
}

TEST(open_fabric_keeps_its_peers_for_later)
{
	make_lan(m, 3, NULL);
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	for (int round = 0; round < 3; round++) {
		expect_pair_works(m[0], m[1], 10 * round);
		expect_pair_works(m[0], m[2], 10 * round + 2);
		set_mode(QUEZTL_FABRIC_DENY);
		expect_pair_works(m[0], m[1], 10 * round + 4);
		expect_dropped(m[0], m[2]->mac, QUEZTL_DROP_DENIED, "closed");
		set_mode(0);
	}
}

TEST(deleted_port_is_no_peer)
{
	struct member *old;

	make_closed();
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	ASSERT_EQ(peer_add(m[0]->name, m[2]->name), 0);
	expect_pair_works(m[0], m[1], 1);
	old = m[1];
	swg_close(&old->port);
	ASSERT_EQ(port_del(old->name), 0);
	m[1] = m[2];			/* whoever else might get it */
	expect_dropped(m[0], old->mac, QUEZTL_DROP_NO_PORT, "deleted");
	expect_pair_works(m[0], m[2], 3);
	m[1] = join("qtlan", 2, 0);
	start(m[1], NULL);
	EXPECT(!memcmp(m[1]->mac, old->mac, 6));
	expect_dropped(m[0], m[1]->mac, QUEZTL_DROP_DENIED, "another port with its address");
	expect_dropped(m[1], m[0]->mac, QUEZTL_DROP_DENIED, "another port with its address");
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	expect_pair_works(m[0], m[1], 5);
	expect_pair_works(m[0], m[2], 7);
}

TEST(policy_outlives_a_reset)
{
	make_closed();
	ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
	ASSERT_EQ(addr_add(m[2]->name, "10.0.0.3/32"), 0);
	for (int i = 0; i < 3; i++)
		restart(m[i], NULL);
	expect_pair_works(m[0], m[1], 1);
	expect_dropped(m[0], m[2]->mac, QUEZTL_DROP_DENIED, "no peer");
	expect_dropped(m[2], m[0]->mac, QUEZTL_DROP_FOREIGN, "no IP");
}

/* ---- at once ---- */

static volatile bool done;

static void *send_on(void *argument)
{
	(void)argument;
	for (uint32_t seed = 0; !done; seed++)
		send_to(m[0], seed % 2 ? m[1]->mac : frame_broadcast, 60, seed, 0);
	return NULL;
}

static void open_up(bool by_mode)
{
	if (by_mode)
		set_mode(0);
	else
		ASSERT_EQ(peer_add(m[0]->name, m[1]->name), 0);
}

static void close_down(bool by_mode)
{
	if (by_mode)
		set_mode(QUEZTL_FABRIC_DENY);
	else
		ASSERT_EQ(peer_del(m[1]->name, m[0]->name), 0);
}

/* What the device has filled so far; not what the guest has read. */
static uint16_t filled(struct member *at)
{
	return *(volatile __u16 *)&at->port.ring[SWG_RX].used->idx;
}

static void expect_some(struct member *at)
{
	uint8_t frame[SWG_FRAME];

	for (int i = 0; i < 50; i++)
		ASSERT_EQ(swg_receive(&at->port, frame, sizeof(frame), SOON), 60);
}

/* While the sender goes on sending: no frame comes after the call that forbids it has returned. */
static void stop_at_once(bool by_mode)
{
	struct swg_options options = { .num = 1024 };
	pthread_t thread;
	uint64_t denied;

	make_lan(m, 2, &options);
	set_mode(QUEZTL_FABRIC_DENY);
	denied = member_stats(m[0]).drops[QUEZTL_DROP_DENIED];
	done = false;
	ASSERT_EQ(pthread_create(&thread, NULL, send_on, NULL), 0);
	for (int round = 0; round < 50; round++) {
		uint16_t before;

		open_up(by_mode);
		expect_some(m[1]);
		close_down(by_mode);
		before = filled(m[1]);
		usleep(2000);
		ASSERT_EQ(filled(m[1]), before);
		while (swg_used_any(&m[1]->port, SWG_RX)) {
			uint8_t frame[SWG_FRAME];

			ASSERT_EQ(swg_receive(&m[1]->port, frame, sizeof(frame), SOON), 60);
		}
	}
	done = true;
	pthread_join(thread, NULL);
	EXPECT_GE(member_stats(m[0]).drops[QUEZTL_DROP_DENIED], denied + 1);
}

TEST_WITHIN(removed_peer_gets_nothing_any_more, 120)
{
	stop_at_once(false);
}

TEST_WITHIN(closed_fabric_lets_nothing_through_any_more, 120)
{
	stop_at_once(true);
}

/* ---- addresses ---- */

struct packet {
	uint8_t bytes[SWG_FRAME];
	int length;
};

static struct packet packet;

static uint8_t *add(const void *bytes, int length)
{
	uint8_t *at = packet.bytes + packet.length;

	if (bytes)
		memcpy(at, bytes, length);
	else
		memset(at, 0, length);
	packet.length += length;
	return at;
}

static void begin(uint16_t type)
{
	packet.length = 0;
	add(m[1]->mac, 6);
	add(m[0]->mac, 6);
	add((uint8_t[]){ type >> 8, type & 0xff }, 2);
}

static void make_ip4(const char *source, int payload)
{
	uint8_t *ip;

	begin(0x0800);
	ip = add(NULL, 20);
	ip[0] = 0x45;
	ip[2] = (20 + payload) >> 8;
	ip[3] = 20 + payload;
	ip[8] = 64;
	ip[9] = 17;
	ASSERT_EQ(inet_pton(AF_INET, source, ip + 12), 1);
	for (int i = 0; i < payload; i++)
		add((uint8_t[]){ i * 7 + payload }, 1);
}

static void make_arp(const uint8_t mac[6], const char *sender)
{
	uint8_t ip[4];

	ASSERT_EQ(inet_pton(AF_INET, sender, ip), 1);
	begin(0x0806);
	add((uint8_t[]){ 0, 1, 8, 0, 6, 4, 0, 2 }, 8);
	add(mac, 6);
	add(ip, 4);
	add(m[1]->mac, 6);
	add((uint8_t[]){ 10, 0, 0, 9 }, 4);
}

static void make_ip6(const char *source, uint8_t proto, int payload)
{
	uint8_t *ip;

	begin(0x86dd);
	ip = add(NULL, 40);
	ip[0] = 0x60;
	ip[5] = payload;
	ip[6] = proto;
	ip[7] = 255;
	ASSERT_EQ(inet_pton(AF_INET6, source, ip + 8), 1);
	ip[24] = 0xff;
}

/* A neighbour advertisement, or what else has a target and an address of 6 bytes. */
static void make_nd(const char *source, uint8_t type, const char *target, const uint8_t mac[6])
{
	uint8_t *icmp;

	make_ip6(source, 58, 32);
	icmp = add(NULL, 24);
	icmp[0] = type;
	ASSERT_EQ(inet_pton(AF_INET6, target, icmp + 8), 1);
	add((uint8_t[]){ 2, 1 }, 2);
	add(mac, 6);
}

static const char *link_local(void)
{
	static char text[64];
	const __u8 *mac = m[0]->mac;

	snprintf(text, sizeof(text), "fe80::%02x%02x:%02xff:fe%02x:%02x%02x", mac[0] ^ 2, mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

static void tag(void)
{
	memmove(packet.bytes + 16, packet.bytes + 12, packet.length - 12);
	memcpy(packet.bytes + 12, (uint8_t[]){ 0x81, 0, 0, 5 }, 4);
	packet.length += 4;
}

static void try_sending(const struct virtio_net_hdr_v1 *header, bool good, int layout, const char *what)
{
	static uint8_t got[SWG_FRAME];

	ASSERT_EQ(swg_send(&m[0]->port, header, packet.bytes, packet.length, layout), 0);
	if (!good) {
		expect_drops(m[0], QUEZTL_DROP_FOREIGN, 1, what);
		return;
	}
	KTAP_CHECK(swg_receive(&m[1]->port, got, sizeof(got), SOON) == packet.length, true, "%s did not arrive", what);
	KTAP_CHECK(!memcmp(got, packet.bytes, packet.length), false, "%s is damaged", what);
	expect_no_drops(m[0]);
}

/* Plain and tagged. @guarded: whether the port has addresses, without which everything passes. */
static void expect_sent(bool good, bool guarded, const char *what)
{
	try_sending(NULL, good || !guarded, 0, what);
	tag();
	try_sending(NULL, good || !guarded, SWG_SPLIT, what);
}

static void send_everything(bool guarded)
{
	static const char *const own4[] = { "10.0.0.1", "10.0.1.255" }, *const own6[] = { "fd00::1", "fd01::ffff" };
	static const char *const foreign4[] = { "10.0.0.2", "10.0.2.0", "0.0.0.0" };
	static const char *const foreign6[] = { "fd00::2", "fe80::1", "::" };

	for (int i = 0; i < 2; i++) {
		make_ip4(own4[i], 40);
		expect_sent(true, guarded, own4[i]);
		make_arp(m[0]->mac, own4[i]);
		expect_sent(true, guarded, "ARP");
		make_arp(m[1]->mac, own4[i]);
		expect_sent(false, guarded, "ARP with another's MAC");
		make_ip6(own6[i], 59, 0);
		expect_sent(true, guarded, own6[i]);
		make_nd(own6[i], 136, own6[i], m[0]->mac);
		expect_sent(true, guarded, "advertisement");
		make_nd(own6[i], 136, own6[i], m[1]->mac);
		expect_sent(false, guarded, "advertisement of another's MAC");
	}
	for (int i = 0; i < 3; i++) {
		make_ip4(foreign4[i], 40);
		expect_sent(false, guarded, foreign4[i]);
		make_arp(m[0]->mac, foreign4[i]);
		expect_sent(false, guarded, "ARP of another's address");
		make_ip6(foreign6[i], 59, 0);
		expect_sent(false, guarded, foreign6[i]);
		make_nd(link_local(), 136, foreign6[i], m[0]->mac);
		expect_sent(false, guarded, "advertisement of another's address");
	}
	make_ip6(link_local(), 17, 0);
	expect_sent(true, guarded, "link-local");
	make_nd(link_local(), 134, "fd00::1", m[0]->mac);
	expect_sent(false, guarded, "router advertisement");
	frame_make(packet.bytes, 100, m[1]->mac, m[0]->mac, 1);
	packet.length = 100;
	expect_sent(false, guarded, "another protocol");
}

static const char *const addresses[] = { "10.0.0.1/32", "10.0.1.0/24", "fd00::1/128", "fd01::/16" };

static void give_addresses(void)
{
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(addr_add(m[0]->name, addresses[i]), 0);
}

TEST(port_sends_as_itself_only)
{
	make_lan(m, 2, NULL);
	send_everything(false);
	give_addresses();
	send_everything(true);
	expect_silence(m[1]);
	/* those of one port bind no other */
	ASSERT_EQ(send_to(m[1], m[0]->mac, 100, 1, 0), 0);
	expect_arrives(m[0], m[0]->mac, m[1], 100, 1);
}

TEST(port_without_its_addresses_is_free_again)
{
	make_lan(m, 2, NULL);
	give_addresses();
	for (int i = 0; i < 4; i++) {
		make_ip4("10.0.0.1", 40);
		expect_sent(i == 0, true, "10.0.0.1");
		make_ip6("fd01::7", 59, 0);
		expect_sent(true, true, "fd01::7");
		ASSERT_EQ(addr_del(m[0]->name, addresses[i]), 0);
	}
	send_everything(false);
	give_addresses();
	send_everything(true);
}

/* What was read to be judged is what is delivered, with all that comes behind. */
TEST(long_frames_arrive_intact)
{
	static const int layouts[] = { 0, SWG_SPLIT, SWG_CROOKED };

	make_lan(m, 2, NULL);
	ASSERT_EQ(addr_add(m[0]->name, "10.0.0.1/32"), 0);
	for (int payload = 0; payload <= 1480; payload += payload < 300 ? 1 : 59) {
		make_ip4("10.0.0.1", payload);
		try_sending(NULL, true, layouts[payload % 3], "a frame");
	}
	make_ip4("10.0.0.1", 200);
	try_sending(NULL, true, SWG_BYTES, "a frame in bytes");
	make_ip4("10.0.0.2", 1480);
	try_sending(NULL, false, 0, "a frame of another");
	expect_silence(m[1]);
}

/* Whoever cannot finish a checksum gets it finished: not where it would be an address. */
TEST(checksum_does_not_make_an_address)
{
	struct swg_options options = { .features = F(VIRTIO_NET_F_CSUM) };
	struct virtio_net_hdr_v1 header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 14 };

	make_lan(m, 2, &options);
	ASSERT_EQ(addr_add(m[0]->name, "10.0.0.1/32"), 0);
	for (header.csum_offset = 0; header.csum_offset < 20; header.csum_offset++) {
		make_ip4("10.0.0.1", 100);
		try_sending(&header, false, 0, "a checksum in the header");
	}
	expect_silence(m[1]);
	header.csum_offset = 20;
	ASSERT_EQ(swg_send(&m[0]->port, &header, packet.bytes, packet.length, 0), 0);
	ASSERT_EQ(swg_receive(&m[1]->port, packet.bytes, sizeof(packet.bytes), SOON), packet.length);
}

static void cut(const struct flow *flow, uint64_t takes, const char *address)
{
	struct swg_options options = { .slot = 16384, .num = 32 };
	static struct flow_frame frame;
	static uint8_t bytes[SWG_FRAME];
	int step = takes ? flow->payload : flow->gso_size;

	options.features = takes | F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_HOST_TSO6);
	make_lan(m, 2, &options);
	ASSERT_EQ(addr_add(m[0]->name, address), 0);
	flow_make(&frame, flow, m[1]->mac, m[0]->mac, 1);
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	for (int offset = 0; offset < flow->payload; offset += step) {
		int got = swg_receive(&m[1]->port, bytes, sizeof(bytes), SOON);

		ASSERT_EQ(got, frame.head + step);
		EXPECT(!flow_check(&frame, flow, &m[1]->port.header, bytes, got, offset, step));
	}
	/* another's, from within its headers */
	frame.bytes[(flow->vlan ? 18 : 14) + (flow->ip6 ? 8 : 12)] ^= 1;
	ASSERT_EQ(swg_send(&m[0]->port, &frame.header, frame.bytes, frame.length, 0), 0);
	expect_drops(m[0], QUEZTL_DROP_FOREIGN, 1, "a frame to cut");
	expect_silence(m[1]);
	for (int i = 0; i < 2; i++)
		swg_close(&m[i]->port);
	fabric_sweep();
}

TEST(frames_to_cut_are_judged)
{
	static const struct flow flows[] = {
		{ .name = "TCP", .gso_size = 1000, .payload = 10000 },
		{ .name = "TCP, IPv6, tagged", .ip6 = true, .vlan = true, .gso_size = 500, .payload = 5000 },
	};

	for (int i = 0; i < 2; i++) {
		const char *address = i ? "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd/128" : "10.0.0.1/32";

		cut(&flows[i], 0, address);
		cut(&flows[i], flow_needs(&flows[i]), address);
	}
}

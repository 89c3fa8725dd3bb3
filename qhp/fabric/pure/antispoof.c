// SPDX-License-Identifier: GPL-2.0
/* Whether a frame's sender uses its own addresses: see antispoof.h. */

#include "antispoof.h"

#define MAC_LEN		6

#define ETH_LEN		14
#define VLAN_LEN	4

#define ARP_LEN		28
#define ARP_OP		6
#define ARP_MAC		8
#define ARP_IP		14
#define ARP_REQUEST	1
#define ARP_REPLY	2

#define IP4_LEN		20
#define IP4_TOTAL	2
#define IP4_FRAGMENT	6
#define IP4_PROTO	9
#define IP4_SOURCE	12

#define IP6_LEN		40
#define IP6_PAYLOAD	4
#define IP6_PROTO	6
#define IP6_SOURCE	8

#define UDP_PORTS	4
#define DHCP_SERVER	67
#define DHCP_CLIENT	68

#define ND_TARGET	8	/* of solicitations and advertisements */
#define ND_OPTIONS	24
#define RS_OPTIONS	8
#define OPT_SOURCE_MAC	1
#define OPT_TARGET_MAC	2

enum {
	PROTO_HOPOPTS	= 0,
	PROTO_UDP	= 17,
	PROTO_ROUTING	= 43,
	PROTO_FRAGMENT	= 44,
	PROTO_AH	= 51,
	PROTO_ICMP6	= 58,
	PROTO_DSTOPTS	= 60,
};

enum {
	MLD_REPORT	= 131,
	MLD_DONE	= 132,
	ROUTER_SOLICIT	= 133,
	ROUTER_ADVERT	= 134,
	NEIGH_SOLICIT	= 135,
	NEIGH_ADVERT	= 136,
	REDIRECT	= 137,
	MLD2_REPORT	= 143,
	PATH_SOLICIT	= 148,
};

enum {
	TYPE_IP4	= 0x0800,
	TYPE_ARP	= 0x0806,
	TYPE_VLAN	= 0x8100,
	TYPE_IP6	= 0x86dd,
};

static const u8 zeros[16];

/*
 * The packet to check, beginning with its IP or ARP header. Perhaps not all of
 * it has been read.
 */
struct packet {
	const struct qz_antispoof *antispoof;
	const u8 *bytes;
	u32 read;	/* bytes that were read */
	u32 len;	/* according to the IP header */
};

static u16 get16(const u8 *from)
{
	return from[0] << 8 | from[1];
}

static bool has(const struct packet *packet, u32 at, u32 len)
{
	return at + len <= min(packet->read, packet->len);
}

static bool same_prefix(const u8 *a, const u8 *b, u32 bits)
{
	u32 bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

static bool is_one_of(const struct qz_antispoof *antispoof, u8 version, const u8 *addr)
{
	const struct qz_antispoof_addr *own = antispoof->addrs;

	for (; own < antispoof->addrs + antispoof->n; own++)
		/* It may be removed meanwhile. */
		if (READ_ONCE(own->version) == version &&
		    same_prefix(own->addr, addr, own->prefix))
			return true;
	return false;
}

static bool is_zero4(const u8 *addr)
{
	return !memcmp(addr, zeros, 4);
}

static bool is_zero6(const u8 *addr)
{
	return !memcmp(addr, zeros, 16);
}

/* Can it be a host's? 224.0.0.0/3 is multicast, reserved and broadcast. */
static bool is_unicast4(const u8 *addr)
{
	return addr[0] < 224 && !is_zero4(addr);
}

static bool is_unicast6(const u8 *addr)
{
	return addr[0] != 0xff && !is_zero6(addr);
}

/* fe80:: and the MAC as an EUI-64 (RFC 4291, appendix A). */
static bool is_link_local_of(const u8 *addr, const u8 *mac)
{
	const u8 own[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1],
			     mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	return !memcmp(addr, own, sizeof(own));
}

static bool is_own4(const struct qz_antispoof *antispoof, const u8 *addr)
{
	return is_unicast4(addr) && is_one_of(antispoof, 4, addr);
}

static bool is_own6(const struct qz_antispoof *antispoof, const u8 *addr)
{
	return is_unicast6(addr) && (is_link_local_of(addr, antispoof->mac) ||
				     is_one_of(antispoof, 6, addr));
}

/*
 * These check a packet. They return the number of bytes that the result depends
 * on, or 0 if the sender uses an address that is not its own. Nobody may change
 * those bytes afterwards.
 */

static u32 judge_arp(const struct packet *arp)
{
	static const u8 ethernet_ip4[ARP_OP] = { 0, 1, 8, 0, MAC_LEN, 4 };
	const u8 *bytes = arp->bytes, *ip = bytes + ARP_IP;
	u16 op;

	if (!has(arp, 0, ARP_LEN) || memcmp(bytes, ethernet_ip4, ARP_OP) ||
	    memcmp(bytes + ARP_MAC, arp->antispoof->mac, MAC_LEN))
		return 0;
	op = get16(bytes + ARP_OP);
	if (is_own4(arp->antispoof, ip))
		return op == ARP_REQUEST || op == ARP_REPLY ? ARP_LEN : 0;
	/* A probe (RFC 5227). */
	return is_zero4(ip) && op == ARP_REQUEST ? ARP_LEN : 0;
}

/* What a host without an address may send. */
static u32 judge_dhcp(const struct packet *ip, u32 at)
{
	const u8 *udp = ip->bytes + at;

	if (ip->bytes[IP4_PROTO] != PROTO_UDP || !has(ip, at, UDP_PORTS) ||
	    get16(ip->bytes + IP4_FRAGMENT) & 0x3fff)
		return 0;
	if (get16(udp) != DHCP_CLIENT || get16(udp + 2) != DHCP_SERVER)
		return 0;
	return at + UDP_PORTS;
}

static u32 judge_ip4(struct packet *ip)
{
	const u8 *bytes = ip->bytes, *source = bytes + IP4_SOURCE;
	u32 at;

	if (!has(ip, 0, IP4_LEN) || bytes[0] >> 4 != 4)
		return 0;
	at = (bytes[0] & 15) * 4;
	if (at < IP4_LEN || !has(ip, 0, at))
		return 0;
	ip->len = get16(bytes + IP4_TOTAL);
	if (is_zero4(source))
		return judge_dhcp(ip, at);
	return is_own4(ip->antispoof, source) ? at : 0;
}

/* Options of neighbour discovery up to the packet's end: no other's MAC. */
static bool options_are_good(const struct packet *ip, u32 at)
{
	const u8 *opt;
	u32 len;

	for (; at < ip->len; at += len) {
		if (!has(ip, at, 2))
			return false;
		opt = ip->bytes + at;
		len = opt[1] * 8;
		if (!len || !has(ip, at, len))
			return false;
		if (opt[0] != OPT_SOURCE_MAC && opt[0] != OPT_TARGET_MAC)
			continue;
		if (len != 8 || memcmp(opt + 2, ip->antispoof->mac, MAC_LEN))
			return false;
	}
	return true;
}

static u32 judge_solicit(const struct packet *ip, u32 at)
{
	return has(ip, at, RS_OPTIONS) && options_are_good(ip, at + RS_OPTIONS) ?
		ip->len : 0;
}

/* Solicitations for others are fine; duplicate detection is for one's own. */
static u32 judge_neighbour(const struct packet *ip, u32 at, bool own_target)
{
	if (!has(ip, at, ND_OPTIONS))
		return 0;
	if (own_target && !is_own6(ip->antispoof, ip->bytes + at + ND_TARGET))
		return 0;
	return options_are_good(ip, at + ND_OPTIONS) ? ip->len : 0;
}

static u32 judge_icmp6(const struct packet *ip, u32 at)
{
	bool nobody = is_zero6(ip->bytes + IP6_SOURCE);

	if (!has(ip, at, 1))
		return 0;
	switch (ip->bytes[at]) {
	case ROUTER_ADVERT:
	case REDIRECT:
		return 0;
	case ROUTER_SOLICIT:
		return judge_solicit(ip, at);
	case NEIGH_SOLICIT:
		return judge_neighbour(ip, at, nobody);
	case NEIGH_ADVERT:
		return nobody ? 0 : judge_neighbour(ip, at, true);
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		return at + 1;
	default:
		return nobody ? 0 : at + 1;
	}
}

/*
 * The first fragment, or the only one: it must not contain neighbour discovery
 * (RFC 6980). Nobody reassembles the later ones if it does not get through.
 */
static u32 judge_first_icmp6(const struct packet *ip, u32 at)
{
	u8 type;

	if (!has(ip, at, 1))
		return 0;
	type = ip->bytes[at];
	if ((type >= ROUTER_SOLICIT && type <= REDIRECT) || type == PATH_SOLICIT)
		return 0;
	return judge_icmp6(ip, at);
}

static bool is_extension(u8 proto)
{
	return proto == PROTO_HOPOPTS || proto == PROTO_DSTOPTS ||
	       proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_AH;
}

/* Bytes of an extension header. */
static u32 extension_len(u8 proto, u8 units)
{
	if (proto == PROTO_FRAGMENT)
		return 8;
	return proto == PROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
}

/*
 * To the transport header. Headers that extend beyond what was read, or beyond
 * the first fragment, may hide neighbour discovery. A later fragment begins
 * somewhere behind the headers. If there are extension headers it is refused: a
 * receiver that lets fragments overlap (RFC 5722 forbids it) could be made to
 * replace what was seen behind them in the first.
 */
static u32 judge_transport6(const struct packet *ip)
{
	u8 proto = ip->bytes[IP6_PROTO], next;
	bool fragment = false, first = true;
	u32 at = IP6_LEN;

	for (; is_extension(proto) && first; proto = next) {
		if (!has(ip, at, 8))
			return 0;
		next = ip->bytes[at];
		if (proto == PROTO_FRAGMENT) {
			fragment = true;
			first = !(get16(ip->bytes + at + 2) & 0xfff8);
		}
		at += extension_len(proto, ip->bytes[at + 1]);
	}
	if (is_extension(proto) || !has(ip, 0, at))
		return 0;
	if (proto == PROTO_ICMP6 && first)
		return fragment ? judge_first_icmp6(ip, at) :
				  judge_icmp6(ip, at);
	return is_zero6(ip->bytes + IP6_SOURCE) ? 0 : at;
}

static u32 judge_ip6(struct packet *ip)
{
	const u8 *bytes = ip->bytes, *source = bytes + IP6_SOURCE;

	if (!has(ip, 0, IP6_LEN) || bytes[0] >> 4 != 6)
		return 0;
	ip->len = IP6_LEN + get16(bytes + IP6_PAYLOAD);
	if (!is_zero6(source) && !is_own6(ip->antispoof, source))
		return 0;
	return judge_transport6(ip);
}

/**
 * qz_antispoof_check - is the sender one of the port's addresses?
 * @antispoof: the port's addresses
 * @head: a copy of the frame's first bytes, at least an Ethernet header
 * @head_len: length of @head
 *
 * Return: number of bytes of the frame that this depends on; 0 if it is not.
 */
u32 qz_antispoof_check(const struct qz_antispoof *antispoof, const u8 *head, u32 head_len)
{
	struct packet packet = { .antispoof = antispoof, .len = U32_MAX };
	u16 type = get16(head + ETH_LEN - 2);
	u32 at = ETH_LEN, judged = 0;

	if (type == TYPE_VLAN) {
		at += VLAN_LEN;
		if (head_len < at)
			return 0;
		type = get16(head + at - 2);
	}
	packet.bytes = head + at;
	packet.read = head_len - at;
	if (type == TYPE_IP4)
		judged = judge_ip4(&packet);
	else if (type == TYPE_IP6)
		judged = judge_ip6(&packet);
	else if (type == TYPE_ARP)
		judged = judge_arp(&packet);
	return judged ? at + judged : 0;
}

static bool rest_is_zero(const u8 *addr, u32 prefix)
{
	u32 i;

	for (i = prefix; i < 128; i++)
		if (addr[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

/**
 * qz_antispoof_addr_is_good - may a port be given it?
 * @addr: the address
 *
 * Return: false if the prefix is too long, bits after it are set, or no packet
 * can come from there.
 */
bool qz_antispoof_addr_is_good(const struct qz_antispoof_addr *addr)
{
	bool ip4 = addr->version == 4;
	u32 bits = ip4 ? 32 : 128;

	if (addr->prefix > bits || !rest_is_zero(addr->addr, addr->prefix))
		return false;
	if (ip4 ? is_unicast4(addr->addr) : is_unicast6(addr->addr))
		return true;
	/* 0.0.0.0 and :: with a shorter prefix include valid addresses. */
	return addr->prefix < bits && is_zero6(addr->addr);
}

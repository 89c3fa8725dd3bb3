// SPDX-License-Identifier: GPL-2.0
/* Checksums to finish, segments to cut. */

#include <kunit/test.h>

#include "../offload.c"

#define ALL_FEATURES							\
	(1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |	\
	 1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN | \
	 1ULL << VIRTIO_NET_F_HOST_USO)

/* What a frame to cut is made of. */
struct shape {
	const char *name;
	u8 gso;
	bool ip6;
	u8 vlans;
	u8 ip_more;	/* IPv4 options or an IPv6 extension, bytes */
	u8 tcp_more;	/* TCP options, bytes */
	u16 gso_size;
	u32 payload;
};

static const struct shape shapes[] = {
	{ "tcp4", VIRTIO_NET_HDR_GSO_TCPV4, false, 0, 0, 0, 1460, 20000 },
	{ "tcp4 timestamps", VIRTIO_NET_HDR_GSO_TCPV4, false, 0, 0, 12, 1448, 14480 },
	{ "tcp4 one tag", VIRTIO_NET_HDR_GSO_TCPV4, false, 1, 0, 12, 1448, 1449 },
	{ "tcp4 two tags", VIRTIO_NET_HDR_GSO_TCPV4, false, 2, 40, 40, 1400, 5000 },
	{ "tcp4 small", VIRTIO_NET_HDR_GSO_TCPV4, false, 0, 0, 0, 48, 65000 },
	{ "tcp4 one segment", VIRTIO_NET_HDR_GSO_TCPV4, false, 0, 0, 0, 1460, 7 },
	{ "tcp6", VIRTIO_NET_HDR_GSO_TCPV6, true, 0, 0, 12, 1428, 30001 },
	{ "tcp6 extension", VIRTIO_NET_HDR_GSO_TCPV6, true, 1, 16, 0, 1000, 9999 },
	{ "udp4", VIRTIO_NET_HDR_GSO_UDP_L4, false, 0, 0, 0, 1472, 44160 },
	{ "udp6", VIRTIO_NET_HDR_GSO_UDP_L4, true, 0, 0, 0, 1, 127 },
};

struct made {
	struct virtio_net_hdr_v1 virtio;
	u8 head[QZ_OFFLOAD_HEAD];
	u32 ip;
	u32 l4;
	u32 head_len;
	u32 len;
	struct qz_offload off;
};

static __virtio16 to16(u16 value)
{
	return (__force __virtio16)cpu_to_le16(value);
}

static u16 from16(__virtio16 value)
{
	return le16_to_cpu((__force __le16)value);
}

static bool is_udp(const struct shape *shape)
{
	return shape->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
}

static void make_ip(const struct shape *shape, u8 *ip, u32 bytes)
{
	u8 proto = is_udp(shape) ? PROTO_UDP : PROTO_TCP;

	memset(ip, 0x5a, bytes);
	if (shape->ip6) {
		ip[0] = 0x60;
		ip[IP6_PROTO] = bytes > IP6_LEN ? PROTO_DSTOPTS : proto;
		ip[IP6_LEN] = bytes > IP6_LEN ? proto : 0;
		ip[IP6_LEN + 1] = bytes > IP6_LEN ? (bytes - IP6_LEN) / 8 - 1 : 0;
	} else {
		ip[0] = 0x40 | bytes / 4;
		ip[IP4_PROTO] = proto;
		put16(ip + IP4_ID, 65530);
		put16(ip + IP4_FRAGMENT, 0x4000);
	}
}

static void make_frame(const struct shape *shape, struct made *made)
{
	u32 at = ETH_LEN - 2, bytes, i;

	memset(made, 0, sizeof(*made));
	for (i = 0; i < shape->vlans; i++, at += VLAN_LEN)
		put16(made->head + at, i ? TYPE_VLAN : TYPE_QINQ);
	put16(made->head + at, shape->ip6 ? TYPE_IP6 : TYPE_IP4);
	made->ip = at + 2;
	bytes = (shape->ip6 ? IP6_LEN : IP4_LEN) + shape->ip_more;
	make_ip(shape, made->head + made->ip, bytes);
	made->l4 = made->ip + bytes;
	put32(made->head + made->l4 + TCP_SEQ, 0xffffff00);
	bytes = is_udp(shape) ? UDP_LEN : TCP_LEN + shape->tcp_more;
	if (!is_udp(shape)) {
		made->head[made->l4 + TCP_OFFSET] = bytes / 4 << 4;
		made->head[made->l4 + TCP_FLAGS] =
			TCP_FIN | TCP_PSH | TCP_CWR | 0x10;
	}
	made->head_len = made->l4 + bytes;
	made->len = made->head_len + shape->payload;

	made->virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	made->virtio.gso_type = shape->gso;
	made->virtio.gso_size = to16(shape->gso_size);
	made->virtio.csum_start = to16(made->l4);
	made->virtio.csum_offset =
		to16(is_udp(shape) ? UDP_CSUM : TCP_CSUM);
}

static bool read_frame(struct made *made)
{
	u32 head_len = min_t(u32, made->len, QZ_OFFLOAD_HEAD);

	return qz_offload_read(&made->off, &made->virtio, ALL_FEATURES,
			       made->len) &&
	       qz_offload_parse(&made->off, made->head, head_len, made->len);
}

/* RFC 1071, word by word, big endian: not as the code does it. */
static u32 add_words(const u8 *from, u32 len, u32 sum)
{
	u32 i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? from[i] : from[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static u8 payload_byte(u32 i)
{
	return i * 7 + (i >> 8);
}

/* A whole segment, its checksum finished as a receiver without GUEST_CSUM. */
static u32 build_segment(const struct made *made, u8 *segment, u32 offset,
			 u32 bytes)
{
	u32 start = made->off.csum_start, len = made->off.head + bytes, i;
	bool last = made->off.head + offset + bytes == made->len;
	__sum16 csum;

	qz_offload_cut(&made->off, made->head, segment, offset, bytes, last);
	for (i = 0; i < bytes; i++)
		segment[made->off.head + i] = payload_byte(offset + i);
	csum = qz_offload_csum(&made->off,
			       csum_partial(segment + start, len - start, 0));
	memcpy(segment + start + made->off.csum_offset, &csum, sizeof(csum));
	return len;
}

static void expect_good_sums(struct kunit *test, const struct shape *shape,
			     const struct made *made, const u8 *segment, u32 len)
{
	const u8 *ip = segment + made->ip;
	u32 sum;

	if (shape->ip6) {
		KUNIT_EXPECT_EQ(test, get16(ip + IP6_PAYLOAD),
				len - made->ip - IP6_LEN);
		sum = add_words(ip + IP6_ADDRS, 32, 0);
	} else {
		KUNIT_EXPECT_EQ(test, get16(ip + IP4_TOTAL), len - made->ip);
		KUNIT_EXPECT_EQ(test,
				add_words(ip, IP4_LEN + shape->ip_more, 0),
				0xffff);
		sum = add_words(ip + IP4_ADDRS, 8, 0);
	}
	sum += is_udp(shape) ? PROTO_UDP : PROTO_TCP;
	sum += len - made->l4;
	KUNIT_EXPECT_EQ(test, add_words(segment + made->l4, len - made->l4, sum),
			0xffff);
}

static void expect_good_transport(struct kunit *test, const struct shape *shape,
				  const struct made *made, const u8 *segment,
				  u32 offset, u32 len)
{
	const u8 *l4 = segment + made->l4;
	bool last = offset + len - made->head_len == shape->payload;
	u8 flags = 0x10;

	if (is_udp(shape)) {
		KUNIT_EXPECT_EQ(test, get16(l4 + UDP_TOTAL), len - made->l4);
		return;
	}
	KUNIT_EXPECT_EQ(test, get32(l4 + TCP_SEQ), 0xffffff00 + offset);
	flags |= last ? TCP_FIN | TCP_PSH : 0;
	flags |= offset ? 0 : TCP_CWR;
	KUNIT_EXPECT_EQ(test, l4[TCP_FLAGS], flags);
}

static void offload_cuts_every_shape(struct kunit *test)
{
	u8 *segment = kunit_kzalloc(test, 65536, GFP_KERNEL);
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	const struct shape *shape = shapes;
	u32 offset, bytes, len, n;

	KUNIT_ASSERT_NOT_NULL(test, segment);
	KUNIT_ASSERT_NOT_NULL(test, made);
	for (; shape < shapes + ARRAY_SIZE(shapes); shape++) {
		make_frame(shape, made);
		KUNIT_EXPECT_TRUE_MSG(test, read_frame(made), "%s", shape->name);
		KUNIT_EXPECT_EQ(test, made->off.head, made->head_len);
		n = 0;
		for (offset = 0; offset < shape->payload; offset += bytes, n++) {
			bytes = min_t(u32, shape->gso_size,
				      shape->payload - offset);
			len = build_segment(made, segment, offset, bytes);
			expect_good_sums(test, shape, made, segment, len);
			expect_good_transport(test, shape, made, segment, offset,
					      len);
			if (!shape->ip6)
				KUNIT_EXPECT_EQ(test, get16(segment + made->ip + IP4_ID),
						(u16)(65530 + n));
		}
		KUNIT_EXPECT_EQ(test, n, qz_offload_segments(&made->off, made->len));
	}
}

static void offload_names_what_a_receiver_needs(struct kunit *test)
{
	static const u64 csum = 1ULL << VIRTIO_NET_F_GUEST_CSUM;
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	struct shape shape = shapes[0];

	KUNIT_ASSERT_NOT_NULL(test, made);
	make_frame(&shape, made);
	made->virtio.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	KUNIT_EXPECT_TRUE(test, qz_offload_read(&made->off, &made->virtio,
						ALL_FEATURES, made->len));
	KUNIT_EXPECT_EQ(test, made->off.features, csum);

	make_frame(&shape, made);
	made->virtio.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	KUNIT_EXPECT_TRUE(test, read_frame(made));
	KUNIT_EXPECT_EQ(test, made->off.features,
			csum | 1ULL << VIRTIO_NET_F_GUEST_TSO4 |
			1ULL << VIRTIO_NET_F_GUEST_ECN);

	shape = shapes[6];
	make_frame(&shape, made);
	KUNIT_EXPECT_TRUE(test, read_frame(made));
	KUNIT_EXPECT_EQ(test, made->off.features,
			csum | 1ULL << VIRTIO_NET_F_GUEST_TSO6);

	shape = shapes[8];
	make_frame(&shape, made);
	KUNIT_EXPECT_TRUE(test, read_frame(made));
	KUNIT_EXPECT_EQ(test, made->off.features,
			csum | 1ULL << VIRTIO_NET_F_GUEST_USO4);

	memset(&made->virtio, 0, sizeof(made->virtio));
	KUNIT_EXPECT_TRUE(test, qz_offload_read(&made->off, &made->virtio, 0,
						made->len));
	KUNIT_EXPECT_EQ(test, made->off.features, 0);
}

static void offload_passes_on_what_it_read(struct kunit *test)
{
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	struct virtio_net_hdr_v1 virtio;

	KUNIT_ASSERT_NOT_NULL(test, made);
	make_frame(&shapes[1], made);
	made->virtio.hdr_len = to16(3);		/* a hint, and a wrong one */
	KUNIT_ASSERT_TRUE(test, read_frame(made));
	qz_offload_write(&made->off, &virtio);
	KUNIT_EXPECT_EQ(test, virtio.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	KUNIT_EXPECT_EQ(test, virtio.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	KUNIT_EXPECT_EQ(test, from16(virtio.hdr_len), made->head_len);
	KUNIT_EXPECT_EQ(test, from16(virtio.gso_size),
			from16(made->virtio.gso_size));
	KUNIT_EXPECT_EQ(test, from16(virtio.csum_start),
			from16(made->virtio.csum_start));
	KUNIT_EXPECT_EQ(test, from16(virtio.csum_offset),
			from16(made->virtio.csum_offset));
}

static void offload_needs_what_was_negotiated(struct kunit *test)
{
	static const u8 needs[] = { VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4,
				    VIRTIO_NET_F_HOST_ECN };
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, made);
	make_frame(&shapes[0], made);
	made->virtio.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	for (i = 0; i < ARRAY_SIZE(needs); i++)
		KUNIT_EXPECT_FALSE(test,
				   qz_offload_read(&made->off, &made->virtio,
						   ALL_FEATURES & ~(1ULL << needs[i]),
						   made->len));
	make_frame(&shapes[6], made);
	KUNIT_EXPECT_FALSE(test, qz_offload_read(&made->off, &made->virtio,
						 ALL_FEATURES & ~(1ULL << VIRTIO_NET_F_HOST_TSO6),
						 made->len));
	make_frame(&shapes[8], made);
	KUNIT_EXPECT_FALSE(test, qz_offload_read(&made->off, &made->virtio,
						 ALL_FEATURES & ~(1ULL << VIRTIO_NET_F_HOST_USO),
						 made->len));
}

/* One thing wrong with a good frame. */
struct wrong {
	const char *name;
	void (*spoil)(struct made *made);
};

#define SPOIL(name, statement)			\
static void name(struct made *made)		\
{						\
	statement;				\
}

SPOIL(no_sum, made->virtio.flags = 0)
SPOIL(valid_flag, made->virtio.flags |= VIRTIO_NET_HDR_F_DATA_VALID)
SPOIL(no_size, made->virtio.gso_size = 0)
SPOIL(tiny_size, made->virtio.gso_size = to16(1))
SPOIL(unknown_type, made->virtio.gso_type = 7)
SPOIL(old_ufo, made->virtio.gso_type = VIRTIO_NET_HDR_GSO_UDP)
SPOIL(other_version, made->virtio.gso_type = VIRTIO_NET_HDR_GSO_TCPV6)
SPOIL(other_proto, made->virtio.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4)
SPOIL(only_ecn, made->virtio.gso_type = VIRTIO_NET_HDR_GSO_ECN)
SPOIL(start_behind, made->virtio.csum_start = to16(made->len))
SPOIL(start_wraps, made->virtio.csum_start = to16(65535))
SPOIL(start_in_ethernet, made->virtio.csum_start = to16(4))
SPOIL(start_elsewhere, made->virtio.csum_start = to16(made->l4 + 4))
SPOIL(offset_elsewhere, made->virtio.csum_offset = to16(6))
SPOIL(not_ip, made->head[12] = 0x12)
SPOIL(many_tags, memset(made->head + 12, 0x81, 40))
SPOIL(wrong_version, made->head[made->ip] = 0x65)
SPOIL(short_ip, made->head[made->ip] = 0x44)
SPOIL(long_ip, made->head[made->ip] = 0x4f)
SPOIL(fragment, made->head[made->ip + IP4_FRAGMENT] = 0x20)
SPOIL(wrong_proto, made->head[made->ip + IP4_PROTO] = PROTO_UDP)
SPOIL(short_tcp, made->head[made->l4 + TCP_OFFSET] = 0x40)
SPOIL(no_payload, made->len = made->head_len)
SPOIL(cut_head, made->len = made->head_len - 1)
SPOIL(cut_ip, made->len = made->ip + 10)
SPOIL(cut_ethernet, made->len = ETH_LEN)

static const struct wrong wrongs[] = {
	{ "no sum", no_sum }, { "valid flag", valid_flag },
	{ "no size", no_size }, { "tiny size", tiny_size },
	{ "unknown type", unknown_type }, { "old ufo", old_ufo },
	{ "other version", other_version }, { "other proto", other_proto },
	{ "only ecn", only_ecn }, { "start behind", start_behind },
	{ "start wraps", start_wraps },
	{ "start in ethernet", start_in_ethernet },
	{ "start elsewhere", start_elsewhere },
	{ "offset elsewhere", offset_elsewhere }, { "not ip", not_ip },
	{ "many tags", many_tags }, { "wrong version", wrong_version },
	{ "short ip", short_ip }, { "long ip", long_ip },
	{ "fragment", fragment }, { "wrong proto", wrong_proto },
	{ "short tcp", short_tcp }, { "no payload", no_payload },
	{ "cut head", cut_head }, { "cut ip", cut_ip },
	{ "cut ethernet", cut_ethernet },
};

static void offload_refuses_what_is_wrong(struct kunit *test)
{
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	const struct wrong *wrong = wrongs;

	KUNIT_ASSERT_NOT_NULL(test, made);
	for (; wrong < wrongs + ARRAY_SIZE(wrongs); wrong++) {
		make_frame(&shapes[0], made);
		wrong->spoil(made);
		KUNIT_EXPECT_FALSE_MSG(test, read_frame(made), "%s", wrong->name);
	}
}

/* Whatever the bytes are: nothing outside of them is read or written. */
static void offload_survives_random_bytes(struct kunit *test)
{
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	u8 *cut = kunit_kzalloc(test, QZ_OFFLOAD_HEAD, GFP_KERNEL), *head;
	u32 seed = 1, round, i, n, taken = 0;

	KUNIT_ASSERT_NOT_NULL(test, made);
	KUNIT_ASSERT_NOT_NULL(test, cut);
	for (round = 0; round < 20000; round++) {
		make_frame(&shapes[round % ARRAY_SIZE(shapes)], made);
		for (i = 0; i < round % 4; i++) {
			seed = seed * 1664525 + 1013904223;
			made->head[(seed >> 8) % made->head_len] = seed >> 24;
		}
		seed = seed * 1664525 + 1013904223;
		if (round % 3 == 0)
			made->len = ETH_LEN + (seed >> 8) % 300;
		n = min_t(u32, made->len, QZ_OFFLOAD_HEAD);
		head = kunit_kzalloc(test, n, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, head);
		memcpy(head, made->head, n);
		if (qz_offload_read(&made->off, &made->virtio, ALL_FEATURES,
				    made->len) &&
		    qz_offload_parse(&made->off, head, n, made->len)) {
			KUNIT_EXPECT_LE(test, made->off.head, n);
			qz_offload_cut(&made->off, head, cut, 0, 1, false);
			taken++;
		}
		kunit_kfree(test, head);
	}
	KUNIT_EXPECT_GT(test, taken, 100);
}

/* 0 in UDP's field says that there is no checksum. */
static void offload_never_sends_a_zero_udp_sum(struct kunit *test)
{
	struct qz_offload off = { .csum_offset = UDP_CSUM };

	KUNIT_EXPECT_TRUE(test, qz_offload_csum(&off, (__force __wsum)0xffff) ==
				CSUM_MANGLED_0);
	off.csum_offset = TCP_CSUM;
	KUNIT_EXPECT_FALSE(test, qz_offload_csum(&off, (__force __wsum)0xffff));
}

/* A UDP frame over IPv4 with a checksum to finish; returns where UDP begins. */
static u32 make_udp(u8 *head, u8 vlans, struct qz_offload *off)
{
	u32 ip = ETH_LEN + VLAN_LEN * vlans, i;

	memset(head, 0, QZ_OFFLOAD_HEAD);
	for (i = 0; i < vlans; i++)
		put16(head + ETH_LEN - 2 + VLAN_LEN * i, i ? TYPE_VLAN : TYPE_QINQ);
	put16(head + ip - 2, TYPE_IP4);
	head[ip] = 0x45;
	head[ip + IP4_PROTO] = PROTO_UDP;
	*off = (struct qz_offload){ .csum = true, .csum_start = ip + IP4_LEN,
				    .csum_offset = UDP_CSUM };
	return ip + IP4_LEN;
}

static void offload_knows_answers_of_dhcp(struct kunit *test)
{
	u8 head[QZ_OFFLOAD_HEAD];
	struct qz_offload off;
	u32 udp, vlans, len;

	for (vlans = 0; vlans <= 2; vlans++) {
		udp = make_udp(head, vlans, &off);
		KUNIT_EXPECT_TRUE(test, qz_offload_may_be_dhcp(&off));
		put16(head + udp, 68);
		KUNIT_EXPECT_FALSE(test, qz_offload_is_dhcp(&off, head, udp + 8));
		put16(head + udp, DHCP_SERVER);
		KUNIT_EXPECT_TRUE(test, qz_offload_is_dhcp(&off, head, udp + 8));
		for (len = ETH_LEN; len < udp + QZ_OFFLOAD_DHCP; len++)
			KUNIT_EXPECT_FALSE(test, qz_offload_is_dhcp(&off, head, len));
		KUNIT_EXPECT_TRUE(test, qz_offload_is_dhcp(&off, head, len));
		off.csum_start += 2;
		KUNIT_EXPECT_FALSE(test, qz_offload_is_dhcp(&off, head, udp + 8));
		off.csum_start -= 2;
		head[udp - IP4_LEN + IP4_PROTO] = PROTO_TCP;
		KUNIT_EXPECT_FALSE(test, qz_offload_is_dhcp(&off, head, udp + 8));
		head[udp - IP4_LEN + IP4_PROTO] = PROTO_UDP;
		put16(head + udp - IP4_LEN + IP4_FRAGMENT, 0x2000);
		KUNIT_EXPECT_FALSE(test, qz_offload_is_dhcp(&off, head, udp + 8));
	}
	off.csum_offset = TCP_CSUM;
	KUNIT_EXPECT_FALSE(test, qz_offload_may_be_dhcp(&off));
	off.csum_offset = UDP_CSUM;
	off.gso = VIRTIO_NET_HDR_GSO_UDP_L4;
	KUNIT_EXPECT_FALSE(test, qz_offload_may_be_dhcp(&off));
	off = (struct qz_offload){};
	KUNIT_EXPECT_FALSE(test, qz_offload_may_be_dhcp(&off));
}

/* With the tag that the frame may get the sum begins where it was asked to. */
static void start_has_room_for_a_tag(struct kunit *test)
{
	u64 features = 1ULL << VIRTIO_NET_F_CSUM;
	struct virtio_net_hdr_v1 virtio = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_offset = to16(14),
	};
	struct qz_offload off;
	u32 start;

	for (start = 65520; start < 65536; start++) {
		virtio.csum_start = to16(start);
		KUNIT_EXPECT_EQ(test, qz_offload_read(&off, &virtio, features, 65553),
				start <= 65531);
	}
}

static struct kunit_case offload_cases[] = {
	KUNIT_CASE(offload_cuts_every_shape),
	KUNIT_CASE(offload_names_what_a_receiver_needs),
	KUNIT_CASE(offload_passes_on_what_it_read),
	KUNIT_CASE(offload_needs_what_was_negotiated),
	KUNIT_CASE(offload_refuses_what_is_wrong),
	KUNIT_CASE(offload_survives_random_bytes),
	KUNIT_CASE(offload_never_sends_a_zero_udp_sum),
	KUNIT_CASE(offload_knows_answers_of_dhcp),
	KUNIT_CASE(start_has_room_for_a_tag),
	{}
};

static struct kunit_suite offload_suite = {
	.name = "queztl_offload",
	.test_cases = offload_cases,
};

kunit_test_suite(offload_suite);

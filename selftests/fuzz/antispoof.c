// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of a port with addresses. What is accepted rests on the bytes it says and on no others, and another, simpler
 * look at it finds one of the port's addresses as the sender, and nothing said of its neighbours.
 */
#include "fuzz.h"
#include "qhp/fabric/pure/antispoof.c"

static const struct qz_antispoof antispoof = {
	.mac = { 0x52, 0x54, 0, 0, 0, 1 },
	.n = 4,
	.addrs = {
		{ .id = 1, .version = 4, .prefix = 32, .addr = { 10, 0, 0, 1 } },
		{ .id = 2, .version = 4, .prefix = 20, .addr = { 192, 168, 16 } },
		{ .id = 3, .version = 6, .prefix = 128, .addr = { 0xfd, [15] = 1 } },
		{ .id = 4, .version = 6, .prefix = 33, .addr = { 0xfd, 1, 0, 0, 0x80 } },
	},
};

/* Frames worth beginning with: the fuzzer changes single bytes of them. */
static const struct {
	u8 len;
	u8 head[96];
} starts[] = {
	{ 54, { [12] = 8, 0, 0x45, [17] = 40, [23] = 6, [26] = 10, 0, 0, 1 } },
	{ 58, { [12] = 0x81, 0, 0, 1, 8, 0, 0x45, [21] = 40, [27] = 6, [30] = 192, 168, 16, 5 } },
	{ 60, { [12] = 8, 0, 0x45, [17] = 46, [23] = 17, [34] = 0, 68, 0, 67 } },
	{ 42, { [12] = 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 1 } },
	{ 74, { [12] = 0x86, 0xdd, 0x60, [19] = 20, [20] = 6, 64, 0xfd, [37] = 1 } },
	{ 86, { [12] = 0x86, 0xdd, 0x60, [19] = 32, [20] = 58, 255, 0xfd, [37] = 1, [54] = 136, [62] = 0xfd, [77] = 1, 2, 1,
		0x52, 0x54, 0, 0, 0, 1 } },
	{ 86, { [12] = 0x86, 0xdd, 0x60, [19] = 32, [20] = 58, 255, [54] = 135, [62] = 0xfd, 1, [66] = 0x80, [78] = 14, 1 } },
	{ 90, { [12] = 0x86, 0xdd, 0x60, [19] = 36, [20] = 0, 1, [54] = 58, [62] = 143 } },
	{ 94, { [12] = 0x86, 0xdd, 0x60, [19] = 40, [20] = 44, 64, 0xfd, [37] = 1, [54] = 60, [57] = 1, [62] = 58, [70] = 128 } },
	{ 70, { [12] = 0x86, 0xdd, 0x60, [19] = 16, [20] = 44, 64, 0xfd, [37] = 1, [54] = 58, [57] = 1, [62] = 128 } },
};

/* Bit by bit, unlike what is tried. */
static bool owns(const u8 *addr, u8 version)
{
	for (u32 i = 0; i < antispoof.n; i++) {
		u32 bit = 0;

		if (antispoof.addrs[i].version != version)
			continue;
		while (bit < antispoof.addrs[i].prefix &&
		       !((addr[bit / 8] ^ antispoof.addrs[i].addr[bit / 8]) & 0x80 >> bit % 8))
			bit++;
		if (bit == antispoof.addrs[i].prefix)
			return true;
	}
	return version == 6 && !memcmp(addr, "\xfe\x80\0\0\0\0\0\0\x50\x54\0\xff\xfe\0\0\1", 16);
}

/* Where a receiver looks for ICMPv6: -1 when it is none. It believes the IP header's length. */
static int find_icmp6(const u8 *ip, u32 len)
{
	u32 at = 40, step;
	u8 proto = ip[6];
	bool fragment = false;

	while (proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60) {
		if (proto == 44 && (ip[at + 2] || ip[at + 3] & 0xf8)) {
			fuzz_check(ip[at] != 60 && ip[at] != 0);
			return -1;
		}
		fuzz_check(at + 8 <= len);
		fragment |= proto == 44;
		step = proto == 44 ? 8 : proto == 51 ? ip[at + 1] * 4 + 8 : ip[at + 1] * 8 + 8;
		proto = ip[at];
		at += step;
	}
	if (fragment && proto == 58)
		fuzz_check(at < len && ip[at] != 148 && (ip[at] < 133 || ip[at] > 137));
	return proto == 58 ? (int)at : -1;
}

static void check_nd(const u8 *ip, const u8 *icmp, u32 len)
{
	bool nobody = !memcmp(ip + 8, zeros, 16);
	u32 at = icmp[0] == 133 ? 8 : 24;

	fuzz_check(icmp[0] != 134 && icmp[0] != 137);
	if (icmp[0] == 136 || (icmp[0] == 135 && nobody))
		fuzz_check(owns(icmp + 8, 6));
	if (icmp[0] != 133 && icmp[0] != 135 && icmp[0] != 136) {
		fuzz_check(!nobody || icmp[0] == 131 || icmp[0] == 132 || icmp[0] == 143);
		return;
	}
	for (; at < len; at += icmp[at + 1] * 8) {
		fuzz_check(at + 2 <= len && icmp[at + 1] && at + icmp[at + 1] * 8 <= len);
		if (icmp[at] == 1 || icmp[at] == 2)
			fuzz_check(icmp[at + 1] == 1 && !memcmp(icmp + at + 2, antispoof.mac, 6));
	}
}

static void check_accepted(const u8 *head)
{
	const u8 *type = head + 12, *ip;
	int at;

	if (type[0] == 0x81 && type[1] == 0)
		type += 4;
	ip = type + 2;
	if (type[0] == 8 && type[1] == 6) {
		fuzz_check(!memcmp(ip + 8, antispoof.mac, 6));
		fuzz_check(owns(ip + 14, 4) || !memcmp(ip + 14, zeros, 4));
	} else if (type[0] == 8) {
		at = (ip[0] & 15) * 4;
		fuzz_check(type[1] == 0 && ip[0] >> 4 == 4);
		fuzz_check(owns(ip + 12, 4) || (!memcmp(ip + 12, zeros, 4) && ip[9] == 17 && !(ip[6] & 0x3f) && !ip[7] &&
						!memcmp(ip + at, "\0\x44\0\x43", 4)));
	} else {
		u32 len = 40 + (ip[4] << 8 | ip[5]);

		fuzz_check(type[0] == 0x86 && type[1] == 0xdd && ip[0] >> 4 == 6);
		at = find_icmp6(ip, len);
		fuzz_check(owns(ip + 8, 6) || (!memcmp(ip + 8, zeros, 16) && at > 0));
		if (at > 0)
			check_nd(ip, ip + at, len - at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	u32 start = fuzz_u8(&fuzz) % (sizeof(starts) / sizeof(starts[0]) + 1);
	u32 len = 14 + fuzz_u8(&fuzz) % 179, judged, i;
	u8 *head;

	if (start < sizeof(starts) / sizeof(starts[0])) {
		len = fuzz_u8(&fuzz) & 3 ? starts[start].len : len;
		head = calloc(1, len);
		fuzz_check(head);
		memcpy(head, starts[start].head, min_t(u32, len, starts[start].len));
		for (u32 changes = fuzz_u8(&fuzz) % 8; changes; changes--)
			head[fuzz_u8(&fuzz) % len] = fuzz_u8(&fuzz);
	} else {
		head = fuzz_alloc(&fuzz, len);
	}

	judged = qz_antispoof_check(&antispoof, head, len);
	fuzz_check(judged <= len);
	if (judged) {
		check_accepted(head);
		for (i = judged; i < len; i++)
			head[i] ^= 0xff;
		fuzz_check(qz_antispoof_check(&antispoof, head, len) == judged);
		fuzz_check(qz_antispoof_check(&antispoof, head, judged) == judged);
		fuzz_check(judged == 14 || !qz_antispoof_check(&antispoof, head, judged - 1));
	}
	free(head);
	return 0;
}

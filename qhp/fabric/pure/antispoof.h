/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a frame's sender uses its own addresses: IPv4, IPv6, ARP and
 * neighbour discovery, from the first bytes of a frame. Pure.
 *
 * The Ethernet source address has been checked before.
 */
#ifndef QZ_ANTISPOOF_H
#define QZ_ANTISPOOF_H

#include "module/limits.h"
#include "module/plain.h"

/**
 * struct qz_antispoof_addr - an address, or prefix, of a port
 * @id: its id
 * @version: 4 or 6; 0 if it was removed after the table was built
 * @prefix: number of bits of @addr that count
 * @addr: the address, 0 after the prefix
 */
struct qz_antispoof_addr {
	u32 id;
	u8 version;
	u8 prefix;
	u8 addr[16];
};

/**
 * struct qz_antispoof - all addresses of a port
 * @mac: its Ethernet address
 * @n: number of @addrs
 * @addrs: the addresses, by rising id
 */
struct qz_antispoof {
	u8 mac[6];
	u32 n;
	struct qz_antispoof_addr addrs[QZ_MAX_ADDRS];
};

bool qz_antispoof_addr_is_good(const struct qz_antispoof_addr *addr);
u32 qz_antispoof_check(const struct qz_antispoof *antispoof, const u8 *head, u32 head_len);

#endif /* QZ_ANTISPOOF_H */

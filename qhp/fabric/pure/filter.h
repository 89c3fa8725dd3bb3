/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of the frames that reach its port a driver wants to see (virtio 1.2,
 * sections 5.1.6.5.1 to .3); pure.
 *
 * One thread at a time changes a filter while others read it without a lock: a
 * frame that is delivered meanwhile may meet the old filter, the new one, or a
 * mixture.
 */
#ifndef QZ_FILTER_H
#define QZ_FILTER_H

#include "module/plain.h"

/* Multicast addresses; a driver with more gets all multicast. */
#define QZ_FILTER_MACS		64
#define QZ_FILTER_VLANS		4096

/* Bits of &qz_filter.mode. */
enum {
	QZ_FILTER_PROMISC	= 1 << 0,	/* whatever reaches the port, of any VLAN */
	QZ_FILTER_ALLMULTI	= 1 << 1,	/* all multicast */
	QZ_FILTER_NOMULTI	= 1 << 2,	/* no multicast */
	QZ_FILTER_NOUNI		= 1 << 3,	/* no unicast */
	QZ_FILTER_NOBCAST	= 1 << 4,	/* no broadcast */
	QZ_FILTER_OVERFLOW	= 1 << 5,	/* more addresses than fit */
	QZ_FILTER_TAGGED	= 1 << 6,	/* VLANs are filtered, too */
	QZ_FILTER_INITIAL	= 1 << 7,	/* as PROMISC: the driver set no mode yet */
};

/*
 * QEMU's own device begins in promiscuous mode, so QEMU repeats only what differs
 * from that when a guest continues or has migrated: that the mode is off, or that
 * all multicast is on.
 */
#define QZ_FILTER_LETS_ALL	(QZ_FILTER_PROMISC | QZ_FILTER_INITIAL)

/**
 * struct qz_filter - a receive filter
 * @mode: QZ_FILTER_*
 * @nmacs: number of @macs
 * @macs: multicast addresses, as qz_mac_key()
 * @vlans: VLAN ids, a bit each
 */
struct qz_filter {
	u8 mode;
	u32 nmacs;
	u64 macs[QZ_FILTER_MACS];
	u64 vlans[QZ_FILTER_VLANS / 64];
};

/* What a driver wants of the frames to a group. */
enum qz_filter_group {
	QZ_FILTER_NONE,
	QZ_FILTER_JOINED,	/* they are, and the driver said so */
	QZ_FILTER_ALL,		/* they are, and so are those to other groups */
};

/*
 * Initially: whatever reaches the port, until the driver sets a mode; for ever all
 * multicast if it has no @modes.
 */
void qz_filter_init(struct qz_filter *filter, bool modes, bool tagged);
void qz_filter_mode(struct qz_filter *filter, u8 bit, bool on);
void qz_filter_macs(struct qz_filter *filter, const u8 *macs, u32 n);
void qz_filter_vlan(struct qz_filter *filter, u16 id, bool on);
enum qz_filter_group qz_filter_group(const struct qz_filter *filter, u64 group);
bool qz_filter_judge(const struct qz_filter *filter, const u8 *head, u32 len);

static inline bool qz_filter_is_tagged(const u8 *head)
{
	return head[12] == 0x81 && !head[13];
}

/**
 * qz_filter_takes - does the driver want this frame?
 * @filter: its filter
 * @head: the frame's first bytes, including its VLAN tag, if it has one
 * @len: length of @head, at least 14
 *
 * Return: true if it does.
 */
static inline bool qz_filter_takes(const struct qz_filter *filter,
				   const u8 *head, u32 len)
{
	bool unicast = !(head[0] & 1);

	if (unicast && !(READ_ONCE(filter->mode) & QZ_FILTER_NOUNI) &&
	    !qz_filter_is_tagged(head))
		return true;
	return qz_filter_judge(filter, head, len);
}

#endif /* QZ_FILTER_H */

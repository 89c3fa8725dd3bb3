// SPDX-License-Identifier: GPL-2.0
/* Which frames a driver wants to see: see filter.h. */

#include "filter.h"
#include "mactab.h"

#define MAC_LEN		6
#define TAG_AT		14
#define BROADCAST	0xffffffffffffULL

void qz_filter_init(struct qz_filter *filter, bool modes, bool tagged)
{
	memset(filter, 0, sizeof(*filter));
	filter->mode = (modes ? QZ_FILTER_INITIAL : QZ_FILTER_ALLMULTI) |
		       (tagged ? QZ_FILTER_TAGGED : 0);
}

static bool ends_initial(u8 bit, bool on)
{
	return bit == QZ_FILTER_PROMISC || (bit == QZ_FILTER_ALLMULTI && !on);
}

void qz_filter_mode(struct qz_filter *filter, u8 bit, bool on)
{
	u8 mode = filter->mode;

	if (ends_initial(bit, on))
		mode &= ~QZ_FILTER_INITIAL;
	WRITE_ONCE(filter->mode, on ? mode | bit : mode & ~bit);
}

/* Replace the multicast addresses with the @n addresses at @macs. */
void qz_filter_macs(struct qz_filter *filter, const u8 *macs, u32 n)
{
	u32 i;

	qz_filter_mode(filter, QZ_FILTER_OVERFLOW, n > QZ_FILTER_MACS);
	if (n > QZ_FILTER_MACS)
		return;
	for (i = 0; i < n; i++, macs += MAC_LEN)
		WRITE_ONCE(filter->macs[i], qz_mac_key(macs));
	WRITE_ONCE(filter->nmacs, n);
}

/* @id: below QZ_FILTER_VLANS. */
void qz_filter_vlan(struct qz_filter *filter, u16 id, bool on)
{
	u64 *word = &filter->vlans[id / 64], bit = 1ULL << id % 64;

	WRITE_ONCE(*word, on ? *word | bit : *word & ~bit);
}

/* Has the driver joined a group, or does it get all? @group: not broadcast */
enum qz_filter_group qz_filter_group(const struct qz_filter *filter, u64 group)
{
	u8 mode = READ_ONCE(filter->mode);
	u32 i, n;

	if (mode & QZ_FILTER_LETS_ALL)
		return QZ_FILTER_ALL;
	if (mode & QZ_FILTER_NOMULTI)
		return QZ_FILTER_NONE;
	if (mode & (QZ_FILTER_ALLMULTI | QZ_FILTER_OVERFLOW))
		return QZ_FILTER_ALL;
	n = READ_ONCE(filter->nmacs);
	for (i = 0; i < n; i++)
		if (READ_ONCE(filter->macs[i]) == group)
			return QZ_FILTER_JOINED;
	return QZ_FILTER_NONE;
}

static bool takes_multicast(const struct qz_filter *filter, u8 mode, u64 mac)
{
	if (mac == BROADCAST)
		return !(mode & QZ_FILTER_NOBCAST);
	return qz_filter_group(filter, mac) != QZ_FILTER_NONE;
}

/* Untagged frames pass, and so does priority tagging (id 0). */
static bool takes_vlan(const struct qz_filter *filter, const u8 *head, u32 len)
{
	u16 id;

	if (!qz_filter_is_tagged(head) || len < TAG_AT + 2)
		return true;
	id = (head[TAG_AT] << 8 | head[TAG_AT + 1]) & 0xfff;
	return !id || READ_ONCE(filter->vlans[id / 64]) >> id % 64 & 1;
}

/* qz_filter_takes() of a frame that has to be looked at closely. */
bool qz_filter_judge(const struct qz_filter *filter, const u8 *head, u32 len)
{
	u8 mode = READ_ONCE(filter->mode);
	bool multicast = head[0] & 1;

	/* Of all VLANs, too: a bridge or a sniffer asks the driver for none. */
	if (mode & QZ_FILTER_LETS_ALL)
		return true;
	if (mode & QZ_FILTER_TAGGED && !takes_vlan(filter, head, len))
		return false;
	if (!multicast)
		return !(mode & QZ_FILTER_NOUNI);
	return takes_multicast(filter, mode, qz_mac_key(head));
}

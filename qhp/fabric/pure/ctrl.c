// SPDX-License-Identifier: GPL-2.0
/* The control queue: see ctrl.h. */

#include "ctrl.h"
#include "mactab.h"

#define MAC_LEN		6

static bool has(const struct qz_ctrl *ctrl, unsigned int bit)
{
	return ctrl->features >> bit & 1;
}

static u16 get16(const u8 *from)
{
	return from[0] | from[1] << 8;
}

static u32 get32(const u8 *from)
{
	return get16(from) | (u32)get16(from + 2) << 16;
}

static u64 get64(const u8 *from)
{
	return get32(from) | (u64)get32(from + 4) << 32;
}

/**
 * qz_ctrl_init - the state of a driver that has said nothing yet
 * @ctrl: mac and pairs are the port's and stay
 * @features: what the driver negotiated
 */
void qz_ctrl_init(struct qz_ctrl *ctrl, u64 features)
{
	ctrl->features = features;
	WRITE_ONCE(ctrl->active, 1);
	WRITE_ONCE(ctrl->takes, features & QZ_CTRL_OFFLOADS);
	WRITE_ONCE(ctrl->rss.on, false);
	ctrl->tx_wish = (struct qz_coalesce_wish){};
	ctrl->announce = false;
	qz_filter_init(&ctrl->filter, has(ctrl, VIRTIO_NET_F_CTRL_RX),
		       has(ctrl, VIRTIO_NET_F_CTRL_VLAN));
}

/**
 * qz_ctrl_restore - the state of a driver that has been interrupted
 * @ctrl: mac and pairs are the port's and stay; nobody reads the rest yet
 * @old: its state before
 *
 * Nothing is restored if the driver has negotiated other features since.
 */
void qz_ctrl_restore(struct qz_ctrl *ctrl, const struct qz_ctrl *old)
{
	if (old->features != ctrl->features)
		return;
	ctrl->active = old->active;
	ctrl->takes = old->takes;
	ctrl->tx_wish = old->tx_wish;
	ctrl->announce = old->announce;
	ctrl->filter = old->filter;
	ctrl->rss = old->rss;
}

static bool set_rx_mode(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	if (len != 1 || data[0] > 1 || !has(ctrl, VIRTIO_NET_F_CTRL_RX))
		return false;
	if (cmd > VIRTIO_NET_CTRL_RX_ALLMULTI &&
	    !has(ctrl, VIRTIO_NET_F_CTRL_RX_EXTRA))
		return false;
	switch (cmd) {
	case VIRTIO_NET_CTRL_RX_PROMISC:
		qz_filter_mode(&ctrl->filter, QZ_FILTER_PROMISC, data[0]);
		return true;
	case VIRTIO_NET_CTRL_RX_ALLMULTI:
		qz_filter_mode(&ctrl->filter, QZ_FILTER_ALLMULTI, data[0]);
		return true;
	case VIRTIO_NET_CTRL_RX_ALLUNI:
		return true;	/* no other unicast reaches a port */
	case VIRTIO_NET_CTRL_RX_NOMULTI:
		qz_filter_mode(&ctrl->filter, QZ_FILTER_NOMULTI, data[0]);
		return true;
	case VIRTIO_NET_CTRL_RX_NOUNI:
		qz_filter_mode(&ctrl->filter, QZ_FILTER_NOUNI, data[0]);
		return true;
	case VIRTIO_NET_CTRL_RX_NOBCAST:
		qz_filter_mode(&ctrl->filter, QZ_FILTER_NOBCAST, data[0]);
		return true;
	default:
		return false;
	}
}

/* Bytes of a table of addresses at @data, 0 if it does not fit in @len. */
static u32 table_bytes(const u8 *data, u32 len)
{
	u32 n;

	if (len < sizeof(u32))
		return 0;
	n = get32(data);
	if (n > (len - sizeof(u32)) / MAC_LEN)
		return 0;
	return sizeof(u32) + n * MAC_LEN;
}

/* @len: of the table; as many of its bytes as the filter takes are at @data. */
static bool set_multicast(struct qz_ctrl *ctrl, const u8 *data, u32 len)
{
	u32 bytes = table_bytes(data, len);

	if (!bytes || bytes != len || !has(ctrl, VIRTIO_NET_F_CTRL_RX))
		return false;
	qz_filter_macs(&ctrl->filter, data + sizeof(u32), get32(data));
	return true;
}

/* Two tables: unicast addresses, of which only one is known, and multicast. */
static bool set_mac_table(struct qz_ctrl *ctrl, const u8 *data, u32 len)
{
	u32 unicast = table_bytes(data, len);

	return unicast && set_multicast(ctrl, data + unicast, len - unicast);
}

/* The administrator sets the address: it may only be set to what it is. */
static bool set_mac(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	if (cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return set_mac_table(ctrl, data, len);
	return cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET && len == MAC_LEN &&
	       has(ctrl, VIRTIO_NET_F_CTRL_MAC_ADDR) &&
	       qz_mac_key(data) == ctrl->mac;
}

static bool set_vlan(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	if (len != sizeof(u16) || !has(ctrl, VIRTIO_NET_F_CTRL_VLAN) ||
	    cmd > VIRTIO_NET_CTRL_VLAN_DEL || get16(data) >= QZ_FILTER_VLANS)
		return false;
	qz_filter_vlan(&ctrl->filter, get16(data),
		       cmd == VIRTIO_NET_CTRL_VLAN_ADD);
	return true;
}

static bool announced(struct qz_ctrl *ctrl, u8 cmd, u32 len)
{
	if (len || cmd != VIRTIO_NET_CTRL_ANNOUNCE_ACK ||
	    !has(ctrl, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return false;
	WRITE_ONCE(ctrl->announce, false);
	return true;
}

/* Which queue gets a frame is then the port's choice again. */
static bool set_pairs(struct qz_ctrl *ctrl, const u8 *data, u32 len)
{
	u16 pairs;

	if (len != sizeof(u16) || !has(ctrl, VIRTIO_NET_F_MQ))
		return false;
	pairs = get16(data);
	if (!pairs || pairs > ctrl->pairs)
		return false;
	WRITE_ONCE(ctrl->rss.on, false);
	WRITE_ONCE(ctrl->active, pairs);
	return true;
}

static bool set_rss(struct qz_ctrl *ctrl, const u8 *data, u32 len)
{
	u16 queues;

	if (!has(ctrl, VIRTIO_NET_F_RSS))
		return false;
	queues = qz_rss_set(&ctrl->rss, data, len, ctrl->pairs);
	if (!queues)
		return false;
	WRITE_ONCE(ctrl->active, queues);
	return true;
}

static bool set_queues(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	switch (cmd) {
	case VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET:
		return set_pairs(ctrl, data, len);
	case VIRTIO_NET_CTRL_MQ_RSS_CONFIG:
		return set_rss(ctrl, data, len);
	default:
		return false;
	}
}

static bool set_offloads(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	u64 takes;

	if (len != sizeof(u64) || cmd != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
	    !has(ctrl, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return false;
	takes = get64(data);
	if (takes & ~(ctrl->features & QZ_CTRL_OFFLOADS))
		return false;
	WRITE_ONCE(ctrl->takes, takes);
	return true;
}

/*
 * Interrupts for received frames are raised at the end of a sender's slice and are
 * not held back: a timer for them would be the sender's work. So a driver may only
 * ask for what it gets anyway.
 */
static bool set_coalescing(struct qz_ctrl *ctrl, u8 cmd, const u8 *data, u32 len)
{
	struct qz_coalesce_wish wish;
	u32 frames, usecs;

	if (len != 2 * sizeof(u32) || !has(ctrl, VIRTIO_NET_F_NOTF_COAL))
		return false;
	frames = get32(data);
	usecs = get32(data + sizeof(u32));
	if (cmd == VIRTIO_NET_CTRL_NOTF_COAL_RX_SET)
		return frames <= 1 && !usecs;
	if (cmd != VIRTIO_NET_CTRL_NOTF_COAL_TX_SET)
		return false;
	wish = qz_coalesce_wish(frames, usecs);
	WRITE_ONCE(ctrl->tx_wish.frames, wish.frames);
	WRITE_ONCE(ctrl->tx_wish.ns, wish.ns);
	return true;
}

/**
 * qz_ctrl_command - do what a driver asks for
 * @ctrl: its state
 * @command: a copy of class, command, and its data
 * @len: length of @command in bytes
 *
 * Return: VIRTIO_NET_OK, or VIRTIO_NET_ERR and nothing has changed.
 */
u8 qz_ctrl_command(struct qz_ctrl *ctrl, const u8 *command, u32 len)
{
	const struct virtio_net_ctrl_hdr *hdr = (const void *)command;
	const u8 *data = command + sizeof(*hdr);
	bool done;

	if (len < sizeof(*hdr))
		return VIRTIO_NET_ERR;
	len -= sizeof(*hdr);
	switch (hdr->class) {
	case VIRTIO_NET_CTRL_RX:
		done = set_rx_mode(ctrl, hdr->cmd, data, len);
		break;
	case VIRTIO_NET_CTRL_MAC:
		done = set_mac(ctrl, hdr->cmd, data, len);
		break;
	case VIRTIO_NET_CTRL_VLAN:
		done = set_vlan(ctrl, hdr->cmd, data, len);
		break;
	case VIRTIO_NET_CTRL_ANNOUNCE:
		done = announced(ctrl, hdr->cmd, len);
		break;
	case VIRTIO_NET_CTRL_MQ:
		done = set_queues(ctrl, hdr->cmd, data, len);
		break;
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		done = set_offloads(ctrl, hdr->cmd, data, len);
		break;
	case VIRTIO_NET_CTRL_NOTF_COAL:
		done = set_coalescing(ctrl, hdr->cmd, data, len);
		break;
	default:
		done = false;
	}
	return done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

/**
 * qz_ctrl_find_multicast - the second table of a command that is too long to be
 *	copied
 * @command: a copy of its first QZ_CTRL_LONG bytes
 * @len: bytes of all of it, more than QZ_CTRL_BYTES
 *
 * Only tables of addresses are so long, and nobody filters so many: all that
 * matters is that there are many.
 *
 * Return: where it begins in the command; 0 if the command is no such one.
 */
u32 qz_ctrl_find_multicast(const u8 *command, u32 len)
{
	const struct virtio_net_ctrl_hdr *hdr = (const void *)command;
	u32 bytes;

	if (hdr->class != VIRTIO_NET_CTRL_MAC ||
	    hdr->cmd != VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return 0;
	bytes = table_bytes(command + sizeof(*hdr), len - sizeof(*hdr));
	return bytes ? sizeof(*hdr) + bytes : 0;
}

/**
 * qz_ctrl_multicast - do what a command asks for that is too long to be copied
 * @ctrl: the driver's state
 * @table: a copy of the table that qz_ctrl_find_multicast() found, or of its
 *	first QZ_CTRL_BYTES bytes
 * @len: bytes from where it begins to the end of the command
 *
 * Return: as qz_ctrl_command().
 */
u8 qz_ctrl_multicast(struct qz_ctrl *ctrl, const u8 *table, u32 len)
{
	return set_multicast(ctrl, table, len) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

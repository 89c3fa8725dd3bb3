// SPDX-License-Identifier: GPL-2.0
/* Access ports and trunks: see vlan.h. */

#include "vlan.h"

#define TAG_ID		0x0fff
#define ID_MAX		(QZ_VLAN_IDS - 2)

static u16 read16(const u8 *from)
{
	return from[0] << 8 | from[1];
}

static void write16(u8 *to, u16 value)
{
	to[0] = value >> 8;
	to[1] = value;
}

static u32 count_ids(const struct qz_vlan *vlan)
{
	u32 id, n = 0;

	for (id = 0; id < QZ_VLAN_IDS; id++)
		n += qz_vlan_has(vlan, id);
	return n;
}

/* May a port be given these VLANs? The native one is one of them. */
bool qz_vlan_is_good(const struct qz_vlan *vlan)
{
	u32 n = count_ids(vlan);

	if (qz_vlan_has(vlan, 0) || qz_vlan_has(vlan, ID_MAX + 1) || !n)
		return false;
	if (!vlan->trunk && (n != 1 || !vlan->native))
		return false;
	return !vlan->native ||
	       (vlan->native <= ID_MAX && qz_vlan_has(vlan, vlan->native));
}

/*
 * A tag with the id 0 has a priority and no VLAN: the frame is in that of
 * untagged frames, whose id the tag gets.
 */
static bool enter(const struct qz_vlan *vlan, u8 *head,
		  struct qz_vlan_frame *frame)
{
	u8 *tag = head + QZ_VLAN_AT + 2;
	u16 id = read16(tag) & TAG_ID;

	frame->tagged = true;
	frame->nested = qz_vlan_is_tag(tag + 2);
	frame->priority = read16(tag) & ~TAG_ID;
	frame->id = id ?: vlan->native;
	if (id && !vlan->trunk)
		return false;
	if (!id)
		write16(tag, frame->priority | frame->id);
	return frame->id && qz_vlan_has(vlan, frame->id);
}

/* qz_vlan_enter() of a frame that has a tag. */
bool qz_vlan_enter_tagged(const struct qz_vlan *vlan, u8 *head, u32 head_len,
			  struct qz_vlan_frame *frame)
{
	/* A tag of a provider's bridge is for bridges that know such. */
	if (read16(head + QZ_VLAN_AT) != QZ_VLAN_TYPE ||
	    head_len < QZ_VLAN_AT + QZ_VLAN_TAG + 2)
		return false;
	return enter(vlan, head, frame);
}

/* What the driver left to the device is behind the tag. */
static void shift(struct qz_offload *off, int bytes)
{
	if (off->csum)
		off->csum_start += bytes;
	if (off->gso != VIRTIO_NET_HDR_GSO_NONE) {
		off->ip += bytes;
		off->head += bytes;
	}
}

/**
 * qz_vlan_push - add the tag of a frame's VLAN
 * @frame: the VLAN
 * @head: the first bytes of the frame; becomes QZ_VLAN_TAG bytes longer
 * @head_len: length of @head
 * @off: what the driver left to the device; its positions move
 */
void qz_vlan_push(const struct qz_vlan_frame *frame, u8 *head, u32 head_len,
		  struct qz_offload *off)
{
	u8 *tag = head + QZ_VLAN_AT;

	memmove(tag + QZ_VLAN_TAG, tag, head_len - QZ_VLAN_AT);
	write16(tag, QZ_VLAN_TYPE);
	write16(tag + 2, frame->priority | frame->id);
	shift(off, QZ_VLAN_TAG);
}

/**
 * qz_vlan_pop - remove the first tag of a frame
 * @head: the first bytes of the frame, with the tag; becomes QZ_VLAN_TAG bytes
 *	shorter
 * @head_len: length of @head
 * @off: what the driver left to the device, all of it behind the tag; its
 *	positions move
 */
void qz_vlan_pop(u8 *head, u32 head_len, struct qz_offload *off)
{
	u8 *tag = head + QZ_VLAN_AT;

	memmove(tag, tag + QZ_VLAN_TAG, head_len - QZ_VLAN_AT - QZ_VLAN_TAG);
	shift(off, -QZ_VLAN_TAG);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access ports and trunks (IEEE 802.1Q): which VLAN a frame is in, which ports
 * are, and with or without a tag; pure.
 *
 * A port that was given VLANs is in these and no others. A port that was given
 * none is in no VLAN: tags are part of what it sends and receives, and it
 * exchanges frames only with others of its kind.
 *
 * Frames are turned from tagged to untagged, and back, where they are copied
 * from: in the head of a frame on its way.
 */
#ifndef QZ_VLAN_H
#define QZ_VLAN_H

#include "module/plain.h"
#include "offload.h"

#define QZ_VLAN_IDS	4096	/* 0 and the last one are reserved */
#define QZ_VLAN_TAG	4	/* bytes */
#define QZ_VLAN_AT	12	/* where a tag is, or the EtherType */
#define QZ_VLAN_TYPE	0x8100
#define QZ_VLAN_TYPE_AD	0x88a8

/**
 * struct qz_vlan - the VLANs of a port
 * @trunk: its frames have tags, other than those of VLAN @native; else it is an
 *	access port, whose frames have none
 * @native: the VLAN of untagged frames; 0: they are dropped
 * @ids: its VLANs, a bit each
 */
struct qz_vlan {
	bool trunk;
	u16 native;
	u64 ids[QZ_VLAN_IDS / 64];
};

/**
 * struct qz_vlan_frame - the VLAN of a frame
 * @id: the VLAN; 0: none, the sender was given none
 * @tagged: the frame has a tag of this VLAN
 * @nested: and another one behind it
 * @priority: the other bits of the tag, also of one that the frame has no more
 */
struct qz_vlan_frame {
	u16 id;
	bool tagged;
	bool nested;
	u16 priority;
};

/* How a port receives a frame. */
enum qz_vlan_form {
	QZ_VLAN_STOPS,		/* it does not */
	QZ_VLAN_UNTAGGED,
	QZ_VLAN_TAGGED,
};

bool qz_vlan_is_good(const struct qz_vlan *vlan);
bool qz_vlan_enter_tagged(const struct qz_vlan *vlan, u8 *head, u32 head_len,
			  struct qz_vlan_frame *frame);
void qz_vlan_push(const struct qz_vlan_frame *frame, u8 *head, u32 head_len,
		  struct qz_offload *off);
void qz_vlan_pop(u8 *head, u32 head_len, struct qz_offload *off);

/* Is it the type of a tag, of 802.1Q or 802.1ad? */
static inline bool qz_vlan_is_tag(const u8 *type)
{
	u16 number = type[0] << 8 | type[1];

	return number == QZ_VLAN_TYPE || number == QZ_VLAN_TYPE_AD;
}

/**
 * qz_vlan_enter - which VLAN is a frame in that a port sends?
 * @vlan: the VLANs of the port
 * @head: the first bytes of the frame; the id of its tag may change
 * @head_len: length of @head: at least 18, or all of the frame
 * @frame: out: its VLAN
 *
 * Return: false if the port may not send it.
 */
static inline bool qz_vlan_enter(const struct qz_vlan *vlan, u8 *head,
				 u32 head_len, struct qz_vlan_frame *frame)
{
	*frame = (struct qz_vlan_frame){ .id = vlan->native };
	if (likely(!qz_vlan_is_tag(head + QZ_VLAN_AT)))
		return vlan->native;
	return qz_vlan_enter_tagged(vlan, head, head_len, frame);
}

static inline bool qz_vlan_has(const struct qz_vlan *vlan, u16 id)
{
	return vlan->ids[id / 64] >> id % 64 & 1;
}

/**
 * qz_vlan_leave - how a port receives a frame
 * @vlan: the VLANs of the port; NULL if it was given none
 * @frame: the frame's
 *
 * A frame never leaves with a tag in front that was behind another one: a sender
 * could choose its next VLAN by it. So a frame with two tags leaves with both,
 * or not at all.
 */
static inline enum qz_vlan_form qz_vlan_leave(const struct qz_vlan *vlan,
					      const struct qz_vlan_frame *frame)
{
	if (!vlan)
		return frame->id ? QZ_VLAN_STOPS : QZ_VLAN_UNTAGGED;
	if (!frame->id || !qz_vlan_has(vlan, frame->id))
		return QZ_VLAN_STOPS;
	if (frame->id == vlan->native && !frame->nested)
		return QZ_VLAN_UNTAGGED;
	return vlan->trunk ? QZ_VLAN_TAGGED : QZ_VLAN_STOPS;
}

#endif /* QZ_VLAN_H */

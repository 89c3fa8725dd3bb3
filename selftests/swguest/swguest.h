/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A software guest: a process that drives a port through /dev/vhost-vdpa-N as a VM's virtio-net driver and its VMM
 * would, with split rings. Calls return -errno; they print nothing. A port belongs to one thread.
 */
#ifndef QUEZTL_SWGUEST_H
#define QUEZTL_SWGUEST_H

#include <linux/vhost.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define F(name)		(1ULL << (name))
#define SWG_HEADER	((int)sizeof(struct virtio_net_hdr_v1))
#define SWG_MAX_RING	1024
#define SWG_BASE	0x4000000000ULL		/* where the device sees the memory: no host address looks so */
#define SWG_MEMORY	(6u << 20)
#define SWG_RING_ROOM	0x10000u		/* of each ring: descriptors, avail, used, indirect tables */
#define SWG_AVAIL	0x4000u
#define SWG_USED	0x5000u
#define SWG_INDIRECT	0x8000u
#define SWG_BUFFERS	0x40000u
#define SWG_CTRL_ROOM	0x8000u			/* of the control queue's buffers, before those */
#define SWG_FRAME	66000			/* the largest frame anyone builds */

/* The third is there when VIRTIO_NET_F_CTRL_VQ is negotiated, without VIRTIO_NET_F_MQ. */
enum { SWG_RX, SWG_TX, SWG_CTRL, SWG_RINGS };

struct swg_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_desc *tables;		/* indirect ones, one after the other */
	uint64_t desc_at, avail_at, used_at, tables_at;
	uint8_t *buffers;			/* slots buffers of swg.slot bytes */
	uint64_t buffers_at;
	int num, slots;
	uint16_t next;				/* index the driver fills next */
	uint16_t told;				/* index at the last decision to kick or not */
	bool holds;				/* the device has not seen next yet: swg_hold() */
	uint16_t seen;				/* used index read so far */
	uint16_t free_head, free;
	uint16_t chain[SWG_MAX_RING];		/* free list */
	uint16_t length[SWG_MAX_RING];		/* descriptors of the chain that starts here */
	uint16_t slot_of[SWG_MAX_RING];		/* its buffer */
	uint16_t free_slots[SWG_MAX_RING];
	int free_slot_count;
	int kick, call;				/* eventfds */
	uint64_t kicks;
};

struct swg {
	int fd, node;				/* /dev/vhost-vdpa-node */
	uint64_t offered, backend, features;
	uint8_t *memory;
	uint64_t base;
	uint32_t size, slot;
	uint32_t asid;				/* where swg_iotlb() maps */
	struct swg_ring ring[SWG_RINGS];
	struct virtio_net_hdr_v1 header;	/* of the frame received last */
	int buffers_used;			/* by it */
	bool mapped;
	bool spins;				/* until a command is answered, as Linux does */
};

struct swg_options {			/* zero: the default */
	uint64_t features;		/* wanted; VERSION_1 and ACCESS_PLATFORM always */
	int num;			/* ring size, 256 */
	uint16_t first;			/* index the rings begin at */
	int slot;			/* bytes of a buffer, 2048 */
	bool no_map, no_batch, map_first, no_fill, no_ready;
	bool unconfirmed;		/* DRIVER_OK without FEATURES_OK */
};

/* In the order of a port's life. */
int swg_open(struct swg *port, const char *name);
int swg_start(struct swg *port, const struct swg_options *options);	/* all of the following up to DRIVER_OK */
int swg_negotiate(struct swg *port, uint64_t features);
int swg_setup_ring(struct swg *port, int index, int num, uint16_t first);
int swg_enable(struct swg *port, int index, int on);
int swg_map_all(struct swg *port, bool batch);
int swg_set_status(struct swg *port, uint8_t status);
int swg_get_status(struct swg *port);
void swg_fill(struct swg *port);		/* give the device every receive buffer */
int swg_reset(struct swg *port);
void swg_close(struct swg *port);		/* the memory stays: swg_free() */
void swg_free(struct swg *port);
void *swg_allocate(uint32_t size);	/* memory for a guest: whole huge pages */

int swg_iotlb(struct swg *port, int type, uint64_t iova, const void *address, uint64_t size, int perm);
int swg_get_base(struct swg *port, int index);
int swg_get_config(struct swg *port, int offset, void *buffer, int size);
int swg_set_config(struct swg *port, int offset, const void *buffer, int size);
uint64_t swg_address(struct swg *port, const void *at);

/* How a frame is laid out over descriptors. */
enum {
	SWG_SPLIT = 1,		/* header in a descriptor of its own */
	SWG_BYTES = 2,		/* each byte of the frame in one of its own */
	SWG_IN_TABLE = 4,	/* an indirect table */
	SWG_QUIET = 8,		/* do not kick */
	SWG_CROOKED = 16,	/* header cut in the middle, uneven pieces after */
};

/* 0, -ENOSPC: no room in the ring. @header NULL: zeros. */
int swg_send(struct swg *port, const struct virtio_net_hdr_v1 *header, const void *frame, int length, int layout);
int swg_post(struct swg *port, int ring, const struct vring_desc *pieces, int count, int slot, bool table);
void swg_hold(struct swg *port, int ring);		/* the device sees what is posted from now on at the next flush */
void swg_flush(struct swg *port, int ring);		/* kick if the device wants it */
void swg_kick(struct swg *port, int ring);		/* kick anyway */
int swg_reap(struct swg *port);				/* take completed sends back; how many */
int swg_wait_sent(struct swg *port, int ms);		/* until all are completed */
/*
 * Length of a frame; -ETIMEDOUT, -ENOMSG: one came without the interrupt asked for, -EPROTO: the device wrote nonsense,
 * -EMSGSIZE: @room is too small.
 */
int swg_receive(struct swg *port, void *frame, int room, int ms);
bool swg_used_any(struct swg *port, int ring);

/* The control queue's answer, VIRTIO_NET_OK or _ERR, or -ETIMEDOUT. @data may be NULL. */
int swg_command(struct swg *port, uint8_t class, uint8_t command, const void *data, int size);

/* Ask for an interrupt when @after more are used (1: the next), wait for it, count what came. */
void swg_ask(struct swg *port, int ring, int after);
void swg_ask_none(struct swg *port, int ring);
int swg_wait_call(struct swg *port, int ring, int ms);	/* interrupts counted since the last wait, 0 at the time-out */

double swg_now(void);

#endif

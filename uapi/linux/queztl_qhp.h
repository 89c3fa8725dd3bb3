/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * QHP channels: the layout of shared memory. Documentation/channel.rst
 * specifies it, with drawings that show who writes what.
 *
 * All numbers are in the byte order of the machine: both ends of a channel are on
 * the same one.
 */
#ifndef _UAPI_LINUX_QUEZTL_QHP_H
#define _UAPI_LINUX_QUEZTL_QHP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The version of everything below. Another version is another layout. */
#define QHP_VERSION		1

#define QHP_NAME_MAX		32

/*
 * A window starts with the directory, which the kernel writes and its owner
 * reads. Everything that is mapped on its own starts at a multiple of
 * QHP_UNIT, so that the layout is the same for every page size.
 */
#define QHP_UNIT		0x10000u
#define QHP_SLOTS_MAX		64
#define QHP_REGION_MIN		QHP_UNIT
#define QHP_REGION_MAX		0x1000000u

/**
 * enum qhp_slot_state - what a slot of a window is
 * @QHP_SLOT_FREE: nothing
 * @QHP_SLOT_LISTENING: the own region is there, no peer has connected yet
 * @QHP_SLOT_CONNECTED: both regions are there
 * @QHP_SLOT_CLOSED: the peer has closed its end, or is dead; its region reads as
 *	zeros
 * @QHP_SLOT_REVOKED: the administrator has cut the channel; the peer's region
 *	reads as zeros
 */
enum qhp_slot_state {
	QHP_SLOT_FREE,
	QHP_SLOT_LISTENING,
	QHP_SLOT_CONNECTED,
	QHP_SLOT_CLOSED,
	QHP_SLOT_REVOKED,
};

/**
 * struct qhp_slot - one slot, written by the kernel
 * @state: &enum qhp_slot_state
 * @bytes: size of each of the two regions
 * @generation: increases whenever the slot gets another own region
 * @reserved: 0
 * @name: name of the channel
 */
struct qhp_slot {
	__u32 state;
	__u32 bytes;
	__u32 generation;
	__u32 reserved;
	char name[QHP_NAME_MAX];
};

/* The first bytes of a window: "QHPW" in memory of a little-endian machine. */
#define QHP_WINDOW_MAGIC	0x57504851u

/**
 * struct qhp_directory - the start of a window, written by the kernel
 * @magic: QHP_WINDOW_MAGIC
 * @version: QHP_VERSION
 * @slots: number of slots
 * @region: room for each of a slot's regions, in bytes: a power of two
 * @first: offset of slot 0 in the window, in bytes
 * @mailbox: offset of &struct qhp_mailbox in the window, in bytes
 * @reserved: 0
 * @slot: what each slot is
 *
 * The own region of slot i begins at first + 2 * i * region, the peer's region
 * @region bytes behind it.
 */
struct qhp_directory {
	__u32 magic;
	__u16 version;
	__u16 slots;
	__u32 region;
	__u32 first;
	__u32 mailbox;
	__u32 reserved[11];
	struct qhp_slot slot[QHP_SLOTS_MAX];
};

/*
 * A guest cannot make a system call on its window. It writes what it wants into
 * the mailbox and rings QHP_VECTOR_CONTROL; whoever serves the window on the host
 * makes the call for it, and answers.
 *
 * The window is the memory of an ivshmem-doorbell PCI device. Its peer
 * QHP_PEER_HOST has a vector for requests and one for each slot, by which the guest
 * rings the peer of that slot. The device itself has as many interrupts: one for
 * answers and changes of slots, and one for each slot, by which its peer rings. If
 * the device has fewer, those slots are not rung on their own.
 */
#define QHP_PEER_HOST		0
#define QHP_VECTOR_CONTROL	0
#define QHP_VECTOR_SLOT(slot)	(1 + (slot))

/**
 * enum qhp_op - what a guest asks for
 * @QHP_OP_RESET: close all slots, those of a driver that was here before
 * @QHP_OP_LISTEN: as QUEZTL_CHANNEL_LISTEN: in: name, bytes; out: bytes, slot
 * @QHP_OP_CONNECT: as QUEZTL_CHANNEL_CONNECT: in: name; out: bytes, slot
 * @QHP_OP_CLOSE: as QUEZTL_CHANNEL_CLOSE: in: slot
 */
enum qhp_op {
	QHP_OP_RESET = 1,
	QHP_OP_LISTEN,
	QHP_OP_CONNECT,
	QHP_OP_CLOSE,
};

/**
 * struct qhp_request - written by the guest
 * @number: of the request, not 0, different from the one before; written last
 * @op: &enum qhp_op
 * @slot: in
 * @bytes: in
 * @name: in, NUL terminated
 */
struct qhp_request {
	__u32 number;
	__u32 op;
	__u32 slot;
	__u32 bytes;
	char name[QHP_NAME_MAX];
	__u32 pad[20];
};

/**
 * struct qhp_answer - written by who serves the window
 * @number: of the request that this answers; written last
 * @error: 0, or a negative errno of Linux (of asm-generic/errno.h)
 * @slot: out
 * @bytes: out
 */
struct qhp_answer {
	__u32 number;
	__s32 error;
	__u32 slot;
	__u32 bytes;
	__u32 pad[28];
};

/**
 * struct qhp_mailbox - requests of a guest, one at a time
 * @request: the newest request
 * @answer: the newest answer
 *
 * The owner of the window and who serves it can write all of it. It is not trusted by
 * either.
 */
struct qhp_mailbox {
	struct qhp_request request;
	struct qhp_answer answer;
};

/* The first bytes of a region: "QHPR". */
#define QHP_REGION_MAGIC	0x52504851u

/*
 * Messages follow one another in the ring. Each begins with a struct qhp_entry, at a
 * multiple of QHP_ENTRY_ALIGN. What follows is the message; one of at least
 * QHP_LARGE bytes starts at the next multiple of QHP_LARGE_ALIGN instead. None goes
 * around the end of the ring: a QHP_KIND_WRAP says that the next one is at the start.
 * Where the next entry will be, there is a 0 until it is complete.
 */
#define QHP_ENTRY_ALIGN		8
#define QHP_LARGE		256
#define QHP_LARGE_ALIGN		64

/**
 * enum qhp_kind - what an entry is. None is 0: that is no entry yet.
 * @QHP_KIND_MESSAGE: a message
 * @QHP_KIND_WRAP: the rest of the ring is unused; the next entry is a message at its start
 */
enum qhp_kind {
	QHP_KIND_MESSAGE = 1,
	QHP_KIND_WRAP,
};

/**
 * struct qhp_entry - what is before a message
 * @what: its length in bytes, and &enum qhp_kind times 2^32: one number, to be
 *	written and read at once
 */
struct qhp_entry {
	__u64 what;
};

/**
 * struct qhp_region - the start of a region, written by its owner
 * @magic: QHP_REGION_MAGIC; written last
 * @version: QHP_VERSION
 * @reserved: 0
 * @features: what the owner supports; both ends use what both support
 * @ring: offset of the owner's ring in the region
 * @bytes: its size; it extends to the end of the region
 * @pad: 0
 * @tail: bytes of the peer's ring that the owner has released, modulo 2^32
 * @rx_event: the owner wants to be woken when the peer has filled more of its ring
 *	than this, in bytes modulo 2^32
 * @tx_event: the owner wants to be woken when the peer's @tail moves past this
 *
 * Each number that changes has 128 bytes of its own: two cache lines, because
 * processors fetch lines in pairs.
 */
struct qhp_region {
	__u32 magic;
	__u16 version;
	__u16 reserved;
	__u64 features;
	__u32 ring;
	__u32 bytes;
	__u32 pad[26];
	__u32 tail;
	__u32 tail_pad[31];
	__u32 rx_event;
	__u32 rx_event_pad[31];
	__u32 tx_event;
	__u32 tx_event_pad[31];
};

/* A feature of a region: the owner's messages are packets, &struct qhp_packet. */
#define QHP_FEATURE_PACKETS	0x1ull

/**
 * struct qhp_packet - the start of a message that is an IP packet, which follows
 * @flags: QHP_PACKET_NEEDS_CSUM
 * @gso_type: QHP_PACKET_GSO_..., with QHP_PACKET_GSO_ECN if the packet has CWR
 * @header_len: length of the headers; a hint
 * @gso_size: payload of each segment that the packet is to be cut into
 * @csum_start: from where the checksum is to be computed
 * @csum_offset: where it is to be stored, behind @csum_start
 * @reserved: 0
 *
 * The members but the last are those of &struct virtio_net_hdr, with the same values
 * and the same meaning. @csum_start counts from the start of the packet.
 */
struct qhp_packet {
	__u8 flags;
	__u8 gso_type;
	__u16 header_len;
	__u16 gso_size;
	__u16 csum_start;
	__u16 csum_offset;
	__u16 reserved[3];
};

#define QHP_PACKET_NEEDS_CSUM	0x01
#define QHP_PACKET_GSO_NONE	0x00
#define QHP_PACKET_GSO_TCPV4	0x01
#define QHP_PACKET_GSO_TCPV6	0x04
#define QHP_PACKET_GSO_ECN	0x80

/*
 * In a guest: /dev/qhp, of the driver qhp_guest. Each descriptor is one end of a
 * channel once QHP_LISTEN or QHP_CONNECT has succeeded. mmap() with MAP_SHARED
 * maps the own region at offset QHP_MMAP_OWN, and the peer's, read-only, at
 * QHP_MMAP_PEER. poll() reports POLLIN when the peer rang or has connected, and
 * POLLHUP when there is no peer any more; POLLIN until QHP_EVENTS has told it. close()
 * closes the channel when the mappings are gone as well.
 *
 * Every argument is a pointer to a structure that starts with its own size in bytes,
 * as known to the caller at compile time, and works like those of linux/queztl.h.
 */
#define QHP_MMAP_OWN		0
#define QHP_MMAP_PEER		((__u64)QHP_REGION_MAX)

/**
 * struct qhp_open - argument of QHP_LISTEN and QHP_CONNECT
 * @size: in: sizeof(struct qhp_open)
 * @flags: in: 0
 * @name: in: name of the channel
 * @bytes: in for QHP_LISTEN: size of each region, or 0; out: the size
 * @slot: out: the slot of the window
 *
 * Errors: those of QUEZTL_CHANNEL_LISTEN and QUEZTL_CHANNEL_CONNECT; EISCONN the
 * descriptor has a channel already; ETIMEDOUT the host does not answer; ENODEV the
 * window is gone.
 */
struct qhp_open {
	__u32 size;
	__u32 flags;
	char name[QHP_NAME_MAX];
	__u32 bytes;
	__u32 slot;
};

/**
 * struct qhp_events - argument of QHP_EVENTS
 * @size: in: sizeof(struct qhp_events)
 * @flags: in: 0
 * @state: out: &enum qhp_slot_state of the channel's slot
 * @rung: out: 1: the peer rang since the last call; what is told is forgotten
 *
 * Errors: ENOTCONN the descriptor has no channel.
 */
struct qhp_events {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 rung;
};

#define QHP_LISTEN		_IO('Y', 0x80)
#define QHP_CONNECT		_IO('Y', 0x81)
#define QHP_EVENTS		_IO('Y', 0x82)
/* Ring the peer. No argument. Errors: ENOTCONN. */
#define QHP_RING		_IO('Y', 0x83)

/* In C of any year and in C++: an array of -1 members does not compile. */
#define QHP_STATIC_ASSERT(expression) \
	extern char qhp_layout_is_right[(expression) ? 1 : -1]

QHP_STATIC_ASSERT(sizeof(struct qhp_slot) == 48);
QHP_STATIC_ASSERT(sizeof(struct qhp_directory) == 64 + QHP_SLOTS_MAX * 48);
QHP_STATIC_ASSERT(sizeof(struct qhp_directory) <= 4096);
QHP_STATIC_ASSERT(sizeof(struct qhp_request) == 128);
QHP_STATIC_ASSERT(sizeof(struct qhp_answer) == 128);
QHP_STATIC_ASSERT(sizeof(struct qhp_entry) == 8);
QHP_STATIC_ASSERT(sizeof(struct qhp_packet) == 16);
QHP_STATIC_ASSERT(sizeof(struct qhp_region) == 512);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, features) == 8);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, ring) == 16);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, bytes) == 20);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, tail) == 128);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, rx_event) == 256);
QHP_STATIC_ASSERT(__builtin_offsetof(struct qhp_region, tx_event) == 384);

#endif /* _UAPI_LINUX_QUEZTL_QHP_H */

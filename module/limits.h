/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers with a meaning, and why they are what they are. */
#ifndef QZ_LIMITS_H
#define QZ_LIMITS_H

/* VMs known at once: far above what one host runs, far below what hurts. */
#define QZ_MAX_VMS		65536

/*
 * KVM announces a VM just before its descriptor is installed; the installing
 * thread may be preempted in between. Look again up to QZ_VM_TRIES times,
 * 1, 2, 4 ... ms apart: two seconds in all.
 */
#define QZ_VM_TRIES		12

/* Without memory to register what was found: look again after so long. */
#define QZ_VM_RESCAN_MS		200

/* Fabrics at once: each is a device and a vDPA management device. */
#define QZ_MAX_FABRICS		1024

/* Ports of one fabric: what one broadcast may cost. */
#define QZ_MAX_PORTS		1024

/*
 * How long `vdpa dev del` waits for the device to be gone when it returns, with
 * vDPA's lock held: for a VMM that is about to end, much longer than its last
 * close() takes and still no delay to others; for the kernel's own driver, whose
 * network device has users to wait for.
 */
#define QZ_LEAVE_MS		50
#define QZ_LEAVE_KERNEL_MS	(5 * MSEC_PER_SEC)

/* Ring entries: the largest QEMU asks for. */
#define QZ_RING_MAX		1024

/* Queue pairs of a port: more vCPUs than this share them. */
#define QZ_MAX_VQP		16
#define QZ_MAX_QUEUES		(2 * QZ_MAX_VQP + 1)

/*
 * Descriptors of one chain, and buffers gathered for one frame. A chain
 * cannot be longer than its ring (virtio 1.2, 2.7.5.3.1).
 */
#define QZ_CHAIN_MAX		QZ_RING_MAX

/* An MTU a virtio driver may be told: 68 (RFC 791) to 65535. */
#define QZ_MTU_MIN		68
#define QZ_MTU_MAX		65535
#define QZ_MTU_DEFAULT		1500

/*
 * One run in the sender's thread: long enough to amortise an exit, short
 * enough (about 50 us of copying) that a guest's timer interrupt is not late.
 */
#define QZ_RUN_PACKETS		64
#define QZ_RUN_BYTES		(256 * 1024)

/*
 * A run that found more than so much was one of a stream: its next kick is left
 * to the port's worker, so that the sender goes on filling its ring. A request
 * is less, and its answer is wanted now.
 */
#define QZ_STREAM_FRAMES	4
#define QZ_STREAM_BYTES		(16 * 1024)

/*
 * The next sender on a CPU is there within so much of a hand-over, or others
 * want the CPU as well, who keep it for a tick or two. Then so many messages
 * are no hand-over, twice as many each time, up to so many, and half as many
 * after one that was soon over.
 */
#define QZ_HANDOFF_NS		(3 * NSEC_PER_MSEC)
#define QZ_HANDOFF_PAUSE	8U
#define QZ_HANDOFF_PAUSE_MAX	1024U

/*
 * A frame that finds its receiver full waits in the sender's ring, and room is
 * looked for every QZ_BACKPRESSURE_NS: an interrupt, and a turn of the driver's polling
 * (64 buffers). A receiver that took nothing for QZ_BACKPRESSURE_MAX_NS hangs: that is
 * longer than it takes to be given a CPU among a few. A queue looks no more than
 * QZ_BACKPRESSURE_LOOKS times in a second, which is half of the time, and QZ_BACKPRESSURE_BURST
 * times at once: who takes little holds up no more of what is sent to others.
 */
#define QZ_BACKPRESSURE_NS		(100 * NSEC_PER_USEC)
#define QZ_BACKPRESSURE_MAX_NS		(20 * NSEC_PER_MSEC)
#define QZ_BACKPRESSURE_LOOKS		5000
#define QZ_BACKPRESSURE_BURST		50

/*
 * A receiver's queue is kept for so much of a run: long enough that what is done
 * once for each turn is little, short enough (about 20 us of copying) for others
 * that want to send to it, and for its driver, which sees it afterwards.
 */
#define QZ_INTO_BUFFERS		16
#define QZ_INTO_BYTES		(64 * 1024)

/* Frames after which a worker tells the driver anew when to kick. */
#define QZ_KICK_STEP		16

/* Receivers signalled together at the end of a run. */
#define QZ_RUN_SIGNALS		16

/*
 * Broadcast and multicast a port may send: a switch floods them to every
 * port, so they cost ports times more than unicast. Address resolution and
 * router discovery of a busy guest stay well below.
 */
#define QZ_FLOOD_RATE		2000	/* frames per second */
#define QZ_FLOOD_RATE_MAX	1000000
#define QZ_FLOOD_BURST_MS	256	/* so much of it at once */

/*
 * What a port may send that has been given a rate: at once as much as in
 * QZ_PACE_BURST_MS, and when that is used up it waits for at least QZ_PACE_NS,
 * so that what follows is a batch again and not one frame for each timer. The
 * largest byte rate (8 Pbit/s) keeps sums within 64 bits; at the smallest the
 * largest frame takes a minute.
 */
#define QZ_PACE_BURST_MS	10
#define QZ_PACE_NS		NSEC_PER_MSEC
#define QZ_BYTES_RATE_MIN	1000ULL
#define QZ_BYTES_RATE_MAX	1000000000000000ULL
#define QZ_PACKETS_RATE_MAX	1000000000ULL

/*
 * Addresses of a port: each frame is compared with all of them. A guest with
 * more has a network behind it, and is given a prefix.
 */
#define QZ_MAX_ADDRS		16

/*
 * Interrupts for sent frames are held back, since virtio-net reclaims what was
 * sent when it receives: for four times as long as an answer usually takes, but
 * at least QZ_HOLD_MIN_NS (what NICs coalesce sent frames for) and at most
 * QZ_HOLD_MAX_NS, and never when QZ_HOLD_FRAMES or QZ_HOLD_BYTES wait: a
 * socket's send buffer holds more than that, so its owner never sleeps for us.
 */
#define QZ_HOLD_MIN_NS		(50 * NSEC_PER_USEC)
#define QZ_HOLD_MAX_NS		(5 * NSEC_PER_MSEC)
#define QZ_HOLD_FRAMES		16
#define QZ_HOLD_BYTES		(32 * 1024)

#endif /* QZ_LIMITS_H */

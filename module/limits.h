/* SPDX-License-Identifier: GPL-2.0 */
/* Limits, and the reasons for their values. */
#ifndef QZ_LIMITS_H
#define QZ_LIMITS_H

/* Registered VMs: far more than one host runs, few enough to be harmless. */
#define QZ_MAX_VMS		65536

/*
 * KVM announces a VM just before its descriptor is installed; the installing
 * thread may be preempted in between. Search up to QZ_VM_TRIES times, 1, 2, 4
 * ... ms apart: two seconds in total.
 */
#define QZ_VM_TRIES		12

/* Retry after this time if there is no memory to register a VM. */
#define QZ_VM_RESCAN_MS		200

/* Fabrics: each is a device and a vDPA management device. */
#define QZ_MAX_FABRICS		1024

/* Ports of one fabric: limits the cost of one broadcast. */
#define QZ_MAX_PORTS		1024

/*
 * How long `vdpa dev del` waits, with vDPA's lock held, for the device to be
 * gone when it returns. For a VMM that is about to end: much longer than its
 * last close() takes, and still no noticeable delay to others. For the kernel's
 * own driver: its network device has users to wait for.
 */
#define QZ_LEAVE_MS		50
#define QZ_LEAVE_KERNEL_MS	(5 * MSEC_PER_SEC)

/* Ring entries: the largest number that QEMU uses. */
#define QZ_RING_MAX		1024

/* Queue pairs of a port: more vCPUs than this have to share them. */
#define QZ_MAX_VQP		16
#define QZ_MAX_QUEUES		(2 * QZ_MAX_VQP + 1)

/*
 * Descriptors of a buffer that is sent, or of a command. A chain cannot be
 * longer than its ring (virtio 1.2, 2.7.5.3.1).
 */
#define QZ_CHAIN_MAX		QZ_RING_MAX

/*
 * Descriptors of a buffer to receive into, and of all buffers that one frame
 * takes, including empty ones and tables: its senders walk them. Without
 * VIRTIO_NET_F_MRG_RXBUF Linux posts 19 for a buffer, or 47 with the largest
 * CONFIG_MAX_SKB_FRAGS; with it one or two, and the largest frame takes 43 or
 * 86.
 */
#define QZ_RX_CHAIN		64
#define QZ_RX_SEGS		256

/*
 * How often a work item looks for captured frames. Traffic of 1 Gbit/s fills a third
 * of the default buffer in this time, and a person sees no delay.
 */
#define QZ_CAPTURE_LOOK_MS	10

/*
 * Work of one copy for a mirror, in units of a slice. The largest frame in segments
 * of 1448 bytes, for a driver that takes no larger ones, needs 1250. A slice may take
 * so much longer.
 */
#define QZ_MIRROR_WORK		1280

/* MTUs that virtio allows: 68 (RFC 791) to 65535. */
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
 * Commands of one kick that the thread that kicked carries out: a driver waits
 * for each before it sends the next, so there is one. The longest one takes about
 * as long as a slice.
 */
#define QZ_RUN_COMMANDS		8

/*
 * What is done at a time inside the gate, with softirqs off. A unit is one
 * descriptor, read and later used to copy: 50 to 200 instructions. A frame,
 * each receiver of it, and an interrupt cost QZ_WORK_STEP each and what they
 * take in addition: one unit for each descriptor and for each QZ_WORK_BYTES,
 * and one for each QZ_TABLE_STEP entries of an indirect table. One step
 * more than the slice has left may be begun: a buffer of QZ_CHAIN_MAX
 * descriptors and 64 KiB of it.
 */
#define QZ_SLICE_WORK		512
#define QZ_WORK_STEP		16
#define QZ_WORK_BYTES		256

/*
 * A run that found more than this belongs to a stream. The port's worker serves
 * the next kick, so that the sender continues to fill its ring. A request is
 * smaller, and its answer is wanted at once.
 */
#define QZ_STREAM_FRAMES	4
#define QZ_STREAM_BYTES		(16 * 1024)

/*
 * If no sender runs on a CPU within QZ_HANDOFF_NS after a hand-off, other
 * tasks want the CPU too, and keep it for a tick or two. Then QZ_HANDOFF_PAUSE
 * messages make no hand-off. The number doubles each time, up to
 * QZ_HANDOFF_PAUSE_MAX, and is halved after a hand-off that was short.
 */
#define QZ_HANDOFF_NS		(3 * NSEC_PER_MSEC)
#define QZ_HANDOFF_PAUSE	8U
#define QZ_HANDOFF_PAUSE_MAX	1024U

/*
 * Backpressure: a frame that finds its receiver full waits in the sender's
 * ring, and is retried every QZ_BACKPRESSURE_NS: the time of an interrupt and
 * one polling round of the driver (64 buffers). A receiver that took no frame
 * for QZ_BACKPRESSURE_MAX_NS counts as hung: this is longer than it takes to
 * get a CPU among a few tasks. A queue retries at most QZ_BACKPRESSURE_LOOKS
 * times per second, which is half of the time, with bursts of
 * QZ_BACKPRESSURE_BURST. This limits how much a slow receiver delays frames to
 * others.
 */
#define QZ_BACKPRESSURE_NS		(100 * NSEC_PER_USEC)
#define QZ_BACKPRESSURE_MAX_NS		(20 * NSEC_PER_MSEC)
#define QZ_BACKPRESSURE_LOOKS		5000
#define QZ_BACKPRESSURE_BURST		50

/*
 * A run keeps a receiver's queue for this much: enough to amortise the fixed
 * cost per queue, little enough (about 20 us of copying) for other senders to
 * the same queue, and for its driver, which sees the frames afterwards.
 */
#define QZ_INTO_BUFFERS		16
#define QZ_INTO_BYTES		(64 * 1024)

/* Frames after which a worker updates the driver's kick event. */
#define QZ_KICK_STEP		16

/* Receivers signalled together at the end of a slice. */
#define QZ_RUN_SIGNALS		16

/*
 * An interrupt wakes whatever waits on an eventfd: only KVM, which takes a
 * microsecond, or as much as the receiver's VMM has arranged. Time beyond
 * QZ_SIGNAL_NS is charged to token buckets of the queue and of the sender, which
 * hold QZ_SIGNAL_BURST_NS and fill in one QZ_SIGNAL_SHARE-th and one
 * QZ_SIGNAL_CALLER_SHARE-th of real time. While one of them is in debt, for at
 * most QZ_SIGNAL_MAX_NS, the receiver's own worker makes the calls.
 *
 * On an emulated host with one CPU one honest call in ten takes more than 50 us,
 * which adds up to a 500th of the time with the release kernel and a 200th with
 * the debug kernel. With four CPUs that share two cores half of the calls do,
 * some of them milliseconds while their CPU does not run, which adds up to a
 * 90th. A bucket is in debt for as large a part of the time as that is of what
 * fills it.
 */
#define QZ_SIGNAL_NS		(50 * NSEC_PER_USEC)
#define QZ_SIGNAL_BURST_NS	(1 * NSEC_PER_MSEC)
#define QZ_SIGNAL_SHARE		16
#define QZ_SIGNAL_CALLER_SHARE	8
#define QZ_SIGNAL_MAX_NS	(60 * NSEC_PER_SEC)

/* Bytes of a driver's memory that are copied and summed at a time. */
#define QZ_BOUNCE_BYTES		512

/*
 * Broadcast and multicast frames that a port may send. They are flooded to
 * every port, so each costs as much as that many unicast frames. Address
 * resolution and router discovery of a busy guest stay well below.
 */
#define QZ_FLOOD_RATE		2000	/* frames per second */
#define QZ_FLOOD_RATE_MAX	1000000
#define QZ_FLOOD_BURST_MS	256	/* burst: this much at once */

/*
 * Ports that have joined a group and get a frame to it beyond that rate: as many
 * copies of a frame as there are members of a stream in practice, few enough not
 * to be a flood.
 */
#define QZ_FLOOD_MEMBERS	8

/*
 * A port with a rate limit may send QZ_PACE_BURST_MS worth of traffic at once.
 * After that it waits at least QZ_PACE_NS, so that it continues with a batch
 * and not with one frame per timer. The largest byte rate (8 Pbit/s) keeps sums
 * within 64 bits; at the smallest one the largest frame takes a minute.
 */
#define QZ_PACE_BURST_MS	10
#define QZ_PACE_NS		NSEC_PER_MSEC

/*
 * A frame waits for its port's rates for at least this long, and at most twice as
 * long, before it is dropped. Linux takes a device for dead that returns no
 * buffers for 5 s, and virtio-net asks for an interrupt only when three quarters
 * of its ring were returned.
 */
#define QZ_PACE_MAX_NS		NSEC_PER_SEC
#define QZ_BYTES_RATE_MIN	1000ULL
#define QZ_BYTES_RATE_MAX	1000000000000000ULL
#define QZ_PACKETS_RATE_MAX	1000000000ULL

/*
 * Addresses of a port: each frame is compared with all of them. A guest with
 * more addresses is a router for a network, which needs only a prefix.
 */
#define QZ_MAX_ADDRS		16

/*
 * Addresses that a port may use beside its own: of nested VMs, containers, a
 * virtual router. More is what a switch of its own is for. As many ports of a
 * fabric may use some. A learnt address is forgotten when it was not used for as
 * long as bridges remember addresses, in seconds.
 */
#define QZ_MACS_MAX		256
#define QZ_MACS_PORTS		64
#define QZ_MACS_USERS		(2 * QZ_MACS_PORTS)
#define QZ_MACS_AGE		300

/*
 * Tx coalescing: interrupts for sent frames are deferred, because virtio-net
 * also reclaims sent frames when it receives. They are deferred for four times
 * as long as an answer usually takes, at least QZ_HOLD_MIN_NS (as NICs coalesce
 * sent frames) and at most QZ_HOLD_MAX_NS, but not when QZ_HOLD_FRAMES or
 * QZ_HOLD_BYTES wait. The send buffer of a socket is larger than that, so its
 * owner never sleeps because of coalescing.
 */
#define QZ_HOLD_MIN_NS		(50 * NSEC_PER_USEC)
#define QZ_HOLD_MAX_NS		(5 * NSEC_PER_MSEC)
#define QZ_HOLD_FRAMES		16
#define QZ_HOLD_BYTES		(32 * 1024)

/*
 * A port that breaks again and again is logged twice a minute: a line more than
 * says that it broke, so that one sees that it goes on.
 */
#define QZ_COMPLAIN_S		60
#define QZ_COMPLAIN_BURST	2

/*
 * Windows, channels, and rules about them: a VM has one window and a few
 * channels. An administrator's calls go through the whole lists, which takes some
 * ten microseconds.
 */
#define QZ_MAX_WINDOWS		4096
#define QZ_MAX_CHANNELS		4096
#define QZ_MAX_RULES		4096

/*
 * How often a window may be mapped: by a VMM and a few tools. Whoever closes or
 * revokes a channel changes the page tables of each.
 */
#define QZ_WINDOW_MAPS		8

/*
 * The worker that rings the late bells of a window takes at most one QZ_LATE_SHARE-th
 * of a CPU for it, after QZ_LATE_BURST_NS: room for all rings of an honest owner, while
 * a busy host makes them slow. But no bell waits longer than QZ_LATE_MAX_NS: a host that
 * is itself a VM loses its CPU in the middle of a ring, which looks like many waiters.
 */
#define QZ_LATE_MAX_NS		(1 * NSEC_PER_SEC)
#define QZ_LATE_SHARE		8
#define QZ_LATE_BURST_NS	(10 * NSEC_PER_MSEC)

/* Waiters on a window that a peer wakes itself: a poll() and an epoll or two. */
#define QZ_BELL_WAITERS		4

#endif /* QZ_LIMITS_H */

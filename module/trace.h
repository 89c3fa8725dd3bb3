/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints, under events/queztl in tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM queztl

#if !defined(QZ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define QZ_TRACE_H

#include <linux/pid.h>
#include <linux/tracepoint.h>
#include "uapi/linux/queztl.h"
#include "uapi/linux/queztl_qhp.h"

TRACE_DEFINE_ENUM(QUEZTL_DROP_RUNT);
TRACE_DEFINE_ENUM(QUEZTL_DROP_TOO_BIG);
TRACE_DEFINE_ENUM(QUEZTL_DROP_BAD_HEADER);
TRACE_DEFINE_ENUM(QUEZTL_DROP_SPOOFED);
TRACE_DEFINE_ENUM(QUEZTL_DROP_NO_PORT);
TRACE_DEFINE_ENUM(QUEZTL_DROP_RATE);
TRACE_DEFINE_ENUM(QUEZTL_DROP_BAD_RING);
TRACE_DEFINE_ENUM(QUEZTL_DROP_DOWN);
TRACE_DEFINE_ENUM(QUEZTL_DROP_FULL);
TRACE_DEFINE_ENUM(QUEZTL_DROP_NO_SPACE);
TRACE_DEFINE_ENUM(QUEZTL_DROP_RX_BROKEN);
TRACE_DEFINE_ENUM(QUEZTL_DROP_DENIED);
TRACE_DEFINE_ENUM(QUEZTL_DROP_FOREIGN);

#define show_queztl_drop(reason)				\
	__print_symbolic(reason,				\
		{ QUEZTL_DROP_RUNT,		"runt" },	\
		{ QUEZTL_DROP_TOO_BIG,		"too_big" },	\
		{ QUEZTL_DROP_BAD_HEADER,	"bad_header" },	\
		{ QUEZTL_DROP_SPOOFED,		"spoofed" },	\
		{ QUEZTL_DROP_NO_PORT,		"no_port" },	\
		{ QUEZTL_DROP_RATE,		"rate" },	\
		{ QUEZTL_DROP_BAD_RING,		"bad_ring" },	\
		{ QUEZTL_DROP_DOWN,		"down" },	\
		{ QUEZTL_DROP_FULL,		"full" },	\
		{ QUEZTL_DROP_NO_SPACE,		"no_space" },	\
		{ QUEZTL_DROP_RX_BROKEN,	"rx_broken" },	\
		{ QUEZTL_DROP_DENIED,		"denied" },	\
		{ QUEZTL_DROP_FOREIGN,		"foreign" })

TRACE_EVENT(queztl_vm_attach,
	TP_PROTO(u64 vm, int pid),
	TP_ARGS(vm, pid),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(int, pid)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->pid = pid;
	),
	TP_printk("vm=%llu pid=%d", __entry->vm, __entry->pid)
);

TRACE_EVENT(queztl_vm_detach,
	TP_PROTO(u64 vm, int pid, bool asked),
	TP_ARGS(vm, pid, asked),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(int, pid)
		__field(bool, asked)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->pid = pid;
		__entry->asked = asked;
	),
	TP_printk("vm=%llu pid=%d %s", __entry->vm, __entry->pid,
		  __entry->asked ? "asked" : "gone")
);

TRACE_EVENT(queztl_forward,
	TP_PROTO(u64 from, u64 to, u32 len),
	TP_ARGS(from, to, len),
	TP_STRUCT__entry(
		__field(u64, from)
		__field(u64, to)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->from = from;
		__entry->to = to;
		__entry->len = len;
	),
	TP_printk("from=%llu to=%llu len=%u", __entry->from, __entry->to,
		  __entry->len)
);

/*
 * One or more frames were put into a receiver's ring: what @from's VMM has sent
 * makes @to's VM runnable, whether it is interrupted now or polls. Either
 * process may be NULL, which is the host. Whoever schedules VMs registers a
 * probe; without one a delivery costs a static branch.
 *
 * Context: process or softirq, softirqs off, the receiving ring locked. The
 * current thread is the sender's own only if it belongs to @from.
 */
TRACE_EVENT(queztl_wake,
	TP_PROTO(u64 from_port, struct pid *from, u64 to_port, struct pid *to),
	TP_ARGS(from_port, from, to_port, to),
	TP_STRUCT__entry(
		__field(u64, from_port)
		__field(u64, to_port)
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->from_port = from_port;
		__entry->to_port = to_port;
		__entry->from = pid_nr(from);
		__entry->to = pid_nr(to);
	),
	TP_printk("from=%llu pid=%d to=%llu pid=%d", __entry->from_port,
		  __entry->from, __entry->to_port, __entry->to)
);

TRACE_EVENT(queztl_drop,
	TP_PROTO(u64 port, enum queztl_drop reason, u32 len),
	TP_ARGS(port, reason, len),
	TP_STRUCT__entry(
		__field(u64, port)
		__field(u32, reason)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->port = port;
		__entry->reason = reason;
		__entry->len = len;
	),
	TP_printk("port=%llu reason=%s len=%u", __entry->port,
		  show_queztl_drop(__entry->reason), __entry->len)
);

/*
 * The states that a channel's slots get. @name: of the channel, QUEZTL_NAME_MAX bytes.
 * Either window may be 0: nobody has connected.
 *
 * Context: process, qz_channels_lock held.
 */
TRACE_EVENT(queztl_channel,
	TP_PROTO(u64 channel, const char *name, u64 listener, u64 connecter,
		 enum qhp_slot_state state),
	TP_ARGS(channel, name, listener, connecter, state),
	TP_STRUCT__entry(
		__field(u64, channel)
		__array(char, name, QUEZTL_NAME_MAX)
		__field(u64, listener)
		__field(u64, connecter)
		__field(u32, state)
	),
	TP_fast_assign(
		__entry->channel = channel;
		memcpy(__entry->name, name, QUEZTL_NAME_MAX);
		__entry->listener = listener;
		__entry->connecter = connecter;
		__entry->state = state;
	),
	TP_printk("channel=%llu name=%s listener=%llu connecter=%llu %s",
		  __entry->channel, __entry->name, __entry->listener,
		  __entry->connecter,
		  __print_symbolic(__entry->state,
			{ QHP_SLOT_LISTENING,	"listening" },
			{ QHP_SLOT_CONNECTED,	"connected" },
			{ QHP_SLOT_CLOSED,	"closed" },
			{ QHP_SLOT_REVOKED,	"revoked" }))
);

/*
 * The end of a channel in @from's slot rings its peer.
 *
 * Context: process or hard interrupt; the current thread rings only if the bell was
 * not signalled by an interrupt. RCU.
 */
TRACE_EVENT(queztl_bell,
	TP_PROTO(u64 from, u32 from_slot, u64 to, u32 to_slot),
	TP_ARGS(from, from_slot, to, to_slot),
	TP_STRUCT__entry(
		__field(u64, from)
		__field(u64, to)
		__field(u32, from_slot)
		__field(u32, to_slot)
	),
	TP_fast_assign(
		__entry->from = from;
		__entry->to = to;
		__entry->from_slot = from_slot;
		__entry->to_slot = to_slot;
	),
	TP_printk("from=%llu slot=%u to=%llu slot=%u", __entry->from,
		  __entry->from_slot, __entry->to, __entry->to_slot)
);

#endif /* QZ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the scheduler, under events/queztl in tracefs. Who runs when is
 * what sched_switch says; here is why.
 *
 * Context: a runqueue lock is held, but for the last. A process is that of a VM, or
 * 0 for the host's tasks.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM queztl

#if !defined(QZ_SCHED_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define QZ_SCHED_TRACE_H

#include <linux/tracepoint.h>
#include "sched/native/native.h"

TRACE_DEFINE_ENUM(QZ_YIELD_GRANTED);
TRACE_DEFINE_ENUM(QZ_YIELD_NOT_WAITING);
TRACE_DEFINE_ENUM(QZ_YIELD_HELD_BACK);
TRACE_DEFINE_ENUM(QZ_YIELD_CPU);
TRACE_DEFINE_ENUM(QZ_YIELD_AHEAD);
TRACE_DEFINE_ENUM(QZ_YIELD_SLICE_OVER);

#define show_queztl_yield(answer)				\
	__print_symbolic(answer,				\
		{ QZ_YIELD_GRANTED,	"granted" },		\
		{ QZ_YIELD_NOT_WAITING,	"not_waiting" },	\
		{ QZ_YIELD_HELD_BACK,	"held_back" },		\
		{ QZ_YIELD_CPU,		"other_cpus" },		\
		{ QZ_YIELD_AHEAD,	"ahead" },		\
		{ QZ_YIELD_SLICE_OVER,	"slice_over" })

/* A vCPU begins to wait because its VM owes so much CPU time to its limit, ns. */
TRACE_EVENT(queztl_sched_park,
	TP_PROTO(int pid, int tid, s64 owes),
	TP_ARGS(pid, tid, owes),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, tid)
		__field(s64, owes)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->tid = tid;
		__entry->owes = owes;
	),
	TP_printk("pid=%d tid=%d owes=%lld", __entry->pid, __entry->tid,
		  __entry->owes)
);

/* It runs again, after so many ns. */
TRACE_EVENT(queztl_sched_unpark,
	TP_PROTO(int pid, int tid, u64 waited),
	TP_ARGS(pid, tid, waited),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, tid)
		__field(u64, waited)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->tid = tid;
		__entry->waited = waited;
	),
	TP_printk("pid=%d tid=%d waited=%llu", __entry->pid, __entry->tid,
		  __entry->waited)
);

/*
 * A thread that wakes up takes the CPU from one of another process, or of its own,
 * because it is so far behind: ns of CPU time at the usual weight, or, in its own
 * process, of CPU time.
 */
TRACE_EVENT(queztl_sched_preempt,
	TP_PROTO(int pid, int tid, int cpu, int over, s64 lag),
	TP_ARGS(pid, tid, cpu, over, lag),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, tid)
		__field(int, cpu)
		__field(int, over)
		__field(s64, lag)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->tid = tid;
		__entry->cpu = cpu;
		__entry->over = over;
		__entry->lag = lag;
	),
	TP_printk("pid=%d tid=%d cpu=%d over=%d lag=%lld", __entry->pid,
		  __entry->tid, __entry->cpu, __entry->over, __entry->lag)
);

/*
 * A vCPU goes on before another of its VM, because its guest is in its kernel: for
 * @grace ns so far, with the moment that begins.
 */
TRACE_EVENT(queztl_sched_go_on,
	TP_PROTO(int pid, int tid, u64 grace),
	TP_ARGS(pid, tid, grace),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, tid)
		__field(u64, grace)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->tid = tid;
		__entry->grace = grace;
	),
	TP_printk("pid=%d tid=%d grace=%llu", __entry->pid, __entry->tid,
		  __entry->grace)
);

/* KVM or the fabric asks that another thread runs instead of the current one. */
TRACE_EVENT(queztl_sched_yield_to,
	TP_PROTO(int tid, int to, enum qz_yield answer),
	TP_ARGS(tid, to, answer),
	TP_STRUCT__entry(
		__field(int, tid)
		__field(int, to)
		__field(u32, answer)
	),
	TP_fast_assign(
		__entry->tid = tid;
		__entry->to = to;
		__entry->answer = answer;
	),
	TP_printk("tid=%d to=%d %s", __entry->tid, __entry->to,
		  show_queztl_yield(__entry->answer))
);

/* It has ended, asked or not: enum scx_exit_kind. May sleep. */
TRACE_EVENT(queztl_sched_end,
	TP_PROTO(u32 kind, const char *reason, const char *message),
	TP_ARGS(kind, reason, message),
	TP_STRUCT__entry(
		__field(u32, kind)
		__string(reason, reason)
		__string(message, message)
	),
	TP_fast_assign(
		__entry->kind = kind;
		__assign_str(reason);
		__assign_str(message);
	),
	TP_printk("kind=%u reason=\"%s\" message=\"%s\"", __entry->kind,
		  __get_str(reason), __get_str(message))
);

#endif /* QZ_SCHED_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH sched/native
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

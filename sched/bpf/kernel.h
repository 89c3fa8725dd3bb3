/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF scheduler uses of the kernel. Offsets and enum values are those
 * of the kernel that it is loaded into (CO-RE), so only names matter here, and
 * a member that is not used is left out.
 */
#ifndef QZ_SCHED_BPF_KERNEL_H
#define QZ_SCHED_BPF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;

typedef struct {
	s64 counter;
} atomic64_t;

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* A struct without members is no forward declaration, which kfuncs would refuse. */
struct cpumask {
};

struct sched_ext_entity {
	u32 flags;
	u64 slice;
};

struct hlist_node;

struct hlist_head {
	struct hlist_node *first;
};

struct sched_entity {
	u64 sum_exec_runtime;
};

struct task_struct {
	unsigned int flags;
	struct hlist_head preempt_notifiers;	/* KVM's, while it runs a vCPU */
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	unsigned short migration_disabled;
	unsigned int policy;
	int pid;
	int tgid;
	unsigned long core_cookie;	/* with CONFIG_SCHED_CORE */
	struct sched_entity se;
	struct sched_ext_entity scx;
};

struct scx_init_task_args {
	bool fork;
};

struct scx_exit_task_args {
	bool cancelled;
};

struct scx_cpu_release_args;

enum scx_exit_kind {
	SCX_EXIT_NONE = 0,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	const char *reason;
	char *msg;
};

/* Each value is asked for with SCX(), so that it is the running kernel's. */
enum scx_enq_flags {
	SCX_ENQ_WAKEUP = 1ULL,
	SCX_ENQ_PREEMPT = 1ULL << 32,
	SCX_ENQ_LAST = 1ULL << 41,
};

enum scx_kick_flags {
	SCX_KICK_IDLE = 1,
	SCX_KICK_PREEMPT = 2,
};

enum scx_dsq_id_flags {
	SCX_DSQ_GLOBAL = 1ULL << 63 | 1,
	SCX_DSQ_LOCAL = 1ULL << 63 | 2,
	SCX_DSQ_LOCAL_ON = 1ULL << 63 | 1ULL << 62,
};

enum scx_ent_flags {
	SCX_TASK_QUEUED = 1,
};

enum scx_ops_flags {
	SCX_OPS_ENQ_LAST = 2,
};

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p, struct scx_exit_task_args *args);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	void (*cpu_release)(s32 cpu, struct scx_cpu_release_args *args);
	void (*cpu_online)(s32 cpu);
	void (*cpu_offline)(s32 cpu);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

#pragma clang attribute pop

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

struct bpf_iter_scx_dsq {
	u64 opaque[6];
} __attribute__((aligned(8)));

#ifndef BPF_FOR_EACH_ITER
#define BPF_FOR_EACH_ITER	(&___it)	/* the iterator of bpf_for_each() */
#endif

#define SCX(kind, value)	bpf_core_enum_value(enum kind, value)

extern bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask) __ksym;
extern s32 scx_bpf_create_dsq(u64 queue, s32 node) __ksym;
extern s32 scx_bpf_dsq_nr_queued(u64 queue) __ksym;
extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
extern s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu,
				  u64 wake_flags, bool *idle) __ksym;
extern s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
extern void scx_bpf_error_bstr(char *format, unsigned long long *data,
			       u32 size) __ksym;

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

extern int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 queue,
				u64 flags) __weak __ksym;
extern struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __weak __ksym;
extern void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __weak __ksym;

/*
 * 6.12 has the first name of each of these, later kernels the second, and some
 * between them both. What the kernel lacks is never called and not verified.
 */
extern void scx_bpf_dispatch(struct task_struct *p, u64 queue, u64 slice,
			     u64 enq_flags) __weak __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 queue, u64 slice,
			       u64 enq_flags) __weak __ksym;
extern void scx_bpf_dispatch_vtime(struct task_struct *p, u64 queue, u64 slice,
				   u64 vtime, u64 enq_flags) __weak __ksym;
extern void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 queue, u64 slice,
				     u64 vtime, u64 enq_flags) __weak __ksym;
/* The former can be called from ops.cpu_release() only, the latter anywhere. */
extern u32 scx_bpf_reenqueue_local(void) __weak __ksym;
extern void scx_bpf_reenqueue_local___v2___anywhere(void) __weak __ksym;
extern bool scx_bpf_consume(u64 queue) __weak __ksym;
extern bool scx_bpf_dsq_move_to_local(u64 queue) __weak __ksym;
extern bool scx_bpf_dispatch_from_dsq(struct bpf_iter_scx_dsq *it,
				      struct task_struct *p, u64 queue,
				      u64 enq_flags) __weak __ksym;
extern bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it, struct task_struct *p,
			     u64 queue, u64 enq_flags) __weak __ksym;

static __always_inline void insert(struct task_struct *p, u64 queue, u64 slice, u64 flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert))
		scx_bpf_dsq_insert(p, queue, slice, flags);
	else
		scx_bpf_dispatch(p, queue, slice, flags);
}

static __always_inline void insert_ordered(struct task_struct *p, u64 queue, u64 slice,
					   u64 order, u64 flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert_vtime))
		scx_bpf_dsq_insert_vtime(p, queue, slice, order, flags);
	else
		scx_bpf_dispatch_vtime(p, queue, slice, order, flags);
}

static __always_inline bool take_first(u64 queue)
{
	return bpf_ksym_exists(scx_bpf_dsq_move_to_local) ?
		scx_bpf_dsq_move_to_local(queue) : scx_bpf_consume(queue);
}

static __always_inline bool take_this(struct bpf_iter_scx_dsq *it, struct task_struct *p)
{
	u64 local = SCX(scx_dsq_id_flags, SCX_DSQ_LOCAL);

	return bpf_ksym_exists(scx_bpf_dsq_move) ?
		scx_bpf_dsq_move(it, p, local, 0) :
		scx_bpf_dispatch_from_dsq(it, p, local, 0);
}

#endif /* QZ_SCHED_BPF_KERNEL_H */

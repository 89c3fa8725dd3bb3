/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler as a part of the module, for kernels to which a module can bring
 * a sched_ext scheduler (patches/02*). The policy is sched/policy.c; here is what
 * it needs of the kernel.
 *
 * A customer is a process that holds a VM; customer 0 is all other tasks. It has
 * two queues (DSQs), ordered by its threads' turns: one of vCPUs that a limit may
 * hold back, one of all other threads. Each CPU has two of the threads that may run
 * only there: one ordered by their customers' tags, and one of those that last ran
 * because they starved, in the order in which they came.
 *
 * Context: operations are called with the runqueue lock of the thread's CPU held
 * and interrupts off, select_cpu() with the thread's pi_lock. They may not wake up
 * anybody and take only raw spinlocks under which nobody is woken up.
 *
 * Lock order: runqueue lock -> cpu->lock, customers_lock, bucket->lock and vm.h's
 * partners_lock, each a leaf. vm.h's other locks are taken in process context only.
 */
#ifndef QZ_SCHED_NATIVE_H
#define QZ_SCHED_NATIVE_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "sched/policy.h"

struct qz_vmproc;
struct sched_ext_ops;
struct scx_exit_info;

#define QZ_HOST			0	/* the customer of all other tasks */
#define QZ_NOBODY		QZ_SCHED_CUSTOMERS
#define QZ_SCHED_CUSTOMERS	1024	/* more are served as the host's tasks */

/*
 * Whatever the weights are, who waits gets a short slice in this time, the host's
 * own tasks, which are the administrator's, more often. A customer with many
 * threads gets more of them, so that each of them has one in a round: sched_ext
 * ends a scheduler that lets a task wait for QZ_SCHED_STALL_MS, its largest value.
 */
#define QZ_SCHED_STARVED_NS	(1 * NSEC_PER_SEC)
#define QZ_SCHED_HOST_STARVED_NS	(100 * NSEC_PER_MSEC)
#define QZ_SCHED_STARVED_ROUND_NS	(20 * NSEC_PER_SEC)
#define QZ_SCHED_STALL_MS	30000

/* Threads that starve on a CPU, however many, have no more than one in this time. */
#define QZ_SCHED_STARVED_EACH_NS	(10 * NSEC_PER_MSEC)

/*
 * So do vCPUs that a limit holds back, one in this time, and more often if there
 * are so many that one of them would wait for longer than the other.
 */
#define QZ_SCHED_PARKED_NS	(100 * NSEC_PER_MSEC)
#define QZ_SCHED_ROUND_NS	(10 * NSEC_PER_SEC)

/* A queue that was not served for so long and is empty is not looked at any more. */
#define QZ_SCHED_FORGET_NS	(10 * NSEC_PER_MSEC)

/* Threads that block so soon after they begin to run are looked after so often. */
#define QZ_SCHED_BRIEF_NS	(500 * NSEC_PER_USEC)
#define QZ_SCHED_HURRY_NS	(250 * NSEC_PER_USEC)

/*
 * Grace of a vCPU whose guest is in its kernel when its slice ends: granted in such
 * steps, up to so much (see grace.c). One that loses the CPU to another VM is the
 * first of its own: its turn is earlier by more than any other thread's can be.
 */
#define QZ_SCHED_GRACE_NS	(100 * NSEC_PER_USEC)
#define QZ_SCHED_GRACES_NS	(1 * NSEC_PER_MSEC)
#define QZ_SCHED_FIRST(policy)	((policy)->credit + (policy)->slice)

/* How long a customer waits until it has starved. */
static inline u64 qz_patience(u32 customer)
{
	return customer == QZ_HOST ? QZ_SCHED_HOST_STARVED_NS :
				     QZ_SCHED_STARVED_NS;
}

enum qz_queue {
	QZ_OTHERS,		/* threads that no limit holds back */
	QZ_VCPUS,		/* vCPUs of a limited VM */
	QZ_QUEUES,
};

/**
 * struct qz_customer - a process with VMs, or the host's own tasks
 * @flow: what it has been charged
 * @proc: the process, with a reference; NULL: free, or the host
 * @pid: its number, for tracepoints
 * @tasks: threads that are assigned to it; under customers_lock
 * @vcpus: of these, the vCPUs; written under customers_lock
 * @dead: the process has no VM any more; under customers_lock
 * @batch: it takes the CPU from nobody and gets no credit for sleep
 * @runnable: threads that run or wait
 * @served: when a queue was served last, or somebody came after it was empty
 * @waiting: threads that wait in a queue, or are about to be put there
 * @vcpus_waiting: of these, the vCPUs
 * @turn: which queue is next, if somebody waits in both
 * @refilling: one CPU refills at a time
 */
struct qz_customer {
	struct qz_flow flow;
	struct qz_vmproc *proc;
	int pid;
	unsigned int tasks;
	unsigned int vcpus;
	bool dead;
	bool batch;
	atomic_t runnable;
	u64 served[QZ_QUEUES];
	atomic_t waiting[QZ_QUEUES];
	atomic_t vcpus_waiting;
	unsigned int turn;
	raw_spinlock_t refilling;
};

/**
 * struct qz_grace - a vCPU may go on after its slice, see grace.c
 * @in_kernel: its guest was in its kernel when it lost the CPU, and it waits in a
 *	queue of its VM
 * @left: what was left of its slice then, ns
 * @active: the slice it has now includes a step of grace
 * @used: so much grace it has had since its last ordinary slice began, ns, with the
 *	current step
 * @yielded: it has given up its slice, as a vCPU does that spins
 */
struct qz_grace {
	bool in_kernel;
	u64 left;
	bool active;
	u64 used;
	bool yielded;
};

/**
 * struct qz_task - what is known of a thread
 * @hash: in tasks.c's table
 * @task: whose it is
 * @thread: the policy's part
 * @customer: index of its customer
 * @vcpu: it was seen where KVM runs a vCPU; written under customers_lock
 * @started: when it began to run
 * @charged: its CPU time then, ns
 * @woken: since when it has something to run, if it has not run since; 0
 * @old: it has been runnable before
 * @brief: it blocks soon after it has begun to run, as who sends messages does;
 *	who preempts it does not change that
 * @burst: so long it has run since, ns, in however many slices
 * @parked: when it began to wait in QZ_VCPUS; 0: it does not
 * @held_back: and its limit was used up then
 * @grace: whether it may go on after its slice
 * @pinned: in the list of a CPU that it waits for, in the order of its queue
 * @pinned_cpu: that CPU
 * @slow: of a VM, and it last ran because it starved; if it waits there, in the
 *	queue of those
 * @pinned_tag: its customer's tag then
 * @pinned_place: in that queue
 * @queued: since when
 * @waits: it is counted in qz_customer.waiting
 * @waits_as_vcpu: and in qz_customer.vcpus_waiting
 * @queue: of that queue
 * @hurries: it waits, and is counted as one who is looked after more often
 * @garbage: to be freed
 * @rcu: for that
 */
struct qz_task {
	struct hlist_node hash;
	struct task_struct *task;
	struct qz_thread thread;
	u32 customer;
	bool vcpu;
	u64 started;
	u64 charged;
	u64 woken;
	bool old;
	bool brief;
	u64 burst;
	u64 parked;
	bool held_back;
	struct qz_grace grace;
	struct list_head pinned;
	s32 pinned_cpu;
	bool slow;
	u64 pinned_tag;
	u64 pinned_place;
	u64 queued;
	bool waits;
	bool waits_as_vcpu;
	enum qz_queue queue;
	bool hurries;
	struct llist_node garbage;
	struct rcu_head rcu;
};

/* How a vCPU's thread stopped when it last ran. */
enum qz_preempted {
	QZ_NOT_PREEMPTED,
	QZ_PREEMPTED,
	QZ_PREEMPTED_IN_KERNEL,	/* the guest's */
};

/* What becomes of a yield to a certain thread. */
enum qz_yield {
	QZ_YIELD_GRANTED,
	QZ_YIELD_NOT_WAITING,	/* it runs, sleeps, or waits for one CPU behind others */
	QZ_YIELD_HELD_BACK,	/* its limit is used up */
	QZ_YIELD_CPU,		/* it may not run here */
	QZ_YIELD_AHEAD,		/* its customer may borrow no more */
	QZ_YIELD_SLICE_OVER,	/* nothing is left to pass on */
};

#define QZ_NO_DSQ		(~0ULL)

/**
 * struct qz_cpu - what a CPU runs
 * @number: of the CPU
 * @customer: whose thread; QZ_NOBODY
 * @limited: it is a vCPU of a limited VM
 * @started: since when
 * @slice: for how long
 * @turn: how far the thread will have got then (see qz_thread)
 * @next: the queue (DSQ) of which the first thread is let in by the one that runs
 *	here; QZ_NO_DSQ. Written by other CPUs, too.
 * @next_slice: for how long
 * @lent: a thread of this customer was taken for that, and has not begun; QZ_NOBODY
 * @gives: a thread of this customer was taken because it starves, and has not begun;
 *	QZ_NOBODY
 * @given: who runs was taken for that: nobody preempts it
 * @brief: who runs usually blocks soon
 * @in_grace: who runs has grace, and @grace rings when that is over
 * @grace: a timer, on this CPU only
 * @price: of time here, see qz_price_next()
 * @asked: dispatch() has looked who waits, and nobody has begun since
 * @least: then, the smallest tag of those who were next and may not run here; 0:
 *	nobody was
 * @pinned_turn: of those who wait, are the pinned ones next, if both are of one
 *	customer?
 * @lock: protects what follows
 * @pinned: threads that wait for this CPU, see qz_task.pinned
 * @slow: those of them that last ran because they starved
 * @nslow: so many
 * @nth_slow: the place of the next of them
 */
struct qz_cpu {
	s32 number;
	u32 customer;
	bool limited;
	u64 started;
	u64 slice;
	u64 turn;
	u64 next;
	u64 next_slice;
	u32 lent;
	u32 gives;
	bool given;
	bool brief;
	bool in_grace;
	struct hrtimer grace;
	struct qz_price price;
	bool asked;
	u64 least;
	bool pinned_turn;
	raw_spinlock_t lock;
	struct list_head pinned;
	struct list_head slow;
	unsigned int nslow;
	u64 nth_slow;
};

/* Of the scheduler as a whole, since it was started. */
struct qz_sched_counts {
	atomic64_t handovers;
	atomic64_t preemptions;
	atomic64_t yields;
	atomic64_t directed;
	atomic64_t checks;
	atomic64_t starved;
};

extern struct qz_policy qz_sched_policy;
extern struct qz_policy qz_sched_batch;		/* the same, without credit */
extern struct qz_sched_counts qz_sched_counts;
extern atomic64_t qz_sched_clock;
extern u64 qz_sched_check_ns;

/* Any context. It may go back by some ns between CPUs. */
static inline u64 qz_sched_now(void)
{
	return ktime_get_mono_fast_ns();
}

static inline u64 qz_sched_since(u64 now, u64 then)
{
	return (s64)(now - then) > 0 ? now - then : 0;
}

/* Of two points in time the earlier one; 0: none yet. */
static inline void qz_sched_keep_earlier(u64 *at, u64 other)
{
	if (!*at || qz_sched_before(other, *at))
		*at = other;
}

/* It is where KVM runs a vCPU, whether that runs or sleeps. */
static inline bool qz_task_is_vcpu(const struct task_struct *task)
{
	return !hlist_empty(&task->preempt_notifiers);
}

/* customers.c */
extern struct qz_customer qz_customers[QZ_SCHED_CUSTOMERS];
extern u32 qz_customers_end;	/* nobody is a customer from here on */

/*
 * Its process, under RCU; NULL if the scheduler is about to end and has forgotten
 * it, or for the host's tasks.
 */
static inline struct qz_vmproc *qz_customer_proc(u32 customer)
{
	return READ_ONCE(qz_customers[customer].proc);
}

void qz_customers_init(void);
void qz_customers_exit(void);
void qz_customers_changed(void);
void qz_customer_assign(struct qz_task *t, const struct task_struct *task);
void qz_customer_leave(struct qz_task *t);
void qz_customer_add_vcpu(struct qz_task *t);
const struct qz_policy *qz_customer_policy(const struct qz_customer *c);

/* tasks.c */
int qz_tasks_init(void);
void qz_tasks_exit(void);
int qz_task_add(struct task_struct *task);
struct qz_task *qz_task_of(const struct task_struct *task);
void qz_task_del(struct task_struct *task);

/* limit.c */
bool qz_task_is_limited(const struct task_struct *task,
			const struct qz_task *t);
bool qz_customer_is_parked(struct qz_customer *c, u64 now);
u64 qz_customer_refills(const struct qz_customer *c);
bool qz_customer_may_run_vcpus(struct qz_customer *c, u64 now);

/* queues.c */

/* Customers whose queue may hold somebody. Set too often, never too seldom. */
extern DECLARE_BITMAP(qz_queues_waiting[QZ_QUEUES], QZ_SCHED_CUSTOMERS);

/* Of a list of qz_cpu, or NULL; with the CPU's lock held. */
static inline struct qz_task *qz_queue_first_pinned(struct list_head *list)
{
	return list_first_entry_or_null(list, struct qz_task, pinned);
}

struct qz_choice;

int qz_queues_create(void);
void qz_queues_init(void);
struct qz_cpu *qz_cpu_of(s32 cpu);
bool qz_task_is_pinned(const struct task_struct *task);
void qz_queue_add(struct task_struct *task, struct qz_task *t, u64 flags,
		  bool held_back, u64 now);
void qz_queue_add_pinned(struct task_struct *task, struct qz_task *t,
			 u64 flags, u64 now);
void qz_queue_leave(struct qz_task *t);
bool qz_queue_has_waiters(u32 customer, enum qz_queue queue, u64 now);
bool qz_queue_take(const struct qz_choice *choice, u64 now);
bool qz_queue_take_pinned(s32 cpu, bool slow);
bool qz_queue_can_take(struct qz_cpu *cpu, const struct qz_task *t);
bool qz_queue_set_next(struct qz_cpu *cpu, const struct qz_task *t);
bool qz_queue_take_next(struct qz_cpu *cpu);
bool qz_queues_take_any(u32 from, u64 now);
bool qz_queues_hurry(void);

/* choice.c */

/* A customer of whom somebody waits. */
struct qz_choice {
	u32 customer;		/* QZ_NOBODY: nobody waits */
	bool starved;
	bool pinned;		/* of the threads that wait for one CPU */
	bool slow;		/* of these, see qz_cpu.slow */
	u64 rank;		/* see qz_flow_rank() */
};

bool qz_choice_is_before(const struct qz_choice *a, const struct qz_choice *b);
void qz_queues_first(u64 now, const struct qz_choice *after,
		     struct qz_choice *choice);
void qz_queues_first_pinned(s32 cpu, u64 now, struct qz_choice *choice);
u64 qz_queues_next_check(u64 now);

/* guest.c */
void qz_guest_init(void);
void qz_guest_exit(void);
enum qz_preempted qz_guest_preempted(const struct task_struct *task);
bool qz_guest_in_kernel(const struct task_struct *task);

/* grace.c */
void qz_grace_init(void);
void qz_grace_exit(void);
bool qz_grace_is_due(const struct task_struct *p, const struct qz_task *t);
void qz_grace_note(const struct task_struct *p, struct qz_task *t, bool held_back,
		   u64 now);
bool qz_grace_resumes(const struct qz_task *t);
u64 qz_grace_extend(const struct task_struct *p, struct qz_task *t);
void qz_grace_stop(struct qz_task *t, u64 ran);
void qz_grace_arm(struct qz_cpu *cpu);

/* check.c */

/*
 * Who was furthest behind of those who waited at the last check, for any of their
 * CPUs or for the one that they have; QZ_NOBODY. Their tags may have moved since.
 */
extern u32 qz_sched_behind, qz_sched_behind_pinned;

void qz_check_init(void);
void qz_check_exit(void);
void qz_check_at(u64 at);
void qz_check_task(const struct task_struct *task, const struct qz_task *t,
		   bool held_back, u64 now);
u64 qz_check_next(u64 now);
s32 qz_cpu_to_preempt(const struct task_struct *task, const struct qz_task *t,
		      u64 now);

/* messages.c */
int qz_messages_init(void);
void qz_messages_exit(void);
void qz_messages_woken(const struct qz_task *to);

/* ops.c */
extern struct sched_ext_ops qz_sched_ops;

/* sched.c */
void qz_sched_ended(const struct scx_exit_info *info);

#endif /* QZ_SCHED_NATIVE_H */

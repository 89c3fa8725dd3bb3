// SPDX-License-Identifier: GPL-2.0
/*
 * Two native sched_ext schedulers, "qz_a" and "qz_b", for the tests of native
 * registration. They are the same: one queue for all CPUs, ordered by weighted
 * run time. Parameters register them, make them misbehave, and tell how they
 * ended.
 */

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/ext_ops.h>

#define QZ_DSQ		0x51
#define QZ_NO_DSQ	0x52	/* never created */

enum qz_fault {
	QZ_FAULT_NONE,
	QZ_FAULT_DSQ,		/* dispatch to a queue that is not there */
	QZ_FAULT_ERROR,		/* scx_native_error() */
	QZ_FAULT_LOSE,		/* forget tasks whose name begins with "victim" */
};

static int fault;
module_param(fault, int, 0644);
MODULE_PARM_DESC(fault, "how to misbehave, see enum qz_fault");

static bool fail_init;
module_param(fail_init, bool, 0644);
MODULE_PARM_DESC(fail_init, "let ops.init() fail");

static bool kick_wait;
module_param(kick_wait, bool, 0644);
MODULE_PARM_DESC(kick_wait, "each CPU kicks the next one and waits for it");

static bool load = true;
module_param(load, bool, 0444);
MODULE_PARM_DESC(load, "register qz_a when the module is loaded");

static unsigned int timeout_ms = 30000;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "the watchdog's patience");

/* Told by ops.exit(), which is over when a register or unregister returns. */
static int exits;
module_param(exits, int, 0444);
static int exit_kind;
module_param(exit_kind, int, 0444);

/* Circles of CPUs that kick each other; read to see that they did. */
static atomic_t nr_kicks;

static int kicks_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&nr_kicks));
}

static const struct kernel_param_ops kicks_ops = { .get = kicks_get };
module_param_cb(kicks, &kicks_ops, NULL, 0444);

static struct sched_ext_ops qz_a, qz_b;
static u64 vtime_now;

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static void kick_next(s32 cpu)
{
	s32 next = cpumask_next(cpu, cpu_online_mask);

	if (next >= nr_cpu_ids)
		next = cpumask_first(cpu_online_mask);
	atomic_inc(&nr_kicks);
	scx_bpf_kick_cpu(next, SCX_KICK_WAIT);
}

static s32 qz_select_cpu(struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);

	if (idle && !READ_ONCE(fault))
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	return cpu;
}

static void qz_enqueue(struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime, least = vtime_now - SCX_SLICE_DFL;
	u64 dsq = QZ_DSQ;

	switch (READ_ONCE(fault)) {
	case QZ_FAULT_DSQ:
		dsq = QZ_NO_DSQ;
		break;
	case QZ_FAULT_ERROR:
		/* Nothing happens to the one that is not active. */
		scx_native_error(&qz_a, "asked to fail with %s", p->comm);
		scx_native_error(&qz_b, "asked to fail with %s", p->comm);
		break;
	case QZ_FAULT_LOSE:
		if (!strncmp(p->comm, "victim", 6))
			return;
		break;
	}

	/* A sleeper catches up on one slice at most. */
	if ((enq_flags & SCX_ENQ_WAKEUP) && before(vtime, least))
		vtime = least;
	scx_bpf_dispatch_vtime(p, dsq, SCX_SLICE_DFL, vtime, enq_flags);
}

static void qz_dispatch(s32 cpu, struct task_struct *prev)
{
	scx_bpf_consume(QZ_DSQ);
}

static void qz_running(struct task_struct *p)
{
	if (before(READ_ONCE(vtime_now), p->scx.dsq_vtime))
		WRITE_ONCE(vtime_now, p->scx.dsq_vtime);
	if (READ_ONCE(kick_wait))
		kick_next(smp_processor_id());
}

static void qz_stopping(struct task_struct *p, bool runnable)
{
	p->scx.dsq_vtime += (SCX_SLICE_DFL - p->scx.slice) * 100 / p->scx.weight;
}

static void qz_enable(struct task_struct *p)
{
	p->scx.dsq_vtime = READ_ONCE(vtime_now);
}

/* Without these two a CPU that goes or comes ends the scheduler. */
static void qz_cpu_online(s32 cpu)
{
}

static void qz_cpu_offline(s32 cpu)
{
}

static s32 qz_init(void)
{
	return fail_init ? -ENOENT : scx_bpf_create_dsq(QZ_DSQ, -1);
}

static void qz_exit(struct scx_exit_info *info)
{
	exit_kind = info->kind;
	exits++;
}

#define QZ_OPS(name_) {				\
	.select_cpu	= qz_select_cpu,	\
	.enqueue	= qz_enqueue,		\
	.dispatch	= qz_dispatch,		\
	.running	= qz_running,		\
	.stopping	= qz_stopping,		\
	.enable		= qz_enable,		\
	.cpu_online	= qz_cpu_online,	\
	.cpu_offline	= qz_cpu_offline,	\
	.init		= qz_init,		\
	.exit		= qz_exit,		\
	.name		= name_,		\
}

static struct sched_ext_ops qz_a = QZ_OPS("qz_a");
static struct sched_ext_ops qz_b = QZ_OPS("qz_b");

static int qz_register(struct sched_ext_ops *ops)
{
	ops->timeout_ms = timeout_ms;
	return scx_native_register(ops);
}

/* Parameters a and b: 1 registers, 0 unregisters. Not when the module loads. */
static int active_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err)
		return err;
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EINVAL;
	if (on)
		return qz_register(kp->arg);
	scx_native_unregister(kp->arg);
	return 0;
}

static const struct kernel_param_ops active_ops = { .set = active_set };
module_param_cb(a, &active_ops, &qz_a, 0200);
module_param_cb(b, &active_ops, &qz_b, 0200);

static int __init qz_native_init(void)
{
	return load ? qz_register(&qz_a) : 0;
}

static void __exit qz_native_exit(void)
{
	scx_native_unregister(&qz_a);
	scx_native_unregister(&qz_b);
}

module_init(qz_native_init);
module_exit(qz_native_exit);

MODULE_DESCRIPTION("Test of native sched_ext schedulers");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");

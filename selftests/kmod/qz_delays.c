// SPDX-License-Identifier: GPL-2.0
/*
 * Delays in the race windows of queztl.ko, with no hook in it.
 *
 * kprobes at functions of queztl.ko, and at functions of the kernel when they
 * are called from queztl.ko, busy-wait a random time now and then: between
 * clearing "live" and the grace period, between the end of a run and letting go
 * of the ring, between a flag and the task work it announces, and so on (see
 * Documentation/locking.rst).
 *
 * What the compiler inlined cannot be probed; what it calls there can. The
 * debugfs file qz_delays lists the probes, and how often each was met and
 * delayed somebody. The module does not load when it can place none.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/seq_file.h>

static uint one_in = 50;
module_param(one_in, uint, 0644);
MODULE_PARM_DESC(one_in, "how many calls are let through for one that is delayed");

static uint max_us = 500;
module_param(max_us, uint, 0644);
MODULE_PARM_DESC(max_us, "the longest delay, microseconds");

struct point {
	const char *name;
	struct kprobe probe;
	atomic64_t hits;	/* from queztl.ko */
	atomic64_t delays;
	int err;		/* it is not placed */
};

#define OURS(_name) { .name = #_name, .probe.symbol_name = "queztl:" #_name }
#define KERNELS(_name) { .name = #_name, .probe.symbol_name = #_name }

/* Its own functions, in the order of a frame's life, then of a port's; then those of channels. */
static struct point ours[] = {
	OURS(qz_run_kick),
	OURS(run_task_work),
	OURS(qz_run_work),
	OURS(run_txq),
	OURS(run_slice),
	OURS(qz_exec_run),
	OURS(qz_exec_start),
	OURS(qz_exec_stop),
	OURS(qz_exec_hand_off),
	OURS(qz_handoff_end),
	OURS(qz_run_try),
	OURS(qz_receive_end),
	OURS(qz_deliver_chain),
	OURS(qz_sent_frames),
	OURS(qz_signal_driver),
	OURS(qz_signal_here),
	OURS(qz_exec_signal),
	OURS(qz_ctrlq_run),
	OURS(qz_sent_answered),
	OURS(hold_expired),
	OURS(qz_port_break),
	OURS(qz_port_start),
	OURS(qz_port_stop),
	OURS(qz_port_set_map),
	OURS(qz_port_free),
	OURS(qz_vq_start),
	OURS(qz_vq_stop),
	OURS(qz_sent_stop),
	OURS(qz_map_create),
	OURS(qz_map_free),
	OURS(qz_switch_attach),
	OURS(qz_switch_detach),
	OURS(kick_vq),
	OURS(set_vq_cb),
	OURS(reset),
	OURS(set_status),
	OURS(uevent_ready),
	OURS(scan_newborns),
	OURS(qz_vm_add),
	OURS(qz_vm_hold),
	OURS(qz_vm_gone_key),
	OURS(qz_window_set_state),
	OURS(qz_window_unmap),
	OURS(qz_bell_changed),
};

/* What it calls in its windows. */
static struct point kernels[] = {
	KERNELS(task_work_add),			/* PENDING set, not yet queued */
	KERNELS(__srcu_read_lock),		/* before the ring is owned */
	KERNELS(__srcu_read_unlock),		/* the ring left, not let go of */
	KERNELS(queue_work_on),			/* let go of, the worker not queued */
	KERNELS(_raw_spin_lock_bh),		/* the callback not yet called */
	KERNELS(vhost_task_wake),		/* asked for, the thread not woken */
	KERNELS(vhost_task_stop),		/* not alive, the thread not ended */
	KERNELS(yield_to),
	KERNELS(synchronize_srcu_expedited),	/* live cleared, no grace period */
	KERNELS(hrtimer_start_range_ns),
	KERNELS(hrtimer_cancel),
	KERNELS(vunmap),
	KERNELS(put_device),
	KERNELS(cancel_work_sync),
	KERNELS(mutex_lock),
	KERNELS(mutex_unlock),
	KERNELS(_raw_spin_lock),		/* live read, the ring not locked */
	KERNELS(mod_delayed_work_on),
	KERNELS(kvfree),
	KERNELS(fput),
};

/*
 * Is this address in queztl.ko? Names are slow to look up, and the callers of
 * _raw_spin_lock() are many but the same: remember them.
 */
#define CALLERS_BITS 14
static unsigned long callers[1 << CALLERS_BITS];	/* address, bit 63: no */

static bool is_in_queztl(unsigned long address)
{
	unsigned long *slot = &callers[hash_long(address, CALLERS_BITS)];
	unsigned long known = READ_ONCE(*slot);
	char name[KSYM_SYMBOL_LEN];
	bool in;

	if (known == address)
		return true;
	if (known == (address & ~BIT(63)))
		return false;
	sprint_symbol(name, address);
	in = strstr(name, "[queztl]");
	WRITE_ONCE(*slot, in ? address : address & ~BIT(63));
	return in;
}

static void maybe_wait(struct point *point)
{
	unsigned int chance = READ_ONCE(one_in), longest = READ_ONCE(max_us);
	s64 hits = atomic64_inc_return(&point->hits);

	/* What is seldom met is delayed more often. */
	chance = clamp_t(s64, hits / 64, 1, max(chance, 1U));
	if (!longest || get_random_u32_below(chance))
		return;
	atomic64_inc(&point->delays);
	udelay(1 + get_random_u32_below(longest));
}

/* Any context; preemption is off, IRQs may be. */
static int meet_ours(struct kprobe *probe, struct pt_regs *regs)
{
	maybe_wait(container_of(probe, struct point, probe));
	return 0;
}

static int meet_kernels(struct kprobe *probe, struct pt_regs *regs)
{
	if (is_in_queztl(*(unsigned long *)kernel_stack_pointer(regs)))
		maybe_wait(container_of(probe, struct point, probe));
	return 0;
}

static void show_points(struct seq_file *file, struct point *points, int n)
{
	struct point *point;

	for (point = points; point < points + n; point++) {
		if (point->err)
			seq_printf(file, "%s not placed: %d\n", point->name,
				   point->err);
		else
			seq_printf(file, "%s %lld %lld\n", point->name,
				   atomic64_read(&point->hits),
				   atomic64_read(&point->delays));
	}
}

static int qz_delays_show(struct seq_file *file, void *unused)
{
	show_points(file, ours, ARRAY_SIZE(ours));
	show_points(file, kernels, ARRAY_SIZE(kernels));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(qz_delays);

static int place(struct point *points, int n, kprobe_pre_handler_t handler)
{
	int i, placed = 0;

	for (i = 0; i < n; i++) {
		points[i].probe.pre_handler = handler;
		points[i].err = register_kprobe(&points[i].probe);
		placed += !points[i].err;
	}
	return placed;
}

static void remove(struct point *points, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!points[i].err)
			unregister_kprobe(&points[i].probe);
}

static struct dentry *report;

static int __init qz_delays_init(void)
{
	if (max_us > 10000)
		return -EINVAL;
	if (!place(ours, ARRAY_SIZE(ours), meet_ours))
		return -ENOENT;		/* queztl.ko is not loaded */
	place(kernels, ARRAY_SIZE(kernels), meet_kernels);
	report = debugfs_create_file("qz_delays", 0400, NULL, NULL,
				     &qz_delays_fops);
	return 0;
}

static void __exit qz_delays_exit(void)
{
	debugfs_remove(report);
	remove(ours, ARRAY_SIZE(ours));
	remove(kernels, ARRAY_SIZE(kernels));
}

module_init(qz_delays_init);
module_exit(qz_delays_exit);

MODULE_DESCRIPTION("Delays in the race windows of queztl.ko, for tests");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * How long queztl.ko keeps a CPU from others, with no hook in it.
 *
 * Two kinds of sections are measured. "gate": from where the data path enters
 * the gate, softirqs or preemption off, to where it leaves it: ftrace callbacks
 * at __srcu_read_lock() and __srcu_read_unlock(), for the gate's srcu_struct
 * only. "signal": a worker calls its own driver, a kretprobe at
 * qz_signal_here().
 *
 * The debugfs file qz_sections has a line for each kind: its name, how many, the
 * longest in ns, who entered it; then, up to a line with a dot, microseconds and
 * how many sections took so long. Writing to it starts anew.
 */

#include <linux/debugfs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>

static ulong gate;
module_param(gate, ulong, 0400);
MODULE_PARM_DESC(gate, "address of qz_gate, from /proc/kallsyms");

#define BUCKETS		4096	/* a microsecond each; the last has all above */

struct kind {
	const char *name;
	atomic64_t count;
	atomic64_t longest;
	unsigned long by;	/* the longest; a race may name another */
	atomic_t took[BUCKETS];
};

static struct kind gates = { .name = "gate" };
static struct kind signals = { .name = "signal" };

/* A gate may be entered inside another, and by an interrupt. */
struct section {
	int depth;
	u64 begun;
	unsigned long by;
};

static DEFINE_PER_CPU(struct section, sections);

/* Any context. */
static void note(struct kind *kind, u64 ns, unsigned long by)
{
	s64 before = atomic64_read(&kind->longest);

	atomic64_inc(&kind->count);
	atomic_inc(&kind->took[min_t(u64, ns / 1000, BUCKETS - 1)]);
	while ((s64)ns > before) {
		if (!atomic64_try_cmpxchg(&kind->longest, &before, ns))
			continue;
		WRITE_ONCE(kind->by, by);
		break;
	}
}

static void meet_enter(unsigned long ip, unsigned long parent,
		       struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct section *section;
	unsigned long flags;

	if (ftrace_regs_get_argument(regs, 0) != gate)
		return;
	local_irq_save(flags);
	section = this_cpu_ptr(&sections);
	if (!section->depth++) {
		section->by = parent;
		section->begun = local_clock();
	}
	local_irq_restore(flags);
}

static void meet_leave(unsigned long ip, unsigned long parent,
		       struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct section *section;
	unsigned long flags;

	if (ftrace_regs_get_argument(regs, 0) != gate)
		return;
	local_irq_save(flags);
	section = this_cpu_ptr(&sections);
	/* Who was inside when the module came has not been seen to enter. */
	if (section->depth && !--section->depth)
		note(&gates, local_clock() - section->begun, section->by);
	local_irq_restore(flags);
}

static struct ftrace_ops enter = { .func = meet_enter };
static struct ftrace_ops leave = { .func = meet_leave };

static int begin_signal(struct kretprobe_instance *instance,
			struct pt_regs *regs)
{
	*(u64 *)instance->data = local_clock();
	return 0;
}

static int end_signal(struct kretprobe_instance *instance,
		      struct pt_regs *regs)
{
	note(&signals, local_clock() - *(u64 *)instance->data,
	     (unsigned long)get_kretprobe(instance)->kp.addr);
	return 0;
}

static struct kretprobe signal_probe = {
	.kp.symbol_name = "queztl:qz_signal_here",
	.entry_handler = begin_signal,
	.handler = end_signal,
	.data_size = sizeof(u64),
	.maxactive = 64,
};

static void show_kind(struct seq_file *file, struct kind *kind)
{
	unsigned long by = READ_ONCE(kind->by);
	int i;

	seq_printf(file, "%s %lld %lld %ps\n", kind->name,
		   atomic64_read(&kind->count), atomic64_read(&kind->longest),
		   (void *)by);
	for (i = 0; i < BUCKETS; i++)
		if (atomic_read(&kind->took[i]))
			seq_printf(file, "%d %d\n", i,
				   atomic_read(&kind->took[i]));
	seq_puts(file, ".\n");
}

static int qz_sections_show(struct seq_file *file, void *unused)
{
	show_kind(file, &gates);
	show_kind(file, &signals);
	return 0;
}

static void clear_kind(struct kind *kind)
{
	int i;

	atomic64_set(&kind->count, 0);
	atomic64_set(&kind->longest, 0);
	WRITE_ONCE(kind->by, 0);
	for (i = 0; i < BUCKETS; i++)
		atomic_set(&kind->took[i], 0);
}

static ssize_t qz_sections_write(struct file *file, const char __user *text,
				 size_t size, loff_t *at)
{
	clear_kind(&gates);
	clear_kind(&signals);
	return size;
}

static int qz_sections_open(struct inode *inode, struct file *file)
{
	return single_open(file, qz_sections_show, NULL);
}

static const struct file_operations qz_sections_fops = {
	.owner = THIS_MODULE,
	.open = qz_sections_open,
	.read = seq_read,
	.write = qz_sections_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int trace(struct ftrace_ops *ops, char *name)
{
	int err = ftrace_set_filter(ops, name, strlen(name), 1);

	return err ? err : register_ftrace_function(ops);
}

static struct dentry *report;

static int __init qz_sections_init(void)
{
	int err;

	if (!gate)
		return -EINVAL;
	err = register_kretprobe(&signal_probe);
	if (err)
		return err;		/* queztl.ko is not loaded */
	err = trace(&leave, "__srcu_read_unlock");
	if (err)
		goto no_leave;
	err = trace(&enter, "__srcu_read_lock");
	if (err)
		goto no_enter;
	report = debugfs_create_file("qz_sections", 0600, NULL, NULL,
				     &qz_sections_fops);
	return 0;

no_enter:
	unregister_ftrace_function(&leave);
no_leave:
	unregister_kretprobe(&signal_probe);
	return err;
}

static void __exit qz_sections_exit(void)
{
	debugfs_remove(report);
	unregister_ftrace_function(&enter);
	unregister_ftrace_function(&leave);
	unregister_kretprobe(&signal_probe);
}

module_init(qz_sections_init);
module_exit(qz_sections_exit);

MODULE_DESCRIPTION("Times of the sections of queztl.ko that cannot be preempted");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");

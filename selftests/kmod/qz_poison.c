// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that has gone bad, as queztl.ko meets it.
 *
 * Makes copy_mc_to_kernel() answer as it does when it has met an uncorrectable
 * memory error: not all was copied. The parameters say which calls: those for so
 * many bytes, the next so many of them, from queztl.ko.
 */

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static uint bytes;
module_param(bytes, uint, 0644);
MODULE_PARM_DESC(bytes, "copies of so many bytes fail");

static atomic_t left;

static int get_left(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&left));
}

static int set_left(const char *text, const struct kernel_param *param)
{
	int value, err;

	err = kstrtoint(text, 0, &value);
	if (!err)
		atomic_set(&left, value);
	return err;
}

static const struct kernel_param_ops left_ops = {
	.get = get_left,
	.set = set_left,
};
module_param_cb(left, &left_ops, NULL, 0644);
MODULE_PARM_DESC(left, "how many of them still are to fail");

static bool is_in_queztl(unsigned long address)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol(name, address);
	return strstr(name, "[queztl]");
}

/* Any context, preemption is off. Returns 0 when the call is to fail. */
static int enter(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long count = regs_get_kernel_argument(regs, 2);

	if (count != READ_ONCE(bytes) || !atomic_read(&left))
		return 1;
	if (!is_in_queztl(*(unsigned long *)kernel_stack_pointer(regs)))
		return 1;
	return atomic_dec_if_positive(&left) < 0;
}

static int leave(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	regs_set_return_value(regs, READ_ONCE(bytes));
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "copy_mc_to_kernel",
	.entry_handler = enter,
	.handler = leave,
};

static int __init qz_poison_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit qz_poison_exit(void)
{
	unregister_kretprobe(&probe);
}

module_init(qz_poison_init);
module_exit(qz_poison_exit);

MODULE_DESCRIPTION("Memory errors for the tests of queztl.ko");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* A private copy of the registry, with simulated KVM VMs. */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/types.h>

/* The tracepoints belong to queztl.ko; here they are only counted. */
#define QZ_TRACE_H

static int attached, detached, gone;

static void trace_queztl_vm_attach(u64 vm, int pid)
{
	attached++;
}

static void trace_queztl_vm_detach(u64 vm, int pid, bool asked)
{
	if (asked)
		detached++;
	else
		gone++;
}

#include "../vmproc.c"
#include "../vm.c"

/* The parts of a VM descriptor that the registry reads. */
struct fake_vm {
	struct kvm *kvm;
	struct dentry dentry;
	struct file file;
};

static const struct file_operations fake_fops = { .owner = THIS_MODULE };

static struct fake_vm *new_vm(struct kunit *test, const char *key)
{
	struct fake_vm *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->kvm = kunit_kzalloc(test, sizeof(*fake->kvm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->kvm);
	fake->dentry.d_name.name = key;
	fake->kvm->debugfs_dentry = key ? &fake->dentry : ERR_PTR(-ENOENT);
	fake->file.private_data = fake->kvm;
	fake->file.f_op = &fake_fops;
	return fake;
}

/* Like a scan: drops the reference at once. Returns the id. */
static u64 found(struct kunit *test, struct fake_vm *fake)
{
	struct qz_vm *vm = qz_vm_add(&fake->file, current);
	u64 id;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	id = vm->id;
	qz_vm_put(vm);
	return id;
}

static bool is_known(u64 id)
{
	struct qz_vm *vm = qz_vm_get(id);

	qz_vm_put(vm);
	return vm;
}

static u64 next_id(u64 id)
{
	struct qz_vm *vm = qz_vm_next(id);
	u64 next = vm ? vm->id : 0;

	qz_vm_put(vm);
	return next;
}

static void vm_is_described(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "12-34");
	struct qz_vm *vm = qz_vm_add(&fake->file, current);

	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	KUNIT_EXPECT_PTR_EQ(test, vm->kvm, fake->kvm);
	KUNIT_EXPECT_PTR_EQ(test, vm->owner, (const struct module *)THIS_MODULE);
	KUNIT_EXPECT_PTR_EQ(test, vm->tgid, task_tgid(current));
	KUNIT_EXPECT_TRUE(test, uid_eq(vm->uid, current_euid()));
	KUNIT_EXPECT_STREQ(test, vm->comm, current->group_leader->comm);
	KUNIT_EXPECT_STREQ(test, vm->key, "12-34");
	KUNIT_EXPECT_NE(test, vm->seen_ns, 0);
	KUNIT_EXPECT_TRUE(test, qz_vm_live(vm));
	KUNIT_EXPECT_TRUE(test, qz_vm_known("12-34"));
	KUNIT_EXPECT_EQ(test, attached, 1);
	qz_vm_put(vm);
}

static void ids_rise_and_are_not_reused(struct kunit *test)
{
	struct fake_vm *a = new_vm(test, "1-1"), *b = new_vm(test, "1-2");
	u64 first = found(test, a), second = found(test, b), third;

	KUNIT_EXPECT_GT(test, first, 0);
	KUNIT_EXPECT_GT(test, second, first);
	qz_vm_gone_key("1-2");
	third = found(test, new_vm(test, "1-3"));
	KUNIT_EXPECT_GT(test, third, second);
	qz_vm_gone_key("1-1");
	KUNIT_EXPECT_GT(test, found(test, new_vm(test, "1-4")), third);
	KUNIT_EXPECT_FALSE(test, is_known(first));
	KUNIT_EXPECT_FALSE(test, is_known(second));
}

static void vm_found_again_is_the_same(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	u64 id = found(test, fake);

	KUNIT_EXPECT_EQ(test, found(test, fake), id);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 1);
	KUNIT_EXPECT_EQ(test, attached, 1);
}

/* KVM may put the next VM where the previous one was. */
static void vm_at_the_same_address_is_another(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	u64 id = found(test, fake);

	qz_vm_gone_key("1-1");
	KUNIT_EXPECT_GT(test, found(test, fake), id);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 1);
}

static void all_visible_are_listed_in_order(struct kunit *test)
{
	u64 a = found(test, new_vm(test, "1-1"));
	u64 b = found(test, new_vm(test, "1-2"));
	u64 c = found(test, new_vm(test, "1-3"));
	struct qz_vm *vm = qz_vm_get(b);

	KUNIT_EXPECT_EQ(test, next_id(0), a);
	KUNIT_EXPECT_EQ(test, next_id(a), b);
	KUNIT_EXPECT_EQ(test, next_id(b), c);
	KUNIT_EXPECT_EQ(test, next_id(c), 0);
	KUNIT_EXPECT_EQ(test, next_id(U64_MAX), 0);
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm), 0);
	KUNIT_EXPECT_EQ(test, next_id(a), c);
	qz_vm_put(vm);
}

static void detached_vm_is_not_seen(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	u64 id = found(test, fake);
	struct qz_vm *vm = qz_vm_get(id);

	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm), 0);
	KUNIT_EXPECT_EQ(test, detached, 1);
	KUNIT_EXPECT_FALSE(test, qz_vm_live(vm));
	KUNIT_EXPECT_FALSE(test, is_known(id));
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 0);
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 0);
	KUNIT_EXPECT_EQ(test, detached, 1);
	qz_vm_put(vm);
}

static void only_attach_brings_a_detached_vm_back(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	u64 id = found(test, fake);
	struct qz_vm *vm = qz_vm_get(id);

	KUNIT_ASSERT_EQ(test, qz_vm_hide(vm), 0);
	qz_vm_put(vm);
	KUNIT_EXPECT_EQ(test, found(test, fake), id);
	KUNIT_EXPECT_FALSE(test, is_known(id));
	vm = qz_vm_add(&fake->file, current);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	qz_vm_show(vm);
	KUNIT_EXPECT_EQ(test, vm->id, id);
	KUNIT_EXPECT_TRUE(test, qz_vm_live(vm));
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 1);
	KUNIT_EXPECT_EQ(test, attached, 2);
	qz_vm_put(vm);
}

static void attaching_a_visible_vm_counts_once(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	struct qz_vm *vm;

	found(test, fake);
	vm = qz_vm_add(&fake->file, current);
	qz_vm_show(vm);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 1);
	KUNIT_EXPECT_EQ(test, attached, 1);
	qz_vm_put(vm);
}

/* Its descriptor may stay open, and reports that the VM is gone. */
static void dead_vm_is_gone_for_its_descriptor(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	struct qz_vm *vm = qz_vm_add(&fake->file, current);

	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	qz_vm_gone_key("1-1");
	KUNIT_EXPECT_EQ(test, gone, 1);
	KUNIT_EXPECT_FALSE(test, qz_vm_live(vm));
	KUNIT_EXPECT_FALSE(test, qz_vm_known("1-1"));
	KUNIT_EXPECT_FALSE(test, is_known(vm->id));
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&vm->ref), 1);
	qz_vm_put(vm);
}

static void death_of_a_detached_vm_counts_no_other(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	struct qz_vm *vm = qz_vm_add(&fake->file, current);

	found(test, new_vm(test, "1-2"));
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm), 0);
	qz_vm_gone_key("1-1");
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 1);
	qz_vm_put(vm);
}

/* Without debugfs KVM names no VM: an empty name matches no VM. */
static void an_unknown_name_is_nobodys(struct kunit *test)
{
	found(test, new_vm(test, NULL));
	found(test, new_vm(test, NULL));
	found(test, new_vm(test, "1-1"));
	qz_vm_gone_key("");
	qz_vm_gone_key("1-2");
	qz_vm_gone_key("1");
	KUNIT_EXPECT_FALSE(test, qz_vm_known(""));
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 3);
	KUNIT_EXPECT_EQ(test, gone, 0);
}

static void rescan_forgets_what_it_does_not_find(struct kunit *test)
{
	struct fake_vm *a = new_vm(test, "1-1"), *b = new_vm(test, "1-2");
	u64 stays = found(test, a), goes = found(test, b), comes;

	qz_vm_mark_all();
	comes = found(test, new_vm(test, "1-3"));
	found(test, a);
	qz_vm_gone_marked();
	KUNIT_EXPECT_TRUE(test, is_known(stays));
	KUNIT_EXPECT_TRUE(test, is_known(comes));
	KUNIT_EXPECT_FALSE(test, is_known(goes));
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 2);
	KUNIT_EXPECT_EQ(test, gone, 1);
	qz_vm_gone_marked();
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 2);
}

static void rescan_leaves_a_detached_vm_detached(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");
	u64 id = found(test, fake);
	struct qz_vm *vm = qz_vm_get(id);

	KUNIT_ASSERT_EQ(test, qz_vm_hide(vm), 0);
	qz_vm_mark_all();
	KUNIT_EXPECT_EQ(test, found(test, fake), id);
	qz_vm_gone_marked();
	KUNIT_EXPECT_FALSE(test, vm->gone);
	KUNIT_EXPECT_FALSE(test, is_known(id));
	qz_vm_put(vm);
}

static void registry_has_an_end(struct kunit *test)
{
	struct fake_vm *fake = new_vm(test, "1-1");

	qz_vms_visible = QZ_MAX_VMS;
	KUNIT_EXPECT_PTR_EQ(test, qz_vm_add(&fake->file, current),
			    ERR_PTR(-ENOSPC));
	qz_vms_visible = QZ_MAX_VMS - 1;
	found(test, fake);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), QZ_MAX_VMS);
	qz_vms_visible = 1;
}

#define THREADS		4
#define VMS_EACH	64

struct adder {
	struct kunit *test;
	struct fake_vm *vms[VMS_EACH];
	struct fake_vm *shared;
	bool failed;
	struct completion done;
};

static int add_many(void *data)
{
	struct adder *adder = data;
	struct qz_vm *vm;
	int i;

	for (i = 0; i < 2 * VMS_EACH; i++) {
		vm = qz_vm_add(i % 2 ? &adder->shared->file :
			       &adder->vms[i / 2]->file, current);
		if (IS_ERR(vm))
			adder->failed = true;
		else
			qz_vm_put(vm);
		cond_resched();
	}
	complete(&adder->done);
	return 0;
}

/* Another add may take the id while memory is allocated for it. */
static void adds_at_once_get_an_id_each(struct kunit *test)
{
	struct fake_vm *shared = new_vm(test, "9-9");
	struct adder *adders;
	u64 id = 0, n = 0;
	int t, i;

	adders = kunit_kcalloc(test, THREADS, sizeof(*adders), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, adders);
	for (t = 0; t < THREADS; t++) {
		adders[t].shared = shared;
		init_completion(&adders[t].done);
		for (i = 0; i < VMS_EACH; i++)
			adders[t].vms[i] = new_vm(test, NULL);
	}
	for (t = 0; t < THREADS; t++)
		if (IS_ERR(kthread_run(add_many, &adders[t], "qz-add")))
			complete(&adders[t].done);
	for (t = 0; t < THREADS; t++) {
		wait_for_completion(&adders[t].done);
		KUNIT_EXPECT_FALSE(test, adders[t].failed);
	}
	while ((id = next_id(id)))
		n++;
	KUNIT_EXPECT_EQ(test, n, THREADS * VMS_EACH + 1);
	KUNIT_EXPECT_EQ(test, qz_vm_count(), THREADS * VMS_EACH + 1);
}

static int begin(struct kunit *test)
{
	attached = 0;
	detached = 0;
	gone = 0;
	return 0;
}

static void end(struct kunit *test)
{
	qz_vm_exit();
	KUNIT_EXPECT_EQ(test, qz_vm_count(), 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&qz_vms));
}

static struct qz_vmproc *my_vms(void)
{
	struct qz_vmproc *proc;

	rcu_read_lock();
	proc = qz_vmproc_find(task_tgid(current));
	rcu_read_unlock();
	return proc;
}

static int changes;

static void count_change(void)
{
	changes++;
}

/* The scheduler knows a thread by its process, which may have several VMs. */
static void process_is_known_while_it_has_a_visible_vm(struct kunit *test)
{
	struct fake_vm *a = new_vm(test, "1-1"), *b = new_vm(test, "1-2");
	struct qz_vm *vm_a, *vm_b;
	struct qz_vmproc *proc;

	changes = 0;
	qz_vm_watch(count_change);
	KUNIT_EXPECT_NULL(test, my_vms());
	vm_a = qz_vm_add(&a->file, current);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm_a));
	vm_b = qz_vm_add(&b->file, current);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm_b));
	proc = my_vms();
	KUNIT_EXPECT_NOT_NULL(test, proc);
	KUNIT_EXPECT_PTR_EQ(test, vm_a->proc, proc);
	KUNIT_EXPECT_PTR_EQ(test, vm_b->proc, proc);
	KUNIT_EXPECT_EQ(test, proc->visible, 2);
	KUNIT_EXPECT_EQ(test, changes, 1);
	KUNIT_EXPECT_EQ(test, qz_vm_hide(vm_a), 0);
	KUNIT_EXPECT_PTR_EQ(test, my_vms(), proc);
	qz_vm_gone_key("1-2");
	KUNIT_EXPECT_NULL(test, my_vms());
	KUNIT_EXPECT_EQ(test, changes, 2);
	qz_vm_show(vm_a);
	KUNIT_EXPECT_PTR_EQ(test, my_vms(), proc);
	qz_vm_gone_key("1-1");
	KUNIT_EXPECT_NULL(test, my_vms());
	KUNIT_EXPECT_EQ(test, proc->members, 0);
	qz_vm_watch(NULL);
	qz_vm_put(vm_a);
	qz_vm_put(vm_b);
}

static struct kunit_case vm_cases[] = {
	KUNIT_CASE(vm_is_described),
	KUNIT_CASE(ids_rise_and_are_not_reused),
	KUNIT_CASE(vm_found_again_is_the_same),
	KUNIT_CASE(vm_at_the_same_address_is_another),
	KUNIT_CASE(all_visible_are_listed_in_order),
	KUNIT_CASE(detached_vm_is_not_seen),
	KUNIT_CASE(only_attach_brings_a_detached_vm_back),
	KUNIT_CASE(attaching_a_visible_vm_counts_once),
	KUNIT_CASE(dead_vm_is_gone_for_its_descriptor),
	KUNIT_CASE(death_of_a_detached_vm_counts_no_other),
	KUNIT_CASE(an_unknown_name_is_nobodys),
	KUNIT_CASE(rescan_forgets_what_it_does_not_find),
	KUNIT_CASE(rescan_leaves_a_detached_vm_detached),
	KUNIT_CASE(registry_has_an_end),
	KUNIT_CASE(adds_at_once_get_an_id_each),
	KUNIT_CASE(process_is_known_while_it_has_a_visible_vm),
	{}
};

static struct kunit_suite vm_suite = {
	.name = "queztl_vm",
	.init = begin,
	.exit = end,
	.test_cases = vm_cases,
};

kunit_test_suite(vm_suite);

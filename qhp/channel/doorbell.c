// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds, by which a VM rings its peers, and is rung, without a system call: KVM
 * signals the one in the thread of a virtual CPU, and injects an interrupt when the
 * other is signalled.
 *
 * From inside eventfd_signal() no other eventfd can be signalled, so the peer is rung
 * from an irq_work: an interrupt that the CPU sends to itself, and that comes before
 * the sender's thread goes on.
 *
 * If an eventfd that we signal rings another bell, and that one the first, two owners
 * who agree could keep a CPU in interrupts for ever. So a signal of ours rings nobody.
 */

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>

#include "channel.h"
#include "module/waking.h"

/* This CPU signals an eventfd of a bell, with IRQs off. */
static DEFINE_PER_CPU(bool, signalling);

/* In an interrupt of the CPU on which the kick was signalled. */
static void ring_now(struct irq_work *work)
{
	struct qz_bell *bell = container_of(work, struct qz_bell, ring);
	bool own = READ_ONCE(bell->kicker) == current;

	/* Some kernels cast the operand of this_cpu_write() before they compare. */
	this_cpu_write(qz_ringing, own);
	qz_bell_ring_peer(bell);
	this_cpu_write(qz_ringing, false);
}

/* Inside eventfd_signal() of a kick, with IRQs off, in anybody's thread. */
static int kicked(wait_queue_entry_t *waiter, unsigned int mode, int sync,
		  void *key)
{
	struct qz_bell *bell = container_of(waiter, struct qz_bell, waiter);

	if (!(key_to_poll(key) & EPOLLIN) || __this_cpu_read(signalling))
		return 0;
	WRITE_ONCE(bell->kicker, in_task() ? current : NULL);
	irq_work_queue(&bell->ring);
	return 0;
}

/**
 * qz_doorbell_signal - signal the eventfd of a bell, if it has one
 * @bell: the bell
 *
 * Context: any, but not inside eventfd_signal().
 * Return: false: somebody else is doing so, and may have begun too early.
 */
bool qz_doorbell_signal(struct qz_bell *bell)
{
	unsigned long flags;

	if (!spin_trylock_irqsave(&bell->lock, flags))
		return false;
	if (bell->call) {
		__this_cpu_write(signalling, true);
		eventfd_signal(bell->call);
		__this_cpu_write(signalling, false);
	}
	spin_unlock_irqrestore(&bell->lock, flags);
	return true;
}

static void set_call(struct qz_bell *bell, struct eventfd_ctx *call)
{
	struct eventfd_ctx *old = bell->call;

	spin_lock_irq(&bell->lock);
	WRITE_ONCE(bell->call, call);
	spin_unlock_irq(&bell->lock);
	if (old)
		eventfd_ctx_put(old);
}

/**
 * struct attachment - a table for poll() that makes a bell wait
 * @table: what poll() knows
 * @bell: the bell
 */
struct attachment {
	poll_table table;
	struct qz_bell *bell;
};

static void attach(struct file *file, wait_queue_head_t *queue,
		   poll_table *table)
{
	struct qz_bell *bell = container_of(table, struct attachment,
					    table)->bell;

	bell->queue = queue;
	add_wait_queue(queue, &bell->waiter);
}

static void set_kick(struct qz_bell *bell, struct file *kick)
{
	struct attachment attachment = { .bell = bell };

	if (bell->kick) {
		remove_wait_queue(bell->queue, &bell->waiter);
		irq_work_sync(&bell->ring);
		fput(bell->kick);
	}
	bell->kick = kick;
	if (!kick)
		return;
	init_poll_funcptr(&attachment.table, attach);
	if (vfs_poll(kick, &attachment.table) & EPOLLIN)
		qz_bell_ring_peer(bell);	/* it was signalled before */
}

/* Return: the bell, or an error pointer. */
static struct qz_bell *find_bell(struct qz_window *window, u32 slot, int kick)
{
	if (slot == QUEZTL_BELL_CHANGES)
		return kick == -1 ? &window->changes : ERR_PTR(-EINVAL);
	if (slot >= window->nslots)
		return ERR_PTR(-ENOENT);
	return &window->slots[slot].bell;
}

/**
 * qz_doorbell_set - replace the eventfds of a bell
 * @window: the caller's window
 * @set: which bell, and what it gets
 *
 * Context: process, without locks.
 * Return: 0 or a negative error, see &struct queztl_window_bell_args.
 */
int qz_doorbell_set(struct qz_window *window,
		    const struct queztl_window_bell_args *set)
{
	struct qz_bell *bell = find_bell(window, set->slot, set->kick);
	struct eventfd_ctx *call = NULL;
	struct file *kick = NULL;

	if (IS_ERR(bell))
		return PTR_ERR(bell);
	if (set->call != -1)
		call = eventfd_ctx_fdget(set->call);
	if (IS_ERR(call))
		return PTR_ERR(call);
	if (set->kick != -1)
		kick = eventfd_fget(set->kick);
	if (IS_ERR(kick)) {
		if (call)
			eventfd_ctx_put(call);
		return PTR_ERR(kick);
	}
	mutex_lock(&window->bells);
	set_call(bell, call);
	set_kick(bell, kick);
	mutex_unlock(&window->bells);
	return 0;
}

void qz_doorbell_init(struct qz_bell *bell)
{
	spin_lock_init(&bell->lock);
	init_waitqueue_func_entry(&bell->waiter, kicked);
	init_irq_work(&bell->ring, ring_now);
}

/* The window has neither a descriptor nor a mapping any more. */
void qz_doorbells_release(struct qz_window *window)
{
	u32 slot;

	for (slot = 0; slot < window->nslots; slot++) {
		set_kick(&window->slots[slot].bell, NULL);
		set_call(&window->slots[slot].bell, NULL);
	}
	set_call(&window->changes, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Waking the owner of a window: who polls its file, and the eventfd of a bell.
 *
 * Who rings is the peer, and its thread makes the wake-up. But the owner decides
 * what waits on its file and its eventfds, and that may be a hundred thousand things.
 * So a thread of somebody else wakes only a few waiters, it is timed, and what is
 * slow is charged to a bucket of the window. While that is in debt a worker wakes.
 * The worker's time is nobody's, so all of it is charged to another bucket, and while
 * that is in debt the worker waits: an owner is late for what it lets wait.
 */

#include <linux/poll.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>

#include "channel.h"
#include "module/trace.h"

struct workqueue_struct *qz_bell_wq;

static struct qz_bell *bell_of(struct qz_window *window, u32 slot)
{
	return slot < window->nslots ? &window->slots[slot].bell :
				       &window->changes;
}

static void charge(struct qz_bucket *bucket, u64 ns, u64 now)
{
	if (qz_bucket_wait(bucket, now) < QZ_SIGNAL_MAX_NS)
		qz_bucket_charge(bucket, now, min_t(u64, ns, NSEC_PER_SEC));
}

/* A worker waits while the window owes it time. */
static void ring_later(struct qz_bell *bell)
{
	struct qz_window *window = bell->window;
	u64 wait = qz_bucket_wait(&window->late_patience, local_clock());

	wait = min_t(u64, wait, QZ_LATE_MAX_NS);
	set_bit(bell->slot, window->late);
	queue_delayed_work(qz_bell_wq, &window->wake,
			   wait ? nsecs_to_jiffies(wait) + 1 : 0);
}

/* Wake who polls the file, or, with a bell, signal that. Return: false: try again. */
static bool ring_late(struct qz_window *window, struct qz_bell *bell)
{
	bool done = true;
	u64 begun, now;

	/* Only what is done here counts. */
	preempt_disable();
	begun = local_clock();
	if (bell)
		done = qz_doorbell_signal(bell);
	else
		wake_up_poll(&window->wait, EPOLLIN | EPOLLRDNORM);
	now = local_clock();
	charge(&window->late_patience, now - begun, now);
	preempt_enable();
	return done;
}

static void ring_in_worker(struct work_struct *work)
{
	struct qz_window *window = container_of(to_delayed_work(work),
						struct qz_window, wake);
	u32 slot;

	ring_late(window, NULL);
	for_each_set_bit(slot, window->late, QHP_SLOTS_MAX + 1)
		if (test_and_clear_bit(slot, window->late) &&
		    !ring_late(window, bell_of(window, slot)))
			ring_later(bell_of(window, slot));
}

static bool has_few_waiters(struct qz_window *window)
{
	unsigned long flags;
	struct list_head *at;
	unsigned int n = 0;

	spin_lock_irqsave(&window->wait.lock, flags);
	list_for_each(at, &window->wait.head)
		if (++n > QZ_BELL_WAITERS)
			break;
	spin_unlock_irqrestore(&window->wait.lock, flags);
	return n <= QZ_BELL_WAITERS;
}

static void ring_here(struct qz_bell *bell)
{
	struct qz_window *window = bell->window;
	u64 begun = local_clock(), now;

	wake_up_poll(&window->wait, EPOLLIN | EPOLLRDNORM);
	if (!qz_doorbell_signal(bell))
		ring_later(bell);
	now = local_clock();
	if (unlikely(now - begun > QZ_SIGNAL_NS))
		charge(&window->patience, now - begun, now);
}

/* Context: any, of anybody, but not inside eventfd_signal(). */
static void ring(struct qz_bell *bell)
{
	struct qz_window *window = bell->window;

	/* Pairs with the barrier in poll_wait(), or that of the one who sleeps. */
	if (!wq_has_sleeper(&window->wait) && !READ_ONCE(bell->call))
		return;
	if (!qz_bucket_wait(&window->patience, local_clock()) &&
	    has_few_waiters(window))
		ring_here(bell);
	else
		ring_later(bell);
}

/* The kernel has changed a slot of this window. */
void qz_bell_changed(struct qz_window *window, u32 slot)
{
	atomic64_or(BIT_ULL(slot), &window->changed);
	ring(&window->changes);
}

/**
 * qz_bell_ring_peer - wake the peer
 * @bell: of the caller's slot
 *
 * Context: any, but not inside eventfd_signal(). The peer's window is freed after a
 * grace period.
 * Return: whether there is a peer.
 */
bool qz_bell_ring_peer(const struct qz_bell *bell)
{
	struct qz_bell *peer;

	rcu_read_lock();
	peer = rcu_dereference(bell->peer);
	if (peer) {
		trace_queztl_bell(bell->window->id, bell->slot,
				  peer->window->id, peer->slot);
		atomic64_or(BIT_ULL(peer->slot), &peer->window->rung);
		ring(peer);
	}
	rcu_read_unlock();
	return peer;
}

/**
 * qz_bell_ring - wake the peer
 * @window: the caller's window
 * @slot: the slot
 *
 * Return: 0; -ENOENT: no such slot; -ENOTCONN: there is no peer.
 */
int qz_bell_ring(struct qz_window *window, u32 slot)
{
	if (slot >= window->nslots)
		return -ENOENT;
	return qz_bell_ring_peer(&window->slots[slot].bell) ? 0 : -ENOTCONN;
}

void qz_bell_take(struct qz_window *window, struct queztl_events *events)
{
	events->rung = atomic64_xchg(&window->rung, 0);
	events->changed = atomic64_xchg(&window->changed, 0);
}

/* The caller has not been told. */
void qz_bell_put_back(struct qz_window *window,
		      const struct queztl_events *events)
{
	atomic64_or(events->rung, &window->rung);
	atomic64_or(events->changed, &window->changed);
	wake_up_poll(&window->wait, EPOLLIN | EPOLLRDNORM);
}

__poll_t qz_bell_poll(struct file *file, struct poll_table_struct *table)
{
	struct qz_window *window = file->private_data;

	poll_wait(file, &window->wait, table);
	/* Pairs with the barrier in wq_has_sleeper(). */
	smp_mb();
	if (atomic64_read(&window->rung) || atomic64_read(&window->changed))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

void qz_bells_init(struct qz_window *window)
{
	u32 slot;

	init_waitqueue_head(&window->wait);
	mutex_init(&window->bells);
	INIT_DELAYED_WORK(&window->wake, ring_in_worker);
	qz_bucket_set(&window->patience, NSEC_PER_SEC / QZ_SIGNAL_SHARE,
		      QZ_SIGNAL_BURST_NS);
	qz_bucket_set(&window->late_patience, NSEC_PER_SEC / QZ_LATE_SHARE,
		      QZ_LATE_BURST_NS);
	for (slot = 0; slot < window->nslots; slot++) {
		window->slots[slot].bell.window = window;
		window->slots[slot].bell.slot = slot;
		qz_doorbell_init(&window->slots[slot].bell);
	}
	window->changes.window = window;
	window->changes.slot = QHP_SLOTS_MAX;
	qz_doorbell_init(&window->changes);
}

/* Nobody rings the window any more. Context: process. */
void qz_bells_end(struct qz_window *window)
{
	cancel_delayed_work_sync(&window->wake);
}

int qz_bell_init(void)
{
	qz_bell_wq = alloc_workqueue("queztl-bell", WQ_UNBOUND, 0);
	return qz_bell_wq ? 0 : -ENOMEM;
}

/*
 * No window has a file any more. One may still be about to be freed, which ends what
 * is late: nothing is queued after the callbacks that rcu_barrier() waits for.
 */
void qz_bell_exit(void)
{
	rcu_barrier();
	destroy_workqueue(qz_bell_wq);
}

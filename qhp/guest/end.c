// SPDX-License-Identifier: GPL-2.0
/*
 * Ends of channels: who has which slot of a window. The directory says what has
 * become of a slot; the host writes it.
 */

#include <linux/jiffies.h>

#include "end.h"
#include "request.h"

/* Slots without an interrupt of their own are looked after so often. */
#define QG_POLL_JIFFIES		DIV_ROUND_UP(HZ, 250)

static bool has_interrupt(struct qg_window *window, u32 slot)
{
	return QHP_VECTOR_SLOT(slot) < window->vectors;
}

/* Only the slots themselves know whether somebody rang: a false alarm does no harm. */
void qg_ends_poll(struct work_struct *work)
{
	struct qg_window *window =
		container_of(to_delayed_work(work), struct qg_window, poll);
	bool again = false;
	u32 slot;

	spin_lock_irq(&window->ends_lock);
	for (slot = window->vectors - 1; slot < window->layout.slots; slot++) {
		struct qg_end *end = window->ends[slot];

		if (!end)
			continue;
		end->notify(end, true);
		again = true;
	}
	spin_unlock_irq(&window->ends_lock);
	if (again)
		schedule_delayed_work(&window->poll, QG_POLL_JIFFIES);
}

static void publish(struct qg_end *end)
{
	struct qg_window *window = end->window;
	struct qg_end *former;

	spin_lock_irq(&window->ends_lock);
	former = window->ends[end->slot];
	/* The host gives a slot anew: then the former end has lost it. */
	if (former) {
		WRITE_ONCE(former->lost, true);
		former->notify(former, false);
	}
	window->ends[end->slot] = end;
	spin_unlock_irq(&window->ends_lock);
	if (!has_interrupt(window, end->slot))
		schedule_delayed_work(&window->poll, QG_POLL_JIFFIES);
}

/**
 * qg_end_open - get one end of a channel
 * @end: the end; its @notify is set
 * @window: of which window
 * @op: QHP_OP_LISTEN or QHP_OP_CONNECT
 * @name: of the channel
 * @bytes: for the former: size of a region, or 0
 *
 * Return: 0, an error of the host, -ETIMEDOUT, -ENODEV or -EINTR.
 */
int qg_end_open(struct qg_end *end, struct qg_window *window, u32 op,
		const char *name, u32 bytes)
{
	struct qg_request request = { .op = op, .name = name, .bytes = bytes };
	int err = qg_ask(window, &request);

	if (err)
		return err;
	end->window = window;
	end->slot = request.slot;
	end->bytes = request.bytes;
	end->generation = READ_ONCE(qg_slot(window, end->slot)->generation);
	end->lost = false;
	publish(end);
	return 0;
}

/* Also when the device is gone. */
static bool forget(struct qg_end *end)
{
	struct qg_window *window = end->window;
	bool ours;

	spin_lock_irq(&window->ends_lock);
	ours = window->ends[end->slot] == end;
	if (ours)
		window->ends[end->slot] = NULL;
	spin_unlock_irq(&window->ends_lock);
	return ours && !READ_ONCE(end->lost);
}

/**
 * qg_end_close - give it back
 * @end: the end
 *
 * The memory of the own region is gone when this returns, if the host answers.
 * Context: the window is not entered; may be gone.
 */
void qg_end_close(struct qg_end *end)
{
	if (forget(end) && qg_window_enter(end->window)) {
		qg_close_slot(end->window, end->slot);
		qg_window_leave(end->window);
	}
}

/**
 * qg_end_state - what has become of it
 * @end: the end
 *
 * Return: &enum qhp_slot_state; QHP_SLOT_FREE: the slot is not ours any more.
 */
u32 qg_end_state(const struct qg_end *end)
{
	const struct qhp_slot *slot = qg_slot(end->window, end->slot);
	u32 state = READ_ONCE(slot->state);

	if (READ_ONCE(end->lost) ||
	    READ_ONCE(slot->generation) != end->generation ||
	    state > QHP_SLOT_REVOKED)
		return QHP_SLOT_FREE;
	return state;
}

void qg_end_ring(const struct qg_end *end)
{
	unsigned int vector = QHP_VECTOR_SLOT(end->slot);

	/* For a slot without a vector the host rings all of those. */
	qg_ring(end->window, vector < end->window->doorbells ?
			     vector : QHP_VECTOR_CONTROL);
}

void *qg_end_own(const struct qg_end *end)
{
	return end->window->memory + qg_region_offset(end->window, end->slot);
}

const void *qg_end_peer(const struct qg_end *end)
{
	return qg_end_own(end) + end->window->layout.region;
}

/* Context: any. */
void qg_ends_notify(struct qg_window *window, u32 slot)
{
	unsigned long flags;

	spin_lock_irqsave(&window->ends_lock, flags);
	if (window->ends[slot])
		window->ends[slot]->notify(window->ends[slot], true);
	spin_unlock_irqrestore(&window->ends_lock, flags);
}

/* Slots below @rung: their state may have changed; the others: they may be rung too. */
static void notify_all(struct qg_window *window, u32 rung)
{
	unsigned long flags;
	u32 slot;

	spin_lock_irqsave(&window->ends_lock, flags);
	for (slot = 0; slot < window->layout.slots; slot++)
		if (window->ends[slot])
			window->ends[slot]->notify(window->ends[slot],
						   slot >= rung);
	spin_unlock_irqrestore(&window->ends_lock, flags);
}

/* The first interrupt: also that of slots which have none. Context: any. */
void qg_ends_told(struct qg_window *window)
{
	notify_all(window, window->vectors - 1);
}

/* Interrupts may have been lost. Context: any. */
void qg_ends_check(struct qg_window *window)
{
	notify_all(window, 0);
}

/* The host has forgotten this guest: nobody has a slot. */
void qg_ends_lose(struct qg_window *window)
{
	u32 slot;

	spin_lock_irq(&window->ends_lock);
	for (slot = 0; slot < window->layout.slots; slot++)
		if (window->ends[slot])
			WRITE_ONCE(window->ends[slot]->lost, true);
	spin_unlock_irq(&window->ends_lock);
	qg_ends_told(window);
}

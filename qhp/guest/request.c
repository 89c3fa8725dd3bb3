// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the host: through the mailbox, one at a time.
 *
 * The host may not answer, or may answer when nobody waits any more: the slot that
 * it then gave is closed. A slot that could not be closed is closed when the host
 * answers again.
 */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "request.h"

/* How long the host may take, and how long when it did not answer before. */
#define QG_ANSWER_JIFFIES	(10 * HZ)
#define QG_SILENT_JIFFIES	HZ

/* Look so often even if no interrupt says so. */
#define QG_LOOK_JIFFIES		DIV_ROUND_UP(HZ, 10)

static struct qhp_mailbox *mailbox(struct qg_window *window)
{
	return window->memory + window->layout.mailbox;
}

static bool is_answered(struct qg_window *window, u32 number)
{
	/* Pairs with the host's release: the rest of the answer is there. */
	return virt_load_acquire(&mailbox(window)->answer.number) == number;
}

/* Not one that a driver before this one used last, or that was answered last. */
static u32 next_number(struct qg_window *window)
{
	do
		window->number++;
	while (!window->number ||
	       window->number == READ_ONCE(mailbox(window)->request.number) ||
	       is_answered(window, window->number));
	return window->number;
}

static void post(struct qg_window *window, const struct qg_request *request,
		 u32 number)
{
	struct qhp_request *posted = &mailbox(window)->request;

	posted->op = request->op;
	posted->slot = request->slot;
	posted->bytes = request->bytes;
	memset(posted->name, 0, sizeof(posted->name));
	if (request->name)
		strscpy(posted->name, request->name, sizeof(posted->name));
	/* Pairs with the host's acquire. */
	virt_store_release(&posted->number, number);
	qg_ring(window, QHP_VECTOR_CONTROL);
}

static bool may_stop_waiting(struct qg_window *window, u32 number)
{
	return is_answered(window, number) || READ_ONCE(window->going);
}

/* Who gives something back cannot be interrupted. */
static int wait_for_answer(struct qg_window *window, u32 number, bool killable)
{
	unsigned long end = jiffies + (window->silent ? QG_SILENT_JIFFIES :
						       QG_ANSWER_JIFFIES);

	while (!may_stop_waiting(window, number) && time_before(jiffies, end)) {
		long left = QG_LOOK_JIFFIES;

		if (!killable)
			wait_event_timeout(window->answered,
					   may_stop_waiting(window, number),
					   left);
		else if (wait_event_killable_timeout(window->answered,
						     may_stop_waiting(window,
								      number),
						     left) < 0)
			return -EINTR;
	}
	if (is_answered(window, number))
		return 0;
	return READ_ONCE(window->going) ? -ENODEV : -ETIMEDOUT;
}

static bool is_region_size(const struct qg_window *window, u32 bytes)
{
	return bytes >= QHP_REGION_MIN && bytes <= window->layout.region &&
	       is_power_of_2(bytes);
}

static int read_answer(struct qg_window *window, struct qg_request *request)
{
	const struct qhp_answer *answer = &mailbox(window)->answer;
	int err = READ_ONCE(answer->error);

	if (err)
		return err < 0 && err >= -MAX_ERRNO ? err : -EPROTO;
	if (request->op != QHP_OP_LISTEN && request->op != QHP_OP_CONNECT)
		return 0;
	request->slot = READ_ONCE(answer->slot);
	request->bytes = READ_ONCE(answer->bytes);
	if (request->slot < window->layout.slots &&
	    is_region_size(window, request->bytes))
		return 0;
	pci_err(window->pdev, "the host answers with slot %u, %u bytes\n",
		request->slot, request->bytes);
	return -EPROTO;
}

static void note_silence(struct qg_window *window, u32 op, int err)
{
	if (err == -ETIMEDOUT && !window->silent)
		pci_err(window->pdev, "the host does not answer request %u: does `queztl window serve` run?\n",
			op);
	if (!err && window->silent)
		pci_info(window->pdev, "the host answers again\n");
	if (!err || err == -ETIMEDOUT)
		window->silent = !!err;
}

static int ask_locked(struct qg_window *window, struct qg_request *request,
		      bool killable)
{
	u32 number;
	int err;

	if (window->left)
		return -ENODEV;
	number = next_number(window);
	post(window, request, number);
	err = wait_for_answer(window, number, killable);
	note_silence(window, request->op, err);
	if (!err)
		return read_answer(window, request);
	window->abandoned = number;
	window->abandoned_op = request->op;
	return err;
}

/* Was a slot given to one who had gone? */
static void look_at_abandoned(struct qg_window *window)
{
	struct qg_request late = { .op = window->abandoned_op };

	if (!window->abandoned || !is_answered(window, window->abandoned))
		return;
	window->abandoned = 0;
	note_silence(window, late.op, 0);
	if ((late.op == QHP_OP_LISTEN || late.op == QHP_OP_CONNECT) &&
	    !read_answer(window, &late))
		window->closing |= BIT_ULL(late.slot);
}

/* Return: 0, or an error: some are not closed, and may be given anew any time. */
static int close_locked(struct qg_window *window)
{
	while (window->closing) {
		struct qg_request close = {
			.op = QHP_OP_CLOSE,
			.slot = __ffs64(window->closing),
		};
		int err = ask_locked(window, &close, false);

		if (err == -ETIMEDOUT || err == -ENODEV)
			return err;
		window->closing &= ~BIT_ULL(close.slot);
	}
	return 0;
}

/*
 * A request that nobody waits for any more may still be answered: a new one would
 * hide that. A host that lives takes no time for it, for another one we go on.
 */
static int settle(struct qg_window *window)
{
	u32 number = window->abandoned;

	if (number)
		wait_event_timeout(window->answered,
				   may_stop_waiting(window, number),
				   QG_SILENT_JIFFIES);
	look_at_abandoned(window);
	return close_locked(window);
}

/**
 * qg_ask - make a request
 * @window: the window
 * @request: in and out
 *
 * Return: 0, or an error: the host's, -ETIMEDOUT: it did not answer, -EINTR: the
 * task is being killed, -ENODEV: the device goes, -EPROTO: an impossible answer.
 */
int qg_ask(struct qg_window *window, struct qg_request *request)
{
	int err = mutex_lock_killable(&window->asking);

	if (err)
		return err;
	err = settle(window);
	if (!err)
		err = ask_locked(window, request, true);
	mutex_unlock(&window->asking);
	return err;
}

static int reset_locked(struct qg_window *window)
{
	struct qg_request request = { .op = QHP_OP_RESET };
	int err = ask_locked(window, &request, false);

	if (!err) {
		window->abandoned = 0;
		window->closing = 0;
	}
	return err;
}

/**
 * qg_reset - close all slots
 * @window: the window
 *
 * Return: like qg_ask().
 */
int qg_reset(struct qg_window *window)
{
	int err;

	mutex_lock(&window->asking);
	err = reset_locked(window);
	mutex_unlock(&window->asking);
	return err;
}

/**
 * qg_leave - close all slots, and let nobody get one any more
 * @window: the window
 *
 * Without the latter a link worker would make its channel anew, and the peer would
 * never hear that this kernel has ended.
 */
void qg_leave(struct qg_window *window)
{
	mutex_lock(&window->asking);
	reset_locked(window);
	window->left = true;
	mutex_unlock(&window->asking);
}

/**
 * qg_close_slot - close a slot
 * @window: the window
 * @slot: the slot
 */
void qg_close_slot(struct qg_window *window, u32 slot)
{
	mutex_lock(&window->asking);
	window->closing |= BIT_ULL(slot);
	settle(window);
	mutex_unlock(&window->asking);
}

/* After an answer that may have come late. */
static void look_after_requests(struct work_struct *work)
{
	struct qg_window *window = container_of(work, struct qg_window, changed);

	mutex_lock(&window->asking);
	look_at_abandoned(window);
	if (!window->silent)
		close_locked(window);
	mutex_unlock(&window->asking);
}

void qg_requests_init(struct qg_window *window)
{
	mutex_init(&window->asking);
	init_waitqueue_head(&window->answered);
	INIT_WORK(&window->changed, look_after_requests);
}

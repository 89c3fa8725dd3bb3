// SPDX-License-Identifier: GPL-2.0
/* /dev/qhp: a channel for each descriptor. uapi/linux/queztl_qhp.h has the rules. */

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev.h"

union qg_argument {
	struct {
		u32 size;
		u32 flags;
	} head;
	struct qhp_open open;
	struct qhp_events events;
};

static void notify(struct qg_end *end, bool rung)
{
	struct qg_file *file = container_of(end, struct qg_file, end);

	if (rung)
		WRITE_ONCE(file->rung, true);
	wake_up_poll(&file->wait, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/* The size is in the structure, not in the number of the call: it may grow. */
static int copy_in(union qg_argument *arg, const void __user *user, size_t known)
{
	u32 size;
	int err;

	if (get_user(size, (const u32 __user *)user))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < known)
		return -EINVAL;
	err = copy_struct_from_user(arg, known, user, size);
	if (err)
		return err;
	/* Another thread may have changed it since it was read. */
	return arg->head.size != size || arg->head.flags ? -EINVAL : 0;
}

static int open_locked(struct qg_file *file, u32 op, struct qhp_open *open)
{
	int err;

	if (strnlen(open->name, sizeof(open->name)) == sizeof(open->name))
		return -EINVAL;
	if (file->is_open)
		return -EISCONN;
	err = qg_end_open(&file->end, file->window, op, open->name,
			  op == QHP_OP_LISTEN ? open->bytes : 0);
	if (err)
		return err;
	file->told = op == QHP_OP_LISTEN ? QHP_SLOT_LISTENING :
					   QHP_SLOT_CONNECTED;
	/* The listener may have rung before there was an end to be rung. */
	if (op == QHP_OP_CONNECT)
		WRITE_ONCE(file->rung, true);
	/* Others look without the lock: what they find is complete. */
	smp_store_release(&file->is_open, true);
	open->slot = file->end.slot;
	open->bytes = file->end.bytes;
	return 0;
}

static int open_channel(struct qg_file *file, u32 op, struct qhp_open *open)
{
	int err = mutex_lock_killable(&file->lock);

	if (err)
		return err;
	err = open_locked(file, op, open);
	mutex_unlock(&file->lock);
	return err;
}

static int tell_events(struct qg_file *file, struct qhp_events *events)
{
	int err = mutex_lock_killable(&file->lock);

	if (err)
		return err;
	if (!file->is_open) {
		mutex_unlock(&file->lock);
		return -ENOTCONN;
	}
	/* What comes after this is told the next time. */
	events->rung = xchg(&file->rung, false);
	events->state = qg_end_state(&file->end);
	WRITE_ONCE(file->told, events->state);
	mutex_unlock(&file->lock);
	return 0;
}

static int ring_peer(struct qg_file *file)
{
	/* Pairs with open_locked(). */
	if (!smp_load_acquire(&file->is_open) ||
	    qg_end_state(&file->end) != QHP_SLOT_CONNECTED)
		return -ENOTCONN;
	qg_end_ring(&file->end);
	return 0;
}

static int call(struct qg_file *file, unsigned int cmd, union qg_argument *arg)
{
	switch (cmd) {
	case QHP_LISTEN:
		return open_channel(file, QHP_OP_LISTEN, &arg->open);
	case QHP_CONNECT:
		return open_channel(file, QHP_OP_CONNECT, &arg->open);
	case QHP_EVENTS:
		return tell_events(file, &arg->events);
	default:
		return ring_peer(file);
	}
}

/* The caller's memory is touched without @live: faults in it take that. */
static int enter_and_call(struct qg_file *file, unsigned int cmd,
			  union qg_argument *arg)
{
	int ret;

	if (!qg_window_enter(file->window))
		return -ENODEV;
	ret = call(file, cmd, arg);
	qg_window_leave(file->window);
	return ret;
}

static size_t argument_size(unsigned int cmd)
{
	return cmd == QHP_EVENTS ? sizeof(struct qhp_events) :
				   sizeof(struct qhp_open);
}

static long qg_ioctl(struct file *filp, unsigned int cmd, unsigned long ptr)
{
	void __user *user = (void __user *)ptr;
	union qg_argument arg;
	int err;

	if (cmd == QHP_RING)
		return enter_and_call(filp->private_data, cmd, NULL);
	if (cmd != QHP_LISTEN && cmd != QHP_CONNECT && cmd != QHP_EVENTS)
		return -ENOTTY;
	err = copy_in(&arg, user, argument_size(cmd));
	if (err)
		return err;
	err = enter_and_call(filp->private_data, cmd, &arg);
	if (err)
		return err;
	return copy_to_user(user, &arg, argument_size(cmd)) ? -EFAULT : 0;
}

static __poll_t events_of(struct qg_file *file)
{
	__poll_t events = 0;
	u32 state;

	/* Pairs with open_locked(). */
	if (!smp_load_acquire(&file->is_open))
		return 0;
	state = qg_end_state(&file->end);
	if (READ_ONCE(file->rung) || state != READ_ONCE(file->told))
		events |= EPOLLIN | EPOLLRDNORM;
	if (state != QHP_SLOT_LISTENING && state != QHP_SLOT_CONNECTED)
		events |= EPOLLHUP;
	return events;
}

static __poll_t qg_poll(struct file *filp, struct poll_table_struct *table)
{
	struct qg_file *file = filp->private_data;
	__poll_t events;

	poll_wait(filp, &file->wait, table);
	if (!qg_window_enter(file->window))
		return EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	events = events_of(file);
	qg_window_leave(file->window);
	return events;
}

/* No new one can come: misc_open() and misc_deregister() exclude each other. */
static int qg_open(struct inode *inode, struct file *filp)
{
	struct qg_window *window =
		container_of(filp->private_data, struct qg_window, misc);
	struct qg_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	init_waitqueue_head(&file->wait);
	kref_get(&window->ref);
	file->window = window;
	file->file = filp;
	file->end.notify = notify;
	mutex_lock(&window->files_lock);
	list_add(&file->node, &window->files);
	mutex_unlock(&window->files_lock);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

/* Its mappings are gone: each of them has a reference to the file. */
static int qg_release(struct inode *inode, struct file *filp)
{
	struct qg_file *file = filp->private_data;
	struct qg_window *window = file->window;

	mutex_lock(&window->files_lock);
	list_del(&file->node);
	mutex_unlock(&window->files_lock);
	if (file->is_open)
		qg_end_close(&file->end);
	kfree(file);
	qg_window_put(window);
	return 0;
}

/*
 * The window is gone, and its files are not: take their memory away and wake who
 * waits.
 */
void qg_files_forsake(struct qg_window *window)
{
	struct qg_file *file;

	mutex_lock(&window->files_lock);
	list_for_each_entry(file, &window->files, node) {
		unmap_mapping_range(file->file->f_mapping, 0, 0, 1);
		wake_up_poll(&file->wait, EPOLLERR | EPOLLHUP | EPOLLIN);
	}
	mutex_unlock(&window->files_lock);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = qg_open,
	.release = qg_release,
	.unlocked_ioctl = qg_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = qg_poll,
	.mmap = qg_mmap,
};

/* The first window has the short name. */
int qg_chardev_register(struct qg_window *window)
{
	if (window->id)
		snprintf(window->misc_name, sizeof(window->misc_name), "qhp%d",
			 window->id);
	else
		strscpy(window->misc_name, "qhp", sizeof(window->misc_name));
	window->misc.minor = MISC_DYNAMIC_MINOR;
	window->misc.name = window->misc_name;
	window->misc.fops = &operations;
	window->misc.parent = &window->pdev->dev;
	return misc_register(&window->misc);
}

void qg_chardev_deregister(struct qg_window *window)
{
	misc_deregister(&window->misc);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Captures: a descriptor from which one reads what a port sends and receives. It
 * ends with the descriptor. The data path wakes nobody, so while the descriptor is
 * open somebody looks every QZ_CAPTURE_LOOK_MS whether there is anything to read.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "admin/admin.h"
#include "module/ioctl.h"
#include "path/capture.h"

/**
 * struct reading - an open descriptor
 * @capture: what the data path writes to
 * @port: the port, with a reference
 * @lock: one reader at a time
 * @wait: who waits for something to read
 * @look: wakes them
 */
struct reading {
	struct qz_capture capture;
	struct qz_port *port;
	struct mutex lock;	/* see above */
	wait_queue_head_t wait;
	struct delayed_work look;
};

/*
 * False while the next record is being written: a reader then sleeps, and is woken
 * by look(), instead of waiting on its CPU for a thread of a VM.
 */
static bool may_read(const struct reading *r)
{
	return qz_recording_ready(&r->capture.rec);
}

static bool is_over(const struct reading *r)
{
	return READ_ONCE(r->port->deleted);
}

/* Process context, a work item. */
static void look(struct work_struct *work)
{
	struct reading *r = container_of(work, struct reading, look.work);

	if ((may_read(r) || is_over(r)) && wq_has_sleeper(&r->wait))
		wake_up_interruptible(&r->wait);
	schedule_delayed_work(&r->look, msecs_to_jiffies(QZ_CAPTURE_LOOK_MS));
}

/* r->lock held. Return: bytes that were read, or why none were. */
static ssize_t read_records(struct reading *r, char __user *to, size_t room)
{
	struct qz_record *record;
	size_t done = 0, size;

	while ((record = qz_recording_next(&r->capture.rec))) {
		size = record->room - sizeof(*record);
		if (size > room - done)
			return done ?: -EMSGSIZE;
		if (copy_to_user(to + done, record->data, size))
			return done ?: -EFAULT;
		qz_recording_release(&r->capture.rec, record);
		done += size;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

/* Process context, may sleep. */
static ssize_t capture_read(struct file *file, char __user *to, size_t room,
			    loff_t *pos)
{
	struct reading *r = file->private_data;
	ssize_t ret;

	for (;;) {
		if (mutex_lock_interruptible(&r->lock))
			return -ERESTARTSYS;
		ret = read_records(r, to, room);
		mutex_unlock(&r->lock);
		if (ret || is_over(r))
			return ret;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(r->wait, may_read(r) || is_over(r));
		if (ret)
			return ret;
	}
}

static __poll_t capture_poll(struct file *file, poll_table *table)
{
	struct reading *r = file->private_data;

	poll_wait(file, &r->wait, table);
	return (may_read(r) ? EPOLLIN | EPOLLRDNORM : 0) |
	       (is_over(r) ? EPOLLHUP : 0);
}

/* Process context, nobody captures any more. */
static void free_reading(struct reading *r)
{
	qz_port_put(r->port);
	vfree(r->capture.rec.data);
	kfree(r);
}

/* No lock held, may sleep. */
static void end_reading(struct reading *r)
{
	mutex_lock(&r->port->fabric->lock);
	qz_port_set_special(r->port, QZ_PORT_CAPTURED, 0);
	rcu_assign_pointer(r->port->capture, NULL);
	mutex_unlock(&r->port->fabric->lock);
	qz_gate_wait();
	cancel_delayed_work_sync(&r->look);
	free_reading(r);
}

static int capture_release(struct inode *inode, struct file *file)
{
	end_reading(file->private_data);
	return 0;
}

static const struct file_operations capture_fops = {
	.owner		= THIS_MODULE,
	.read		= capture_read,
	.poll		= capture_poll,
	.release	= capture_release,
	.llseek		= noop_llseek,
};

/* Return: what free_reading() frees, or NULL. */
static struct reading *alloc_reading(u32 snaplen, u32 bytes)
{
	struct reading *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return NULL;
	r->capture.rec.size = bytes;
	r->capture.rec.data = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!r->capture.rec.data) {
		kfree(r);
		return NULL;
	}
	r->capture.snaplen = snaplen;
	spin_lock_init(&r->capture.lock);
	mutex_init(&r->lock);
	init_waitqueue_head(&r->wait);
	INIT_DELAYED_WORK(&r->look, look);
	return r;
}

/* Takes the reference on the port if it succeeds. */
static int begin_reading(struct reading *r, struct qz_port *port)
{
	int err = 0;

	mutex_lock(&port->fabric->lock);
	if (!port->attached)
		err = -ENOENT;
	else if (rcu_access_pointer(port->capture))
		err = -EBUSY;
	if (!err) {
		rcu_assign_pointer(port->capture, &r->capture);
		qz_port_set_special(port, QZ_PORT_CAPTURED, QZ_PORT_CAPTURED);
	}
	mutex_unlock(&port->fabric->lock);
	if (err)
		return err;
	r->port = port;
	schedule_delayed_work(&r->look, 0);
	return 0;
}

static int publish_reading(struct qz_call *call, struct reading *r)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[queztl-capture]", &capture_fops, r, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	call->fd = fd;
	call->publish = file;
	return 0;
}

static bool is_valid(const struct queztl_port_capture_args *arg)
{
	return is_power_of_2(arg->bytes) && arg->bytes >= QUEZTL_CAPTURE_BYTES_MIN &&
	       arg->bytes <= QUEZTL_CAPTURE_BYTES_MAX &&
	       arg->snaplen <= QUEZTL_CAPTURE_SNAPLEN_MAX;
}

/* A call, see &struct queztl_port_capture_args; process context, may sleep. */
int qz_capture_open(struct qz_call *call)
{
	struct queztl_port_capture_args *arg = call->arg;
	struct qz_port *port;
	struct reading *r;
	int err;

	arg->bytes = arg->bytes ?: QUEZTL_CAPTURE_BYTES;
	arg->snaplen = arg->snaplen ?: QUEZTL_CAPTURE_SNAPLEN_MAX;
	if (!is_valid(arg))
		return -EINVAL;
	r = alloc_reading(arg->snaplen, arg->bytes);
	if (!r)
		return -ENOMEM;
	port = qz_port_get(arg->id);
	err = port ? begin_reading(r, port) : -ENOENT;
	if (err) {
		qz_port_put(port);
		free_reading(r);
		return err;
	}
	err = publish_reading(call, r);
	if (err)
		end_reading(r);
	arg->fd = call->fd;
	return err;
}

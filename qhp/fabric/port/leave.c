// SPDX-License-Identifier: GPL-2.0
/*
 * How a deleted port leaves the bus.
 *
 * A deleted port is silent at once, but a process that has it open keeps the
 * device: vhost-vdpa's remove() waits until it is closed. `vdpa dev del` runs
 * under vDPA's own lock, for which every other command waits, so it must not wait
 * with it. It leaves the rest to a work item, which takes the device off the bus
 * once no process has it open. Until then the device is dead: it keeps its name,
 * its process and its place in the list of ports, and nothing else.
 *
 * A process has a port open from vhost-vdpa's open() to its release(), of which
 * we hear something, but not all: see unpin_module(). So the work item may meet a
 * process that keeps the port open, and then it waits, and nobody for it.
 */

#include <linux/workqueue.h>

#include "port/port.h"

struct workqueue_struct *qz_leave_wq;

/* port->lock held. */
static bool is_open(const struct qz_port *port)
{
	return port->pinned && rcu_access_pointer(port->opener);
}

/**
 * qz_leave_check - a deleted port that nobody has open leaves the bus
 * @port: the port, which may be neither
 *
 * To be called when either may have become true. What is decided here is not
 * taken back: a process that opens the port from now on is waited for by
 * vhost-vdpa.
 *
 * Context: process, port->lock held.
 */
void qz_leave_check(struct qz_port *port)
{
	lockdep_assert_held(&port->lock);
	if (!port->deleted || port->leaving || is_open(port))
		return;
	port->leaving = true;
	queue_work(qz_leave_wq, &port->leave);
}

/**
 * qz_leave_begin - stop a port for good, and have it leave the bus
 * @port: the port, which is no longer attached; the caller has a reference
 *
 * When this returns no frame comes from the port or goes to it. Usually it has
 * left the bus as well; for a process that has it open nobody waits longer than
 * QZ_LEAVE_MS.
 *
 * Context: process, may sleep; vdpa_dev_lock held.
 */
void qz_leave_begin(struct qz_port *port)
{
	unsigned int ms = QZ_LEAVE_MS;

	mutex_lock(&port->lock);
	WRITE_ONCE(port->deleted, true);
	qz_port_stop(port);
	qz_port_start(port);	/* its control queue alone: see is_used() */
	if (port->pinned && !is_open(port))	/* the kernel's own driver */
		ms = QZ_LEAVE_KERNEL_MS;
	qz_leave_check(port);
	mutex_unlock(&port->lock);
	wait_for_completion_timeout(&port->left, msecs_to_jiffies(ms));
}

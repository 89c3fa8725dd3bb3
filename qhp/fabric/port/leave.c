// SPDX-License-Identifier: GPL-2.0
/*
 * How a deleted port leaves the bus.
 *
 * A deleted port is silent at once: nobody finds it, and whoever runs its rings
 * sees inside the gate that it is deleted. But port->lock may be held by a
 * thread of its VMM that gets no CPU, and a process that has the port open
 * keeps the device: vhost-vdpa's remove() waits until it is closed. `vdpa dev
 * del` runs under vDPA's own lock, for which every other command waits, so it
 * must not wait while it holds that. It leaves the rest to work items: one
 * stops the port, the other takes the device off the bus once no process has it
 * open. Until then the device is dead: it keeps its name, its process and its
 * place in the list of ports, and nothing else.
 *
 * A process has a port open from vhost-vdpa's open() to its release(), of which
 * the module sees something, but not all: see unpin_module(). So the work item
 * may find that a process keeps the port open. Then it waits, and nobody waits
 * for it.
 */

#include <linux/workqueue.h>

#include "path/waiter.h"
#include "port/port.h"

struct workqueue_struct *qz_leave_wq;

/* port->lock held. */
static bool is_open(const struct qz_port *port)
{
	return port->pinned && READ_ONCE(port->opener);
}

/**
 * qz_leave_check - a deleted port that nobody has open leaves the bus
 * @port: the port, which may not be deleted, or may be open
 *
 * To be called when it was deleted, or may have been closed. What is decided here
 * is not taken back: if a process opens the port from now on, vhost-vdpa waits for
 * it.
 *
 * Context: process, port->lock held.
 */
void qz_leave_check(struct qz_port *port)
{
	lockdep_assert_held(&port->lock);
	if (!READ_ONCE(port->deleted) || port->leaving || is_open(port))
		return;
	port->leaving = true;
	queue_work(qz_leave_wq, &port->leave);
}

/* May wait for a thread of the VMM that holds port->lock. */
static void silence_port(struct work_struct *work)
{
	struct qz_port *port = container_of(work, struct qz_port, silence);
	struct qz_waiter waiter;

	qz_waiter_begin(&waiter);
	mutex_lock(&port->lock);
	qz_waiter_end(&waiter);
	qz_port_stop(port);
	qz_port_start(port);	/* only its control queue: see is_used() */
	qz_leave_check(port);
	mutex_unlock(&port->lock);
	put_device(&port->vdpa.dev);
}

/* Without the lock: a process that is just closing the port is soon gone. */
static bool is_the_kernels(const struct qz_port *port)
{
	return smp_load_acquire(&port->pinned) &&	/* as in pin_module() */
	       !READ_ONCE(port->opener);
}

/**
 * qz_leave_begin - stop a port for good, and have it leave the bus
 * @port: the port: deleted and detached, with a wait for the gate since then;
 *	the caller has a reference
 *
 * Usually it has left the bus when this returns. If a process has it open, or
 * holds its lock, nobody waits for that longer than QZ_LEAVE_MS.
 *
 * Context: process, may sleep; vdpa_dev_lock held.
 */
void qz_leave_begin(struct qz_port *port)
{
	unsigned int ms = is_the_kernels(port) ? QZ_LEAVE_KERNEL_MS :
						 QZ_LEAVE_MS;

	get_device(&port->vdpa.dev);	/* it may leave before it is stopped */
	INIT_WORK(&port->silence, silence_port);
	queue_work(qz_leave_wq, &port->silence);
	wait_for_completion_timeout(&port->left, msecs_to_jiffies(ms));
}

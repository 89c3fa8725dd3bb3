// SPDX-License-Identifier: GPL-2.0
/* Lines in the kernel's log about ports that broke: see complain.h. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "path/port.h"

static const char *describe_break(enum qz_break why)
{
	switch (why) {
	case QZ_BREAK_TX:
		return "its send ring is malformed";
	case QZ_BREAK_RX:
		return "its receive ring is malformed";
	case QZ_BREAK_CTRL:
		return "its control ring is malformed";
	case QZ_BREAK_NO_MEMORY:
		return "out of memory for its rings";
	case QZ_BREAK_NO_WORKER:
		return "its process could start no thread for it";
	default:
		return "unknown";
	}
}

void qz_complain_init(struct qz_complaint *complaint)
{
	ratelimit_state_init(&complaint->limit, QZ_COMPLAIN_S * HZ,
			     QZ_COMPLAIN_BURST);
	/* Else it would log how many lines it left out. */
	ratelimit_set_flags(&complaint->limit, RATELIMIT_MSG_ON_RELEASE);
}

/* The port's worker is to log it, or its next reset. Any context. */
void qz_complain_later(struct qz_complaint *complaint, enum qz_break why)
{
	atomic_set(&complaint->why, why);
}

/**
 * qz_complain_here - log what is to be logged, once
 * @port: the port
 *
 * Context: process, a thread of the port's process or of the host.
 */
void qz_complain_here(struct qz_port *port)
{
	struct qz_complaint *complaint = &port->complaint;
	enum qz_break why;

	if (likely(!atomic_read(&complaint->why)))
		return;
	why = atomic_xchg(&complaint->why, QZ_BREAK_SILENT);
	if (why != QZ_BREAK_SILENT && __ratelimit(&complaint->limit))
		pr_warn("port %s broken: %s\n", dev_name(&port->vdpa.dev),
			describe_break(why));
}

// SPDX-License-Identifier: GPL-2.0
/* A port stops: its driver wrote nonsense, or nobody can run its rings. */

#include "path/port.h"

/*
 * The port is down until it is reset. A ring that is being started meanwhile is
 * not missed: see qz_vq_start(). Its driver is told by its own worker.
 *
 * Context: any; possibly with a receiving queue's lock held.
 */
void qz_port_break(struct qz_port *port, enum qz_break why)
{
	int i;

	if (!READ_ONCE(port->broken))	/* others may notice it, too */
		qz_complain_later(&port->complaint, why);
	WRITE_ONCE(port->broken, true);
	smp_mb();	/* broken before live, as in qz_vq_start() */
	for (i = 0; i < port->nvqs; i++)
		WRITE_ONCE(port->vqs[i]->live, false);
	qz_signal_config(port);
}

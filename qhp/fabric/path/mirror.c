// SPDX-License-Identifier: GPL-2.0
/*
 * Mirrors: copies of what a port sends and receives, delivered to another port. The
 * thread that serves the sender's ring makes them, after the frame was delivered, as
 * it would deliver to one more receiver. What a copy may cost has a limit of its own
 * (QZ_MIRROR_WORK), and nobody waits for a mirror: what it cannot take is dropped,
 * and counted there.
 *
 * A mirror gets copies only while the port may send to it, so a change of the policy
 * needs no change of the mirrors.
 *
 * Context of everything here: process or softirq, inside a slice (see run.c).
 */

#include "path/capture.h"
#include "path/run.h"

/* The mirror of a port if it is to get a copy of what the run's port sends. */
static struct qz_port *mirror_of(const struct qz_run *run,
				 const struct qz_port *port)
{
	struct qz_port *mirror = qz_gate_dereference(port->mirror);

	if (!mirror || mirror == run->port)
		return NULL;	/* what it sends itself is not copied to it */
	return qz_reach_has(qz_reach_of(port), mirror) ? mirror : NULL;
}

/* As qz_receive(), but neither VLANs nor filters nor the run's budget matter. */
static void put_copy(struct qz_run *run, struct qz_port *mirror,
		     struct qz_frame *frame)
{
	struct qz_capture *capture = qz_gate_dereference(mirror->capture);
	int ret;

	run->delivered = false;
	ret = qz_receive(run, mirror, frame);
	if (ret == -EINPROGRESS)	/* segments are left that cost too much */
		qz_receive_drop(run, mirror, QUEZTL_DROP_NO_SPACE, frame);
	if (capture && run->delivered)
		qz_capture_received(run, capture, frame);
}

/**
 * qz_mirror - copy a frame to the mirror of its sender or of a receiver, if any
 * @run: the run; no receiver's queue is locked afterwards
 * @port: the port that has sent or received it
 * @frame: the frame, delivered, as @port has it
 */
void qz_mirror(struct qz_run *run, const struct qz_port *port,
	       struct qz_frame *frame)
{
	struct qz_port *mirror = mirror_of(run, port);
	struct qz_resume resume = run->txq->resume;
	int work = run->work;

	if (!mirror)
		return;
	qz_receive_end(run);
	if (READ_ONCE(mirror->special) & QZ_PORT_LINK_DOWN) {
		qz_receive_drop(run, mirror, QUEZTL_DROP_LINK_DOWN, frame);
		return;
	}
	run->packets--;
	run->work = QZ_MIRROR_WORK;
	run->may_wait = false;
	run->copies = true;
	put_copy(run, mirror, frame);
	qz_receive_end(run);
	run->copies = false;
	run->work = work - (QZ_MIRROR_WORK - run->work);
	run->txq->resume = resume;	/* of the frame itself */
}

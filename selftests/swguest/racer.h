/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that does everything at once, in a process of its own that may be killed at any moment: one thread sends and
 * receives, others kick, change the memory map, and reset, suspend, disable and rewire the port under its feet.
 */
#ifndef QUEZTL_RACER_H
#define QUEZTL_RACER_H

#include <stdbool.h>
#include <stdint.h>

enum racer_op {
	RACER_NOTHING, RACER_RESET, RACER_RESTART, RACER_UNMAP, RACER_REMAP, RACER_SUSPEND, RACER_RESUME, RACER_DISABLE,
	RACER_ENABLE, RACER_CALL_OFF, RACER_CALL_ON, RACER_KICK_OFF, RACER_KICK_ON, RACER_ASK, RACER_VM, RACER_OPS
};

extern const char *const racer_op_names[RACER_OPS];

struct racer_report {			/* shared with the parent; it outlives the process */
	uint64_t done[RACER_OPS];
	uint64_t kicks, kicks_during[RACER_OPS];	/* kicks that began and ended inside one such call */
	uint64_t sent, received, broken, confused;
	bool ready, stop;
	char why[160];
};

/* Until report->stop. The port's name and address number, and numbers to send to. */
void racer_run(struct racer_report *report, const char *name, int number, const int peers[], int npeers, uint64_t seed);

#endif

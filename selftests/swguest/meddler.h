/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An administrator who cannot leave ports alone: while they are used he moves them between VLANs, gives them addresses and
 * takes these away, pulls their cable, and captures their frames.
 */
#ifndef QUEZTL_MEDDLER_H
#define QUEZTL_MEDDLER_H

#include "mutate.h"

/* One change of a port, which may be none of the fabric any more. What could not be done is told by meddle_tell(). */
void meddle(struct mutator *mutator, const char *port);
/* As if nobody had touched it. */
void meddle_undo(const char *port);
void meddle_tell(void);

/*
 * Readers of captures, of whichever of the @count ports they find free: some read all the time, some never, some are
 * processes and are killed. What they read is checked. Between two captures each pauses for @pause_us at most.
 */
void readers_start(int readers, int pause_us, const char *const ports[], int count, uint64_t seed);
void readers_end(void);

#endif

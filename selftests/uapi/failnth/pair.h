/* SPDX-License-Identifier: GPL-2.0 */
/* Two guests of the fabric qtlan. The second is the victim of the errors: whatever became of it, both work again. */
#ifndef QUEZTL_PAIR_H
#define QUEZTL_PAIR_H

#include "world.h"

#define PAGE		4096

extern struct member *pair[2];
extern __u32 seed;		/* of the last frame */

void expect_lan_works(void);

/* The victim has not started, and its rings have to be mapped. */
void make_scattered_pair(void);
void start_victim(void);
/* Whatever went wrong: after a reset it works. */
void expect_victim_recovers(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* qz_delays.ko, which holds the race windows of queztl.ko open. */
#ifndef QUEZTL_DELAYS_H
#define QUEZTL_DELAYS_H

#include <stdbool.h>

bool delays_load(const char *options);	/* false: it was not built */
unsigned long long delays_tell(void);	/* how many there were */
int delays_unload(void);		/* 0, or -1 and errno */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_BUSIEST_H
#define QUEZTL_BUSIEST_H

#include "snapshot.h"

/*
 * The n ports that sent and received the most frames, since before if that is not
 * NULL, the busiest first; and no VMs. Free it as any snapshot.
 */
struct snapshot choose_busiest(const struct snapshot *before,
			       const struct snapshot *now, size_t n);

#endif /* QUEZTL_BUSIEST_H */

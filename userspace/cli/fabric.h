/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_FABRIC_H
#define QUEZTL_FABRIC_H

#include <stdint.h>

struct cli;

/* The name of a mode. A newer module may set bits that are unknown here. */
const char *describe_mode(uint32_t mode);

int fail_no_fabric(struct cli *cli, const char *name);

#endif /* QUEZTL_FABRIC_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_CONFIG_KERNEL_H
#define QUEZTL_CONFIG_KERNEL_H

#include "config.h"
#include "snapshot.h"

/*
 * What one port of the kernel's has, except MIGRATABLE, which does not change and
 * is asked of vDPA. Returns 0 or -errno; then some settings are missing.
 */
int read_port_settings(int fd, const struct snapshot *shot,
		       const struct port *port, struct object *object);

#endif /* QUEZTL_CONFIG_KERNEL_H */

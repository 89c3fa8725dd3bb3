/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PORTDEV_H
#define QUEZTL_PORTDEV_H

#include "process.h"

/*
 * What the driver of a port made of it: vhost-vdpa-N (in /dev, for a VM) or
 * the host's network device; "" when no driver has it.
 */
void read_port_device(const char *port, char device[NAME_ROOM]);

#endif /* QUEZTL_PORTDEV_H */

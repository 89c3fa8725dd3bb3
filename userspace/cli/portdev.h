/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PORTDEV_H
#define QUEZTL_PORTDEV_H

#include "process.h"

/*
 * The device that the driver of a port created: vhost-vdpa-N (in /dev, for a
 * VM) or a network device of the host; "" if the port has no driver.
 */
void read_port_device(const char *port, char device[NAME_ROOM]);

#endif /* QUEZTL_PORTDEV_H */

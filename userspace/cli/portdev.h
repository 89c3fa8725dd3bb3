/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PORTDEV_H
#define QUEZTL_PORTDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "process.h"

#define DRIVER_FOR_VM	"vhost_vdpa"
#define DRIVER_FOR_HOST	"virtio_vdpa"

/* /sys/bus/vdpa, except in tests. */
extern const char *vdpa_root;

/* By the module's rule; such a name can be part of a path. */
bool is_port_name(const char *name);

/*
 * The device that the driver of a port created: vhost-vdpa-N (in /dev, for a
 * VM) or a network device of the host; "" if the port has no driver.
 */
void read_port_device(const char *port, char device[NAME_ROOM]);

/* Only a device in /dev. */
bool read_port_node(const char *port, char device[NAME_ROOM]);

/* There is a vDPA device of this name, and Queztl made it. */
bool port_exists(const char *port);

/* Of its directory in sysfs; another port of the same name has another. 0: none. */
uint64_t read_port_inode(const char *port);

/* Has a port this driver? */
bool has_port_driver(const char *port, const char *driver);

bool port_driver_is_loaded(const char *driver);

/*
 * Gives a port to a driver, whichever had it before. The port must not be open.
 * Returns 0 or -errno.
 */
int bind_port(const char *port, const char *driver);

#endif /* QUEZTL_PORTDEV_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /run/queztl/ports/NAME leads to the device in /dev of a port, whatever number
 * that has. /run/queztl/owners/NAME is the user to whom it belongs, if it is not
 * root's: the driver makes a new device whenever it is bound. The file has the inode
 * of the port in sysfs, too, for the next port of that name is not his.
 *
 * udev calls refresh_port() at each event of a port, and so does `queztl port
 * add`, because udev may not run. Both only look at what there is now: events
 * can come late, and in any order.
 */
#ifndef QUEZTL_PORTLINK_H
#define QUEZTL_PORTLINK_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* /run/queztl and /dev, except in tests. */
extern const char *run_root;
extern const char *dev_root;

/* For everybody to search, whatever the umask is. Returns 0 or -errno. */
int make_run_root(void);

/* The name, if it leads to the device of the port; otherwise false, and "". */
bool read_port_path(const char *port, char path[PATH_MAX]);

/* Who was asked for as its owner; false: nobody. */
bool read_port_owner(const char *port, uid_t *owner);

/*
 * Each returns 0 or -errno.
 *
 * refresh_port() makes the name lead to the device, which it gives to its owner;
 * it removes the name of a port without a device, and forgets one that is gone.
 */
int refresh_port(const char *port);
int own_port(const char *port, uid_t owner);	/* and refresh_port() */
int forget_port(const char *port);

#endif /* QUEZTL_PORTLINK_H */

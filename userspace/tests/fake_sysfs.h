/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulates what vDPA's bus has in sysfs, and /dev and /run, in a temporary
 * directory. The ports of fake_vdpa.c appear there between begin and end.
 */
#ifndef QUEZTL_FAKE_SYSFS_H
#define QUEZTL_FAKE_SYSFS_H

#include <stdbool.h>
#include <sys/types.h>

struct fake_sysfs {
	char root[64];		/* "": not begun */
	const char *first;	/* the driver that new ports get, NULL: none */
	int bind_error;		/* errno of binding */
	int own_error;		/* of giving a device away */
	int next;		/* number of the next device */
	uid_t owner;		/* of the device that was last given away */
	char owned[32];		/* its name, "" if there is none */
};

extern struct fake_sysfs fake_sysfs;

void fake_sysfs_begin(void);
void fake_sysfs_end(void);

void fake_sysfs_load(const char *driver);
void fake_sysfs_add(const char *port, const char *fabric);
void fake_sysfs_del(const char *port);
void fake_sysfs_unbind(const char *port);
int fake_sysfs_bind(const char *port, const char *driver);	/* 0 or errno */

bool fake_sysfs_has(const char *file);	/* relative to the directory */

#endif /* QUEZTL_FAKE_SYSFS_H */

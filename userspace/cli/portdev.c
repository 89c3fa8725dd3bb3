// SPDX-License-Identifier: GPL-2.0
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "portdev.h"

static bool find_one(const char *port, const char *pattern,
		     char device[NAME_ROOM])
{
	char path[128];
	glob_t found;
	bool one;

	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s/%s", port,
		 pattern);
	one = !glob(path, 0, NULL, &found);
	if (one)
		snprintf(device, NAME_ROOM, "%s",
			 strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return one;
}

void read_port_device(const char *port, char device[NAME_ROOM])
{
	device[0] = '\0';
	if (strpbrk(port, "/*?[\\"))
		return;
	if (!find_one(port, "vhost-vdpa-*", device))
		find_one(port, "virtio*/net/*", device);
}

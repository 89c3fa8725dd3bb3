// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <queztl.h>

#include "portdev.h"

const char *vdpa_root = "/sys/bus/vdpa";

bool is_port_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return length && length < QUEZTL_NAME_MAX && !name[length] &&
	       !strchr("-_.", *name);
}

static bool find_one(const char *port, const char *pattern,
		     char device[NAME_ROOM])
{
	char path[PATH_MAX];
	glob_t found;
	bool one;

	snprintf(path, sizeof(path), "%s/devices/%s/%s", vdpa_root, port,
		 pattern);
	one = !glob(path, 0, NULL, &found);
	if (one)
		snprintf(device, NAME_ROOM, "%s",
			 strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return one;
}

bool read_port_node(const char *port, char device[NAME_ROOM])
{
	device[0] = '\0';
	return is_port_name(port) && find_one(port, "vhost-vdpa-*", device);
}

void read_port_device(const char *port, char device[NAME_ROOM])
{
	if (!read_port_node(port, device) && is_port_name(port))
		find_one(port, "virtio*/net/*", device);
}

/* The last part of what a link in sysfs leads to, "" if there is no such link. */
static const char *read_link(const char *port, const char *link,
			     char target[PATH_MAX])
{
	char path[PATH_MAX];
	const char *last;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/devices/%s/%s", vdpa_root, port, link);
	length = readlink(path, target, PATH_MAX - 1);
	target[length > 0 ? length : 0] = '\0';
	last = strrchr(target, '/');
	return last ? last + 1 : target;
}

/* The parent of a port is its fabric, which is on a bus of ours. */
bool port_exists(const char *port)
{
	char bus[PATH_MAX];

	return is_port_name(port) &&
	       !strcmp(read_link(port, "../subsystem", bus), "queztl");
}

uint64_t read_port_inode(const char *port)
{
	char path[PATH_MAX];
	struct stat status;

	if (!is_port_name(port))
		return 0;
	snprintf(path, sizeof(path), "%s/devices/%s/", vdpa_root, port);
	return stat(path, &status) ? 0 : status.st_ino;
}

bool port_driver_is_loaded(const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/drivers/%s", vdpa_root, driver);
	return !access(path, F_OK);
}

static int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, word, strlen(word)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int write_device(const char *port, const char *file, const char *word)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/devices/%s/%s", vdpa_root, port, file);
	return write_word(path, word);
}

static int write_driver(const char *driver, const char *file, const char *word)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/drivers/%s/%s", vdpa_root, driver,
		 file);
	return write_word(path, word);
}

bool has_port_driver(const char *port, const char *driver)
{
	char target[PATH_MAX];

	return is_port_name(port) && !strcmp(read_link(port, "driver", target), driver);
}

/*
 * From driver_override on no other driver takes the port. One may have taken it
 * when it was created.
 */
int bind_port(const char *port, const char *driver)
{
	int ret;

	if (!is_port_name(port))
		return -EINVAL;
	ret = write_device(port, "driver_override", driver);
	if (ret || has_port_driver(port, driver))
		return ret;
	if (!has_port_driver(port, ""))
		ret = write_device(port, "driver/unbind", port);
	if (ret)
		return ret;
	ret = write_driver(driver, "bind", port);
	if (has_port_driver(port, driver))
		return 0;
	return ret ? ret : -ENODEV;
}

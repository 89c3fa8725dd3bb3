// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "portdev.h"
#include "portlink.h"
#include "sysfile.h"

#define PORTS	"ports"
#define OWNERS	"owners"

const char *run_root = "/run/queztl";
const char *dev_root = "/dev";

/* No port has a name that begins with a dot: prefix "." is for what is not complete. */
static void name_file(char path[PATH_MAX], const char *directory,
		      const char *prefix, const char *port)
{
	snprintf(path, PATH_MAX, "%s/%s/%s%s", run_root, directory, prefix,
		 port);
}

static void name_node(char path[PATH_MAX], const char *device)
{
	snprintf(path, PATH_MAX, "%s/%s", dev_root, device);
}

/* VMMs must reach the ports, whatever the umask of an administrator is. */
static int make_directory(const char *name, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", run_root, *name ? "/" : "",
		 name);
	if (mkdir(path, mode))
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) ? -errno : 0;
}

int make_run_root(void)
{
	return make_directory("", 0755);
}

/* One at a time changes names. To be closed. */
static int lock_ports(void)
{
	char path[PATH_MAX];
	int fd, ret = make_run_root();

	if (!ret)
		ret = make_directory(PORTS, 0755);
	if (!ret)
		ret = make_directory(OWNERS, 0700);
	if (ret)
		return ret;
	name_file(path, PORTS, "", "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int remove_file(const char *directory, const char *port)
{
	char path[PATH_MAX];

	name_file(path, directory, "", port);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static bool leads_to(const char *link, const char *target)
{
	char now[PATH_MAX];
	ssize_t length = readlink(link, now, sizeof(now));

	return length == (ssize_t)strlen(target) &&
	       !memcmp(now, target, length);
}

static int link_port(const char *port, const char *device)
{
	char link[PATH_MAX], fresh[PATH_MAX], node[PATH_MAX];

	name_file(link, PORTS, "", port);
	name_file(fresh, PORTS, ".", port);
	name_node(node, device);
	if (leads_to(link, node))
		return 0;
	unlink(fresh);
	if (symlink(node, fresh) || rename(fresh, link))
		return -errno;
	return 0;
}

/* "USER INODE": a port that is another one now has none. "USER" is of version 0.1. */
bool read_port_owner(const char *port, uid_t *owner)
{
	char path[PATH_MAX], line[64], *inode;
	uint64_t user, number;

	if (!is_port_name(port))
		return false;
	name_file(path, OWNERS, "", port);
	if (!read_first_line(path, line, sizeof(line)))
		return false;
	inode = strchr(line, ' ');
	if (inode)
		*inode++ = '\0';
	if (inode && (!parse_number(inode, 1, UINT64_MAX, &number) ||
		      number != read_port_inode(port)))
		return false;
	if (!parse_number(line, 0, UINT32_MAX - 1, &user))
		return false;
	*owner = user;
	return true;
}

static int write_owner(const char *port, uid_t owner)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	FILE *file;
	bool bad;

	name_file(path, OWNERS, "", port);
	name_file(fresh, OWNERS, ".", port);
	file = fopen(fresh, "we");
	if (!file)
		return -errno;
	bad = fprintf(file, "%" PRIu32 " %" PRIu64 "\n", (uint32_t)owner,
		      read_port_inode(port)) < 0;
	bad |= fclose(file) == EOF;
	if (bad || rename(fresh, path))
		return errno ? -errno : -EIO;
	return 0;
}

static bool has_node(const char *port, const char *device)
{
	char now[NAME_ROOM];

	return read_port_node(port, now) && !strcmp(now, device);
}

/*
 * A new device is root's, with mode 0600. As soon as this port is gone, the device
 * of another one may have its number: what was opened is this port's if the port
 * has that device afterwards.
 */
static int give_port(const char *port, const char *device)
{
	char node[PATH_MAX];
	uid_t owner;
	int fd, ret = 0;

	if (!read_port_owner(port, &owner))
		return 0;
	name_node(node, device);
	fd = open(node, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!has_node(port, device))
		ret = -ENODEV;
	else if (fchownat(fd, "", owner, -1, AT_EMPTY_PATH))
		ret = -errno;
	close(fd);
	return ret;
}

static int forget_locked(const char *port)
{
	int ret = remove_file(PORTS, port);
	int more = remove_file(OWNERS, port);

	return ret ? ret : more;
}

static int refresh_locked(const char *port)
{
	char device[NAME_ROOM];
	int ret;

	if (!port_exists(port))
		return forget_locked(port);
	if (!read_port_node(port, device))
		return remove_file(PORTS, port);
	ret = give_port(port, device);
	return ret ? ret : link_port(port, device);
}

static int change_port(const char *port, int (*change)(const char *port))
{
	int lock, ret;

	if (!is_port_name(port))
		return -EINVAL;
	lock = lock_ports();
	if (lock < 0)
		return lock;
	ret = change(port);
	close(lock);
	return ret;
}

int refresh_port(const char *port)
{
	return change_port(port, refresh_locked);
}

int forget_port(const char *port)
{
	return change_port(port, forget_locked);
}

int own_port(const char *port, uid_t owner)
{
	int lock, ret;

	if (!is_port_name(port))
		return -EINVAL;
	lock = lock_ports();
	if (lock < 0)
		return lock;
	ret = write_owner(port, owner);
	if (!ret)
		ret = refresh_locked(port);
	close(lock);
	return ret;
}

bool read_port_path(const char *port, char path[PATH_MAX])
{
	char device[NAME_ROOM], node[PATH_MAX];

	path[0] = '\0';
	if (!read_port_node(port, device))
		return false;
	name_node(node, device);
	name_file(path, PORTS, "", port);
	if (leads_to(path, node))
		return true;
	path[0] = '\0';
	return false;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "fake_sysfs.h"
#include "portdev.h"
#include "portlink.h"

struct fake_sysfs fake_sysfs;

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_fchownat(int fd, const char *path, uid_t owner, gid_t group,
		    int flags);
int __wrap_fchownat(int fd, const char *path, uid_t owner, gid_t group,
		    int flags);

/* Relative to the directory; the next four calls give four others. */
__attribute__((format(printf, 1, 2)))
static const char *at(const char *format, ...)
{
	static char paths[4][PATH_MAX];
	static int turn;
	char *path = paths[turn++ % 4];
	int length = sprintf(path, "%s/", fake_sysfs.root);
	va_list args;

	va_start(args, format);
	vsnprintf(path + length, PATH_MAX - length, format, args);
	va_end(args);
	return path;
}

static void make_directory(const char *path)
{
	assert_true(!mkdir(path, 0755) || errno == EEXIST);
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *stat, int type,
		      struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void fake_sysfs_begin(void)
{
	static char sys[PATH_MAX], run[PATH_MAX], dev[PATH_MAX];

	memset(&fake_sysfs, 0, sizeof(fake_sysfs));
	strcpy(fake_sysfs.root, "/tmp/queztl-test-XXXXXX");
	assert_non_null(mkdtemp(fake_sysfs.root));
	strcpy(sys, at("vdpa"));
	strcpy(run, at("run"));
	strcpy(dev, at("dev"));
	vdpa_root = sys;
	run_root = run;
	dev_root = dev;
	make_directory(dev);
	make_directory(sys);
	make_directory(at("queztl"));
	make_directory(at("fabrics"));
	make_directory(at("vdpa/devices"));
	make_directory(at("vdpa/drivers"));
}

void fake_sysfs_end(void)
{
	remove_tree(fake_sysfs.root);
	memset(&fake_sysfs, 0, sizeof(fake_sysfs));
}

void fake_sysfs_load(const char *driver)
{
	make_directory(at("vdpa/drivers/%s", driver));
	make_file(at("vdpa/drivers/%s/bind", driver), "");
	make_file(at("vdpa/drivers/%s/unbind", driver), "");
	if (!fake_sysfs.first)
		fake_sysfs.first = driver;
}

/* NULL: a device of another driver, on another bus. */
void fake_sysfs_add(const char *port, const char *fabric)
{
	const char *parent = fabric ? fabric : "pci";

	if (!*fake_sysfs.root)
		return;
	make_directory(at("fabrics/%s", parent));
	unlink(at("fabrics/%s/subsystem", parent));
	assert_return_code(symlink(at("%s", fabric ? "queztl" : "vdpa"),
				   at("fabrics/%s/subsystem", parent)), errno);
	make_directory(at("fabrics/%s/%s", parent, port));
	make_file(at("fabrics/%s/%s/driver_override", parent, port), "");
	assert_return_code(symlink(at("fabrics/%s/%s", parent, port),
				   at("vdpa/devices/%s", port)), errno);
	if (fake_sysfs.first)
		fake_sysfs_bind(port, fake_sysfs.first);
}

void fake_sysfs_del(const char *port)
{
	char *device;

	if (!*fake_sysfs.root)
		return;
	fake_sysfs_unbind(port);
	device = realpath(at("vdpa/devices/%s", port), NULL);
	remove_tree(device);
	free(device);
	unlink(at("vdpa/devices/%s", port));
}

int fake_sysfs_bind(const char *port, const char *driver)
{
	char override[NAME_ROOM] = "";
	FILE *file = fopen(at("vdpa/devices/%s/driver_override", port), "r");

	assert_non_null(file);
	assert_true(fgets(override, sizeof(override), file) || !*override);
	fclose(file);
	if (*override && strcmp(override, driver))
		return ENODEV;
	if (symlink(at("vdpa/drivers/%s", driver),
		    at("vdpa/devices/%s/driver", port)))
		return EBUSY;
	if (strcmp(driver, DRIVER_FOR_VM)) {
		make_directory(at("vdpa/devices/%s/virtio7", port));
		make_directory(at("vdpa/devices/%s/virtio7/net", port));
		make_directory(at("vdpa/devices/%s/virtio7/net/eth7", port));
		return 0;
	}
	make_directory(at("vdpa/devices/%s/vhost-vdpa-%d", port,
			  fake_sysfs.next));
	make_file(at("dev/vhost-vdpa-%d", fake_sysfs.next++), "");
	return 0;
}

static int remove_child(const char *path, const struct stat *stat, int type,
			struct FTW *ftw)
{
	(void)stat;
	(void)type;
	if (!ftw->level || strstr(path, "driver_override"))
		return 0;
	if (!strncmp(path + ftw->base, "vhost-vdpa-", 11))
		unlink(at("dev/%s", path + ftw->base));
	return remove(path);
}

void fake_sysfs_unbind(const char *port)
{
	char *device = realpath(at("vdpa/devices/%s", port), NULL);

	assert_non_null(device);
	nftw(device, remove_child, 8, FTW_DEPTH | FTW_PHYS);
	free(device);
}

bool fake_sysfs_has(const char *file)
{
	struct stat stat;

	return !lstat(at("%s", file), &stat);
}

static ssize_t bind_by_write(const char *path, const char *port, size_t size)
{
	char driver[PATH_MAX];
	int error = fake_sysfs.bind_error;

	snprintf(driver, sizeof(driver), "%.*s",
		 (int)(strrchr(path, '/') - path), path);
	if (!error)
		error = fake_sysfs_bind(port, strrchr(driver, '/') + 1);
	errno = error;
	return error ? -1 : (ssize_t)size;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	char link[32], path[PATH_MAX], port[NAME_ROOM];
	ssize_t length;

	if (!*fake_sysfs.root)
		return __real_write(fd, data, size);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	snprintf(port, sizeof(port), "%.*s", (int)size, (const char *)data);
	if (strstr(path, "/bind"))
		return bind_by_write(path, port, size);
	if (!strstr(path, "/unbind"))
		return __real_write(fd, data, size);
	fake_sysfs_unbind(port);
	return size;
}

/* Of a device, by its descriptor. */
int __wrap_fchownat(int fd, const char *path, uid_t owner, gid_t group,
		    int flags)
{
	char link[32], node[PATH_MAX];
	ssize_t length;

	if (!(flags & AT_EMPTY_PATH))
		return __real_fchownat(fd, path, owner, group, flags);
	assert_int_equal(group, (gid_t)-1);
	if (fake_sysfs.own_error) {
		errno = fake_sysfs.own_error;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, node, sizeof(node) - 1);
	node[length > 0 ? length : 0] = '\0';
	fake_sysfs.owner = owner;
	snprintf(fake_sysfs.owned, sizeof(fake_sysfs.owned), "%s",
		 strrchr(node, '/') + 1);
	return 0;
}

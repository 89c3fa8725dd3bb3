// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serversocket.h"

#define WAITING	4	/* clients that may wait until they are accepted */

/* Does somebody listen? */
static int try_to_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		ret = -errno;
	close(fd);
	return ret;
}

static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int ret;

	if (lstat(address->sun_path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	ret = try_to_connect(address);
	if (ret != -ECONNREFUSED)
		return !ret || ret == -EAGAIN ? -EADDRINUSE : ret;
	return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int ret = 0;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		ret = -errno;
	umask(before);
	return ret;
}

int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	ret = remove_stale(&address);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = bind_private(fd, &address);
	if (!ret && listen(fd, WAITING))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

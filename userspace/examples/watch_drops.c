// SPDX-License-Identifier: GPL-2.0
/*
 * Print once per second the frames a port dropped, by reason, until it is
 * removed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <queztl.h>

static void print_new_drops(const struct queztl_port_stats *before,
			    const struct queztl_port_stats *now)
{
	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++) {
		const char *name = queztl_drop_name(i);
		uint64_t number = now->drops[i] - before->drops[i];

		if (number)
			printf("%s: %" PRIu64 "\n", name ? name : "?", number);
	}
	fflush(stdout);
}

static int watch_port(int fd, const char *name)
{
	struct queztl_port_stats before, now;
	struct queztl_port port;
	int ret = queztl_port_find(fd, name, &port);

	if (!ret)
		ret = queztl_port_stats_get(fd, port.id, &before);
	if (ret)
		return ret;
	for (;;) {
		sleep(1);
		ret = queztl_port_stats_get(fd, port.id, &now);
		if (ret)
			return ret == -ENOENT ? 0 : ret;
		print_new_drops(&before, &now);
		before = now;
	}
}

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PORT\n", argv[0]);
		return 2;
	}
	fd = queztl_open();
	ret = fd < 0 ? fd : watch_port(fd, argv[1]);
	if (fd >= 0)
		close(fd);
	if (ret)
		fprintf(stderr, "cannot watch port %s: %s\n", argv[1],
			strerror(-ret));
	return !!ret;
}

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

static int find_port(int fd, const char *name, uint64_t *id)
{
	struct queztl_port port = { 0 };
	int ret;

	while (!(ret = queztl_port_next(fd, &port)))
		if (!strcmp(port.name, name)) {
			*id = port.id;
			return 0;
		}
	return ret;
}

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

static int watch_port(int fd, uint64_t id)
{
	struct queztl_port_stats before, now;
	int ret = queztl_port_stats_get(fd, id, &before);

	while (!ret) {
		sleep(1);
		ret = queztl_port_stats_get(fd, id, &now);
		if (!ret)
			print_new_drops(&before, &now);
		before = now;
	}
	return ret;
}

int main(int argc, char **argv)
{
	uint64_t id;
	int fd, ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PORT\n", argv[0]);
		return 2;
	}
	fd = queztl_open();
	ret = fd < 0 ? fd : find_port(fd, argv[1], &id);
	if (!ret)
		ret = watch_port(fd, id);
	if (fd >= 0)
		close(fd);
	fprintf(stderr, "cannot watch port %s: %s\n", argv[1], strerror(-ret));
	return ret == -ENOENT ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * `queztl udev-port PORT`, which udev runs at the events of a vDPA device: the
 * device in /dev that vhost_vdpa makes has no class, and so no events.
 */
#include "cli.h"
#include "fail.h"
#include "options.h"
#include "portlink.h"

int run_udev_port(struct cli *cli, int argc, char **argv)
{
	int code = expect_words(cli, argc, argv, 1);
	int ret;

	if (code)
		return code;
	ret = refresh_port(argv[0]);
	return ret ? fail_errno(cli, ret, "cannot name port %s", argv[0]) :
		     EXIT_OK;
}

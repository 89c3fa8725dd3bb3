// SPDX-License-Identifier: GPL-2.0
/* The library on the simulated host, for the test of the Python package. */
#include "fake_channel.h"

static void __attribute__((constructor)) populate(void)
{
	struct queztl_window_create_args window = {
		.name = "logger", .slots = 2, .region = 65536 };

	fake_populate();
	fake.vms[1].foreign = true;
	fake_reset_channels();
	channel_call(QUEZTL_WINDOW_CREATE, &window);
}

// SPDX-License-Identifier: GPL-2.0
/* What the module says of itself. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"

#include <sys/ioctl.h>

TEST(info_is_sensible)
{
	struct queztl_info info = { .size = sizeof(info) };
	FILE *file = fopen("/proc/sys/kernel/osrelease", "r");
	char release[64] = "";

	open_world();
	ASSERT(file && fgets(release, sizeof(release), file));
	release[strcspn(release, "\n")] = 0;
	memset(info.module, 0xff, sizeof(info.module));
	memset(info.kernel, 0xff, sizeof(info.kernel));
	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	EXPECT_EQ(info.abi_version, QUEZTL_ABI_VERSION);
	EXPECT(info.features & QUEZTL_F_FABRIC);
	EXPECT(info.features & QUEZTL_F_POLICY);
	EXPECT_EQ(info.features & ~(QUEZTL_F_FABRIC | QUEZTL_F_DIRECT | QUEZTL_F_CHANNEL | QUEZTL_F_SCHED |
				    QUEZTL_F_POLICY), 0);
	EXPECT_EQ(info.fabrics, 1);
	EXPECT_GE(info.vms, world.vm >= 0);
	EXPECT(memchr(info.module, 0, sizeof(info.module)) && info.module[0]);
	EXPECT(memchr(info.kernel, 0, sizeof(info.kernel)) && !strcmp(info.kernel, release));
}

// SPDX-License-Identifier: GPL-2.0
/* The module loaded while the allocations of its init function fail. */
#define _GNU_SOURCE
#include "ktap.h"
#include "inject.h"
#include "module.h"
#include "world.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static const char *ko;
static int ko_file = -1;

void module_find(void)
{
	ko = getenv("QZ_USER_KO");
	ko_file = ko ? open(ko, O_RDONLY | O_CLOEXEC) : -1;
}

static int load_module(void)
{
	return syscall(SYS_finit_module, ko_file, "", 0) ? -errno : 0;
}

static int unload_module(void)
{
	double end = swg_now() + SOON / 1e3;
	int r;

	do {
		r = syscall(SYS_delete_module, "queztl", O_NONBLOCK) ? -errno : 0;
	} while (r == -EAGAIN && swg_now() < end && !usleep(1000));
	return r;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void expect_nothing_left(void)
{
	static const char *const paths[] = { "/dev/queztl", "/sys/module/queztl", "/sys/class/misc/queztl",
					     "/sys/bus/queztl" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		KTAP_CHECK(!exists(paths[i]), false, "%s is left", paths[i]);
}

/* The device's node is made by another thread; the driver core goes on without one, and without its uevent. */
static void module_loaded(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	int fd = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);

	EXPECT(exists("/sys/class/misc/queztl"));
	if (fd >= 0) {
		EXPECT_EQ(ioctl(fd, QUEZTL_GET_INFO, &info), 0);
		close(fd);
	}
	ASSERT_EQ(unload_module(), 0);
	expect_nothing_left();
}

/* Under lockdep bus_register() warns without patches/0003. */
TEST_WITHIN(module_loaded_without_memory, 900)
{
	/* A socket without memory for its inode is ENFILE. */
	static const int errors[] = { ENOMEM, EFAULT, ENOBUFS, ENFILE, 0 };
	const struct sweep sweep = { .name = "finit_module", .call = load_module, .failed = expect_nothing_left,
				     .succeeded = module_loaded, .errors = errors, .limit = 20000 };

	inject_or_skip();
	if (ko_file < 0)
		SKIP("QZ_USER_KO names no module");
	/* The loader's own part is not ours, and its trace events warn about a lack of memory. */
	if (!inject_within("do_init_module"))
		SKIP("the kernel has no filter of callers");
	ASSERT_EQ(unload_module(), 0);
	EXPECT_GE(inject_sweep(&sweep), 20);
	EXPECT(inject_within(NULL));
}

void module_restore(void)
{
	if (!exists(QUEZTL_DEVICE) && ko) {
		unload_module();
		load_module();
	}
}

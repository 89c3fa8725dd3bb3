// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <queztl.h>

#include "doctor.h"
#include "sysfile.h"

void check_module(struct verdict *v)
{
	char version[64];

	switch (module_state("queztl")) {
	case MODULE_LOADED:
	case MODULE_BUILTIN:
		if (read_first_line("/sys/module/queztl/version", version,
				    sizeof(version)))
			judge(v, VERDICT_OK, "loaded, version %s", NULL,
			      version);
		else
			judge(v, VERDICT_OK, "loaded", NULL);
		break;
	case MODULE_LOADABLE:
		judge(v, VERDICT_FAIL, "installed but not loaded",
		      "sudo modprobe queztl");
		break;
	case MODULE_MISSING:
		judge(v, VERDICT_FAIL, "not installed for this kernel",
		      "sudo apt install queztl-dkms (from source: make && sudo make install)");
		break;
	}
}

void judge_device(int error, bool group, struct verdict *v)
{
	switch (-error) {
	case 0:
		judge(v, VERDICT_OK, QUEZTL_DEVICE " responds", NULL);
		break;
	case EACCES:
	case EPERM:
		judge(v, VERDICT_FAIL, "no permission to open " QUEZTL_DEVICE,
		      group ? "sudo usermod -aG queztl $USER, then log in again" :
		      "sudo groupadd -rf queztl; sudo chgrp queztl " QUEZTL_DEVICE);
		break;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		judge(v, VERDICT_FAIL, "no " QUEZTL_DEVICE,
		      "load queztl.ko: sudo modprobe queztl");
		break;
	case EPROTO:
		judge(v, VERDICT_FAIL, QUEZTL_DEVICE " has an older ABI than this program",
		      "update queztl.ko and reload it");
		break;
	default:
		judge(v, VERDICT_FAIL, QUEZTL_DEVICE ": %s",
		      "sudo dmesg | grep queztl", strerror(-error));
	}
}

static int try_device(void)
{
	struct queztl_info info;
	int fd = queztl_open();
	int ret;

	if (fd < 0)
		return fd;
	ret = queztl_get_info(fd, &info);
	close(fd);
	if (!ret && info.abi_version < QUEZTL_ABI_VERSION)
		return -EPROTO;
	return ret;
}

/* udevd, which sees to that, knows no group that was made after it was started. */
static bool group_has_device(void)
{
	const struct group *group = getgrnam("queztl");
	struct stat st;

	return group && !stat(QUEZTL_DEVICE, &st) &&
	       st.st_gid == group->gr_gid;
}

void check_device(struct verdict *v)
{
	judge_device(try_device(), group_has_device(), v);
}

void judge_direct(uint64_t features, struct verdict *v)
{
	if (features & QUEZTL_F_DIRECT)
		judge(v, VERDICT_OK, "packets are delivered in the sender's thread",
		      NULL);
	else
		judge(v, VERDICT_WARN, "packets are delivered by a worker, which takes longer: this kernel does not export task_work_add",
		      "boot Debian's kernel, or one with the patches of Queztl");
}

void check_direct(struct verdict *v)
{
	struct queztl_info info;
	int fd = queztl_open();
	int ret = fd < 0 ? fd : queztl_get_info(fd, &info);

	if (fd >= 0)
		close(fd);
	if (ret)
		judge(v, VERDICT_OK, "not looked at: %s", NULL, strerror(-ret));
	else
		judge_direct(info.features, v);
}

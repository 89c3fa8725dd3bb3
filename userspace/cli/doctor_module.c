// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <queztl.h>

#include "doctor.h"
#include "sysfile.h"

#define SIGNATURE_END	"~Module signature appended~\n"
#define SECURE_BOOT	"/sys/firmware/efi/efivars/" \
			"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

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

/* "none [integrity] confidentiality": the active mode is in brackets. */
bool is_locked_down(const char *lockdown)
{
	return strchr(lockdown, '[') && !strstr(lockdown, "[none]");
}

void judge_signature(const struct enforcement *e, struct verdict *v)
{
	const char *who = e->lockdown ? "kernel lockdown" : "module.sig_enforce";
	const char *boot = e->secure_boot ? ", Secure Boot is on" : "";

	if (!e->lockdown && !e->sig_enforce)
		judge(v, VERDICT_OK, "unsigned modules can be loaded%s", NULL,
		      boot);
	else if (e->loaded)
		judge(v, VERDICT_OK, "%s accepted the module", NULL,
		      who);
	else if (e->signed_module)
		judge(v, VERDICT_WARN, "%s requires a trusted signature%s; queztl.ko is signed",
		      "if loading fails: sudo mokutil --import CERTIFICATE, then reboot",
		      who, boot);
	else
		judge(v, VERDICT_FAIL, "%s refuses unsigned modules%s",
		      "sign queztl.ko with a key enrolled by mokutil, as DKMS does",
		      who, boot);
}

static bool has_secure_boot(void)
{
	unsigned char value[5] = { 0 };
	FILE *file = fopen(SECURE_BOOT, "re");
	size_t length = 0;

	if (file) {
		length = fread(value, 1, sizeof(value), file);
		fclose(file);
	}
	return length == sizeof(value) && value[4] == 1;
}

static bool has_signature(const char *path)
{
	char end[sizeof(SIGNATURE_END) - 1];
	FILE *file = fopen(path, "re");
	bool found;

	if (!file)
		return false;
	found = !fseek(file, -(long)sizeof(end), SEEK_END) &&
		fread(end, sizeof(end), 1, file) == 1 &&
		!memcmp(end, SIGNATURE_END, sizeof(end));
	fclose(file);
	return found;
}

void check_signature(struct verdict *v)
{
	struct enforcement e = { .secure_boot = has_secure_boot() };
	char line[128], path[512];

	if (read_first_line("/sys/module/module/parameters/sig_enforce",
			    line, sizeof(line)))
		e.sig_enforce = line[0] == 'Y' || line[0] == '1';
	if (read_first_line("/sys/kernel/security/lockdown", line,
			    sizeof(line)))
		e.lockdown = is_locked_down(line);
	e.loaded = module_state("queztl") == MODULE_LOADED;
	e.signed_module = find_module_file("queztl", path, sizeof(path)) &&
			  has_signature(path);
	judge_signature(&e, v);
}

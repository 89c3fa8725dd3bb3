// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "sysfile.h"

/* What the module was tested on, as in dkms.conf. */
#define LEAST_MAJOR	6
#define LEAST_MINOR	12
#define NEWEST_MAJOR	7
#define NEWEST_MINOR	3

static bool is_older(unsigned int major, unsigned int minor)
{
	return major < LEAST_MAJOR ||
	       (major == LEAST_MAJOR && minor < LEAST_MINOR);
}

static bool is_newer(unsigned int major, unsigned int minor)
{
	return major > NEWEST_MAJOR ||
	       (major == NEWEST_MAJOR && minor > NEWEST_MINOR);
}

void judge_release(const char *release, struct verdict *v)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		judge(v, VERDICT_WARN, "unknown kernel version '%s'",
		      "boot Linux 6.12 to 7.3", release);
	else if (is_older(major, minor))
		judge(v, VERDICT_FAIL, "Linux %s is older than %d.%d",
		      "boot Linux 6.12 to 7.3 (Debian 12: bookworm-backports)",
		      release, LEAST_MAJOR, LEAST_MINOR);
	else if (is_newer(major, minor))
		judge(v, VERDICT_WARN,
		      "Linux %s is newer than %d.%d, the newest tested; DKMS does not build for it",
		      "boot Linux 6.12 to 7.3, or try make && sudo make install",
		      release, NEWEST_MAJOR, NEWEST_MINOR);
	else
		judge(v, VERDICT_OK, "Linux %s", NULL, release);
}

void check_kernel(struct verdict *v)
{
	judge_release(kernel_release(), v);
}

/* Headers are needed to build the module, not to run it. */
void check_headers(struct verdict *v)
{
	char path[128], debian[96], fedora[96], command[128];
	bool built = module_state("queztl") != MODULE_MISSING;

	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile",
		 kernel_release());
	if (!access(path, R_OK)) {
		judge(v, VERDICT_OK, "kernel headers are installed",
		      NULL);
		return;
	}
	snprintf(debian, sizeof(debian), "linux-headers-%s", kernel_release());
	snprintf(fedora, sizeof(fedora), "kernel-devel-%s", kernel_release());
	judge(v, built ? VERDICT_WARN : VERDICT_FAIL,
	      "no kernel headers, so the module cannot be built",
	      install_command(debian, fedora, command, sizeof(command)));
}

/* Read the mount table: only root can access /sys/kernel/debug itself. */
void check_debugfs(struct verdict *v)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[1024];
	bool found = false;

	while (mounts && !found && fgets(line, sizeof(line), mounts))
		found = strstr(line, " /sys/kernel/debug debugfs ");
	if (mounts)
		fclose(mounts);
	if (found)
		judge(v, VERDICT_OK, "debugfs is mounted", NULL);
	else
		judge(v, VERDICT_WARN, "debugfs is not mounted (needed for KVM's own statistics)",
		      "sudo mount -t debugfs debugfs /sys/kernel/debug");
}

#define TAINT(bit)		(1ULL << (bit))
#define TAINT_DIED		TAINT(7)
#define TAINT_HARDWARE		TAINT(4)
#define TAINT_BAD_PAGE		TAINT(5)
#define TAINT_WARNED		TAINT(9)
#define TAINT_SOFT_LOCKUP	TAINT(14)
/* Out-of-tree and unsigned module: queztl.ko itself sets these. */
#define TAINT_EXPECTED		(TAINT(12) | TAINT(13))

static const char *describe_taint(unsigned long long taint)
{
	if (taint & TAINT_HARDWARE)
		return "a machine check was reported";
	if (taint & TAINT_BAD_PAGE)
		return "a bad page was found";
	if (taint & TAINT_SOFT_LOCKUP)
		return "a CPU had a soft lockup";
	if (taint & TAINT_WARNED)
		return "the kernel printed a warning";
	return "other modules or settings";
}

void judge_taint(unsigned long long taint, struct verdict *v)
{
	if (taint & TAINT_DIED)
		judge(v, VERDICT_FAIL, "the kernel oopsed (taint %llu)",
		      "read the output of sudo dmesg, then reboot", taint);
	else if (taint & ~TAINT_EXPECTED)
		judge(v, VERDICT_WARN, "tainted (%llu): %s",
		      "read the output of sudo dmesg", taint, describe_taint(taint));
	else if (taint)
		judge(v, VERDICT_OK, "tainted (%llu) by an out-of-tree module",
		      NULL, taint);
	else
		judge(v, VERDICT_OK, "not tainted", NULL);
}

void check_taint(struct verdict *v)
{
	char line[32];

	if (read_first_line("/proc/sys/kernel/tainted", line, sizeof(line)))
		judge_taint(strtoull(line, NULL, 10), v);
	else
		judge(v, VERDICT_WARN, "cannot read /proc/sys/kernel/tainted",
		      "sudo mount -t proc proc /proc");
}

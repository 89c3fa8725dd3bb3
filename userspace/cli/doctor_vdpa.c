// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "doctor.h"
#include "sysfile.h"

void judge_part(const char *module, const char *use, bool needed,
		bool wanted_now, enum module_state state, struct verdict *v)
{
	char command[128];

	switch (state) {
	case MODULE_LOADED:
		judge(v, VERDICT_OK, "loaded (%s)", NULL, use);
		break;
	case MODULE_BUILTIN:
		judge(v, VERDICT_OK, "built in (%s)", NULL, use);
		break;
	case MODULE_LOADABLE:
		snprintf(command, sizeof(command), "sudo modprobe %s", module);
		judge(v, wanted_now ? VERDICT_WARN : VERDICT_OK,
		      wanted_now ? "not loaded (%s)" : "can be loaded (%s)",
		      wanted_now ? command : NULL, use);
		break;
	case MODULE_MISSING:
		judge(v, needed ? VERDICT_FAIL : VERDICT_WARN,
		      "not available in this kernel (%s)",
		      "boot a kernel with CONFIG_VDPA and its drivers, such as Debian's",
		      use);
		break;
	}
}

/* The drivers of the vDPA bus are not loaded automatically. */
static bool fabric_is_loaded(void)
{
	return module_state("queztl") == MODULE_LOADED;
}

void check_vhost_iotlb(struct verdict *v)
{
	judge_part("vhost_iotlb", "memory maps of ports", true, false,
		   module_state("vhost_iotlb"), v);
}

void check_vdpa(struct verdict *v)
{
	judge_part("vdpa", "ports", true, false, module_state("vdpa"), v);
}

void check_vhost_vdpa(struct verdict *v)
{
	judge_part("vhost_vdpa", "ports used by QEMU and DPDK", true,
		   fabric_is_loaded(), module_state("vhost_vdpa"), v);
}

void check_virtio_vdpa(struct verdict *v)
{
	judge_part("virtio_vdpa", "ports used by the host itself", false, false,
		   module_state("virtio_vdpa"), v);
}

static bool has_program(const char *name)
{
	const char *path = getenv("PATH");
	char copy[4096], file[4224];
	char *state, *directory;

	snprintf(copy, sizeof(copy), "%s:/usr/sbin:/sbin", path ? path : "");
	directory = strtok_r(copy, ":", &state);
	for (; directory; directory = strtok_r(NULL, ":", &state)) {
		snprintf(file, sizeof(file), "%s/%s", directory, name);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

void check_vdpa_tool(struct verdict *v)
{
	char command[64];

	if (has_program("vdpa"))
		judge(v, VERDICT_OK, "the vdpa tool is installed", NULL);
	else
		judge(v, VERDICT_WARN, "the vdpa tool is missing (it shows counters of single queues)",
		      install_command("iproute2", "iproute", command,
				      sizeof(command)));
}

/*
 * A port's map has one entry per contiguous piece of memory: 2 MiB if the VM's
 * memory is in huge pages, 4 KiB in the worst case.
 */
unsigned long long want_map_entries(unsigned long long ram_mib)
{
	unsigned long long wanted = 65536;

	while (wanted < ram_mib * (1024 / 4))
		wanted *= 2;
	return wanted;
}

void judge_map_entries(unsigned long long entries, unsigned long long ram_mib,
		       struct verdict *v)
{
	unsigned long long wanted = want_map_entries(ram_mib);
	char remedy[128];

	snprintf(remedy, sizeof(remedy),
		 "in /etc/modprobe.d: options vhost_vdpa max_iotlb_entries=%llu",
		 wanted);
	if (!entries)
		judge(v, VERDICT_OK, "vhost_vdpa is not loaded, no limit yet",
		      NULL);
	else if (entries >= wanted)
		judge(v, VERDICT_OK, "%llu entries: enough for any VM", NULL,
		      entries);
	else if (entries * 2 >= ram_mib)
		judge(v, VERDICT_OK, "%llu entries: enough for any VM with huge pages, but not for one above %llu MiB that migrates here",
		      NULL, entries, entries / (1024 / 4));
	else
		judge(v, VERDICT_WARN, "%llu entries: too few for VMs above %llu GiB or without huge pages",
		      remedy, entries, entries * 2 / 1024);
}

/* 0: vhost_vdpa is not loaded. */
unsigned long long read_map_entries(void)
{
	char line[32];

	if (!read_first_line("/sys/module/vhost_vdpa/parameters/max_iotlb_entries",
			     line, sizeof(line)))
		return 0;
	return strtoull(line, NULL, 10);
}

unsigned long long read_ram_mib(void)
{
	struct sysinfo info = { 0 };

	sysinfo(&info);
	return (unsigned long long)info.totalram * info.mem_unit >> 20;
}

void check_map_entries(struct verdict *v)
{
	judge_map_entries(read_map_entries(), read_ram_mib(), v);
}

/* vhost-vdpa pins all memory of the VM; the limit applies to root too. */
void judge_memlock(rlim_t limit, struct verdict *v)
{
	if (limit == RLIM_INFINITY)
		judge(v, VERDICT_OK, "unlimited: the memory of a VM can be pinned",
		      NULL);
	else
		judge(v, VERDICT_WARN, "%llu MiB, but a VM with a port pins all of its memory",
		      "ulimit -l unlimited as root (systemd: LimitMEMLOCK=infinity)",
		      (unsigned long long)limit >> 20);
}

void check_memlock(struct verdict *v)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	judge_memlock(limit.rlim_cur, v);
}

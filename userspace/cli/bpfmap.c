// SPDX-License-Identifier: GPL-2.0
/* The three calls of bpf(2) that a pinned map needs; libbpf would be a dependency. */
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpfmap.h"

static int call(int command, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

int open_map(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	return call(BPF_OBJ_GET, &attr);
}

int read_map(int map, uint32_t key, void *value)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)value,
	};

	return call(BPF_MAP_LOOKUP_ELEM, &attr);
}

int write_map(int map, uint32_t key, const void *value)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)value,
	};

	return call(BPF_MAP_UPDATE_ELEM, &attr);
}

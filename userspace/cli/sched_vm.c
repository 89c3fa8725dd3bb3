// SPDX-License-Identifier: GPL-2.0
/* queztl sched set: the weight and the limit of one VM. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../sched/bpf/cgroup.h"
#include "../../sched/bpf/queztl.h"
#include "bpfmap.h"
#include "cli.h"
#include "fail.h"
#include "options.h"
#include "scheduler.h"
#include "sched_native.h"

#define LEAST_PERCENT	1
#define MOST_PERCENT	1000000	/* ten thousand CPUs */

struct wish {
	bool weight_set, limit_set;
	struct qz_setting value;
};

/* "50%" of a CPU, "250%", or "none", in 1000ths. */
static bool parse_limit(const char *text, unsigned int *limit)
{
	double percent;
	char *end;

	*limit = 0;
	if (!strcmp(text, "none"))
		return true;
	percent = strtod(text, &end);
	if (end == text || strcmp(end, "%") || !(percent >= LEAST_PERCENT && percent <= MOST_PERCENT))
		return false;
	*limit = lround(percent * 10);
	return true;
}

static int parse_wish(struct cli *cli, int argc, char **argv, struct wish *wish)
{
	uint64_t number;

	for (int i = 0; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "weight")) {
			if (!parse_number(argv[i + 1], 1, 10000, &number))
				return fail(cli, EXIT_USAGE, "invalid weight '%s': use 1 to 10000; the usual one is 100",
					    argv[i + 1]);
			wish->value.weight = number;
			wish->weight_set = true;
		} else if (!strcmp(argv[i], "limit")) {
			if (!parse_limit(argv[i + 1], &wish->value.limit))
				return fail(cli, EXIT_USAGE, "invalid limit '%s': use percent of a CPU such as 50%% or 250%%, at least 1%%, or none",
					    argv[i + 1]);
			wish->limit_set = true;
		} else {
			return fail(cli, EXIT_USAGE, "unknown setting '%s': use weight or limit", argv[i]);
		}
	}
	return EXIT_OK;
}

/* queztl-sched and others that set something have to wait: nothing gets lost. */
static int lock_settings(void)
{
	int lock = open(QZ_SCHED_PINNED, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (lock < 0 || !flock(lock, LOCK_EX))
		return lock < 0 ? -errno : lock;
	error = errno;
	close(lock);
	return -error;
}

static int change_map(int map, unsigned int pid, const struct wish *wish)
{
	struct qz_setting setting = { 0 };
	int lock = lock_settings(), ret;

	if (lock < 0)
		return lock;
	read_map(map, pid, &setting);
	if (wish->weight_set)
		setting.weight = wish->value.weight;
	if (wish->limit_set)
		setting.limit = wish->value.limit;
	setting.by_hand = 1;
	ret = write_map(map, pid, &setting);
	close(lock);
	return ret;
}

static int set_in_map(struct cli *cli, unsigned int pid, const struct wish *wish)
{
	int map = open_map(QZ_SCHED_PINNED "/settings"), ret;

	if (map < 0)
		return fail_errno(cli, map, "cannot open " QZ_SCHED_PINNED "/settings");
	ret = change_map(map, pid, wish);
	close(map);
	if (ret == -E2BIG)
		return fail(cli, EXIT_FAILED, "cannot give process %u a setting: %u processes have one, and no more can",
			    pid, QZ_SCHED_VMS);
	return ret ? fail_errno(cli, ret, "cannot give process %u a setting", pid) : EXIT_OK;
}

struct native_wish {
	const struct wish *wish;
	int device;
	int pid;
	unsigned int found;
};

static int set_one(void *context, int pid, uint64_t id)
{
	struct native_wish *n = context;
	struct queztl_vm_sched vm = {
		.id = id,
		.set = (n->wish->weight_set ? QUEZTL_VM_WEIGHT : 0) |
		       (n->wish->limit_set ? QUEZTL_VM_LIMIT : 0),
		.weight = n->wish->value.weight,
		.limit = n->wish->value.limit,
	};

	if (pid != n->pid)
		return 0;
	n->found++;
	return queztl_vm_sched_set(n->device, &vm);
}

static int set_in_module(struct cli *cli, int device, unsigned int pid, const struct wish *wish)
{
	struct native_wish n = { .wish = wish, .device = device, .pid = pid };
	int ret = for_each_vm(device, set_one, &n);

	close(device);
	if (ret)
		return fail_errno(cli, ret, "cannot give process %u a setting", pid);
	return n.found ? EXIT_OK :
		fail(cli, EXIT_NO_OBJECT, "process %u has no VM that is known: see queztl vms", pid);
}

static int write_group(struct cli *cli, const char *path, const char *name, const char *text)
{
	char file[CGROUP_ROOM + 16];
	FILE *stream;
	int error = 0;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	stream = fopen(file, "we");
	if (!stream)
		return fail_errno(cli, -errno, "cannot write %s", file);
	if (fputs(text, stream) < 0)
		error = -errno;
	if (fclose(stream) && !error)
		error = -errno;
	return error ? fail_errno(cli, error, "cannot write %s", file) : EXIT_OK;
}

static int set_in_group(struct cli *cli, unsigned int pid, const struct wish *wish)
{
	char path[CGROUP_ROOM], text[64];
	int code = EXIT_OK;

	if (!vm_cgroup(pid, path))
		return fail(cli, EXIT_FAILED, "process %u has no cgroup of its own: start it in one (systemd-run --scope)", pid);
	if (wish->weight_set) {
		snprintf(text, sizeof(text), "%u", wish->value.weight);
		code = write_group(cli, path, "cpu.weight", text);
	}
	if (!code && wish->limit_set) {
		snprintf(text, sizeof(text), wish->value.limit ? "%u 100000" : "max 100000",
			 wish->value.limit * 100);
		code = write_group(cli, path, "cpu.max", text);
	}
	return code;
}

int run_sched_set(struct cli *cli, int argc, char **argv)
{
	struct wish wish = { 0 };
	struct sched_state state;
	int code = expect_between(cli, argc, argv, 3, 5);
	char process[64];
	uint64_t pid;
	int device;

	if (code)
		return code;
	if (!parse_number(argv[0], 1, INT32_MAX, &pid))
		return fail(cli, EXIT_USAGE, "invalid process '%s': see queztl vms", argv[0]);
	if (argc % 2 == 0)
		return fail(cli, EXIT_USAGE, "missing value for '%s'", argv[argc - 1]);
	code = parse_wish(cli, argc - 1, argv + 1, &wish);
	if (code)
		return code;
	snprintf(process, sizeof(process), "/proc/%" PRIu64, pid);
	if (access(process, F_OK))
		return fail(cli, EXIT_NO_OBJECT, "no process %" PRIu64 ": see queztl vms", pid);
	read_sched_state(&state);
	device = state.on && state.tier == TIER_BPF ? -1 : open_native();
	if (device >= 0)
		return set_in_module(cli, device, pid, &wish);
	return state.on ? set_in_map(cli, pid, &wish) : set_in_group(cli, pid, &wish);
}

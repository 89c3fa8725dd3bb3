// SPDX-License-Identifier: GPL-2.0
/* Which scheduler runs, and which this host could run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sched/bpf/queztl.h"
#include "process.h"
#include "scheduler.h"
#include "sched_native.h"
#include "sysfile.h"

#define SCHED_EXT	"/sys/kernel/sched_ext"

const char *tier_name(enum tier tier)
{
	static const char *const names[] = { "native", "bpf", "cgroup" };

	return names[tier];
}

const char *share_text(bool per_vcpu)
{
	return per_vcpu ? "a VM has its weight once for each vCPU" : "a VM is one customer";
}

bool find_loader(char *path, size_t size)
{
	static const char *const places[] = {
		"../libexec/queztl/queztl-sched", "../sched/queztl-sched",
	};
	char self[256];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length < 0)
		return false;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, "%s/%s", self, places[i]);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

enum tier best_tier(char missing[REASON_ROOM])
{
	int device = open_native();
	char path[512];

	*missing = '\0';
	if (device >= 0) {
		close(device);
		return TIER_NATIVE;
	}
	if (access(SCHED_EXT, F_OK))
		snprintf(missing, REASON_ROOM,
			 "kernel %s has no sched_ext (CONFIG_SCHED_CLASS_EXT)",
			 kernel_release());
	else if (access("/sys/kernel/btf/vmlinux", F_OK))
		snprintf(missing, REASON_ROOM,
			 "kernel %s does not describe its types (CONFIG_DEBUG_INFO_BTF)",
			 kernel_release());
	else if (!find_loader(path, sizeof(path)))
		snprintf(missing, REASON_ROOM,
			 "queztl-sched is not installed (make sched, then make install)");
	return *missing ? TIER_CGROUP : TIER_BPF;
}

static void read_native_state(struct sched_state *state)
{
	struct queztl_sched info;
	int device = open_native();

	if (device < 0)
		return;
	if (!queztl_sched_info(device, &info)) {
		state->on = info.state == QUEZTL_SCHED_ON;
		state->tier = TIER_NATIVE;
		state->per_vcpu = state->on && info.mode & QUEZTL_SCHED_PER_VCPU;
		if (info.state == QUEZTL_SCHED_FAILED)
			snprintf(state->ended, sizeof(state->ended), "%.*s%s%.*s",
				 (int)sizeof(info.reason), info.reason,
				 *info.message ? ": " : "",
				 (int)sizeof(info.message), info.message);
	}
	close(device);
}

/*
 * Anybody can lock what he can read, and the writer may have been killed: so ask
 * whether it is there. The kernel may have ended the scheduler a moment ago.
 */
static void read_loader_state(struct sched_state *state)
{
	char line[REASON_ROOM] = "", mode[16] = "", comm[NAME_ROOM], ops[64] = "";
	int pid;

	read_first_line(QZ_SCHED_STATE, line, sizeof(line));
	if (!strncmp(line, "off: ", 5))
		snprintf(state->ended, sizeof(state->ended), "%s", line + 5);
	if (sscanf(line, "on %d %15s", &pid, mode) < 1)
		return;
	read_comm(pid, comm);
	read_first_line(SCHED_EXT "/root/ops", ops, sizeof(ops));
	if (strcmp(comm, "queztl-sched"))
		snprintf(state->ended, sizeof(state->ended), "queztl-sched was killed");
	else if (strcmp(ops, "queztl"))
		snprintf(state->ended, sizeof(state->ended), "the kernel ended it: see dmesg");
	else
		*state = (struct sched_state){
			.on = true, .tier = TIER_BPF, .pid = pid,
			.per_vcpu = !strcmp(mode, QZ_SCHED_PER_VCPU),
		};
}

void read_sched_state(struct sched_state *state)
{
	char value[64] = "";

	*state = (struct sched_state){ 0 };
	read_native_state(state);
	if (!state->on && !*state->ended)
		read_loader_state(state);
	if (!state->on && read_first_line(SCHED_EXT "/state", value, sizeof(value)) &&
	    strcmp(value, "disabled"))
		read_first_line(SCHED_EXT "/root/ops", state->other, sizeof(state->other));
}

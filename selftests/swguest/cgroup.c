// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "cgroup.h"
#include "fabric.h"
#include "ktap.h"

#include <glob.h>
#include <sys/stat.h>

#define CGROUP	"/sys/fs/cgroup"
#define OURS	CGROUP "/" FABRIC_PREFIX "*"
#define SLOW	CGROUP "/" FABRIC_PREFIX "slow"
#define PREEMPT	"/sys/kernel/debug/sched/preempt"

static char preempt[16];		/* as it was */

void end_throttle(void)
{
	glob_t found = { 0 };

	write_text(SLOW "/cpu.max", "max");
	if (!glob(OURS, GLOB_ONLYDIR, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++)
			for (int j = 0; j < 100 && rmdir(found.gl_pathv[i]) && errno != ENOENT; j++)
				usleep(10000);
	globfree(&found);
	if (preempt[0])
		write_text(PREEMPT, preempt);
}

static bool read_preempt(char *word, size_t room)
{
	char line[128] = "", *begin, *end;
	FILE *file = fopen(PREEMPT, "r");

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	begin = strchr(line, '(');
	end = begin ? strchr(begin, ')') : NULL;
	if (!end)
		return false;
	*end = 0;
	snprintf(word, room, "%s", begin + 1);
	return true;
}

void begin_throttle(void)
{
	read_preempt(preempt, sizeof(preempt));
}

static bool has_cpu_controller(void)
{
	return !write_text(CGROUP "/cgroup.subtree_control", "+cpu");
}

const char *prepare_throttle(void)
{
	char now[16] = "";

	if (!has_cpu_controller())
		return "no cpu controller in " CGROUP;
	if (write_text(PREEMPT, "full") || !read_preempt(now, sizeof(now)) || strcmp(now, "full"))
		return "this kernel cannot be made fully preemptible";
	mkdir(SLOW, 0755);
	ASSERT_EQ(write_text(SLOW "/cpu.max", "1000 1000000"), 0);
	return NULL;
}

static void put_into(const char *cgroup, pid_t process)
{
	char path[128], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", process);
	ASSERT_EQ(write_text(path, pid), 0);
}

void throttle(pid_t process)
{
	put_into(SLOW, process);
}

void unthrottle(void)
{
	EXPECT_EQ(write_text(SLOW "/cpu.max", "max"), 0);
}

bool join_cgroup(const char *name)
{
	char path[96];

	if (!has_cpu_controller())
		return false;
	snprintf(path, sizeof(path), CGROUP "/" FABRIC_PREFIX "%s", name);
	mkdir(path, 0755);
	put_into(path, getpid());
	return true;
}

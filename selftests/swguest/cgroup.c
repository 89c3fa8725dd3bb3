// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "cgroup.h"
#include "fabric.h"
#include "ktap.h"

#include <sys/stat.h>

#define CGROUP	"/sys/fs/cgroup"
#define SLOW	CGROUP "/" FABRIC_PREFIX "slow"
#define PREEMPT	"/sys/kernel/debug/sched/preempt"

static char preempt[16];		/* as it was */

void end_throttle(void)
{
	write_text(SLOW "/cpu.max", "max");
	for (int i = 0; i < 100 && rmdir(SLOW) && errno != ENOENT; i++)
		usleep(10000);
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

const char *prepare_throttle(void)
{
	char now[16] = "";

	if (write_text(CGROUP "/cgroup.subtree_control", "+cpu"))
		return "no cpu controller in " CGROUP;
	if (write_text(PREEMPT, "full") || !read_preempt(now, sizeof(now)) || strcmp(now, "full"))
		return "this kernel cannot be made fully preemptible";
	mkdir(SLOW, 0755);
	ASSERT_EQ(write_text(SLOW "/cpu.max", "1000 1000000"), 0);
	return NULL;
}

void throttle(pid_t process)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", process);
	ASSERT_EQ(write_text(SLOW "/cgroup.procs", pid), 0);
}

void unthrottle(void)
{
	EXPECT_EQ(write_text(SLOW "/cpu.max", "max"), 0);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * How long a cgroup waits for its quota (cpu.max). A VM may have several: below
 * libvirt's scope there is one for each vCPU. Since Linux 6.6 cpu.stat.local
 * has the time of a cgroup itself, whether its own quota or that of an ancestor
 * is used up. Before, cpu.stat has that of its own quota only.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "procfile.h"
#include "throttle.h"
#include "vmlist.h"

static uint64_t read_throttled(const char *file)
{
	char text[1024];
	const char *line;

	if (!file || read_file_at(AT_FDCWD, file, text, sizeof(text)) < 0)
		return UNKNOWN;
	line = strstr(text, "throttled_usec ");
	return line ? 1000 * strtoull(line + strlen("throttled_usec "),
				      NULL, 10) : UNKNOWN;
}

static bool use_file(struct cgroup *group, const char *path, int length,
		     const char *name)
{
	char *file;

	if (asprintf(&file, "%s%.*s/%s", cgroup_mount(), length, path, name) < 0)
		out_of_memory();
	if (read_throttled(file) == UNKNOWN) {
		free(file);
		return false;
	}
	free(group->file);
	group->file = file;
	return true;
}

static bool use_cgroup(struct cgroup *group, const char *path, int length)
{
	return use_file(group, path, length, "cpu.stat.local") ||
	       use_file(group, path, length, "cpu.stat");
}

/*
 * The nearest ancestor that has the cpu controller is the one that can be
 * throttled; the files of the others do not have the line. Length 0 is the root.
 */
static void choose_file(struct cgroup *group)
{
	int length = strlen(group->path);

	while (!use_cgroup(group, group->path, length) && length)
		while (--length && group->path[length] != '/')
			;
}

/* The controller may be turned on later, for a cgroup or for its ancestor. */
static void read_cgroup(struct cgroup *group, unsigned int round)
{
	bool again = is_due(group->first, round, 0);
	uint64_t before = group->total_ns;
	char *file = group->file;

	if (group->round == round)
		return;
	group->round = round;
	group->counted = 0;
	group->file = again ? NULL : file;
	if (again)
		choose_file(group);
	group->total_ns = read_throttled(group->file);
	group->step_ns = 0;
	if (file && group->file && !strcmp(file, group->file) &&
	    before != UNKNOWN && group->total_ns != UNKNOWN &&
	    group->total_ns > before)
		group->step_ns = group->total_ns - before;
	if (again)
		free(file);
}

static struct cgroup *add_cgroup(struct cgroups *groups, const char *path,
				 unsigned int round)
{
	struct cgroup *group = grow(NULL, sizeof(*group));

	*group = (struct cgroup){
		.next = groups->first, .path = strdup(path), .first = round,
		.round = round - 1, .total_ns = UNKNOWN,
	};
	if (!group->path)
		out_of_memory();
	groups->first = group;
	return group;
}

/* The line of v2 is "0::/path"; those of v1 have other numbers. */
static char *find_path(char *text)
{
	char *line = text;

	while (line && strncmp(line, "0::", 3)) {
		line = strchr(line, '\n');
		line += !!line;
	}
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line + strlen("0::");
}

struct cgroup *find_cgroup(struct cgroups *groups, int task, int tid,
			   unsigned int round)
{
	char name[32], text[PATH_MAX];
	const char *path;

	snprintf(name, sizeof(name), "%d/cgroup", tid);
	if (read_file_at(task, name, text, sizeof(text)) < 0)
		return NULL;
	path = find_path(text);
	if (!path)
		return NULL;
	for (struct cgroup *g = groups->first; g; g = g->next)
		if (!strcmp(g->path, path))
			return g;
	return add_cgroup(groups, path, round);
}

void add_throttled(struct cgroup *group, unsigned int round, int pid,
		   uint64_t *total_ns, uint64_t *step_ns)
{
	read_cgroup(group, round);
	if (group->counted == pid || group->total_ns == UNKNOWN)
		return;
	group->counted = pid;
	*total_ns = *total_ns == UNKNOWN ? group->total_ns :
					   *total_ns + group->total_ns;
	*step_ns += group->step_ns;
}

static void free_cgroup(struct cgroup *group)
{
	free(group->path);
	free(group->file);
	free(group);
}

void forget_cgroups(struct cgroups *groups, unsigned int round)
{
	struct cgroup **at = &groups->first;

	while (*at) {
		struct cgroup *group = *at;

		if (group->round == round) {
			at = &group->next;
			continue;
		}
		*at = group->next;
		free_cgroup(group);
	}
}

void free_cgroups(struct cgroups *groups)
{
	while (groups->first) {
		struct cgroup *group = groups->first;

		groups->first = group->next;
		free_cgroup(group);
	}
}

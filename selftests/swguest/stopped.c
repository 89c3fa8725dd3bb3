// SPDX-License-Identifier: GPL-2.0
/*
 * A worker of a stopped VMM ends when its process goes on, or is killed. However many there are, nobody else's workers wait
 * behind them.
 */
#define _GNU_SOURCE
#include "tenant.h"

#include <dirent.h>
#include <sys/mman.h>

#define STOPPED	520	/* more than a workqueue runs at a time */

static struct {
	volatile int ready;
} *shared;
static struct member *a, *b;

/* With the descriptor of its parent: whoever says DRIVER_OK has the worker. */
static void run_owner(void)
{
	ASSERT_EQ(swg_set_status(&b->port, swg_get_status(&b->port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

static pid_t start_owner(void)
{
	struct swg_options options = { .no_ready = true };
	pid_t owner;

	restart(b, &options);
	shared->ready = 0;
	/* A fork copies pinned memory at once, and owners need none. */
	ASSERT_EQ(madvise(a->port.memory, a->port.size, MADV_DONTFORK), 0);
	ASSERT_EQ(madvise(b->port.memory, b->port.size, MADV_DONTFORK), 0);
	owner = fork_tenant(run_owner);
	await(&shared->ready);
	return owner;
}

static int count_threads(pid_t process)
{
	struct dirent *entry;
	char path[32];
	int count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	tasks = opendir(path);
	ASSERT(tasks);
	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static bool has_threads(pid_t process, int count)
{
	for (int ms = 0; ms < 10 * SOON && count_threads(process) != count; ms++)
		usleep(1000);
	return count_threads(process) == count;
}

TEST_WITHIN(stopped_vmms_keep_nobodys_workers, 300)
{
	static pid_t stopped[STOPPED];
	pid_t owner;

	shared = share(sizeof(*shared));
	make_fabric("qtlan");
	a = join("qtlan", 1, 0);
	b = join("qtlan", 2, 0);
	start(a, NULL);
	start(b, NULL);
	for (int i = 0; i < STOPPED; i++) {
		stopped[i] = start_owner();
		stop_tenant(stopped[i]);
	}
	owner = start_owner();
	ASSERT(has_threads(owner, 2));
	ASSERT_EQ(swg_reset(&b->port), 0);
	KTAP_CHECK(has_threads(owner, 1), false, "the worker of a process that runs does not end");
	restart(b, NULL);
	expect_pair_works(a, b, 1);

	/* Those that go on, and those that are killed, end as well. */
	resume_tenant(stopped[0]);
	KTAP_CHECK(has_threads(stopped[0], 1), false, "the worker of a process that goes on does not end");
	for (int i = 0; i < STOPPED; i++)
		EXPECT_EQ(kill_tenant(stopped[i]), 0);
	EXPECT_EQ(kill_tenant(owner), 0);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * qzlock - threads of one process that contend for a lock of their kernel
 *
 * qzlock [-m] [-t THREADS] [-s SECONDS]
 *
 * Each thread duplicates a descriptor and closes it again, all the time: both take the spinlock of the process's table
 * of files. With -m it maps a page, touches it and unmaps it: a semaphore that its waiters spin for, and on x86 an
 * interrupt for which every CPU of the process has to be waited. Default: as many threads as there are CPUs, 5 seconds.
 *
 * Prints one line of JSON: rounds of all threads, the fewest of one, the longest round in ns, by CLOCK_MONOTONIC.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64

struct worker {
	pthread_t thread;
	uint64_t rounds, longest;
};

static bool map;
static uint64_t end;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void duplicate(void)
{
	int fd = dup(0);

	if (fd < 0)
		die("dup");
	close(fd);
}

static void map_page(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		die("mmap");
	*page = 1;
	munmap(page, 4096);
}

static void *work(void *arg)
{
	uint64_t before = now_ns(), now;
	struct worker *w = arg;

	do {
		if (map)
			map_page();
		else
			duplicate();
		now = now_ns();
		if (now - before > w->longest)
			w->longest = now - before;
		before = now;
		w->rounds++;
	} while (now < end);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = sysconf(_SC_NPROCESSORS_ONLN), seconds = 5, c, i;
	uint64_t rounds = 0, fewest = UINT64_MAX, longest = 0;
	static struct worker workers[MAX_THREADS];

	while ((c = getopt(argc, argv, "mt:s:")) != -1) {
		switch (c) {
		case 'm': map = true; break;
		case 't': threads = atoi(optarg); break;
		case 's': seconds = atoi(optarg); break;
		default: return 64;
		}
	}
	if (threads < 1 || threads > MAX_THREADS || seconds < 1)
		return 64;
	end = now_ns() + seconds * 1000000000ull;
	for (i = 0; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("pthread_create");
	for (i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		rounds += w->rounds;
		fewest = w->rounds < fewest ? w->rounds : fewest;
		longest = w->longest > longest ? w->longest : longest;
	}
	printf("{\"rounds\":%llu,\"fewest\":%llu,\"longest\":%llu}\n", (unsigned long long)rounds,
	       (unsigned long long)fewest, (unsigned long long)longest);
	return 0;
}

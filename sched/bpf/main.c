// SPDX-License-Identifier: GPL-2.0
/*
 * queztl-sched: load Queztl's scheduler and keep it until a signal comes or the
 * kernel ends it. Then all tasks are the fair class's again.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "module/plain.h"
#include "queztl.h"
#include "sched/policy.h"
#include "queztl.skel.h"

static const char usage[] =
	"Usage: queztl-sched [-c CHECK] [-l SLICE] [-v]\n"
	"\n"
	"Schedule this machine's tasks so that a VM is one customer, until SIGINT or\n"
	"SIGTERM. VMs are found by themselves; " QZ_SCHED_PINNED "/settings has\n"
	"weights and limits by process.\n"
	"\n"
	"  -c CHECK  us; while somebody waits, check so often (default 1000; 0: at ticks)\n"
	"  -l SLICE  us (default 3000)\n"
	"  -v        say what libbpf says\n";

static volatile sig_atomic_t ends;
static bool verbose;

static void end(int number)
{
	(void)number;
	ends = 1;
}

static int say(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN || verbose ? vfprintf(stderr, format, args) : 0;
}

static int fail(const char *what)
{
	fprintf(stderr, "queztl-sched: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Where others find it, and without what an earlier run has left. */
static int pin(struct bpf_map *map, const char *path)
{
	if (mkdir(QZ_SCHED_PINNED, 0700) && errno != EEXIST)
		return -1;
	unlink(path);
	return bpf_map__pin(map, path);
}

static int run(struct queztl_bpf *bpf)
{
	struct bpf_link *link;

	if (pin(bpf->maps.settings, QZ_SCHED_PINNED "/settings") ||
	    pin(bpf->maps.vcpus, QZ_SCHED_PINNED "/vcpus") ||
	    pin(bpf->maps.stats, QZ_SCHED_PINNED "/stats"))
		return fail(QZ_SCHED_PINNED);
	link = bpf_map__attach_struct_ops(bpf->maps.queztl);
	if (!link)
		return fail("the kernel does not take the scheduler");
	fprintf(stderr, "queztl-sched: on\n");
	while (!ends && !bpf->bss->ended.kind)
		usleep(100000);
	bpf_link__destroy(link);
	fprintf(stderr, "queztl-sched: off: %s%s%s\n", bpf->bss->ended.reason,
		*bpf->bss->ended.message ? ": " : "", bpf->bss->ended.message);
	unlink(QZ_SCHED_PINNED "/settings");
	unlink(QZ_SCHED_PINNED "/vcpus");
	unlink(QZ_SCHED_PINNED "/stats");
	return !ends;
}

int main(int argc, char **argv)
{
	struct qz_policy policy = QZ_POLICY_DEFAULT;
	struct queztl_bpf *bpf;
	u64 check = NSEC_PER_MSEC;
	int option, ret;

	while ((option = getopt(argc, argv, "c:l:vh")) >= 0) {
		switch (option) {
		case 'c':
			check = strtoull(optarg, NULL, 0) * NSEC_PER_USEC;
			break;
		case 'l':
			policy.slice = strtoull(optarg, NULL, 0) * NSEC_PER_USEC;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	signal(SIGINT, end);
	signal(SIGTERM, end);
	libbpf_set_print(say);
	bpf = queztl_bpf__open();
	if (!bpf)
		return fail("open");
	bpf->rodata->nr_cpus = libbpf_num_possible_cpus();
	bpf->rodata->check_ns = check;
	memcpy((void *)&bpf->rodata->policy, &policy, sizeof(policy));
	ret = queztl_bpf__load(bpf) ? fail("load") : run(bpf);
	queztl_bpf__destroy(bpf);
	return ret;
}

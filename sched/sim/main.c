// SPDX-License-Identifier: GPL-2.0
/* qzsim: run a scenario under a simulated scheduler, or under this kernel's. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "sched/sim/sim.h"

static const char usage[] =
	"Usage: qzsim [-s SCHEDULER] [-r SEED] [-t TIMER] [-l SLICE] [-p PERIOD]\n"
	"             [-w WARM-UP] [-d SECONDS] [-k KEEP] [-P] [-j] [-a]\n"
	"             [-D NAME=VALUE]... SCENARIO\n"
	"\n"
	"Run a scenario and print what each VM got.\n"
	"\n"
	"  -s SCHEDULER  queztl (default), eevdf (6.12, a cgroup per VM) or vtime, all\n"
	"                simulated; real: threads of this machine, for as long as it says\n"
	"  -r SEED       of random numbers (default 1)\n"
	"  -t TIMER      queztl: also check a busy CPU so often, us (default: at ticks)\n"
	"  -l SLICE      the scheduler's slice, us; real: of each thread, which EEVDF knows\n"
	"  -p PERIOD     real: of cpu.max, us (default 100000)\n"
	"  -D NAME=VALUE  what $NAME means in the scenario\n"
	"  -w WARM-UP    what does not count at the beginning, ms (default 1000)\n"
	"  -d SECONDS    instead of the scenario's\n"
	"  -k KEEP       real: threads stay after the end, for who reads about them, ms\n"
	"  -P            queztl: a VM has its weight once for each of its vCPUs\n"
	"  -j            a line of JSON per VM; times in ns\n"
	"  -a            with -j: each latency, not only percentiles\n";

static const struct sim_class *find(const char *name)
{
	static const struct sim_class real = { .name = "real" };
	static const struct sim_class *const all[] = { &sim_queztl, &sim_eevdf, &sim_vtime, &real };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	fprintf(stderr, "qzsim: there is no scheduler '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct sim sim = {
		.ncpus = 1, .end = 20 * NSEC_PER_SEC, .warm_up = NSEC_PER_SEC,
		.tick = 4 * NSEC_PER_MSEC, .switch_cost = 2 * NSEC_PER_USEC,
		.ipi = NSEC_PER_USEC, .random = 1, .period = 100 * NSEC_PER_MSEC,
	};
	bool json = false, all = false;
	s64 warm_up = -1;
	u64 seconds = 0;
	int option;

	sim.class = &sim_queztl;
	while ((option = getopt(argc, argv, "s:r:t:l:p:w:d:k:D:Pjah")) >= 0) {
		switch (option) {
		case 's':
			sim.class = find(optarg);
			break;
		case 'r':
			sim.random = strtoull(optarg, NULL, 0) * 2654435761u + 1;
			break;
		case 't':
			sim.timer = strtoull(optarg, NULL, 0) * NSEC_PER_USEC;
			break;
		case 'l':
			sim.slice = strtoull(optarg, NULL, 0) * NSEC_PER_USEC;
			break;
		case 'p':
			sim.period = strtoull(optarg, NULL, 0) * NSEC_PER_USEC;
			break;
		case 'w':
			warm_up = strtoll(optarg, NULL, 0);
			break;
		case 'k':
			sim.keep = strtoull(optarg, NULL, 0) * NSEC_PER_MSEC;
			break;
		case 'd':
			seconds = strtoull(optarg, NULL, 0);
			break;
		case 'D':
			sim_define(optarg);
			break;
		case 'P':
			sim.per_vcpu = true;
			break;
		case 'j':
			json = true;
			break;
		case 'a':
			all = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	sim_read(&sim, argv[optind]);
	if (warm_up >= 0)
		sim.warm_up = warm_up * NSEC_PER_MSEC;
	if (seconds)
		sim.end = sim.warm_up + seconds * NSEC_PER_SEC;
	if (sim.class->begin)
		sim_run(&sim);
	else
		sim_run_real(&sim);
	sim_report(&sim, json, all);
	return 0;
}

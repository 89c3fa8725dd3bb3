// SPDX-License-Identifier: GPL-2.0
/* What came out of a run: a table, or a line of JSON per VM. */
#include <stdio.h>
#include <stdlib.h>

#include "sched/sim/sim.h"

void sim_note(struct sim_series *series, u64 value)
{
	if (series->n == series->room) {
		series->room = series->room ? 2 * series->room : 256;
		series->values = realloc(series->values, series->room * sizeof(u64));
		if (!series->values)
			abort();
	}
	series->values[series->n++] = value;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Nearest rank. Sorts the values. */
u64 sim_at(struct sim_series *series, double part)
{
	size_t index = part * series->n;

	if (!series->n)
		return 0;
	qsort(series->values, series->n, sizeof(u64), compare);
	return series->values[min(index, series->n - 1)];
}

double sim_mean(const struct sim_series *series)
{
	double sum = 0;

	for (size_t i = 0; i < series->n; i++)
		sum += series->values[i];
	return series->n ? sum / series->n : 0;
}

static u64 longest_wait(const struct sim *sim, const struct sim_vm *vm, bool vcpu)
{
	u64 longest = 0;

	for (int i = 0; i < sim->ntasks; i++)
		if (sim->tasks[i].vm == vm && sim->tasks[i].vcpu == vcpu &&
		    sim->tasks[i].longest_wait > longest)
			longest = sim->tasks[i].longest_wait;
	return longest;
}

static void print_values(const char *name, const struct sim_series *series)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < series->n; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)series->values[i]);
	printf("], ");
}

/* What its threads waited, as they saw it and as the kernel says, and worked. */
static void print_sums(const struct sim *sim, const struct sim_vm *vm)
{
	u64 waited = 0, delayed = 0, work = 0;

	for (int i = 0; i < sim->ntasks; i++) {
		if (sim->tasks[i].vm != vm)
			continue;
		waited += sim->tasks[i].waited;
		delayed += sim->tasks[i].delayed;
		work += sim->tasks[i].work;
	}
	printf("\"waited\": %llu, \"delayed\": %llu, \"work\": %llu, ", (unsigned long long)waited,
	       (unsigned long long)delayed, (unsigned long long)work);
}

static void print_json(struct sim *sim, struct sim_vm *vm, double seconds, bool all)
{
	printf("{\"scheduler\": \"%s\", \"vm\": \"%s\", \"weight\": %u, \"threads\": %d, \"cpus\": %.6f, ",
	       sim->class->name, vm->name, vm->weight, vm->ntasks, vm->ran / seconds / 1e9);
	printf("\"n\": %zu, \"mean\": %.0f, \"p50\": %llu, \"p99\": %llu, \"max\": %llu, ", vm->latency.n,
	       sim_mean(&vm->latency), (unsigned long long)sim_at(&vm->latency, .5),
	       (unsigned long long)sim_at(&vm->latency, .99), (unsigned long long)sim_at(&vm->latency, 1));
	printf("\"wake_p50\": %llu, \"wake_p99\": %llu, \"longest_wait\": %llu, \"longest_wait_io\": %llu, ",
	       (unsigned long long)sim_at(&vm->wake, .5), (unsigned long long)sim_at(&vm->wake, .99),
	       (unsigned long long)longest_wait(sim, vm, true), (unsigned long long)longest_wait(sim, vm, false));
	print_sums(sim, vm);
	if (all) {
		print_values("latencies", &vm->latency);
		print_values("wakes", &vm->wake);
	}
	printf("\"spread\": %llu}\n", (unsigned long long)sim->spread);
}

static void print_row(struct sim *sim, struct sim_vm *vm, double seconds)
{
	printf("%-12s%7u%8d%8.3f", vm->name, vm->weight, vm->ntasks, vm->ran / seconds / 1e9);
	if (vm->latency.n)
		printf("%9.3f%9.3f", sim_mean(&vm->latency) / 1e6, sim_at(&vm->latency, .99) / 1e6);
	else
		printf("%9s%9s", "-", "-");
	printf("%9.3f%9.1f\n", sim_at(&vm->wake, .99) / 1e6, longest_wait(sim, vm, true) / 1e6);
}

void sim_report(struct sim *sim, bool json, bool all)
{
	double seconds = (sim->end - sim->warm_up) / 1e9;

	if (!json) {
		u64 busy = 0;

		for (int i = 0; i < sim->nvms; i++)
			busy += sim->vms[i].ran;
		printf("%s: CPUs busy %.1f %%, %.0f switches/s; times in ms\n", sim->class->name,
		       busy / seconds / 1e7 / sim->ncpus, sim->switches / seconds);
		printf("%-12s%7s%8s%8s%9s%9s%9s%9s\n", "vm", "weight", "threads", "CPUs", "mean",
		       "p99", "wake p99", "stall");
	}
	for (int i = 0; i < sim->nvms; i++) {
		if (json)
			print_json(sim, &sim->vms[i], seconds, all);
		else
			print_row(sim, &sim->vms[i], seconds);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The name of a VM is what a tenant likes, and two may have the same; the process
 * ID makes series differ.
 */
#include <inttypes.h>
#include <string.h>

#include "counters.h"
#include "exposition.h"
#include "metrics.h"
#include "process.h"
#include "top_columns.h"

#define ID_ROOM	24

static const char *format_pid(char buffer[ID_ROOM], int pid)
{
	buffer[0] = '\0';
	if (pid)
		snprintf(buffer, ID_ROOM, "%d", pid);
	return buffer;
}

#define USAGE(metric, member, thread, help_) { metric, thread, help_, \
	{ #member, offsetof(struct usage, member) } }

/* Neighbours with the same name are one metric. */
static const struct usage_metric {
	const char *name;
	const char *thread;	/* NULL: not by kind of thread */
	const char *help;
	struct counter counter;
} usage_metrics[] = {
	USAGE("queztl_vm_cpu_seconds_total", vcpu_cpu_ns, "vcpu",
	      "CPU time of the threads of the VM."),
	USAGE("queztl_vm_cpu_seconds_total", other_cpu_ns, "other", NULL),
	USAGE("queztl_vm_cpu_ready_seconds_total", vcpu_ready_ns, "vcpu",
	      "Time for which threads of the VM could run but waited for a CPU; that of vCPUs divided by queztl_vm_vcpus is the guest's steal time."),
	USAGE("queztl_vm_cpu_ready_seconds_total", other_ready_ns, "other",
	      NULL),
	USAGE("queztl_vm_cpu_throttled_seconds_total", throttled_ns, NULL,
	      "Time for which the cgroups of the VM were throttled by cpu.max."),
	{ 0 }
};

/*
 * Threads that are not vCPUs come and go, and what one of them used is known only
 * to those who saw it. So without a predecessor their sum can decrease, which a
 * counter must not.
 */
static bool is_told(const struct metrics *m, const struct usage_metric *u)
{
	return m->continuous || !u->thread || strcmp(u->thread, "other");
}

static void print_usage(FILE *to, const struct usage_metric *u,
			const struct vm_usage *vm)
{
	uint64_t ns = read_counter(&vm->counts, &u->counter);
	char pid[ID_ROOM];
	const struct label labels[] = {
		{ "vm", vm_title(vm) },
		{ "pid", format_pid(pid, vm->vmm.pid) },
		{ u->thread ? "thread" : NULL, u->thread },
		{ NULL, NULL }
	};

	if (ns != UNKNOWN)
		print_seconds(to, u->name, labels, ns);
}

static void print_usages(FILE *to, const struct metrics *m)
{
	for (const struct usage_metric *u = usage_metrics; u->name; u++) {
		if (u->help)
			begin_metric(to, u->name, COUNTER, u->help);
		for (size_t i = 0; is_told(m, u) && i < m->sample.count; i++)
			print_usage(to, u, &m->sample.vms[i]);
	}
}

static void print_vcpus(FILE *to, const struct sample *sample)
{
	static const char name[] = "queztl_vm_vcpus";

	begin_metric(to, name, GAUGE, "Number of vCPUs.");
	for (size_t i = 0; i < sample->count; i++) {
		const struct vm_usage *vm = &sample->vms[i];
		char pid[ID_ROOM];
		const struct label labels[] = {
			{ "vm", vm_title(vm) },
			{ "pid", format_pid(pid, vm->vmm.pid) },
			{ NULL, NULL }
		};

		print_count(to, name, labels, count_vcpus(vm));
	}
}

#define EVENT(metric, member, help_) { metric, help_, \
	{ #member, offsetof(struct queztl_vm_stats, member) } }

static const struct event_metric {
	const char *name;
	const char *help;
	struct counter counter;
} event_metrics[] = {
	EVENT("queztl_vm_exits_total", exits, "VM exits."),
	EVENT("queztl_vm_halt_exits_total", halt_exits,
	      "VM exits because a vCPU halted."),
	EVENT("queztl_vm_mmio_exits_total", mmio_exits,
	      "Exits to the VMM for memory-mapped I/O."),
	EVENT("queztl_vm_io_exits_total", io_exits, "Port I/O exits."),
	EVENT("queztl_vm_irq_injections_total", irq_injections,
	      "Interrupts injected."),
	EVENT("queztl_vm_insn_emulations_total", insn_emulations,
	      "Guest instructions that the host emulated."),
	EVENT("queztl_vm_signal_exits_total", signal_exits,
	      "VM exits because the vCPU thread had a pending signal."),
};

/* The same name as that of its usage, even if the VMM changes it meanwhile. */
static const char *event_title(const struct sample *sample, const struct vm *vm,
			       char name[NAME_ROOM])
{
	for (size_t i = 0; vm->info.pid && i < sample->count; i++)
		if (sample->vms[i].vmm.pid == vm->info.pid)
			return vm_title(&sample->vms[i]);
	read_vm_name(vm->info.pid, name);
	return *name ? name : vm->info.comm;
}

static void print_event(FILE *to, const struct event_metric *e,
			const struct sample *sample, const struct vm *vm)
{
	char name[NAME_ROOM], pid[ID_ROOM], id[ID_ROOM];
	const struct label labels[] = {
		{ "vm", event_title(sample, vm, name) },
		{ "pid", format_pid(pid, vm->info.pid) },
		{ "id", id },
		{ NULL, NULL }
	};

	snprintf(id, sizeof(id), "%" PRIu64, (uint64_t)vm->info.id);
	print_count(to, e->name, labels, read_counter(&vm->stats, &e->counter));
}

static void print_events(FILE *to, const struct metrics *m)
{
	for (size_t i = 0; i < sizeof(event_metrics) / sizeof(*event_metrics);
	     i++) {
		const struct event_metric *e = &event_metrics[i];

		begin_metric(to, e->name, COUNTER, e->help);
		for (size_t at = 0; at < m->shot.vm_count; at++)
			print_event(to, e, &m->sample, &m->shot.vms[at]);
	}
}

void print_vm_metrics(FILE *to, const struct metrics *m)
{
	if (m->has_usage) {
		print_vcpus(to, &m->sample);
		print_usages(to, m);
	}
	if (m->up)
		print_events(to, m);
}

// SPDX-License-Identifier: GPL-2.0
/* queztl sched status: what divides the CPUs now, and what each VM got. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sched/bpf/queztl.h"
#include "bpfmap.h"
#include "cli.h"
#include "json.h"
#include "options.h"
#include "process.h"
#include "scheduler.h"
#include "sched_native.h"
#include "table.h"

static const struct column columns[] = {
	{ "PID", RIGHT, 0 },
	{ "WEIGHT", RIGHT, 0 },
	{ "LIMIT", RIGHT, 0 },
	{ "CPU s", RIGHT, 0 },
	{ "THROTTLED s", RIGHT, 0 },
	{ "MESSAGES", RIGHT, 0 },
	{ "P99 WAIT", RIGHT, 0 },
	{ "NAME", LEFT, 8 },
};

/* What is printed, in one form or the other. */
struct rows {
	struct table *table;
	json_t *list;
	bool per_vcpu;
	int device;		/* of the module's scheduler */
};

/* The bucket of which 99 % of the waits are at most. */
static void add_wait(struct table *table, const struct qz_vm_stats *s)
{
	unsigned long long all = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < QZ_SCHED_WAITS; i++)
		all += s->waits[i];
	for (i = 0; i < QZ_SCHED_WAITS - 1 && 100 * (sum += s->waits[i]) < 99 * all; i++)
		;
	if (!all)
		add_cell(table, "-");
	else if (i == QZ_SCHED_WAITS - 1)
		add_cell(table, ">=%u us", 1u << (i - 1));
	else
		add_cell(table, "<%u us", 1u << i);
}

/* 200x3: three vCPUs, each of which counts for 200. */
static void add_weight(struct table *table, const struct qz_vm_stats *s, bool per_vcpu)
{
	if (per_vcpu)
		add_cell(table, "%ux%u", s->weight, s->vcpus ? s->vcpus : 1);
	else
		add_cell(table, "%u", s->weight);
}

static int pid_of_vm(int device, uint64_t id)
{
	struct queztl_vm info = { .pid = 0 };
	int vm = queztl_vm_open(device, id);

	if (vm < 0)
		return 0;
	if (queztl_vm_info(vm, &info))
		info.pid = 0;
	close(vm);
	return info.pid;
}

static int by_messages(const void *a, const void *b)
{
	const struct queztl_sched_partner *x = a, *y = b;
	uint64_t m = x->sent + x->received, n = y->sent + y->received;

	return m < n ? 1 : m > n ? -1 : 0;
}

static json_t *partners_of(int device, const struct queztl_vm_sched *vm)
{
	struct queztl_sched_partner sorted[QUEZTL_SCHED_PARTNERS];
	json_t *list = json_array();

	memcpy(sorted, vm->partners, sizeof(sorted));
	qsort(sorted, QUEZTL_SCHED_PARTNERS, sizeof(*sorted), by_messages);
	for (size_t i = 0; i < QUEZTL_SCHED_PARTNERS && sorted[i].id; i++) {
		json_t *object = json_object();

		set_count(object, "vm", sorted[i].id);
		set_process(object, "pid", pid_of_vm(device, sorted[i].id));
		set_count(object, "sent", sorted[i].sent);
		set_count(object, "received", sorted[i].received);
		json_array_append_new(list, object);
	}
	return list;
}

/* vm: what only the module's scheduler knows, or NULL. */
static void add_vm(struct rows *rows, const struct qz_vm_stats *s,
		   const struct queztl_vm_sched *vm)
{
	struct table *table = rows->table;
	json_t *object = json_object(), *waits = json_array();
	char name[NAME_ROOM] = "";

	read_vm_name(s->tgid, name);
	if (!*name)
		read_comm(s->tgid, name);
	add_cell(table, "%u", s->tgid);
	add_weight(table, s, rows->per_vcpu);
	if (s->limit)
		add_cell(table, "%g%%", s->limit / 10.0);
	else
		add_cell(table, "-");
	add_cell(table, "%.1f", s->used / 1e9);
	add_cell(table, "%.1f", s->throttled / 1e9);
	add_cell(table, "%llu", s->messages);
	add_wait(table, s);
	add_cell(table, "%s", name);
	set_process(object, "pid", s->tgid);
	set_text(object, "name", *name ? name : NULL);
	set_count(object, "weight", s->weight);
	set_count(object, "limit_permille", s->limit);
	set_count(object, "vcpus", s->vcpus);
	set_count(object, "used_ns", s->used);
	set_count(object, "throttled_ns", s->throttled);
	set_count(object, "preemptions", s->preemptions);
	set_json(object, "preempted", vm ? json_integer((json_int_t)vm->preempted) : json_null());
	set_json(object, "preempted_in_guest_kernel",
		 vm ? json_integer((json_int_t)vm->preempted_kernel) : json_null());
	set_count(object, "yields", s->yields);
	set_count(object, "messages", s->messages);
	set_json(object, "waits", waits);
	for (size_t i = 0; i < QZ_SCHED_WAITS; i++)
		json_array_append_new(waits, json_integer((json_int_t)s->waits[i]));
	set_json(object, "partners", vm ? partners_of(rows->device, vm) : json_null());
	json_array_append_new(rows->list, object);
}

static int add_native(void *context, int pid, uint64_t id)
{
	struct rows *rows = context;
	struct queztl_vm_sched vm;
	struct qz_vm_stats stats;

	if (queztl_vm_sched_get(rows->device, id, &vm))
		return 0;
	stats = (struct qz_vm_stats){
		.tgid = pid,
		.weight = vm.weight,
		.limit = vm.limit,
		.vcpus = vm.vcpus,
		.used = vm.used_ns,
		.throttled = vm.throttled_ns,
		.preemptions = vm.preemptions,
		.yields = vm.yields,
		.messages = vm.handovers_sent,
	};
	for (size_t i = 0; i < QZ_SCHED_WAITS; i++)
		stats.waits[i] = vm.waits[i];
	add_vm(rows, &stats, &vm);
	return 0;
}

static void read_native(struct rows *rows)
{
	rows->device = open_native();
	if (rows->device < 0)
		return;
	for_each_vm(rows->device, add_native, rows);
	close(rows->device);
}

/* Without privilege the maps cannot be read: then there are no rows. */
static void read_vms(struct rows *rows)
{
	int map = open_map(QZ_SCHED_PINNED "/stats");
	struct qz_vm_stats stats;

	if (map < 0)
		return;
	for (uint32_t i = 1; i < QZ_SCHED_VMS; i++)
		if (!read_map(map, i, &stats) && stats.tgid)
			add_vm(rows, &stats, NULL);
	close(map);
}

static void print_status(struct cli *cli, const struct sched_state *state,
			 enum tier tier, const char *missing, const struct table *table)
{
	if (state->on && state->tier == TIER_NATIVE)
		fprintf(cli->out, "scheduler  on (native): %s\n", share_text(state->per_vcpu));
	else if (state->on)
		fprintf(cli->out, "scheduler  on (bpf, process %d): %s\n", state->pid,
			share_text(state->per_vcpu));
	else if (*state->other)
		fprintf(cli->out, "scheduler  '%s', which is not ours\n", state->other);
	else
		fprintf(cli->out, "scheduler  off: EEVDF divides the CPUs between cgroups\n");
	if (*state->ended)
		fprintf(cli->out, "last end   %s\n", state->ended);
	fprintf(cli->out, "available  %s", tier_name(tier));
	if (*missing)
		fprintf(cli->out, "; not bpf: %s", missing);
	fputc('\n', cli->out);
	if (!table->cells)
		return;
	fputc('\n', cli->out);
	print_table(table, cli->out, cli->width);
}

static void print_status_json(struct cli *cli, const struct sched_state *state,
			      enum tier tier, const char *missing, json_t *vms)
{
	json_t *object = json_object();

	set_json(object, "on", json_boolean(state->on));
	set_text(object, "tier", state->on ? tier_name(state->tier) : NULL);
	set_process(object, "pid", state->pid);
	set_json(object, "per_vcpu", json_boolean(state->per_vcpu));
	set_text(object, "other", *state->other ? state->other : NULL);
	set_text(object, "last_end", *state->ended ? state->ended : NULL);
	set_text(object, "available", tier_name(tier));
	set_text(object, "missing", *missing ? missing : NULL);
	set_json(object, "vms", json_incref(vms));
	print_json(object, cli->out, false);
}

int run_sched_status(struct cli *cli, int argc, char **argv)
{
	struct table table = TABLE(columns);
	int code = expect_words(cli, argc, argv, 0);
	char missing[REASON_ROOM];
	struct sched_state state;
	struct rows rows;
	enum tier tier;

	if (code)
		return code;
	read_sched_state(&state);
	rows = (struct rows){
		.table = &table, .list = json_array(), .per_vcpu = state.per_vcpu,
	};
	tier = best_tier(missing);
	if (state.on && state.tier == TIER_NATIVE)
		read_native(&rows);
	else if (state.on)
		read_vms(&rows);
	if (cli->json)
		print_status_json(cli, &state, tier, missing, rows.list);
	else
		print_status(cli, &state, tier, missing, &table);
	json_decref(rows.list);
	clear_table(&table);
	return EXIT_OK;
}

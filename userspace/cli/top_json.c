// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "counters.h"
#include "json.h"
#include "top.h"
#include "top_columns.h"

#define USAGE(member) { #member, offsetof(struct usage, member) }

static const struct counter usage_counters[] = {
	USAGE(vcpu_cpu_ns),
	USAGE(vcpu_ready_ns),
	USAGE(vcpu_switches),
	USAGE(other_cpu_ns),
	USAGE(other_ready_ns),
	USAGE(other_switches),
	USAGE(throttled_ns),
	USAGE(exits),
	USAGE(packets),
	{ NULL, 0 }
};

static json_t *number_json(double number)
{
	return isnan(number) ? json_null() : json_real(number);
}

static json_t *counts_json(const struct vm_usage *vm)
{
	json_t *object = json_object();

	for (const struct counter *c = usage_counters; c->key; c++) {
		uint64_t count = read_counter(&vm->counts, c);

		if (count == UNKNOWN)
			set_json(object, c->key, json_null());
		else
			set_count(object, c->key, count);
	}
	return object;
}

static json_t *rates_json(const struct vm_usage *vm)
{
	json_t *object;

	if (!vm->interval_ns)
		return json_null();
	object = json_object();
	for (const struct counter *c = usage_counters; c->key; c++)
		set_json(object, c->key,
			 number_json(usage_rate(vm, read_counter(&vm->earlier, c),
						read_counter(&vm->counts, c))));
	return object;
}

static json_t *percent_json(const struct vm_usage *vm)
{
	json_t *object;

	if (!vm->interval_ns)
		return json_null();
	object = json_object();
	for (const struct top_column *c = top_columns; c->title; c++)
		if (c->format == TOP_PERCENT)
			set_json(object, c->name, number_json(c->value(vm)));
	return object;
}

static json_t *ids_json(const struct vmm *vmm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vmm->id_count; i++)
		json_array_append_new(list, json_integer(vmm->ids[i]));
	return list;
}

static json_t *vm_json(const struct vm_usage *vm)
{
	json_t *object = json_object();

	set_json(object, "ids", ids_json(&vm->vmm));
	set_process(object, "pid", vm->vmm.pid);
	set_text(object, "comm", vm->comm);
	set_text(object, "name", *vm->name ? vm->name : NULL);
	set_count(object, "vcpus", count_vcpus(vm));
	set_count(object, "vcpu_threads", vm->vcpu_threads);
	set_count(object, "other_threads", vm->thread_count - vm->vcpu_threads);
	set_json(object, "interval_ns", vm->interval_ns ?
		 json_integer(vm->interval_ns) : json_null());
	set_json(object, "counts", counts_json(vm));
	set_json(object, "rates", rates_json(vm));
	set_json(object, "percent", percent_json(vm));
	return object;
}

void print_top_json(struct cli *cli, const struct sample *now,
		    const struct top_order *order)
{
	const struct vm_usage **sorted = sort_vms(now, order);
	json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; i < now->count; i++)
		json_array_append_new(list, vm_json(sorted[i]));
	set_count(object, "time_ns", now->time_ns);
	set_count(object, "interval_ns", now->interval_ns);
	set_json(object, "vms", list);
	set_count(object, "foreign_vms", now->foreign);
	print_json(object, cli->out, true);
	free(sorted);
}

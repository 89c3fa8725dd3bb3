// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "top.h"
#include "top_columns.h"

#define PERCENT(vm, member) \
	used_percent(vm, (vm)->earlier.member, (vm)->counts.member)
#define RATE(vm, member) \
	usage_rate(vm, (vm)->earlier.member, (vm)->counts.member)

const char *vm_title(const struct vm_usage *vm)
{
	return *vm->name ? vm->name : vm->comm;
}

static double value_id(const struct vm_usage *vm)
{
	return vm->vmm.id_count ? vm->vmm.ids[0] : NAN;
}

static double value_pid(const struct vm_usage *vm)
{
	return vm->vmm.pid;
}

static double value_vcpus(const struct vm_usage *vm)
{
	return count_vcpus(vm);
}

static double value_vcpu(const struct vm_usage *vm)
{
	return PERCENT(vm, vcpu_cpu_ns);
}

static double value_other(const struct vm_usage *vm)
{
	return PERCENT(vm, other_cpu_ns);
}

static double value_cpu(const struct vm_usage *vm)
{
	return value_vcpu(vm) + value_other(vm);
}

static double value_ready(const struct vm_usage *vm)
{
	return PERCENT(vm, vcpu_ready_ns);
}

static double value_other_ready(const struct vm_usage *vm)
{
	return PERCENT(vm, other_ready_ns);
}

/* KVM tells the guest the same run_delay; the guest divides by its CPUs. */
static double value_steal(const struct vm_usage *vm)
{
	uint32_t vcpus = count_vcpus(vm);

	return vcpus ? value_ready(vm) / vcpus : NAN;
}

static double value_throttled(const struct vm_usage *vm)
{
	return PERCENT(vm, throttled_ns);
}

static double value_switches(const struct vm_usage *vm)
{
	return RATE(vm, vcpu_switches) + RATE(vm, other_switches);
}

static double value_exits(const struct vm_usage *vm)
{
	return RATE(vm, exits);
}

static double value_packets(const struct vm_usage *vm)
{
	return RATE(vm, packets);
}

const char top_column_names[] =
	"vm, pid, name, vcpus, cpu, vcpu, other, ready, other_ready, steal, throttled, switches, exits or packets";

const struct top_column top_columns[] = {
	{ "VM", "vm", 'v', 7, TOP_INTEGER, value_id },
	{ "PID", "pid", 'p', 1, TOP_INTEGER, value_pid },
	{ "NAME", "name", 'n', 0, TOP_NAME, NULL },
	{ "VCPUS", "vcpus", 'u', 4, TOP_INTEGER, value_vcpus },
	{ "CPU%", "cpu", 'c', 0, TOP_PERCENT, value_cpu },
	{ "VCPU%", "vcpu", 'a', 9, TOP_PERCENT, value_vcpu },
	{ "OTHER", "other", 'o', 5, TOP_PERCENT, value_other },
	{ "READY", "ready", 'r', 0, TOP_PERCENT, value_ready },
	{ "O.RDY", "other_ready", 'w', 8, TOP_PERCENT, value_other_ready },
	{ "STEAL", "steal", 's', 2, TOP_PERCENT, value_steal },
	{ "THROT", "throttled", 't', 3, TOP_PERCENT, value_throttled },
	{ "SWITCH", "switches", 'x', 5, TOP_COUNT, value_switches },
	{ "EXITS", "exits", 'e', 4, TOP_COUNT, value_exits },
	{ "PKTS", "packets", 'k', 6, TOP_COUNT, value_packets },
	{ 0 }
};

_Static_assert(sizeof(top_columns) / sizeof(top_columns[0]) == TOP_COLUMNS + 1,
	       "TOP_COLUMNS is their number");

static bool set_order(struct top_order *order, const struct top_column *column)
{
	order->reverse = order->column == column && !order->reverse;
	order->column = column;
	return true;
}

bool order_by_name(struct top_order *order, const char *name)
{
	for (const struct top_column *c = top_columns; c->title; c++)
		if (!strcmp(c->name, name))
			return set_order(order, c);
	return false;
}

bool order_by_key(struct top_order *order, char key)
{
	for (const struct top_column *c = top_columns; c->title; c++)
		if (c->key == key)
			return set_order(order, c);
	return false;
}

void move_order(struct top_order *order, int step)
{
	int at = order->column - top_columns + step;

	if (at >= 0 && at < TOP_COLUMNS)
		set_order(order, &top_columns[at]);
}

const char *order_title(const struct top_order *order)
{
	return order->column->title;
}

/* Names and ids from the smallest, what is used from the largest. */
static int compare_column(const struct top_column *c, const struct vm_usage *a,
			  const struct vm_usage *b)
{
	double x, y;

	if (!c->value)
		return strcmp(vm_title(a), vm_title(b));
	x = c->value(a);
	y = c->value(b);
	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	if (c->value == value_id || c->value == value_pid)
		return (x > y) - (x < y);
	return (x < y) - (x > y);
}

static int compare_vms(const void *a, const void *b, void *arg)
{
	const struct vm_usage *const *x = a, *const *y = b;
	const struct top_order *order = arg;
	int result = compare_column(order->column, *x, *y);

	if (order->reverse)
		result = -result;
	return result ? result : (*x)->vmm.pid - (*y)->vmm.pid;
}

const struct vm_usage **sort_vms(const struct sample *now,
				 const struct top_order *order)
{
	const struct vm_usage **sorted = grow(NULL, (now->count + 1) *
					      sizeof(*sorted));
	struct top_order copy = *order;

	for (size_t i = 0; i < now->count; i++)
		sorted[i] = &now->vms[i];
	qsort_r(sorted, now->count, sizeof(*sorted), compare_vms, &copy);
	return sorted;
}

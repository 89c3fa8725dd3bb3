// SPDX-License-Identifier: GPL-2.0
#include "counters.h"
#include "json.h"
#include "process.h"
#include "stats.h"

static json_t *counts_json(const struct counter *counters, const void *stats)
{
	json_t *object = json_object();

	for (const struct counter *c = counters; c->key; c++)
		set_count(object, c->key, read_counter(stats, c));
	return object;
}

static json_t *rates_json(const struct counter *counters, const void *before,
			  const void *now, uint64_t interval_ns)
{
	json_t *object = json_object();

	for (const struct counter *c = counters; c->key; c++)
		set_json(object, c->key,
			 json_real(rate_of(read_counter(before, c),
					   read_counter(now, c), interval_ns)));
	return object;
}

/* A reason that this program does not know is there only if it occurred. */
static bool has_drop(const struct queztl_port_stats *s, unsigned int reason)
{
	return queztl_drop_name(reason) || s->drops[reason];
}

static json_t *drops_json(const struct queztl_port_stats *s)
{
	json_t *object = json_object();
	char name[DROP_ROOM];

	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++)
		if (has_drop(s, i))
			set_count(object, name_drop(name, i), s->drops[i]);
	return object;
}

json_t *port_counts_json(const struct queztl_port_stats *stats)
{
	json_t *counts = counts_json(port_counters, stats);

	set_json(counts, "drops", drops_json(stats));
	return counts;
}

static json_t *drop_rates_json(const struct queztl_port_stats *before,
			       const struct queztl_port_stats *now,
			       uint64_t interval_ns)
{
	json_t *object = json_object();
	char name[DROP_ROOM];

	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++)
		if (has_drop(now, i))
			set_json(object, name_drop(name, i),
				 json_real(rate_of(before->drops[i],
						   now->drops[i],
						   interval_ns)));
	return object;
}

static json_t *port_rates_json(const struct port *before,
			       const struct port *now, uint64_t interval_ns)
{
	json_t *object;

	if (!before)
		return json_null();
	object = rates_json(port_counters, &before->stats, &now->stats,
			    interval_ns);
	set_json(object, "drops", drop_rates_json(&before->stats, &now->stats,
						  interval_ns));
	return object;
}

static json_t *port_json(const struct port *before, const struct port *now,
			 uint64_t interval_ns)
{
	json_t *object = json_object();

	set_count(object, "id", now->port.id);
	set_text(object, "name", now->port.name);
	set_text(object, "fabric", *now->fabric ? now->fabric : NULL);
	set_json(object, "counts", port_counts_json(&now->stats));
	set_json(object, "rates", port_rates_json(before, now, interval_ns));
	return object;
}

static json_t *vm_json(const struct vm *before, const struct vm *now,
		       uint64_t interval_ns)
{
	json_t *object = json_object();
	char name[NAME_ROOM];

	read_vm_name(now->info.pid, name);
	set_count(object, "id", now->info.id);
	set_process(object, "pid", now->info.pid);
	set_text(object, "comm", now->info.comm);
	set_text(object, "name", *name ? name : NULL);
	set_count(object, "vcpus", now->info.vcpus);
	set_json(object, "counts", counts_json(vm_counters, &now->stats));
	set_json(object, "rates", !before ? json_null() :
		 rates_json(vm_counters, &before->stats, &now->stats,
			    interval_ns));
	return object;
}

static json_t *ports_json(const struct snapshot *before,
			  const struct snapshot *now, uint64_t interval_ns)
{
	json_t *list = json_array();

	for (size_t i = 0; i < now->port_count; i++) {
		const struct port *port = &now->ports[i];

		json_array_append_new(list,
				      port_json(find_port(before, port->port.id),
						port, interval_ns));
	}
	return list;
}

static json_t *vms_json(const struct snapshot *before,
			const struct snapshot *now, uint64_t interval_ns)
{
	json_t *list = json_array();

	for (size_t i = 0; i < now->vm_count; i++) {
		const struct vm *vm = &now->vms[i];

		json_array_append_new(list, vm_json(find_vm(before, vm->info.id),
						    vm, interval_ns));
	}
	return list;
}

/* One line per report if there are several, so that a reader can split them. */
void print_stats_json(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now)
{
	uint64_t interval_ns = before ? now->time_ns - before->time_ns : 0;
	json_t *object = json_object();

	set_count(object, "time_ns", now->time_ns);
	set_json(object, "interval_ns",
		 before ? json_integer(interval_ns) : json_null());
	set_json(object, "ports", ports_json(before, now, interval_ns));
	set_json(object, "vms", vms_json(before, now, interval_ns));
	set_count(object, "foreign_vms", now->foreign_vms);
	print_json(object, cli->out, before);
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>

#include "counters.h"
#include "format.h"
#include "process.h"
#include "stats.h"
#include "table.h"

static const struct column port_columns[] = {
	{ "PORT", LEFT, 8 },
	{ "FABRIC", LEFT, 6 },
	{ "SENT", RIGHT, 0 },
	{ "BYTES", RIGHT, 0 },
	{ "RECVD", RIGHT, 0 },
	{ "BYTES", RIGHT, 0 },
	{ "KICKS", RIGHT, 0 },
	{ "IRQS", RIGHT, 0 },
	{ "DIRECT", RIGHT, 0 },
	{ "DROPS", RIGHT, 0 },
};

static const struct column drop_columns[] = {
	{ "PORT", LEFT, 8 },
	{ "DROPS", RIGHT, 0 },
	{ "REASON", LEFT, 0 },
	{ "MEANING", LEFT, 16 },
};

static const struct column vm_columns[] = {
	{ "VM", RIGHT, 0 },
	{ "PID", RIGHT, 0 },
	{ "NAME", LEFT, 8 },
	{ "VCPUS", RIGHT, 0 },
	{ "EXITS", RIGHT, 0 },
	{ "HALTS", RIGHT, 0 },
	{ "MMIO", RIGHT, 0 },
	{ "IO", RIGHT, 0 },
	{ "IRQS", RIGHT, 0 },
	{ "EMUL", RIGHT, 0 },
	{ "SIGNAL", RIGHT, 0 },
};

struct report {
	struct cli *cli;
	const struct snapshot *before;	/* NULL: counts, not rates */
	const struct snapshot *now;
	uint64_t interval_ns;
};

static double shown(const struct report *r, uint64_t before, uint64_t now)
{
	return r->before ? rate_of(before, now, r->interval_ns) : now;
}

static void add_number(struct table *table, double number)
{
	char buffer[COUNT_ROOM];

	add_cell(table, "%s", format_count(buffer, number));
}

/* An object that is new since the last report counts from zero. */
static struct queztl_port_stats earlier_port(const struct report *r,
					     const struct port *port)
{
	const struct port *old = find_port(r->before, port->port.id);

	return old ? old->stats : (struct queztl_port_stats){ 0 };
}

static struct queztl_vm_stats earlier_vm(const struct report *r,
					 const struct vm *vm)
{
	const struct vm *old = find_vm(r->before, vm->info.id);

	return old ? old->stats : (struct queztl_vm_stats){ 0 };
}

static void add_direct(struct table *table, double direct, double worker)
{
	if (direct + worker > 0)
		add_cell(table, "%.0f%%", 100 * direct / (direct + worker));
	else
		add_cell(table, "-");
}

static void add_port(const struct report *r, struct table *table,
		     const struct port *port)
{
	const struct queztl_port_stats old = earlier_port(r, port);
	const struct queztl_port_stats *s = &port->stats;

	add_cell(table, "%s", port->port.name);
	add_cell(table, "%s", *port->fabric ? port->fabric : "-");
	add_number(table, shown(r, old.tx_packets, s->tx_packets));
	add_number(table, shown(r, old.tx_bytes, s->tx_bytes));
	add_number(table, shown(r, old.rx_packets, s->rx_packets));
	add_number(table, shown(r, old.rx_bytes, s->rx_bytes));
	add_number(table, shown(r, old.kicks, s->kicks));
	add_number(table, shown(r, old.rx_interrupts + old.tx_interrupts,
				s->rx_interrupts + s->tx_interrupts));
	add_direct(table, shown(r, old.direct_runs, s->direct_runs),
		   shown(r, old.worker_runs, s->worker_runs));
	add_number(table, shown(r, sum_drops(&old), sum_drops(s)));
}

static void add_drop(struct table *table, const char *port, double number,
		     unsigned int reason)
{
	const char *text = queztl_drop_text(reason);
	char name[DROP_ROOM];

	add_cell(table, "%s", port);
	add_number(table, number);
	add_cell(table, "%s", name_drop(name, reason));
	add_cell(table, "%s", text ? text : "newer than this program");
}

static void add_drops(const struct report *r, struct table *table,
		      const struct port *port)
{
	const struct queztl_port_stats old = earlier_port(r, port);

	for (unsigned int i = 0; i < QUEZTL_DROP_ROOM; i++) {
		double number = shown(r, old.drops[i], port->stats.drops[i]);

		if (number > 0)
			add_drop(table, port->port.name, number, i);
	}
}

static void add_vm(const struct report *r, struct table *table,
		   const struct vm *vm)
{
	const struct queztl_vm_stats old = earlier_vm(r, vm);
	char name[NAME_ROOM];

	read_vm_name(vm->info.pid, name);
	add_cell(table, "%" PRIu64, (uint64_t)vm->info.id);
	if (vm->info.pid)
		add_cell(table, "%d", vm->info.pid);
	else
		add_cell(table, "-");
	add_cell(table, "%s", *name ? name : vm->info.comm);
	add_cell(table, "%" PRIu32, vm->info.vcpus);
	for (const struct counter *c = vm_counters; c->key; c++)
		add_number(table, shown(r, read_counter(&old, c),
					read_counter(&vm->stats, c)));
}

static void print_section(const struct report *r, struct table *table,
			  const char *title)
{
	if (table->cells) {
		fprintf(r->cli->out, "%s%s\n", title,
			r->before ? " per second" : "");
		print_table(table, r->cli->out, r->cli->width);
	}
	clear_table(table);
}

static void print_ports(const struct report *r)
{
	struct table ports = TABLE(port_columns);
	struct table drops = TABLE(drop_columns);

	for (size_t i = 0; i < r->now->port_count; i++) {
		add_port(r, &ports, &r->now->ports[i]);
		add_drops(r, &drops, &r->now->ports[i]);
	}
	print_section(r, &ports, "ports");
	if (drops.cells)
		fputc('\n', r->cli->out);
	print_section(r, &drops, "frames dropped");
}

static void print_vms(const struct report *r)
{
	struct table vms = TABLE(vm_columns);

	for (size_t i = 0; i < r->now->vm_count; i++)
		add_vm(r, &vms, &r->now->vms[i]);
	if (vms.cells && r->now->port_count)
		fputc('\n', r->cli->out);
	print_section(r, &vms, "VM exits and events");
}

void print_stats_text(struct cli *cli, const struct snapshot *before,
		      const struct snapshot *now)
{
	struct report r = {
		.cli = cli, .before = before, .now = now,
		.interval_ns = before ? now->time_ns - before->time_ns : 0,
	};

	print_ports(&r);
	print_vms(&r);
	if (now->foreign_vms)
		fprintf(cli->out, "VMs of other users, not shown: %zu (use sudo)\n",
			now->foreign_vms);
	else if (!now->port_count && !now->vm_count)
		fputs("no ports and no VMs\n", cli->out);
}

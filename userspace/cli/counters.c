// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "counters.h"

#define PORT(member) { #member, offsetof(struct queztl_port_stats, member) }
#define VM(member) { #member, offsetof(struct queztl_vm_stats, member) }

const struct counter port_counters[] = {
	PORT(tx_packets),
	PORT(tx_bytes),
	PORT(rx_packets),
	PORT(rx_bytes),
	PORT(kicks),
	PORT(rx_interrupts),
	PORT(tx_interrupts),
	PORT(tx_held),
	PORT(direct_runs),
	PORT(worker_runs),
	PORT(tx_paced),
	PORT(tx_waited),
	{ NULL, 0 }
};

const struct counter vm_counters[] = {
	VM(exits),
	VM(halt_exits),
	VM(mmio_exits),
	VM(io_exits),
	VM(irq_injections),
	VM(insn_emulations),
	VM(signal_exits),
	{ NULL, 0 }
};

uint64_t read_counter(const void *stats, const struct counter *counter)
{
	return *(const __u64 *)((const char *)stats + counter->offset);
}

const char *name_drop(char buffer[DROP_ROOM], unsigned int reason)
{
	const char *name = queztl_drop_name(reason);

	if (name)
		return name;
	snprintf(buffer, DROP_ROOM, "reason_%u", reason);
	return buffer;
}

uint64_t sum_drops(const struct queztl_port_stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < QUEZTL_DROP_ROOM; i++)
		sum += stats->drops[i];
	return sum;
}

double rate_of(uint64_t before, uint64_t now, uint64_t interval_ns)
{
	uint64_t count = now >= before ? now - before : now;

	return interval_ns ? count * 1e9 / interval_ns : 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>

#include "doctor_vm.h"
#include "format.h"
#include "port.h"
#include "rate.h"

/* Other programs, such as ps, wait for it without a limit. */
void judge_vm_answers(const struct vm_memory *memory, int pid,
		      struct verdict *v)
{
	char remedy[128];

	snprintf(remedy, sizeof(remedy),
		 "sudo kill -KILL %d, and what serves its FUSE files", pid);
	if (memory->silent)
		judge(v, VERDICT_WARN, "no: process %d keeps its memory or execve() locked",
		      remedy, pid);
	else
		judge(v, VERDICT_OK, "yes", NULL);
}

/* The limit is for the process: what is pinned for each of its ports adds up. */
void judge_vm_memlock(const struct vm_memory *memory, size_t ports, int pid,
		      struct verdict *v)
{
	unsigned long long limit = memory->limit >> 20;
	unsigned long long need = memory->ram_mib * (ports ? ports : 1);
	char remedy[128];

	snprintf(remedy, sizeof(remedy),
		 "sudo prlimit --pid %d --memlock=unlimited, then reset the VM",
		 pid);
	if (memory->limit == RLIM_INFINITY)
		judge(v, VERDICT_OK, "unlimited", NULL);
	else if (!memory->ram_mib)
		judge(v, VERDICT_WARN, "%llu MiB, but each of its ports pins all of its memory",
		      remedy, limit);
	else if (need > limit)
		judge(v, VERDICT_FAIL, "%llu MiB, but it needs %llu: each port pins its %llu MiB",
		      remedy, limit, need, memory->ram_mib);
	else
		judge(v, VERDICT_OK, "%llu MiB, and it needs %llu", NULL, limit,
		      need);
}

/* One entry for each huge page, at worst one for each page of the rest. */
static unsigned long long worst_entries(const struct vm_memory *memory)
{
	unsigned long long ram = memory->ram_mib, huge = memory->huge_mib;

	if (huge > ram)
		huge = ram;
	return huge / 2 + (ram - huge) * (1024 / 4);
}

void judge_vm_map(const struct vm_memory *memory, unsigned long long entries,
		  struct verdict *v)
{
	unsigned long long ram = memory->ram_mib;
	char remedy[128];

	snprintf(remedy, sizeof(remedy),
		 "in /etc/modprobe.d: options vhost_vdpa max_iotlb_entries=%llu",
		 want_map_entries(ram));
	if (!entries)
		judge(v, VERDICT_OK, "vhost_vdpa is not loaded, no limit yet",
		      NULL);
	else if (!ram)
		judge(v, VERDICT_OK, "%llu; the size of the VM is not known",
		      NULL, entries);
	else if (worst_entries(memory) <= entries)
		judge(v, VERDICT_OK, "%llu, enough for its %llu MiB", NULL,
		      entries, ram);
	else if (entries * 2 < ram)
		judge(v, VERDICT_FAIL, "%llu, too few for its %llu MiB even in huge pages",
		      remedy, entries, ram);
	else
		judge(v, VERDICT_WARN, "%llu, but its %llu MiB, %llu in huge pages, take up to %llu",
		      remedy, entries, ram, memory->huge_mib,
		      worst_entries(memory));
}

/* QEMU goes on if mapping fails: the guest has a port through which nothing passes. */
void judge_vm_pinned(const struct vm_memory *memory, size_t ports_up,
		     struct verdict *v)
{
	unsigned long long ram = memory->ram_mib, pinned = memory->pinned_mib;

	if (ports_up && pinned < ram / 2 * ports_up)
		judge(v, VERDICT_FAIL, "%llu MiB, of %llu for each port that is up: the others pass nothing",
		      "raise what fails above (see QEMU's messages), restart the VM",
		      pinned, ram);
	else
		judge(v, VERDICT_OK, "%llu MiB", NULL, pinned);
}

void judge_vm_port(const struct port *port, struct verdict *v)
{
	const struct queztl_port *p = &port->port;
	const char *why = explain_state(p->state);
	char remedy[128];

	snprintf(remedy, sizeof(remedy), "queztl port set %s link up", p->name);
	if (why)
		judge_port_state(p, v);
	else if (!(p->state & QUEZTL_PORT_UP))
		judge(v, VERDICT_WARN, "%s: the driver in the guest is not ready",
		      "in the guest: modprobe virtio_net, ip link set DEVICE up",
		      p->name);
	else if (p->mode & QUEZTL_PORT_LINK_DOWN)
		judge(v, VERDICT_WARN, "%s: its link was set down", remedy,
		      p->name);
	else
		judge(v, VERDICT_OK, "%s is up, in fabric %s", NULL, p->name,
		      *port->fabric ? port->fabric : "-");
}

static void judge_paced(const char *name, const struct queztl_port_rates *rates,
			struct verdict *v)
{
	char remedy[128], rate[RATE_ROOM] = "none";

	snprintf(remedy, sizeof(remedy), "queztl port set %s%s%s", name,
		 rates->tx_bytes || !rates->tx_packets ? " rate none" : "",
		 rates->tx_packets ? " pps none" : "");
	if (rates->tx_bytes)
		format_rate(rate, rates->tx_bytes);
	judge(v, VERDICT_WARN, "%s: held back now by its limits (rate %s, pps %" PRIu64 "; 0: none)",
	      remedy, name, rate, (uint64_t)rates->tx_packets);
}

/* The counter has what exceeds the flood limit, and what waited for too long. */
static void judge_lost(const struct port *port,
		       const struct queztl_port_rates *rates, struct verdict *v)
{
	char remedy[128], count[COUNT_ROOM];

	snprintf(remedy, sizeof(remedy), "see queztl port show %s",
		 port->port.name);
	if (rates->tx_bytes || rates->tx_packets)
		judge(v, VERDICT_WARN, "%s has lost %s frames to its flood limit, or to its rate or pps",
		      remedy, port->port.name,
		      format_count(count, port->stats.drops[QUEZTL_DROP_RATE]));
	else
		judge_flood(port, v);
}

void judge_vm_limits(const struct port *before, const struct port *now,
		     const struct queztl_port_rates *rates, struct verdict *v)
{
	const char *name = now->port.name;
	char count[COUNT_ROOM];

	if (now->stats.tx_paced > before->stats.tx_paced)
		judge_paced(name, rates, v);
	else if (now->stats.drops[QUEZTL_DROP_RATE])
		judge_lost(now, rates, v);
	else if (now->stats.tx_paced)
		judge(v, VERDICT_OK, "%s: waited %s times for its rates, not now",
		      NULL, name, format_count(count, now->stats.tx_paced));
	else
		judge(v, VERDICT_OK, "%s: none has been reached", NULL, name);
}

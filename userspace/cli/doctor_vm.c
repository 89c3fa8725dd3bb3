// SPDX-License-Identifier: GPL-2.0
/* queztl doctor --vm: what keeps one VM from having a network. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "doctor_report.h"
#include "doctor_vm.h"
#include "fail.h"
#include "options.h"
#include "portdev.h"
#include "process.h"
#include "vmlist.h"

#define MOMENT_NS	300000000	/* in which waits for rates are counted */

struct patient {
	struct cli *cli;
	struct report *report;
	const struct vmm *vmm;
	struct snapshot before;
	struct snapshot now;
	size_t ports;
	size_t ports_up;
};

static bool has_port(const struct patient *p, const struct port *port)
{
	return port->port.pid == p->vmm->pid;
}

static void count_ports(struct patient *p)
{
	for (size_t i = 0; i < p->now.port_count; i++) {
		const struct port *port = &p->now.ports[i];

		p->ports += has_port(p, port);
		p->ports_up += has_port(p, port) &&
			       port->port.state & QUEZTL_PORT_UP;
	}
}

/* Returns whether the module responds. */
static bool read_twice(struct patient *p)
{
	struct timespec moment = { .tv_nsec = MOMENT_NS };
	int fd = queztl_open();
	bool done = fd >= 0 && !read_ports(fd, &p->before);

	if (done) {
		nanosleep(&moment, NULL);
		done = !read_ports(fd, &p->now);
	}
	if (fd >= 0)
		close(fd);
	return done;
}

static void report_vm(struct patient *p, bool module)
{
	const struct vmm *vmm = p->vmm;
	char remedy[64];
	struct verdict v;

	snprintf(remedy, sizeof(remedy), "sudo queztl attach %d", vmm->pid);
	if (vmm->id_count)
		judge(&v, VERDICT_OK, "process %d has VM %" PRIu64 ", %u vCPUs",
		      NULL, vmm->pid, vmm->ids[0], vmm->vcpus);
	else if (!module)
		judge(&v, VERDICT_OK, "process %d", NULL, vmm->pid);
	else
		judge(&v, VERDICT_WARN, "no VM of process %d is known, or not to you",
		      remedy, vmm->pid);
	add_verdict(p->report, "vm", &v);
}

static void report_memory(struct patient *p)
{
	struct vm_memory memory;
	struct verdict v;

	if (read_vm_memory(p->vmm->pid, &memory))
		return;
	judge_vm_answers(&memory, p->vmm->pid, &v);
	add_verdict(p->report, "answers", &v);
	judge_vm_memlock(&memory, p->ports, p->vmm->pid, &v);
	add_verdict(p->report, "memlock", &v);
	if (memory.silent)
		return;
	judge_vm_map(&memory, read_map_entries(), &v);
	add_verdict(p->report, "map entries", &v);
	judge_vm_pinned(&memory, p->ports_up, &v);
	add_verdict(p->report, "pinned", &v);
}

/* A port that no driver is bound to cannot be opened. */
static const char *find_unbound(const struct snapshot *shot)
{
	for (size_t i = 0; i < shot->port_count; i++) {
		const char *name = shot->ports[i].port.name;
		char device[NAME_ROOM];

		read_port_device(name, device);
		if (!*device && !shot->ports[i].port.state)
			return name;
	}
	return NULL;
}

static void report_no_port(struct patient *p)
{
	const char *unbound = find_unbound(&p->now);
	char remedy[128];
	struct verdict v;

	snprintf(remedy, sizeof(remedy),
		 "echo %s | sudo tee /sys/bus/vdpa/drivers/vhost_vdpa/bind",
		 unbound ? unbound : "");
	if (unbound && strlen(remedy) < 73)
		judge(&v, VERDICT_WARN, "it has none open; %s has no driver",
		      remedy, unbound);
	else
		judge(&v, VERDICT_WARN, "it has none open",
		      "start it with -netdev vhost-vdpa,id=n0,vhostdev=DEVICE");
	add_verdict(p->report, "port", &v);
}

static struct queztl_port_rates read_rates(uint64_t id)
{
	struct queztl_port_rates rates;
	int fd = queztl_open();
	bool known = fd >= 0 && !queztl_rates_get(fd, id, &rates);

	if (fd >= 0)
		close(fd);
	return known ? rates : (struct queztl_port_rates){ 0 };
}

static void report_port(struct patient *p, const struct port *port)
{
	const struct port *before = find_port(&p->before, port->port.id);
	const struct queztl_port_rates rates = read_rates(port->port.id);
	struct verdict v;

	judge_vm_port(port, &v);
	add_verdict(p->report, "port", &v);
	if (!before)
		return;
	judge_vm_limits(before, port, &rates, &v);
	add_verdict(p->report, "limits", &v);
}

static void examine(struct patient *p)
{
	bool module = read_twice(p);
	struct verdict v;

	count_ports(p);
	report_vm(p, module);
	check_device(&v);
	add_verdict(p->report, "device", &v);
	check_vhost_vdpa(&v);
	add_verdict(p->report, "vhost_vdpa", &v);
	check_direct(&v);
	add_verdict(p->report, "direct", &v);
	report_memory(p);
	if (module && !p->ports)
		report_no_port(p);
	for (size_t i = 0; i < p->now.port_count; i++)
		if (has_port(p, &p->now.ports[i]))
			report_port(p, &p->now.ports[i]);
}

/* Names need not differ. */
static int find_by_name(struct cli *cli, const struct vmm_list *list,
			const char *text, const struct vmm **found)
{
	char name[NAME_ROOM];

	*found = NULL;
	for (size_t i = 0; i < list->count; i++) {
		read_vm_name(list->at[i].pid, name);
		if (strcmp(name, text))
			continue;
		if (*found)
			return fail(cli, EXIT_USAGE,
				    "processes %d and %d have a VM named %s: give a PID",
				    (*found)->pid, list->at[i].pid, text);
		*found = &list->at[i];
	}
	return *found ? EXIT_OK : fail(cli, EXIT_NO_OBJECT,
				       "no VM named %s: give a PID, or see queztl vms",
				       text);
}

static bool is_process(int pid)
{
	char comm[NAME_ROOM];

	read_comm(pid, comm);
	return *comm;
}

int examine_vm(struct cli *cli, struct report *report, const char *text)
{
	struct patient patient = { .cli = cli, .report = report };
	struct vm_finder finder = { 0 };
	struct vmm_list list = { 0 };
	uint64_t number;
	int code = EXIT_OK, pid;
	int ret;

	if (parse_number(text, 1, INT_MAX, &number)) {
		pid = number;
		if (!is_process(pid))
			return fail(cli, EXIT_NO_OBJECT,
				    "no process %d: give the PID of a running VMM",
				    pid);
		finder.pids = &pid;
		finder.pid_count = 1;
	}
	ret = list_vmms(&finder, 1, &list);
	if (ret)
		code = fail_errno(cli, ret, "cannot list the VMs");
	else if (finder.pid_count)
		patient.vmm = &list.at[0];
	else
		code = find_by_name(cli, &list, text, &patient.vmm);
	if (!code)
		examine(&patient);
	free_snapshot(&patient.before);
	free_snapshot(&patient.now);
	free_vmms(&list);
	free_scan(&finder.scan);
	return code;
}

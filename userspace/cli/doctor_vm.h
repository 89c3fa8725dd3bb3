/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_DOCTOR_VM_H
#define QUEZTL_DOCTOR_VM_H

#include "doctor.h"
#include "vmfacts.h"

struct cli;
struct report;

/*
 * Checks one VM, by PID or by name, and adds what is found to the report. Returns
 * EXIT_OK, or the code of an error that was explained.
 */
int examine_vm(struct cli *cli, struct report *report, const char *text);

/* Pure, as those in doctor.h. */
void judge_vm_answers(const struct vm_memory *memory, int pid,
		      struct verdict *v);
void judge_vm_memlock(const struct vm_memory *memory, size_t ports, int pid,
		      struct verdict *v);
void judge_vm_map(const struct vm_memory *memory, unsigned long long entries,
		  struct verdict *v);
void judge_vm_pinned(const struct vm_memory *memory, size_t ports_up,
		     struct verdict *v);
void judge_vm_port(const struct port *port, struct verdict *v);

/* before is the same port a moment ago; rates are zero if they are not known. */
void judge_vm_limits(const struct port *before, const struct port *now,
		     const struct queztl_port_rates *rates, struct verdict *v);

#endif /* QUEZTL_DOCTOR_VM_H */

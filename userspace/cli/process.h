/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PROCESS_H
#define QUEZTL_PROCESS_H

#include <stddef.h>

#define NAME_ROOM	64

/* The name of a process, "" when it is gone. */
void read_comm(int pid, char comm[NAME_ROOM]);

/* What its user calls the VM: the VMM's -name or --id, "" if neither. */
void read_vm_name(int pid, char name[NAME_ROOM]);

/* The same, of a command line as /proc shows it (NUL after each word). */
void find_vm_name(const char *cmdline, size_t length, char name[NAME_ROOM]);

#endif /* QUEZTL_PROCESS_H */

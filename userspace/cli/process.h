/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_PROCESS_H
#define QUEZTL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_ROOM	64

/* The name of a process, "" if it no longer exists. */
void read_comm(int pid, char comm[NAME_ROOM]);

/*
 * The name of the VM: the -name or --id option of the VMM, "" if neither. Returns
 * false if the VMM does not answer (see ask.h).
 */
bool read_vm_name(int pid, char name[NAME_ROOM]);

/* The same for a command line as /proc shows it (NUL after each word). */
void find_vm_name(const char *cmdline, size_t length, char name[NAME_ROOM]);

#endif /* QUEZTL_PROCESS_H */

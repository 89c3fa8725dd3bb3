/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SYSFILE_H
#define QUEZTL_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "doctor.h"

/* The first line, "" when there is no such file. */
bool read_first_line(const char *path, char *line, size_t size);

/* Release of the running kernel. */
const char *kernel_release(void);

/*
 * Looks for a module in a list like modules.dep; '-' and '_' are alike. Its
 * path, relative to the list, goes to path.
 */
bool find_in_modules(FILE *list, const char *module, char *path, size_t size);

/* The path of an installed module, absolute. */
bool find_module_file(const char *module, char *path, size_t size);

enum module_state module_state(const char *module);

/* "sudo apt install PACKAGE", or how this distribution does it. */
const char *install_command(const char *debian, const char *fedora,
			    char *buffer, size_t size);

#endif /* QUEZTL_SYSFILE_H */

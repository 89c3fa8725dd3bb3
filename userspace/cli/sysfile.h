/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_SYSFILE_H
#define QUEZTL_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "doctor.h"

/* The first line, "" if there is no such file. */
bool read_first_line(const char *path, char *line, size_t size);

/* The release of the running kernel. */
const char *kernel_release(void);

/*
 * Looks for a module in a list such as modules.dep; '-' and '_' are equal. Its
 * path, relative to the list, is stored in path.
 */
bool find_in_modules(FILE *list, const char *module, char *path, size_t size);

/* The absolute path of an installed module. */
bool find_module_file(const char *module, char *path, size_t size);

enum module_state module_state(const char *module);

/* "sudo apt install PACKAGE", or the equivalent on this distribution. */
const char *install_command(const char *debian, const char *fedora,
			    char *buffer, size_t size);

#endif /* QUEZTL_SYSFILE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Which files are a configuration, and may be. What is wrong is printed. */
#ifndef QUEZTL_CONFIG_OPEN_H
#define QUEZTL_CONFIG_OPEN_H

#include <glob.h>
#include <stdio.h>

struct cli;

/* Somebody named it; "-" is standard input, which is not to be closed. */
FILE *open_named_config(struct cli *cli, const char *path);

/*
 * A file that is read because of where it is: it must not keep a boot waiting, nor
 * let others change what root does.
 */
FILE *open_found_config(struct cli *cli, const char *path);

/*
 * Those in their usual place. None is an empty configuration, but not to know them
 * is an error. An exit code; to be freed by globfree().
 */
int find_config_files(struct cli *cli, glob_t *found);

#endif /* QUEZTL_CONFIG_OPEN_H */

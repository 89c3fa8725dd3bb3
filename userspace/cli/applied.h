/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `queztl apply` made is remembered in /run/queztl as long as the kernel can
 * have it: so it knows later what to remove.
 */
#ifndef QUEZTL_APPLIED_H
#define QUEZTL_APPLIED_H

#include "config.h"

/* A lock that one `queztl apply` at a time has, until it ends; or -errno. */
int lock_applied(void);

/* Empty if nothing was applied. Exit codes, with an explanation. */
int read_applied(struct cli *cli, struct config *applied);
int write_applied(struct cli *cli, const struct config *applied);

/* Of the objects of both: what an interrupted apply may have made is not forgotten. */
int write_both_applied(struct cli *cli, const struct config *applied,
		       const struct config *other);

/* See write_whole_file(). */
int write_config(const char *path, const struct config *config);

#endif /* QUEZTL_APPLIED_H */

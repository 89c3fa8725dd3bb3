/* SPDX-License-Identifier: GPL-2.0 */
/* The options of queztl window serve. */
#ifndef QUEZTL_WINDOWOPTIONS_H
#define QUEZTL_WINDOWOPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct cli;

#define RUN_PATH	"/run/queztl"

struct window_options {
	const char *name;
	uint32_t slots;
	uint32_t region;	/* bytes */
	unsigned int vectors;
	char socket[108];	/* as long as an address may be */
};

/* The exit code. */
int take_window_options(struct cli *cli, int argc, char **argv,
			struct window_options *options);

/* Bytes, KiB or MiB: 65536, 64K, 1M. */
bool parse_bytes(const char *text, uint64_t *bytes);

#endif /* QUEZTL_WINDOWOPTIONS_H */

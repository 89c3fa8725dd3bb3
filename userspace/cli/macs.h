/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_MACS_H
#define QUEZTL_MACS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <queztl.h>

/* "52:54:00:00:00:01,...": false if it is none, too long, or has one twice. */
bool parse_mac_list(const char *text, struct queztl_mac macs[QUEZTL_MACS_MAX],
		    uint32_t *count);

/* "none", "list" or "any". */
const char *describe_macs(uint32_t mode);

/*
 * What a port uses beside its own address: mode and addresses; null if the module
 * does not support it.
 */
json_t *macs_json(int fd, uint64_t port);

#endif /* QUEZTL_MACS_H */

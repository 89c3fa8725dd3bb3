/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_BPFMAP_H
#define QUEZTL_BPFMAP_H

#include <stdint.h>

/* A pinned map, or -errno. */
int open_map(const char *path);

/* 0 or -errno. */
int read_map(int map, uint32_t key, void *value);
int write_map(int map, uint32_t key, const void *value);

#endif /* QUEZTL_BPFMAP_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_MIGRATABLE_H
#define QUEZTL_MIGRATABLE_H

#include <stdbool.h>
#include <stdint.h>

struct cli;

/*
 * Reduces the features of a fabric to those of a migratable port. False if the
 * module lacks what such a port needs.
 */
bool choose_migratable(uint64_t *features);

/* Does a port with these features have nothing that QEMU cannot migrate? */
bool is_migratable(uint64_t features);

/*
 * Says what to set if a VM that arrives here may need more map entries than
 * vhost_vdpa accepts (0: it is not loaded): QEMU then goes on without a network.
 */
void warn_map_entries(struct cli *cli, unsigned long long entries,
		      unsigned long long ram_mib);

#endif /* QUEZTL_MIGRATABLE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Threads beside a race that list, bind and delete, and say who may send to whom. They count in did. */
#ifndef QUEZTL_BYSTANDERS_H
#define QUEZTL_BYSTANDERS_H

#include <stdint.h>

/* The race is on ports of fabric @fabric_id. */
void bystanders_start(uint64_t fabric_id, uint64_t seed);
void bystanders_end(void);

#endif

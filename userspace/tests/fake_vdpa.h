/* SPDX-License-Identifier: GPL-2.0 */
/* Simulates vDPA's netlink family. Its ports are those of the fake. */
#ifndef QUEZTL_FAKE_VDPA_H
#define QUEZTL_FAKE_VDPA_H

#include <stdbool.h>
#include <stdint.h>

#include "fake.h"

struct fake_vdpa {
	bool missing;		/* the module vdpa is not loaded */
	int error;		/* errno of every command of the family */
	uint64_t supported;	/* features of a fabric */
	/* What the last new port was asked to be; 0: not said. */
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t pairs;
	uint64_t features;
	uint64_t of_port[FAKE_ROOM];	/* features of the ports */
};

extern struct fake_vdpa fake_vdpa;

#endif /* QUEZTL_FAKE_VDPA_H */

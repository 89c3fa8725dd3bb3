/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Creates and deletes ports, as `vdpa dev add` and `vdpa dev del` do, by vDPA's
 * generic netlink family.
 */
#ifndef QUEZTL_VDPA_H
#define QUEZTL_VDPA_H

#include <stdbool.h>
#include <stdint.h>

struct new_port {
	const char *name;
	const char *fabric;
	bool has_mac;
	uint8_t mac[6];
	uint16_t mtu;		/* 0: the default */
	uint16_t pairs;		/* 0: the default */
	uint64_t features;	/* 0: all that the module has */
};

/*
 * Each returns 0 or -errno: -EPROTONOSUPPORT if the kernel module vdpa is not
 * loaded, -ENODEV if there is no such fabric, or no such port.
 */
int vdpa_features(const char *fabric, uint64_t *features);
int vdpa_port_features(const char *port, uint64_t *features);
int vdpa_add(const struct new_port *port);
int vdpa_del(const char *name);

#endif /* QUEZTL_VDPA_H */

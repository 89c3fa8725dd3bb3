/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core knows about fabrics. All run in process context and may sleep.
 */
#ifndef QZ_FABRICAPI_H
#define QZ_FABRICAPI_H

#include <linux/types.h>

struct qz_call;

int qz_fabric_init(void);
void qz_fabric_exit(void);
unsigned int qz_fabric_count(void);
u64 qz_fabric_features(void);

int qz_fabricapi_add(struct qz_call *call);
void qz_fabricapi_add_undo(struct qz_call *call);
int qz_fabricapi_del(struct qz_call *call);
int qz_fabricapi_next(struct qz_call *call);
int qz_fabricapi_set(struct qz_call *call);
int qz_fabricapi_port_next(struct qz_call *call);
int qz_fabricapi_port_stats(struct qz_call *call);
int qz_fabricapi_peer_add(struct qz_call *call);
int qz_fabricapi_peer_del(struct qz_call *call);
int qz_fabricapi_peer_next(struct qz_call *call);
int qz_fabricapi_peers_add(struct qz_call *call);
int qz_fabricapi_addr_add(struct qz_call *call);
void qz_fabricapi_addr_add_undo(struct qz_call *call);
int qz_fabricapi_addr_del(struct qz_call *call);
int qz_fabricapi_addr_next(struct qz_call *call);
int qz_fabricapi_port_set(struct qz_call *call);
int qz_fabricapi_port_capture(struct qz_call *call);
int qz_fabricapi_port_mirror_set(struct qz_call *call);
int qz_fabricapi_port_mirror_get(struct qz_call *call);
int qz_fabricapi_port_vlan_set(struct qz_call *call);
int qz_fabricapi_port_vlan_get(struct qz_call *call);
int qz_fabricapi_port_macs_set(struct qz_call *call);
int qz_fabricapi_port_macs_get(struct qz_call *call);
int qz_fabricapi_mac_next(struct qz_call *call);
int qz_fabricapi_rates_set(struct qz_call *call);
int qz_fabricapi_rates_get(struct qz_call *call);

#endif /* QZ_FABRICAPI_H */

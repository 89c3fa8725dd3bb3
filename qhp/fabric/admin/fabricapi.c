// SPDX-License-Identifier: GPL-2.0
/* The calls about fabrics and ports. */

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "admin/admin.h"
#include "admin/fabricapi.h"
#include "module/ioctl.h"

int qz_fabricapi_add(struct qz_call *call)
{
	struct queztl_fabric_add_args *add = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_fabric_create(add->name, &add->id);
}

/* The caller has not been told the id. */
void qz_fabricapi_add_undo(struct qz_call *call)
{
	struct queztl_fabric_add_args *add = call->arg;

	qz_fabric_destroy(add->id);
}

int qz_fabricapi_del(struct qz_call *call)
{
	struct queztl_fabric_del_args *del = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_fabric_destroy(del->id);
}

int qz_fabricapi_next(struct qz_call *call)
{
	return qz_fabric_next(call->arg);
}

#define FABRIC_MODES	(QUEZTL_FABRIC_DENY | QUEZTL_FABRIC_RESERVED)

int qz_fabricapi_set(struct qz_call *call)
{
	struct queztl_fabric_set_args *set = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (set->reserved || set->mode & ~FABRIC_MODES)
		return -EINVAL;
	return qz_fabric_set_mode(set->id, set->mode);
}

int qz_fabricapi_port_next(struct qz_call *call)
{
	struct queztl_port *next = call->arg;

	if (memchr_inv(next->reserved, 0, sizeof(next->reserved)))
		return -EINVAL;
	return qz_port_next(next);
}

int qz_fabricapi_port_stats(struct qz_call *call)
{
	return qz_port_stats(call->arg);
}

int qz_fabricapi_peer_add(struct qz_call *call)
{
	struct queztl_peer *peer = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_peer_add(peer->port, peer->peer);
}

int qz_fabricapi_peer_del(struct qz_call *call)
{
	struct queztl_peer *peer = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_peer_del(peer->port, peer->peer);
}

int qz_fabricapi_peer_next(struct qz_call *call)
{
	return qz_peer_next(call->arg);
}

int qz_fabricapi_peers_add(struct qz_call *call)
{
	struct queztl_peers *peers = call->arg;
	u64 *ids;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (peers->reserved || !peers->n || peers->n > QUEZTL_PEERS_MAX)
		return -EINVAL;
	ids = vmemdup_array_user(u64_to_user_ptr(peers->peers), peers->n,
				 sizeof(*ids));
	if (IS_ERR(ids))
		return PTR_ERR(ids);
	err = qz_peers_add(peers->port, ids, peers->n);
	kvfree(ids);
	return err;
}

int qz_fabricapi_addr_add(struct qz_call *call)
{
	struct queztl_addr *addr = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (addr->reserved)
		return -EINVAL;
	return qz_addr_add(addr);
}

/* The caller has not been told the id. */
void qz_fabricapi_addr_add_undo(struct qz_call *call)
{
	qz_addr_undo(call->arg);
}

int qz_fabricapi_addr_del(struct qz_call *call)
{
	struct queztl_addr *addr = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (addr->reserved)
		return -EINVAL;
	return qz_addr_del(addr);
}

int qz_fabricapi_addr_next(struct qz_call *call)
{
	struct queztl_addr *next = call->arg;

	if (next->reserved)
		return -EINVAL;
	return qz_addr_next(next);
}

int qz_fabricapi_port_set(struct qz_call *call)
{
	struct queztl_port_set_args *set = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_port_set(set);
}

int qz_fabricapi_port_vlan_set(struct qz_call *call)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_port_vlan_set(call->arg);
}

int qz_fabricapi_port_vlan_get(struct qz_call *call)
{
	return qz_port_vlan_get(call->arg);
}

int qz_fabricapi_port_macs_set(struct qz_call *call)
{
	struct queztl_port_macs *set = call->arg;
	struct queztl_mac *macs;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (set->n > QUEZTL_MACS_MAX)
		return -EINVAL;
	if (!set->n)
		return qz_port_macs_set(set, NULL);
	macs = memdup_array_user(u64_to_user_ptr(set->macs), set->n,
				 sizeof(*macs));
	if (IS_ERR(macs))
		return PTR_ERR(macs);
	err = qz_port_macs_set(set, macs);
	kfree(macs);
	return err;
}

int qz_fabricapi_port_macs_get(struct qz_call *call)
{
	return qz_port_macs_get(call->arg);
}

int qz_fabricapi_mac_next(struct qz_call *call)
{
	struct queztl_mac_next_args *next = call->arg;

	if (next->mac.reserved)
		return -EINVAL;
	return qz_port_macs_next(next);
}

int qz_fabricapi_port_capture(struct qz_call *call)
{
	struct queztl_port_capture_args *capture = call->arg;

	if (!capable(CAP_NET_ADMIN) || !capable(CAP_NET_RAW))
		return -EPERM;
	if (capture->reserved)
		return -EINVAL;
	return qz_capture_open(call);
}

int qz_fabricapi_port_mirror_set(struct qz_call *call)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_port_mirror_set(call->arg);
}

int qz_fabricapi_port_mirror_get(struct qz_call *call)
{
	return qz_port_mirror_get(call->arg);
}

int qz_fabricapi_rates_set(struct qz_call *call)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_rates_set(call->arg);
}

int qz_fabricapi_rates_get(struct qz_call *call)
{
	return qz_rates_get(call->arg);
}

// SPDX-License-Identifier: GPL-2.0
/* The calls about fabrics and ports. */

#include <linux/capability.h>

#include "fabric.h"
#include "fabricapi.h"
#include "module/ioctl.h"

int qz_fabricapi_add(struct qz_call *call)
{
	struct queztl_fabric_add *add = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_fabric_create(add->name, &add->id);
}

/* The caller never learnt the id. */
void qz_fabricapi_add_undo(struct qz_call *call)
{
	struct queztl_fabric_add *add = call->arg;

	qz_fabric_destroy(add->id);
}

int qz_fabricapi_del(struct qz_call *call)
{
	struct queztl_fabric_del *del = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_fabric_destroy(del->id);
}

int qz_fabricapi_next(struct qz_call *call)
{
	struct queztl_fabric_next *next = call->arg;

	if (next->reserved)
		return -EINVAL;
	return qz_fabric_next(next);
}

int qz_fabricapi_port_next(struct qz_call *call)
{
	struct queztl_port_next *next = call->arg;

	if (memchr_inv(next->reserved, 0, sizeof(next->reserved)))
		return -EINVAL;
	return qz_port_next(next);
}

int qz_fabricapi_port_stats(struct qz_call *call)
{
	return qz_port_stats(call->arg);
}

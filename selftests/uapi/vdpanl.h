/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `vdpa dev add` and `del` as netlink calls of the calling thread, so that what fails in them is ours to choose. A call is
 * done when vdpanl_send() returns; vdpanl_answer() tells how it went.
 */
#ifndef QUEZTL_VDPANL_H
#define QUEZTL_VDPANL_H

#include <linux/types.h>

int vdpanl_open(void);		/* 0, -errno */
void vdpanl_prepare_add(const char *name, const char *fabric, const __u8 mac[6]);
void vdpanl_put_pairs(__u16 pairs);	/* after vdpanl_prepare_add(); else one */
void vdpanl_prepare_del(const char *name);
int vdpanl_send(void);		/* 0, -errno: nothing was done */
int vdpanl_answer(void);	/* 0, -errno; -ENOBUFS: the answer was lost, the call may have been done or not */

#endif

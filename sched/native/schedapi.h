/* SPDX-License-Identifier: GPL-2.0 */
/* The calls for the scheduler. See module/ioctl.h. */
#ifndef QZ_SCHEDAPI_H
#define QZ_SCHEDAPI_H

#include <linux/errno.h>
#include <linux/types.h>

struct qz_call;

#ifdef QZ_HAVE_SCX_NATIVE
int qz_schedapi_start(struct qz_call *call);
int qz_schedapi_stop(struct qz_call *call);
int qz_schedapi_info(struct qz_call *call);
int qz_schedapi_vm_set(struct qz_call *call);
int qz_schedapi_vm_get(struct qz_call *call);
u64 qz_sched_features(void);
void qz_sched_exit(void);
#else
/* The kernel lets no module bring a scheduler. */
static inline int qz_schedapi_absent(struct qz_call *call)
{
	return -EOPNOTSUPP;
}

#define qz_schedapi_start	qz_schedapi_absent
#define qz_schedapi_stop	qz_schedapi_absent
#define qz_schedapi_info	qz_schedapi_absent
#define qz_schedapi_vm_set	qz_schedapi_absent
#define qz_schedapi_vm_get	qz_schedapi_absent

static inline u64 qz_sched_features(void)
{
	return 0;
}

static inline void qz_sched_exit(void)
{
}
#endif

#endif /* QZ_SCHEDAPI_H */

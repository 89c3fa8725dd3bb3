/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QZ_SCHED_SYNC_H
#define QZ_SCHED_SYNC_H

/* Descriptors of the maps that sync_vms() reads and fills. */
struct sync {
	int settings;
	int vcpus;
	int indices;
};

/* Tell the scheduler what the cgroups of VMs say, and queztl.ko if it is there. */
void sync_vms(const struct sync *sync);

#endif /* QZ_SCHED_SYNC_H */

// SPDX-License-Identifier: GPL-2.0
/* The tables of ioctl calls, and how a call is decoded and answered. */

#include <linux/array_size.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>

#include "uapi/linux/queztl.h"
#include "ioctl.h"
#include "version.h"
#include "vm.h"
#include "qhp/channel/channelapi.h"
#include "qhp/fabric/admin/fabricapi.h"
#include "sched/native/schedapi.h"

/* Large enough for every argument. */
union ioctl_arg {
	struct {
		u32 size;
		u32 flags;
	} head;
	struct queztl_info info;
	struct queztl_vm_next_args vm_next;
	struct queztl_vm_attach_args vm_attach;
	struct queztl_vm_open_args vm_open;
	struct queztl_vm vm_info;
	struct queztl_vcpu vm_vcpu;
	struct queztl_vm_stats vm_stats;
	struct queztl_vm_detach_args vm_detach;
	struct queztl_fabric_add_args fabric_add;
	struct queztl_fabric_del_args fabric_del;
	struct queztl_fabric fabric_next;
	struct queztl_fabric_set_args fabric_set;
	struct queztl_port port_next;
	struct queztl_port_stats port_stats;
	struct queztl_peer peer;
	struct queztl_peers peers;
	struct queztl_addr addr;
	struct queztl_port_set_args port_set;
	struct queztl_port_vlan port_vlan;
	struct queztl_port_macs port_macs;
	struct queztl_mac_next_args mac_next;
	struct queztl_port_rates port_rates;
	struct queztl_port_capture_args port_capture;
	struct queztl_port_mirror port_mirror;
	struct queztl_sched_start_args sched_start;
	struct queztl_sched_stop_args sched_stop;
	struct queztl_sched sched_info;
	struct queztl_vm_sched vm_sched;
	struct queztl_window_create_args window_create;
	struct queztl_window window_next;
	struct queztl_channel_rule channel_rule;
	struct queztl_channel channel_next;
	struct queztl_channel_revoke_args channel_revoke;
	struct queztl_channel_listen_args channel_listen;
	struct queztl_channel_connect_args channel_connect;
	struct queztl_channel_slot channel_slot;
	struct queztl_events window_events;
	struct queztl_window_bell_args window_bell;
};

u64 qz_features(void)
{
	return QUEZTL_F_CHANNEL | qz_fabric_features() | qz_sched_features();
}

static int get_info(struct qz_call *call)
{
	struct queztl_info *info = call->arg;

	if (info->reserved)
		return -EINVAL;
	info->abi_version = QUEZTL_ABI_VERSION;
	info->features = qz_features();
	info->vms = qz_vm_count();
	info->fabrics = qz_fabric_count();
	strscpy_pad(info->module, QZ_VERSION);
	strscpy_pad(info->kernel, init_utsname()->release);
	return 0;
}

static int copy_in(const struct qz_ioctl *ioctl, union ioctl_arg *arg,
		   const void __user *user, u32 *size)
{
	int err;

	if (get_user(*size, (const u32 __user *)user))
		return -EFAULT;
	if (*size > PAGE_SIZE)
		return -E2BIG;
	if (*size < ioctl->min_size)
		return -EINVAL;
	err = copy_struct_from_user(arg, ioctl->size, user, *size);
	if (err)
		return err;
	/* Another thread may have changed it since it was read. */
	if (arg->head.size != *size || arg->head.flags)
		return -EINVAL;
	return 0;
}

static u32 answer_size(const struct qz_ioctl *ioctl, u32 size)
{
	return ioctl->answers ? min(size, ioctl->size) : 0;
}

static void publish(struct qz_call *call)
{
	if (call->commit)
		call->commit(call);
	if (call->publish)
		fd_install(call->fd, call->publish);
}

static void abandon(const struct qz_ioctl *ioctl, struct qz_call *call)
{
	if (ioctl->undo)
		ioctl->undo(call);
	if (call->publish) {
		put_unused_fd(call->fd);
		fput(call->publish);
	}
}

static long run_ioctl(const struct qz_ioctl *table, size_t n,
		      struct file *file, unsigned int cmd, void __user *user)
{
	const struct qz_ioctl *ioctl = table, *end = table + n;
	union ioctl_arg arg = {};
	struct qz_call call = { .file = file, .arg = &arg };
	u32 size;
	int err;

	while (ioctl < end && ioctl->cmd != cmd)
		ioctl++;
	if (ioctl == end)
		return -ENOTTY;

	err = copy_in(ioctl, &arg, user, &size);
	if (err)
		return err;
	/* Do nothing, and write nothing, if the result cannot be returned. */
	if (fault_in_safe_writeable(user, answer_size(ioctl, size)))
		return -EFAULT;
	err = ioctl->run(&call);
	if (err)
		return err;
	if (copy_to_user(user, &arg, answer_size(ioctl, size))) {
		abandon(ioctl, &call);
		return -EFAULT;
	}
	publish(&call);
	return 0;
}

/*
 * A row: number, structure, last member of its first version, handler, undo,
 * and whether the structure is copied out. The static_asserts protect the
 * layout that programs were compiled with.
 */
#define ROW(_cmd, _struct, _last, _run, _undo, _answers)		\
	{								\
		.cmd = _cmd,						\
		.size = sizeof(struct _struct) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct _struct) >	\
					  sizeof(union ioctl_arg)),	\
		.min_size = offsetofend(struct _struct, _last),		\
		.answers = _answers,					\
		.run = _run,						\
		.undo = _undo,						\
	}

static_assert(sizeof(struct queztl_info) == 128);
static_assert(sizeof(struct queztl_vm_next_args) == 16);
static_assert(sizeof(struct queztl_vm_attach_args) == 24);
static_assert(sizeof(struct queztl_vm_open_args) == 24);
static_assert(sizeof(struct queztl_vm) == 56);
static_assert(sizeof(struct queztl_vcpu) == 16);
static_assert(sizeof(struct queztl_vm_stats) == 64);
static_assert(sizeof(struct queztl_vm_detach_args) == 8);
static_assert(sizeof(struct queztl_fabric_add_args) == 48);
static_assert(sizeof(struct queztl_fabric_del_args) == 16);
static_assert(sizeof(struct queztl_fabric) == 56);
static_assert(sizeof(struct queztl_port) == 80);
static_assert(sizeof(struct queztl_fabric_set_args) == 24);
static_assert(sizeof(struct queztl_peer) == 24);
static_assert(sizeof(struct queztl_peers) == 32);
static_assert(sizeof(struct queztl_addr) == 40);
static_assert(sizeof(struct queztl_port_stats) == 240);
static_assert(sizeof(struct queztl_port_set_args) == 24);
static_assert(sizeof(struct queztl_port_vlan) == 536);
static_assert(sizeof(struct queztl_port_macs) == 32);
static_assert(sizeof(struct queztl_mac_next_args) == 24);
static_assert(sizeof(struct queztl_port_rates) == 40);
static_assert(sizeof(struct queztl_port_capture_args) == 32);
static_assert(sizeof(struct queztl_capture_record) == 32);
static_assert(sizeof(struct queztl_port_mirror) == 24);
static_assert(sizeof(struct queztl_sched_start_args) == 24);
static_assert(sizeof(struct queztl_sched_stop_args) == 8);
static_assert(sizeof(struct queztl_sched) == 232);
static_assert(sizeof(struct queztl_vm_sched) == 432);
static_assert(sizeof(struct queztl_window_create_args) == 72);
static_assert(sizeof(struct queztl_window) == 80);
static_assert(sizeof(struct queztl_channel_rule) == 112);
static_assert(sizeof(struct queztl_channel) == 120);
static_assert(sizeof(struct queztl_channel_revoke_args) == 16);
static_assert(sizeof(struct queztl_channel_listen_args) == 48);
static_assert(sizeof(struct queztl_channel_connect_args) == 48);
static_assert(sizeof(struct queztl_channel_slot) == 16);
static_assert(sizeof(struct queztl_events) == 24);
static_assert(sizeof(struct queztl_window_bell_args) == 24);

static const struct qz_ioctl device_ioctls[] = {
	ROW(QUEZTL_GET_INFO, queztl_info, kernel, get_info, NULL, true),
	ROW(QUEZTL_VM_NEXT, queztl_vm_next_args, id, qz_vmapi_next, NULL, true),
	ROW(QUEZTL_VM_ATTACH, queztl_vm_attach_args, id,
	    qz_vmapi_attach, NULL, true),
	ROW(QUEZTL_VM_OPEN, queztl_vm_open_args, reserved,
	    qz_vmapi_open, NULL, true),
	ROW(QUEZTL_FABRIC_ADD, queztl_fabric_add_args, name,
	    qz_fabricapi_add, qz_fabricapi_add_undo, true),
	ROW(QUEZTL_FABRIC_DEL, queztl_fabric_del_args, id,
	    qz_fabricapi_del, NULL, false),
	ROW(QUEZTL_FABRIC_NEXT, queztl_fabric, name,
	    qz_fabricapi_next, NULL, true),
	ROW(QUEZTL_FABRIC_SET, queztl_fabric_set_args, reserved,
	    qz_fabricapi_set, NULL, false),
	ROW(QUEZTL_PORT_NEXT, queztl_port, reserved,
	    qz_fabricapi_port_next, NULL, true),
	ROW(QUEZTL_PORT_STATS, queztl_port_stats, drops,
	    qz_fabricapi_port_stats, NULL, true),
	ROW(QUEZTL_PEER_ADD, queztl_peer, peer,
	    qz_fabricapi_peer_add, NULL, false),
	ROW(QUEZTL_PEER_DEL, queztl_peer, peer,
	    qz_fabricapi_peer_del, NULL, false),
	ROW(QUEZTL_PEER_NEXT, queztl_peer, peer,
	    qz_fabricapi_peer_next, NULL, true),
	ROW(QUEZTL_PEERS_ADD, queztl_peers, reserved,
	    qz_fabricapi_peers_add, NULL, false),
	ROW(QUEZTL_ADDR_ADD, queztl_addr, addr,
	    qz_fabricapi_addr_add, qz_fabricapi_addr_add_undo, true),
	ROW(QUEZTL_ADDR_DEL, queztl_addr, addr,
	    qz_fabricapi_addr_del, NULL, false),
	ROW(QUEZTL_ADDR_NEXT, queztl_addr, addr,
	    qz_fabricapi_addr_next, NULL, true),
	ROW(QUEZTL_PORT_SET, queztl_port_set_args, change,
	    qz_fabricapi_port_set, NULL, false),
	ROW(QUEZTL_PORT_CAPTURE, queztl_port_capture_args, reserved,
	    qz_fabricapi_port_capture, NULL, true),
	ROW(QUEZTL_PORT_MIRROR_SET, queztl_port_mirror, mirror,
	    qz_fabricapi_port_mirror_set, NULL, false),
	ROW(QUEZTL_PORT_MIRROR_GET, queztl_port_mirror, mirror,
	    qz_fabricapi_port_mirror_get, NULL, true),
	ROW(QUEZTL_RATES_SET, queztl_port_rates, tx_packets,
	    qz_fabricapi_rates_set, NULL, false),
	ROW(QUEZTL_RATES_GET, queztl_port_rates, tx_packets,
	    qz_fabricapi_rates_get, NULL, true),
	ROW(QUEZTL_PORT_VLAN_SET, queztl_port_vlan, ids,
	    qz_fabricapi_port_vlan_set, NULL, false),
	ROW(QUEZTL_PORT_VLAN_GET, queztl_port_vlan, ids,
	    qz_fabricapi_port_vlan_get, NULL, true),
	ROW(QUEZTL_PORT_MACS_SET, queztl_port_macs, macs,
	    qz_fabricapi_port_macs_set, NULL, false),
	ROW(QUEZTL_PORT_MACS_GET, queztl_port_macs, macs,
	    qz_fabricapi_port_macs_get, NULL, true),
	ROW(QUEZTL_MAC_NEXT, queztl_mac_next_args, mac,
	    qz_fabricapi_mac_next, NULL, true),
	ROW(QUEZTL_SCHED_START, queztl_sched_start_args, check_us,
	    qz_schedapi_start, NULL, false),
	ROW(QUEZTL_SCHED_STOP, queztl_sched_stop_args, flags,
	    qz_schedapi_stop, NULL, false),
	ROW(QUEZTL_SCHED_INFO, queztl_sched, message,
	    qz_schedapi_info, NULL, true),
	ROW(QUEZTL_VM_SCHED_SET, queztl_vm_sched, yields,
	    qz_schedapi_vm_set, NULL, false),
	ROW(QUEZTL_VM_SCHED_GET, queztl_vm_sched, yields,
	    qz_schedapi_vm_get, NULL, true),
	ROW(QUEZTL_WINDOW_CREATE, queztl_window_create_args, bytes,
	    qz_channelapi_window_create, NULL, true),
	ROW(QUEZTL_WINDOW_NEXT, queztl_window, diverted,
	    qz_channelapi_window_next, NULL, true),
	ROW(QUEZTL_CHANNEL_ALLOW, queztl_channel_rule, connecter,
	    qz_channelapi_allow, qz_channelapi_allow_undo, true),
	ROW(QUEZTL_CHANNEL_DENY, queztl_channel_rule, connecter,
	    qz_channelapi_deny, NULL, false),
	ROW(QUEZTL_CHANNEL_RULE_NEXT, queztl_channel_rule, connecter,
	    qz_channelapi_rule_next, NULL, true),
	ROW(QUEZTL_CHANNEL_NEXT, queztl_channel, reserved,
	    qz_channelapi_next, NULL, true),
	ROW(QUEZTL_CHANNEL_REVOKE, queztl_channel_revoke_args, id,
	    qz_channelapi_revoke, NULL, false),
};

static const struct qz_ioctl vm_ioctls[] = {
	ROW(QUEZTL_VM_INFO, queztl_vm, comm, qz_vmapi_info, NULL, true),
	ROW(QUEZTL_VM_VCPU, queztl_vcpu, tid, qz_vmapi_vcpu, NULL, true),
	ROW(QUEZTL_VM_STATS, queztl_vm_stats, signal_exits,
	    qz_vmapi_stats, NULL, true),
	ROW(QUEZTL_VM_DETACH, queztl_vm_detach_args, flags,
	    qz_vmapi_detach, NULL, false),
};

static const struct qz_ioctl window_ioctls[] = {
	ROW(QUEZTL_CHANNEL_LISTEN, queztl_channel_listen_args, slot,
	    qz_channelapi_listen, qz_channelapi_listen_undo, true),
	ROW(QUEZTL_CHANNEL_CONNECT, queztl_channel_connect_args, slot,
	    qz_channelapi_connect, qz_channelapi_connect_undo, true),
	ROW(QUEZTL_CHANNEL_CLOSE, queztl_channel_slot, reserved,
	    qz_channelapi_close, NULL, false),
	ROW(QUEZTL_CHANNEL_RING, queztl_channel_slot, reserved,
	    qz_channelapi_ring, NULL, false),
	ROW(QUEZTL_WINDOW_EVENTS, queztl_events, changed,
	    qz_channelapi_events, qz_channelapi_events_undo, true),
	ROW(QUEZTL_WINDOW_BELL, queztl_window_bell_args, reserved,
	    qz_channelapi_bell, NULL, false),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_ioctl(device_ioctls, ARRAY_SIZE(device_ioctls), file, cmd,
			 (void __user *)arg);
}

long qz_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_ioctl(vm_ioctls, ARRAY_SIZE(vm_ioctls), file, cmd,
			 (void __user *)arg);
}

long qz_window_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_ioctl(window_ioctls, ARRAY_SIZE(window_ioctls), file, cmd,
			 (void __user *)arg);
}

const struct file_operations qz_device_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

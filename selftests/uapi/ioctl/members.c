// SPDX-License-Identifier: GPL-2.0
/* Members that no call takes: unknown flags, reserved ones that are set, ids of nothing. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"
#include "refused.h"

#include <sys/ioctl.h>

TEST(unknown_flag_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		for (int bit = 0; bit < 32; bit++) {
			prepare(call, argument, call->size);
			((__u32 *)argument)[1] = 1u << bit;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "flag", bit);
		}
	}
}

TEST(reserved_set_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		for (int i = 0; call->reserved[i]; i++) {
			prepare(call, argument, call->size);
			argument[call->reserved[i]] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "reserved",
				       call->reserved[i]);
		}
	}
}

TEST(unknown_ids_are_enoent)
{
	static const __u64 ids[] = { 0, 1ULL << 32, 1ULL << 63, ~0ULL };

	open_world();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct queztl_vm_open_args open = { .size = sizeof(open), .id = ids[i] };
		struct queztl_port_stats stats = { .size = sizeof(stats), .id = ids[i] };
		struct queztl_port_rates rates = { .size = sizeof(rates), .id = ids[i] };
		struct queztl_port_vlan vlan = { .size = sizeof(vlan), .id = ids[i] };
		struct queztl_port port = { .size = sizeof(port), .id = ids[i] };
		struct queztl_vm_next_args vm = { .size = sizeof(vm), .id = ids[i] };
		struct queztl_channel_revoke_args revoke = { .size = sizeof(revoke), .id = ids[i] };

		EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_OPEN, &open), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_CHANNEL_REVOKE, &revoke), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_STATS, &stats), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_SET, &rates), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_GET, &rates), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_VLAN_SET, &vlan), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_VLAN_GET, &vlan), ENOENT);
		if (!ids[i])
			continue;
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_NEXT, &port), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_NEXT, &vm), ENOENT);
	}
	if (world.vm >= 0) {
		struct queztl_vcpu vcpu = { .size = sizeof(vcpu), .index = 1 };

		EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
		vcpu.index = ~0u;
		EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
	}
}

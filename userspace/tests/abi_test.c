// SPDX-License-Identifier: GPL-2.0
/* Numbers that programs were compiled with must not change. */
#include <qhp.h>

#include "fake.h"

#define SIZE(type, bytes) assert_int_equal(sizeof(struct type), bytes)

static void sizes_are_those_of_version_1(void **state)
{
	(void)state;
	SIZE(queztl_info, 128);
	SIZE(queztl_vm_next_args, 16);
	SIZE(queztl_vm_attach_args, 24);
	SIZE(queztl_vm_open_args, 24);
	SIZE(queztl_vm, 56);
	SIZE(queztl_vcpu, 16);
	SIZE(queztl_vm_stats, 64);
	SIZE(queztl_vm_detach_args, 8);
	SIZE(queztl_fabric_add_args, 48);
	SIZE(queztl_fabric_del_args, 16);
	SIZE(queztl_fabric, 56);
	SIZE(queztl_port, 80);
}

static void sizes_are_those_of_version_2(void **state)
{
	(void)state;
	SIZE(queztl_fabric_set_args, 24);
	SIZE(queztl_port_rates, 40);
	SIZE(queztl_peer, 24);
	SIZE(queztl_addr, 40);
}

static void sizes_are_those_of_version_10(void **state)
{
	(void)state;
	SIZE(queztl_port_set_args, 24);
	SIZE(queztl_port_vlan, 536);
	SIZE(queztl_mac, 8);
	SIZE(queztl_port_macs, 32);
	SIZE(queztl_mac_next_args, 24);
}

static void sizes_are_those_of_version_11(void **state)
{
	(void)state;
	SIZE(queztl_port_mirror, 24);
}

static void sizes_are_those_of_version_3(void **state)
{
	(void)state;
	SIZE(queztl_port_stats, 240);
}

static void sizes_are_those_of_version_4(void **state)
{
	(void)state;
	SIZE(queztl_peers, 32);
}

static void sizes_are_those_of_version_5(void **state)
{
	(void)state;
	SIZE(queztl_sched_start_args, 24);
	SIZE(queztl_sched_stop_args, 8);
	SIZE(queztl_sched, 232);
	SIZE(queztl_vm_sched, 432);
}

static void sizes_are_those_of_version_9(void **state)
{
	(void)state;
	SIZE(queztl_window_create_args, 72);
	SIZE(queztl_window, 80);
	SIZE(queztl_channel_rule, 112);
	SIZE(queztl_channel, 120);
	SIZE(queztl_channel_revoke_args, 16);
	SIZE(queztl_channel_listen_args, 48);
	SIZE(queztl_channel_connect_args, 48);
	SIZE(queztl_channel_slot, 16);
	SIZE(queztl_events, 24);
	SIZE(queztl_window_bell_args, 24);
}

/* Of the library: programs have them. */
static void sizes_are_those_of_the_library(void **state)
{
	(void)state;
	SIZE(qhp_window, 312);
	SIZE(qhp, 256);
}

static void calls_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(QUEZTL_GET_INFO, 0x5900);
	assert_int_equal(QUEZTL_VM_NEXT, 0x5910);
	assert_int_equal(QUEZTL_VM_ATTACH, 0x5911);
	assert_int_equal(QUEZTL_VM_OPEN, 0x5912);
	assert_int_equal(QUEZTL_VM_INFO, 0x5918);
	assert_int_equal(QUEZTL_VM_VCPU, 0x5919);
	assert_int_equal(QUEZTL_VM_STATS, 0x591a);
	assert_int_equal(QUEZTL_VM_DETACH, 0x591b);
	assert_int_equal(QUEZTL_FABRIC_ADD, 0x5920);
	assert_int_equal(QUEZTL_FABRIC_DEL, 0x5921);
	assert_int_equal(QUEZTL_FABRIC_NEXT, 0x5922);
	assert_int_equal(QUEZTL_PORT_NEXT, 0x5930);
	assert_int_equal(QUEZTL_PORT_STATS, 0x5931);
	assert_int_equal(QUEZTL_FABRIC_SET, 0x5923);
	assert_int_equal(QUEZTL_RATES_SET, 0x5932);
	assert_int_equal(QUEZTL_RATES_GET, 0x5933);
	assert_int_equal(QUEZTL_PORT_SET, 0x5934);
	assert_int_equal(QUEZTL_PORT_VLAN_SET, 0x5935);
	assert_int_equal(QUEZTL_PORT_VLAN_GET, 0x5936);
	assert_int_equal(QUEZTL_PORT_MACS_SET, 0x5937);
	assert_int_equal(QUEZTL_PORT_MACS_GET, 0x5938);
	assert_int_equal(QUEZTL_MAC_NEXT, 0x5939);
	assert_int_equal(QUEZTL_PORT_CAPTURE, 0x593a);
	assert_int_equal(QUEZTL_PORT_MIRROR_SET, 0x593b);
	assert_int_equal(QUEZTL_PORT_MIRROR_GET, 0x593c);
	assert_int_equal(QUEZTL_PEER_ADD, 0x5940);
	assert_int_equal(QUEZTL_PEER_DEL, 0x5941);
	assert_int_equal(QUEZTL_PEER_NEXT, 0x5942);
	assert_int_equal(QUEZTL_PEERS_ADD, 0x5943);
	assert_int_equal(QUEZTL_ADDR_ADD, 0x5948);
	assert_int_equal(QUEZTL_ADDR_DEL, 0x5949);
	assert_int_equal(QUEZTL_ADDR_NEXT, 0x594a);
	assert_int_equal(QUEZTL_SCHED_START, 0x5950);
	assert_int_equal(QUEZTL_SCHED_STOP, 0x5951);
	assert_int_equal(QUEZTL_SCHED_INFO, 0x5952);
	assert_int_equal(QUEZTL_VM_SCHED_SET, 0x5953);
	assert_int_equal(QUEZTL_VM_SCHED_GET, 0x5954);
	assert_int_equal(QUEZTL_WINDOW_CREATE, 0x5960);
	assert_int_equal(QUEZTL_WINDOW_NEXT, 0x5961);
	assert_int_equal(QUEZTL_CHANNEL_ALLOW, 0x5962);
	assert_int_equal(QUEZTL_CHANNEL_DENY, 0x5963);
	assert_int_equal(QUEZTL_CHANNEL_RULE_NEXT, 0x5964);
	assert_int_equal(QUEZTL_CHANNEL_NEXT, 0x5965);
	assert_int_equal(QUEZTL_CHANNEL_REVOKE, 0x5966);
	assert_int_equal(QUEZTL_CHANNEL_LISTEN, 0x5968);
	assert_int_equal(QUEZTL_CHANNEL_CONNECT, 0x5969);
	assert_int_equal(QUEZTL_CHANNEL_CLOSE, 0x596a);
	assert_int_equal(QUEZTL_CHANNEL_RING, 0x596b);
	assert_int_equal(QUEZTL_WINDOW_EVENTS, 0x596c);
	assert_int_equal(QUEZTL_WINDOW_BELL, 0x596d);
}

static void drops_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(QUEZTL_DROP_RUNT, 0);
	assert_int_equal(QUEZTL_DROP_BAD_RING, 6);
	assert_int_equal(QUEZTL_DROP_DOWN, 7);
	assert_int_equal(QUEZTL_DROP_RX_BROKEN, 10);
	assert_int_equal(QUEZTL_DROP_DENIED, 11);
	assert_int_equal(QUEZTL_DROP_FOREIGN, 12);
}

static void bits_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(QUEZTL_F_POLICY, 16);
	assert_int_equal(QUEZTL_FABRIC_DENY, 1);
	assert_int_equal(QUEZTL_PORT_TX_BYTES, 1);
	assert_int_equal(QUEZTL_PORT_TX_PACKETS, 2);
	assert_int_equal(QUEZTL_PORT_FLOOD, 4);
	assert_int_equal(QUEZTL_PORT_OPEN, 1);
	assert_int_equal(QUEZTL_PORT_UP, 2);
	assert_int_equal(QUEZTL_PORT_BROKEN, 4);
	assert_int_equal(QUEZTL_PORT_NO_WORKER, 8);
	assert_int_equal(QUEZTL_PORT_DELETED, 16);
	assert_int_equal(QUEZTL_PEERS_MAX, 1024);
	assert_int_equal(QUEZTL_F_SCHED, 8);
	assert_int_equal(QUEZTL_SCHED_ON, 1);
	assert_int_equal(QUEZTL_SCHED_FAILED, 2);
	assert_int_equal(QUEZTL_VM_WEIGHT, 1);
	assert_int_equal(QUEZTL_VM_LIMIT, 2);
	assert_int_equal(QUEZTL_VM_MODE, 4);
	assert_int_equal(QUEZTL_VM_BATCH, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_version_1),
		cmocka_unit_test(sizes_are_those_of_version_10),
		cmocka_unit_test(sizes_are_those_of_version_11),
		cmocka_unit_test(sizes_are_those_of_version_2),
		cmocka_unit_test(sizes_are_those_of_version_3),
		cmocka_unit_test(sizes_are_those_of_version_4),
		cmocka_unit_test(sizes_are_those_of_version_5),
		cmocka_unit_test(sizes_are_those_of_version_9),
		cmocka_unit_test(sizes_are_those_of_the_library),
		cmocka_unit_test(calls_have_their_numbers),
		cmocka_unit_test(drops_have_their_numbers),
		cmocka_unit_test(bits_have_their_numbers),
	};

	return cmocka_run_group_tests_name("abi", tests, NULL, NULL);
}

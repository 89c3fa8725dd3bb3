// SPDX-License-Identifier: GPL-2.0
/* The numbers programs were compiled with must not change. */
#include "fake.h"

#define SIZE(type, bytes) assert_int_equal(sizeof(struct type), bytes)

static void sizes_are_those_of_version_1(void **state)
{
	(void)state;
	SIZE(queztl_info, 128);
	SIZE(queztl_vm_next, 16);
	SIZE(queztl_vm_attach, 24);
	SIZE(queztl_vm_open, 24);
	SIZE(queztl_vm_info, 56);
	SIZE(queztl_vm_vcpu, 16);
	SIZE(queztl_vm_stats, 64);
	SIZE(queztl_vm_detach, 8);
	SIZE(queztl_fabric_add, 48);
	SIZE(queztl_fabric_del, 16);
	SIZE(queztl_fabric_next, 56);
	SIZE(queztl_port_next, 80);
	SIZE(queztl_port_stats, 224);
}

static void calls_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(QUEZTL_GET_INFO, 0x5100);
	assert_int_equal(QUEZTL_VM_NEXT, 0x5110);
	assert_int_equal(QUEZTL_VM_ATTACH, 0x5111);
	assert_int_equal(QUEZTL_VM_OPEN, 0x5112);
	assert_int_equal(QUEZTL_VM_INFO, 0x5118);
	assert_int_equal(QUEZTL_VM_VCPU, 0x5119);
	assert_int_equal(QUEZTL_VM_STATS, 0x511a);
	assert_int_equal(QUEZTL_VM_DETACH, 0x511b);
	assert_int_equal(QUEZTL_FABRIC_ADD, 0x5120);
	assert_int_equal(QUEZTL_FABRIC_DEL, 0x5121);
	assert_int_equal(QUEZTL_FABRIC_NEXT, 0x5122);
	assert_int_equal(QUEZTL_PORT_NEXT, 0x5130);
	assert_int_equal(QUEZTL_PORT_STATS, 0x5131);
}

static void drops_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(QUEZTL_DROP_RUNT, 0);
	assert_int_equal(QUEZTL_DROP_BAD_RING, 6);
	assert_int_equal(QUEZTL_DROP_DOWN, 7);
	assert_int_equal(QUEZTL_DROP_RX_BROKEN, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_version_1),
		cmocka_unit_test(calls_have_their_numbers),
		cmocka_unit_test(drops_have_their_numbers),
	};

	return cmocka_run_group_tests_name("abi", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

static int device;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	device = queztl_open();
	return device < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(device);
	return 0;
}

static void open_returns_errno(void **state)
{
	(void)state;
	fake.open_error = EACCES;
	assert_int_equal(queztl_open(), -EACCES);
}

static void info_is_filled_in(void **state)
{
	struct queztl_info info;

	(void)state;
	assert_int_equal(queztl_get_info(device, &info), 0);
	assert_int_equal(info.size, sizeof(info));
	assert_int_equal(info.vms, 2);
	assert_string_equal(info.module, "0.1.0");
}

static void failure_writes_nothing(void **state)
{
	struct queztl_port_stats stats, before;
	struct queztl_info info = { .vms = 99 };
	uint64_t id = 3;

	(void)state;
	memset(&stats, 0x5a, sizeof(stats));
	before = stats;
	fake.call_error = ENOMEM;
	assert_int_equal(queztl_get_info(device, &info), -ENOMEM);
	assert_int_equal(info.vms, 99);
	assert_int_equal(queztl_vm_next(device, &id), -ENOMEM);
	assert_int_equal(id, 3);
	assert_int_equal(queztl_port_stats(device, 10, &stats), -ENOMEM);
	assert_memory_equal(&stats, &before, sizeof(stats));
}

static void iteration_visits_each_once(void **state)
{
	struct queztl_fabric_next fabric = { 0 };
	struct queztl_port_next port = { 0 };
	uint64_t id = 0;

	(void)state;
	assert_int_equal(queztl_vm_next(device, &id), 0);
	assert_int_equal(id, 3);
	assert_int_equal(queztl_vm_next(device, &id), 0);
	assert_int_equal(id, 7);
	assert_int_equal(queztl_vm_next(device, &id), -ENOENT);
	assert_int_equal(queztl_fabric_next(device, &fabric), 0);
	assert_string_equal(fabric.name, "blue");
	assert_int_equal(queztl_fabric_next(device, &fabric), 0);
	assert_int_equal(queztl_fabric_next(device, &fabric), -ENOENT);
	assert_string_equal(fabric.name, "green");
	assert_int_equal(queztl_port_next(device, &port), 0);
	assert_int_equal(port.mtu, 1500);
	assert_int_equal(queztl_port_next(device, &port), 0);
	assert_int_equal(queztl_port_next(device, &port), -ENOENT);
	assert_int_equal(port.mtu, 9000);
}

/* A newer kernel may leave something where this version has reserved bytes. */
static void iteration_sends_only_the_id(void **state)
{
	struct queztl_port_next port;

	(void)state;
	memset(&port, 0xff, sizeof(port));
	port.id = 10;
	assert_int_equal(queztl_port_next(device, &port), 0);
	assert_int_equal(port.id, 11);
}

static void vm_calls_reach_the_vm(void **state)
{
	struct queztl_vm_info info;
	struct queztl_vm_stats stats;
	struct queztl_vm_vcpu vcpu;
	int vm = queztl_vm_open(device, 3);

	(void)state;
	assert_true(vm >= 0);
	assert_int_equal(queztl_vm_info(vm, &info), 0);
	assert_int_equal(info.id, 3);
	assert_int_equal(queztl_vm_stats(vm, &stats), 0);
	assert_int_equal(stats.exits, 1234567);
	assert_int_equal(queztl_vm_vcpu(vm, 0, &vcpu), 0);
	assert_int_equal(vcpu.tid, 4242);
	assert_int_equal(queztl_vm_vcpu(vm, 2, &vcpu), -ENOENT);
	assert_int_equal(queztl_vm_detach(vm), 0);
	assert_int_equal(queztl_vm_info(vm, &info), -ENOENT);
	assert_int_equal(queztl_vm_detach(device), -ENOTTY);
	close(vm);
}

static void attach_gives_descriptor_and_id(void **state)
{
	uint64_t id = 0;
	int vm;

	(void)state;
	assert_int_equal(queztl_vm_attach(device, 63, &id), -EBADF);
	assert_int_equal(queztl_vm_attach(device, device, &id), -EINVAL);
	assert_int_equal(id, 0);
	fake.kvm_vm = 7;
	vm = queztl_vm_attach(device, device, &id);
	assert_true(vm >= 0);
	assert_int_equal(id, 7);
	close(vm);
	vm = queztl_vm_attach(device, device, NULL);
	assert_true(vm >= 0);
	close(vm);
}

static void fabric_names_fit_or_fail(void **state)
{
	uint64_t id = 0;

	(void)state;
	assert_int_equal(queztl_fabric_add(device,
		"exactly-31-bytes-for-the-name-x", &id), 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(queztl_fabric_del(device, id), 0);
	assert_int_equal(queztl_fabric_del(device, id), -ENOENT);
	assert_int_equal(queztl_fabric_add(device,
		"exactly-32-bytes-for-the-name-xy", &id), -EINVAL);
	assert_int_equal(queztl_fabric_add(device, "", &id), -EINVAL);
	assert_int_equal(queztl_fabric_add(device, "blue", NULL), -EEXIST);
	assert_int_equal(queztl_fabric_del(device, 1), -EBUSY);
}

static void every_drop_has_name_and_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < QUEZTL_DROP_REASONS; i++) {
		assert_non_null(queztl_drop_name(i));
		assert_non_null(queztl_drop_text(i));
	}
	assert_string_equal(queztl_drop_name(QUEZTL_DROP_FULL), "full");
	assert_null(queztl_drop_name(QUEZTL_DROP_REASONS));
	assert_null(queztl_drop_text(QUEZTL_DROP_REASONS));
}

static void names_are_of_single_bits(void **state)
{
	(void)state;
	assert_string_equal(queztl_feature_name(QUEZTL_F_SCHED), "sched");
	assert_null(queztl_feature_name(QUEZTL_F_FABRIC | QUEZTL_F_DIRECT));
	assert_null(queztl_feature_name(1ULL << 63));
	assert_string_equal(queztl_port_state_name(QUEZTL_PORT_BROKEN),
			    "broken");
	assert_null(queztl_port_state_name(0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_returns_errno),
		TEST(info_is_filled_in),
		TEST(failure_writes_nothing),
		TEST(iteration_visits_each_once),
		TEST(iteration_sends_only_the_id),
		TEST(vm_calls_reach_the_vm),
		TEST(attach_gives_descriptor_and_id),
		TEST(fabric_names_fit_or_fail),
		TEST(every_drop_has_name_and_text),
		TEST(names_are_of_single_bits),
	};

	return cmocka_run_group_tests_name("lib", tests, NULL, NULL);
}

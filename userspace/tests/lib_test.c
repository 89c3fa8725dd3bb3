// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_policy.h"

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
	assert_int_equal(queztl_port_stats_get(device, 10, &stats), -ENOMEM);
	assert_memory_equal(&stats, &before, sizeof(stats));
}

static void objects_are_found_by_name(void **state)
{
	struct queztl_fabric fabric = { .id = 77 };
	struct queztl_port port = { .id = 77 };

	(void)state;
	assert_int_equal(queztl_fabric_find(device, "none", &fabric), -ENOENT);
	assert_int_equal(queztl_port_find(device, "none", &port), -ENOENT);
	assert_int_equal(fabric.id, 77);
	assert_int_equal(port.id, 77);
	assert_int_equal(queztl_fabric_find(device, "green", &fabric), 0);
	assert_int_equal(fabric.id, 5);
	assert_int_equal(queztl_port_find(device, "web0", &port), 0);
	assert_int_equal(port.id, 10);
	fake.ports[0].port.state |= QUEZTL_PORT_DELETED;
	assert_int_equal(queztl_port_find(device, "web0", &port), 0);
	assert_int_equal(port.id, 10);
	strcpy(fake.ports[1].port.name, "web0");
	assert_int_equal(queztl_port_find(device, "web0", &port), 0);
	assert_int_equal(port.id, 11);
	assert_string_equal(queztl_version(), LIBQUEZTL_VERSION);
}

static void iteration_visits_each_once(void **state)
{
	struct queztl_fabric fabric = { 0 };
	struct queztl_port port = { 0 };
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

/* A newer kernel may return something where this version has reserved bytes. */
static void iteration_sends_only_the_id(void **state)
{
	struct queztl_port port;

	(void)state;
	memset(&port, 0xff, sizeof(port));
	port.id = 10;
	assert_int_equal(queztl_port_next(device, &port), 0);
	assert_int_equal(port.id, 11);
}

static void vm_calls_reach_the_vm(void **state)
{
	struct queztl_vm info;
	struct queztl_vm_stats stats;
	struct queztl_vcpu vcpu;
	int vm = queztl_vm_open(device, 3);

	(void)state;
	assert_true(vm >= 0);
	assert_int_equal(queztl_vm_info(vm, &info), 0);
	assert_int_equal(info.id, 3);
	assert_int_equal(queztl_vm_stats_get(vm, &stats), 0);
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

static void fabric_is_closed_and_opened(void **state)
{
	struct queztl_fabric fabric = { 0 };

	(void)state;
	assert_int_equal(queztl_fabric_set(device, 1, QUEZTL_FABRIC_DENY), 0);
	assert_int_equal(queztl_fabric_next(device, &fabric), 0);
	assert_int_equal(fabric.mode, QUEZTL_FABRIC_DENY);
	assert_int_equal(queztl_fabric_set(device, 1, 0), 0);
	assert_int_equal(fake.fabrics[0].mode, 0);
	assert_int_equal(queztl_fabric_set(device, 2, 0), -ENOENT);
	assert_int_equal(queztl_fabric_set(device, 1, 4), -EINVAL);
}

/* That kernel requires zero where the mode of a fabric is now. */
static void older_module_iterates_over_fabrics(void **state)
{
	struct queztl_fabric fabric = { .mode = QUEZTL_FABRIC_DENY };

	(void)state;
	fake.version_1 = true;
	assert_int_equal(queztl_fabric_next(device, &fabric), 0);
	assert_int_equal(fabric.mode, 0);
	assert_int_equal(queztl_fabric_set(device, 1, 0), -ENOTTY);
}

static void rates_change_where_set(void **state)
{
	struct queztl_port_rates rates = { .id = 10, .flags = 7, .size = 1,
		.set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 5000,
		.tx_packets = 9, .flood = 8 };

	(void)state;
	assert_int_equal(queztl_rates_set(device, &rates), 0);
	memset(&rates, 0xff, sizeof(rates));
	assert_int_equal(queztl_rates_get(device, 99, &rates), -ENOENT);
	assert_int_equal(rates.flood, UINT32_MAX);
	assert_int_equal(queztl_rates_get(device, 10, &rates), 0);
	assert_int_equal(rates.tx_bytes, 5000);
	assert_int_equal(rates.tx_packets, 0);
	assert_int_equal(rates.flood, 2000);
	assert_int_equal(rates.set, 7);
	rates.tx_packets = 70;
	rates.flood = 80;
	assert_int_equal(queztl_rates_set(device, &rates), 0);
	assert_int_equal(fake.ports[0].rates.tx_packets, 70);
	assert_int_equal(fake.ports[0].rates.flood, 80);
	rates.tx_bytes = 999;
	assert_int_equal(queztl_rates_set(device, &rates), -EINVAL);
}

static void many_peers_take_one_call(void **state)
{
	const uint64_t some[] = { 11, 12 }, bad[] = { 11, 20 };
	uint64_t peer = 0;

	(void)state;
	fake_add_ports();
	assert_int_equal(queztl_peers_add(device, 10, bad, 2), -EXDEV);
	assert_int_equal(queztl_peer_next(device, 10, &peer), -ENOENT);
	assert_int_equal(queztl_peers_add(device, 10, some, 0), -EINVAL);
	assert_int_equal(queztl_peers_add(device, 10, some, 2), 0);
	assert_int_equal(queztl_peers_add(device, 10, some, 2), 0);
	assert_int_equal(queztl_peer_next(device, 10, &peer), 0);
	assert_int_equal(peer, 11);
	assert_int_equal(queztl_peer_next(device, 10, &peer), 0);
	assert_int_equal(peer, 12);
}

static void peers_are_mutual(void **state)
{
	uint64_t peer = 0;

	(void)state;
	fake_add_ports();
	assert_int_equal(queztl_peer_add(device, 12, 10), 0);
	assert_int_equal(queztl_peer_add(device, 10, 12), -EEXIST);
	assert_int_equal(queztl_peer_add(device, 10, 20), -EXDEV);
	assert_int_equal(queztl_peer_add(device, 10, 11), 0);
	assert_int_equal(queztl_peer_next(device, 10, &peer), 0);
	assert_int_equal(peer, 11);
	assert_int_equal(queztl_peer_next(device, 10, &peer), 0);
	assert_int_equal(peer, 12);
	assert_int_equal(queztl_peer_next(device, 10, &peer), -ENOENT);
	assert_int_equal(peer, 12);
	assert_int_equal(queztl_peer_del(device, 10, 12), 0);
	assert_int_equal(queztl_peer_del(device, 12, 10), -ENOENT);
}

static void addresses_are_of_two_families(void **state)
{
	static const uint8_t v4[4] = { 10, 0, 1 };
	static const uint8_t v6[16] = { 0xfd, [15] = 1 };
	struct queztl_addr addr = { .port = 10, .reserved = 1, .flags = 1 };

	(void)state;
	assert_int_equal(queztl_addr_add(device, 10, AF_INET, v4, 24), 0);
	assert_int_equal(queztl_addr_add(device, 10, AF_INET6, v6, 128), 0);
	assert_int_equal(queztl_addr_add(device, 10, AF_INET, v4, 24), -EEXIST);
	assert_int_equal(queztl_addr_next(device, &addr), 0);
	assert_int_equal(addr.family, AF_INET);
	assert_int_equal(addr.prefix, 24);
	assert_memory_equal(addr.addr, v4, 4);
	assert_int_equal(queztl_addr_next(device, &addr), 0);
	assert_int_equal(addr.family, AF_INET6);
	assert_memory_equal(addr.addr, v6, 16);
	assert_int_equal(queztl_addr_next(device, &addr), -ENOENT);
	assert_int_equal(queztl_addr_del(device, 10, AF_INET, v4, 24), 0);
	assert_int_equal(queztl_addr_del(device, 10, AF_INET, v4, 24), -ENOENT);
}

/*
 * Truncated to the type in the ABI, 258 would be 2 and 65538 would be AF_INET.
 */
static void address_is_not_cut_to_fit(void **state)
{
	static const uint8_t v4[4] = { 64 };

	(void)state;
	assert_int_equal(queztl_addr_add(device, 10, AF_INET, v4, 258),
			 -EINVAL);
	assert_int_equal(queztl_addr_add(device, 10, 65536 + AF_INET, v4, 2),
			 -EAFNOSUPPORT);
	assert_int_equal(queztl_addr_add(device, 10, AF_INET, v4, 2), 0);
}

static void every_drop_has_name_and_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < QUEZTL_DROP_REASONS; i++) {
		assert_non_null(queztl_drop_name(i));
		assert_non_null(queztl_drop_text(i));
	}
	assert_string_equal(queztl_drop_name(QUEZTL_DROP_FULL), "full");
	assert_string_equal(queztl_drop_name(QUEZTL_DROP_DENIED), "denied");
	assert_string_equal(queztl_drop_name(QUEZTL_DROP_FOREIGN), "foreign");
	assert_null(queztl_drop_name(QUEZTL_DROP_REASONS));
	assert_null(queztl_drop_text(QUEZTL_DROP_REASONS));
}

static void names_are_of_single_bits(void **state)
{
	(void)state;
	assert_string_equal(queztl_feature_name(QUEZTL_F_SCHED), "sched");
	assert_string_equal(queztl_feature_name(QUEZTL_F_POLICY), "policy");
	assert_null(queztl_feature_name(QUEZTL_F_FABRIC | QUEZTL_F_DIRECT));
	assert_null(queztl_feature_name(1ULL << 63));
	assert_string_equal(queztl_port_state_name(QUEZTL_PORT_BROKEN),
			    "broken");
	assert_null(queztl_port_state_name(0));
	assert_string_equal(queztl_fabric_mode_name(0), "open");
	assert_string_equal(queztl_fabric_mode_name(QUEZTL_FABRIC_DENY),
			    "deny");
	assert_null(queztl_fabric_mode_name(QUEZTL_FABRIC_DENY | 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_returns_errno),
		TEST(info_is_filled_in),
		TEST(failure_writes_nothing),
		TEST(iteration_visits_each_once),
		TEST(objects_are_found_by_name),
		TEST(iteration_sends_only_the_id),
		TEST(vm_calls_reach_the_vm),
		TEST(attach_gives_descriptor_and_id),
		TEST(fabric_names_fit_or_fail),
		TEST(fabric_is_closed_and_opened),
		TEST(older_module_iterates_over_fabrics),
		TEST(rates_change_where_set),
		TEST(peers_are_mutual),
		TEST(many_peers_take_one_call),
		TEST(addresses_are_of_two_families),
		TEST(address_is_not_cut_to_fit),
		TEST(every_drop_has_name_and_text),
		TEST(names_are_of_single_bits),
	};

	return cmocka_run_group_tests_name("lib", tests, NULL, NULL);
}

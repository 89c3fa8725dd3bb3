// SPDX-License-Identifier: GPL-2.0
/* Programs, the library and the module of different versions: structures that have grown. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake_policy.h"

#define FILL	0x5a
#define MORE	24

/* The structures of a program that was built with a newer version. */
struct newer_stats {
	struct queztl_port_stats now;
	char more[MORE];
};

struct newer_port {
	struct queztl_port now;
	char more[MORE];
};

struct newer_rates {
	struct queztl_port_rates now;
	char more[MORE];
};

static int device;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fake.ports[0].rates.flood = 2000;
	device = queztl_open();
	return device < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(device);
	return 0;
}

static void assert_filled(const void *from, size_t bytes, int with)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(((const unsigned char *)from)[i], with);
}

static void older_program_gets_what_it_has_room_for(void **state)
{
	const size_t older = offsetof(struct queztl_port_stats, tx_paced);
	struct queztl_port_stats stats;

	(void)state;
	memset(&stats, FILL, sizeof(stats));
	assert_int_equal(queztl_port_stats_get_sz(device, 10, &stats, older), 0);
	assert_int_equal(stats.size, older);
	assert_int_equal(stats.tx_packets, 1000);
	assert_int_equal(stats.drops[QUEZTL_DROP_NO_PORT], 3);
	assert_filled(&stats.tx_paced, sizeof(stats) - older, FILL);
}

static void newer_program_gets_zeros_for_the_rest(void **state)
{
	struct newer_stats stats;

	(void)state;
	memset(&stats, FILL, sizeof(stats));
	assert_int_equal(queztl_port_stats_get_sz(device, 10, &stats.now,
						  sizeof(stats)), 0);
	assert_int_equal(stats.now.size, sizeof(stats.now));
	assert_int_equal(stats.now.tx_waited, 12);
	assert_filled(stats.more, MORE, 0);
	memset(&stats, FILL, sizeof(stats));
	assert_int_equal(queztl_port_stats_get_sz(device, 99, &stats.now,
						  sizeof(stats)), -ENOENT);
	assert_filled(&stats, sizeof(stats), FILL);
}

static void older_module_leaves_zeros(void **state)
{
	struct queztl_port_stats stats;

	(void)state;
	fake.stats_bytes = offsetof(struct queztl_port_stats, tx_paced);
	memset(&stats, FILL, sizeof(stats));
	assert_int_equal(queztl_port_stats_get(device, 10, &stats), 0);
	assert_int_equal(stats.tx_packets, 1000);
	assert_int_equal(stats.tx_paced, 0);
	assert_int_equal(stats.tx_waited, 0);
}

static void iteration_and_find_do_the_same(void **state)
{
	const size_t older = offsetof(struct queztl_port, max_vqp);
	struct newer_port port;

	(void)state;
	memset(&port, FILL, sizeof(port));
	port.now.id = 10;
	assert_int_equal(queztl_port_next_sz(device, &port.now, sizeof(port)), 0);
	assert_int_equal(port.now.id, 11);
	assert_filled(port.more, MORE, 0);
	memset(&port, FILL, sizeof(port));
	assert_int_equal(queztl_port_find_sz(device, "web0", &port.now,
					     sizeof(port)), 0);
	assert_int_equal(port.now.max_vqp, 1);
	assert_filled(port.more, MORE, 0);
	memset(&port, FILL, sizeof(port));
	assert_int_equal(queztl_port_find_sz(device, "web0", &port.now, older), 0);
	assert_int_equal(port.now.mtu, 1500);
	assert_filled(&port.now.max_vqp, sizeof(port) - older, FILL);
}

static void settings_that_nobody_knows_are_refused(void **state)
{
	struct newer_rates rates = { .now = { .id = 10,
		.set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 5000 } };

	(void)state;
	rates.more[MORE - 1] = 1;
	assert_int_equal(queztl_rates_set_sz(device, &rates.now, sizeof(rates)),
			 -E2BIG);
	assert_int_equal(fake.ports[0].rates.tx_bytes, 0);
	rates.more[MORE - 1] = 0;
	assert_int_equal(queztl_rates_set_sz(device, &rates.now, sizeof(rates)),
			 0);
	assert_int_equal(fake.ports[0].rates.tx_bytes, 5000);
}

static void settings_of_an_older_program_are_the_rest_zero(void **state)
{
	struct queztl_port_rates rates = { .id = 10, .tx_packets = 7,
		.set = QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS,
		.tx_bytes = 6000 };

	(void)state;
	fake.ports[0].rates.tx_packets = 9;
	assert_int_equal(queztl_rates_set_sz(device, &rates,
		offsetof(struct queztl_port_rates, tx_packets)), 0);
	assert_int_equal(fake.ports[0].rates.tx_bytes, 6000);
	assert_int_equal(fake.ports[0].rates.tx_packets, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(older_program_gets_what_it_has_room_for),
		TEST(newer_program_gets_zeros_for_the_rest),
		TEST(older_module_leaves_zeros),
		TEST(iteration_and_find_do_the_same),
		TEST(settings_that_nobody_knows_are_refused),
		TEST(settings_of_an_older_program_are_the_rest_zero),
	};

	return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}

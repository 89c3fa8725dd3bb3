// SPDX-License-Identifier: GPL-2.0
/* Which rates a port may be given. */
#define _GNU_SOURCE
#include "ktap.h"
#include "calls.h"

#include <sys/ioctl.h>

static void expect_bad_rates(struct queztl_port_rates rates, const char *why)
{
	struct queztl_port_rates then = { .size = sizeof(then), .id = world.port }, now = then;

	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &then), 0);
	rates.size = sizeof(rates);
	rates.id = world.port;
	KTAP_CHECK(ioctl(world.device, QUEZTL_RATES_SET, &rates) == -1 && errno == EINVAL, false, "%s is taken", why);
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &now), 0);
	EXPECT(!memcmp(&then, &now, sizeof(now)));
}

/* What a rate may be, and that one refused changes none. */
TEST(rates_are_set_by_name)
{
	struct queztl_port_rates rates = { .size = sizeof(rates) }, all = rates;

	open_world();
	rates.id = all.id = world.port;
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &all), 0);
	EXPECT_EQ(all.set, QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS | QUEZTL_PORT_FLOOD);
	EXPECT_EQ(all.flood, 2000);
	EXPECT_EQ(all.tx_bytes, 0);
	EXPECT_EQ(all.tx_packets, 0);

	rates.set = QUEZTL_PORT_TX_PACKETS;
	rates.tx_packets = 1000000000;
	rates.tx_bytes = 1;			/* is not looked at */
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_SET, &rates), 0);
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &all), 0);
	EXPECT_EQ(all.tx_packets, 1000000000);
	EXPECT_EQ(all.tx_bytes, 0);
	EXPECT_EQ(all.flood, 2000);

	expect_bad_rates((struct queztl_port_rates){ .set = 8 }, "an unknown rate");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_FLOOD }, "flood 0");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_FLOOD, .flood = 1000001 }, "flood 1000001");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 999 }, "999 B/s");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 1000000000000001 },
			 "10^15 + 1 B/s");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS,
						     .tx_bytes = 5000, .tx_packets = 1000000001 }, "10^9 + 1 packets");
}

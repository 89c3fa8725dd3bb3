// SPDX-License-Identifier: GPL-2.0
/*
 * DPDK's memif between two processes, as packets of an Ethernet device: each process has an environment of DPDK of its own.
 * The driver copies a packet out of a buffer into memory that both have, and at the other end into a buffer again. Packets
 * that find no room are sent again.
 */
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "native.h"

#define PORT		0
#define ENTRIES		1024
#define BUFFERS		8191		/* with a cache, as a mempool is used */
#define CACHE		256

static struct rte_mempool *pool;
static char socket_name[64];

static void __attribute__((constructor)) get_name(void)
{
	snprintf(socket_name, sizeof(socket_name), "/tmp/bench_native.%d.sock", getpid());
}

static void start_environment(int end)
{
	char lcore[4], prefix[32], device[160];
	char *argv[] = { "bench_native", "-l", lcore, "--no-pci", "--no-huge", "-m", "128", "--no-shconf", "--no-telemetry",
			 "--log-level", "error", "--file-prefix", prefix, "--vdev", device, NULL };

	snprintf(lcore, sizeof(lcore), "%d", end);
	snprintf(prefix, sizeof(prefix), "bench%d", getpid());
	snprintf(device, sizeof(device), "net_memif0,role=%s,socket-abstract=no,socket=%s,rsize=10",
		 end ? "server" : "client", socket_name);
	CHECK(rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) >= 0);
}

static void start_port(void)
{
	const struct rte_eth_conf conf = { 0 };

	pool = rte_pktmbuf_pool_create("packets", BUFFERS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	CHECK(pool);
	CHECK(!rte_eth_dev_configure(PORT, 1, 1, &conf));
	CHECK(!rte_eth_rx_queue_setup(PORT, 0, ENTRIES, SOCKET_ID_ANY, NULL, pool));
	CHECK(!rte_eth_tx_queue_setup(PORT, 0, ENTRIES, SOCKET_ID_ANY, NULL));
	CHECK(!rte_eth_dev_start(PORT));
}

static void wait_for_link(void)
{
	struct rte_eth_link link = { 0 };

	while (rte_eth_link_get_nowait(PORT, &link) || link.link_status != RTE_ETH_LINK_UP)
		usleep(1000);
}

static void init(int end)
{
	start_environment(end);
	start_port();
}

/* Nothing is under way: each turn receives all that it sent. */
static void reset(int end, const struct load *load)
{
	(void)load;
	wait_for_link();
	if (end)
		unlink(socket_name);
}

static void join(int end, const struct load *load)
{
	(void)end;
	(void)load;
}

ALWAYS_INLINE void send_all(const struct load *load, uint32_t burst, uint32_t len)
{
	struct rte_mbuf *packets[BURST_MAX];

	for (uint64_t i = 0; i < load->count; i += burst) {
		CHECK(!rte_pktmbuf_alloc_bulk(pool, packets, burst));
		for (uint32_t n = 0; n < burst; n++)
			fill(rte_pktmbuf_append(packets[n], len), len, i + n);
		for (uint32_t sent = 0; sent < burst;)
			sent += rte_eth_tx_burst(PORT, 0, packets + sent, burst - sent);
	}
}

ALWAYS_INLINE uint64_t receive_all(const struct load *load, struct samples *samples, uint32_t burst, uint32_t len)
{
	uint64_t before = 0, all = 0, i = 0, next = CHUNK;
	struct rte_mbuf *packets[BURST_MAX];

	while (i < load->count) {
		uint32_t got = rte_eth_rx_burst(PORT, 0, packets, burst);

		if (!got) {
			relax();
			continue;
		}
		for (uint32_t n = 0; n < got; n++) {
			CHECK(rte_pktmbuf_data_len(packets[n]) == len);
			all += sum(rte_pktmbuf_mtod(packets[n], void *), len);
		}
		rte_pktmbuf_free_bulk(packets, got);
		i += got;
		if (i < next)
			continue;
		sample(samples, &before, 0, CHUNK);
		next += CHUNK;
	}
	return all;
}

#define BY_BURST(call, load, ...) \
	((load)->burst == 1 ? BY_LENGTH(call, (load)->len, __VA_ARGS__, 1) : BY_LENGTH(call, (load)->len, __VA_ARGS__, 32))

static void send_packets(const struct load *load)
{
	BY_BURST(send_all, load, load);
}

static uint64_t receive_packets(const struct load *load, struct samples *samples)
{
	return BY_BURST(receive_all, load, load, samples);
}

const struct side side_memif = { "memif", init, reset, join, NULL, NULL, send_packets, receive_packets };

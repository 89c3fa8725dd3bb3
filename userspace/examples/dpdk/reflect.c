// SPDX-License-Identifier: GPL-2.0
/*
 * Sends every UDP datagram back to its sender: a network function in DPDK, on a
 * port of a fabric. The guests that it talks to need no special software.
 *
 *	modprobe vhost_vdpa max_iotlb_entries=65536
 *	queztl fabric add blue
 *	vdpa dev add name nf0 mgmtdev queztl/blue mac 52:54:00:00:00:0f
 *	ls /sys/bus/vdpa/devices/nf0		# vhost-vdpa-0
 *	./reflect --no-pci --no-huge -m 128 --no-shconf --no-telemetry \
 *		--vdev net_virtio_user0,path=/dev/vhost-vdpa-0,mac=52:54:00:00:00:0f
 *
 * It does not answer ARP. Set its address in a guest with
 * `ip neigh replace 10.0.0.15 lladdr 52:54:00:00:00:0f dev eth0`.
 *
 * Without huge pages each page is an entry in the port's map, which has 2048
 * entries by default: see "Memory" in Documentation/qhp.rst.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#define PORT	0	/* the first there is */
#define RING	256
#define BURST	32
#define BUFFERS	1024	/* both rings full, and a burst on its way */

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

/* Swap source and destination; checksums stay valid. False: not a datagram. */
static bool turn_round(struct rte_mbuf *packet)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(packet, void *);
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	struct rte_udp_hdr *udp = (void *)(ip + 1);
	struct rte_ether_addr mac;
	rte_be32_t address;
	rte_be16_t port;

	if (rte_pktmbuf_data_len(packet) <
	    sizeof(*eth) + sizeof(*ip) + sizeof(*udp))
		return false;
	if (eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
	    ip->version_ihl != RTE_IPV4_VHL_DEF ||
	    ip->next_proto_id != IPPROTO_UDP)
		return false;
	mac = eth->src_addr;
	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	address = ip->src_addr;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = address;
	port = udp->src_port;
	udp->src_port = udp->dst_port;
	udp->dst_port = port;
	return true;
}

/* Return: the number of packets that were sent back; the rest is freed. */
static unsigned int reflect(struct rte_mbuf **packets, unsigned int number)
{
	unsigned int i, good = 0, sent;

	for (i = 0; i < number; i++) {
		if (turn_round(packets[i]))
			packets[good++] = packets[i];
		else
			rte_pktmbuf_free(packets[i]);
	}
	sent = rte_eth_tx_burst(PORT, 0, packets, good);
	rte_pktmbuf_free_bulk(packets + sent, good - sent);
	return sent;
}

/* One queue in each direction, no offloads. */
static int start_port(void)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_mempool *pool;

	pool = rte_pktmbuf_pool_create("packets", BUFFERS, 0, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool)
		return -rte_errno;
	return rte_eth_dev_configure(PORT, 1, 1, &conf) ?:
		rte_eth_rx_queue_setup(PORT, 0, RING, SOCKET_ID_ANY, NULL,
				       pool) ?:
		rte_eth_tx_queue_setup(PORT, 0, RING, SOCKET_ID_ANY, NULL) ?:
		rte_eth_dev_start(PORT);
}

int main(int argc, char **argv)
{
	struct rte_mbuf *packets[BURST];
	unsigned long got = 0, sent = 0;
	unsigned int number;
	int err;

	if (rte_eal_init(argc, argv) < 0)
		rte_exit(EXIT_FAILURE, "reflect: invalid arguments: see the example in reflect.c\n");
	if (!rte_eth_dev_is_valid_port(PORT))
		rte_exit(EXIT_FAILURE, "reflect: no port: give one with --vdev\n");
	err = start_port();
	if (err)
		rte_exit(EXIT_FAILURE, "reflect: cannot start the port: %s\n",
			 rte_strerror(-err));
	signal(SIGINT, end);
	signal(SIGTERM, end);
	while (!ended) {
		number = rte_eth_rx_burst(PORT, 0, packets, BURST);
		got += number;
		sent += reflect(packets, number);
	}
	rte_eth_dev_stop(PORT);
	rte_eth_dev_close(PORT);
	printf("received %lu, sent back %lu\n", got, sent);
	rte_eal_cleanup();
	return 0;
}

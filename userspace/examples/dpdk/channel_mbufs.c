// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes that exchange packets by a channel, without a copy (channel_mbuf.h):
 *
 *	queztl channel allow packets source sink
 *	./channel_mbufs source packets -- --no-huge -m 64 --no-pci --no-shconf &
 *	./channel_mbufs sink packets -- --no-huge -m 64 --no-pci --no-shconf
 *
 * Each has a window with its own name. The source listens, writes packets into the
 * channel, and ends when the sink has read them all.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <queztl.h>

#include "channel_mbuf.h"

#define PACKETS		200000u
#define LEN		1500
#define BURST		32
#define REGION		0x100000u
#define POOL		4095
#define TIMEOUT_MS	60000

static void fill(struct rte_mbuf *mbuf, uint64_t number)
{
	uint64_t *word = rte_pktmbuf_mtod(mbuf, uint64_t *);

	for (unsigned int i = 0; i < LEN / sizeof(*word); i++)
		word[i] = number + i;
}

/* Of memory that the peer may change: read once. */
static bool is_right(const struct rte_mbuf *mbuf, uint64_t number)
{
	const volatile uint64_t *word = rte_pktmbuf_mtod(mbuf, uint64_t *);

	if (rte_pktmbuf_pkt_len(mbuf) != LEN)
		return false;
	for (unsigned int i = 0; i < LEN / sizeof(*word); i++)
		if (word[i] != number + i)
			return false;
	return true;
}

static int wait_for(struct channel_mbufs *mbufs, unsigned int what)
{
	int ret = qhp_wait(mbufs->end, what, TIMEOUT_MS);

	return ret < 0 ? ret : ret ? 0 : -ETIMEDOUT;
}

static int source(struct channel_mbufs *mbufs)
{
	struct rte_mbuf *mbuf;
	unsigned int sent = 0;
	int ret = qhp_wait(mbufs->end, QHP_PEER, -1);

	if (ret < 0)
		return ret;
	ret = 0;
	while (!ret && sent < PACKETS) {
		mbuf = channel_build(mbufs, LEN);
		if (!mbuf) {
			ret = wait_for(mbufs, QHP_ROOM);
			continue;
		}
		fill(mbuf, sent);
		sent += channel_enqueue_burst(mbufs, &mbuf, 1);
	}
	return ret ? ret : qhp_drain(mbufs->end, TIMEOUT_MS);
}

/*
 * The last packet of each burst is freed first. What has been freed can be seen by the
 * source as long as the sink keeps its end, so the source closes first.
 */
static int sink(struct channel_mbufs *mbufs)
{
	struct rte_mbuf *packets[BURST];
	uint64_t begun = rte_rdtsc();
	unsigned int seen = 0;
	int got, ret = 0;

	while (!ret && seen < PACKETS) {
		got = channel_dequeue_burst(mbufs, packets, BURST);
		if (got <= 0)
			ret = got ? got : wait_for(mbufs, QHP_MESSAGE);
		for (int i = 0; i < got; i++)
			if (!is_right(packets[i], seen + i))
				ret = -EBADMSG;
		for (int i = got; i > 0; i--)
			rte_pktmbuf_free(packets[i - 1]);
		seen += got > 0 ? got : 0;
	}
	printf("%u packets of %d bytes, %.0f ns each\n", seen, LEN,
	       (rte_rdtsc() - begun) * 1e9 / rte_get_tsc_hz() / (seen ? seen : 1));
	if (!ret)
		ret = wait_for(mbufs, QHP_MESSAGE);
	return ret == -ECONNRESET ? 0 : ret;
}

static int open_window(struct qhp_window *window, const char *name)
{
	int device = queztl_open(), fd;

	if (device < 0)
		return device;
	fd = queztl_window_create(device, name, 1, REGION, NULL);
	close(device);
	return fd < 0 ? fd : qhp_window_map(window, fd);
}

static int run(const char *role, const char *name)
{
	static struct channel_mbufs mbufs;
	struct rte_mempool *pool;
	struct qhp_window window;
	bool listens = !strcmp(role, "source");
	struct qhp end;
	int ret = open_window(&window, role);

	if (!ret)
		ret = listens ? qhp_listen(&end, &window, name, 0) :
			qhp_connect(&end, &window, name);
	if (ret)
		return ret;
	pool = rte_pktmbuf_pool_create("packets", POOL, 0, 0, 0, SOCKET_ID_ANY);
	if (!pool)
		return -rte_errno;
	channel_mbufs_init(&mbufs, &end, pool);
	ret = listens ? source(&mbufs) : sink(&mbufs);
	qhp_close(&end);
	qhp_window_unmap(&window);
	return ret;
}

int main(int argc, char **argv)
{
	const char *role = argc > 2 ? argv[1] : "";
	int ret;

	if (strcmp(role, "source") && strcmp(role, "sink"))
		rte_exit(EXIT_FAILURE, "usage: channel_mbufs source|sink CHANNEL -- EAL OPTIONS\n");
	if (rte_eal_init(argc - 3, argv + 3) < 0)
		rte_exit(EXIT_FAILURE, "channel_mbufs: invalid options of DPDK\n");
	ret = run(role, argv[2]);
	if (ret)
		fprintf(stderr, "channel %s: %s\n", argv[2], strerror(-ret));
	rte_eal_cleanup();
	return !!ret;
}

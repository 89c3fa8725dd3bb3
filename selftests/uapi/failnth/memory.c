// SPDX-License-Identifier: GPL-2.0
/* The memory that a VMM maps and unmaps for the device. */
#define _GNU_SOURCE
#include "ktap.h"
#include "inject.h"
#include "pair.h"

#include <sys/mman.h>

#define EXTRA		(4 * PAGE)
#define EXTRA_AT	0x6000000000ULL

/* A message to the IOTLB that cannot be copied is EINVAL to vhost. */
static const int vhost_errors[] = { ENOMEM, EFAULT, EINVAL, 0 };

static uint8_t *extra;		/* memory mapped beside a guest's own */

static void make_pair_and_extra(void)
{
	make_scattered_pair();
	extra = mmap(NULL, EXTRA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT(extra != MAP_FAILED);
}

static int map_extra(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_UPDATE, EXTRA_AT, extra, EXTRA, VHOST_ACCESS_RW);
}

static int unmap_extra(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_INVALIDATE, EXTRA_AT, NULL, EXTRA, 0);
}

/* Send a frame that lies in the extra memory; whether it arrives tells whether the device may touch that. */
static bool extra_is_reachable(void)
{
	struct vring_desc piece = { .addr = EXTRA_AT + 3 * PAGE, .len = SWG_HEADER + 100 };
	struct swg_ring *ring = &pair[1]->port.ring[SWG_TX];
	uint8_t frame[SWG_FRAME];

	memset(extra, 0, EXTRA);
	frame_make(extra + 3 * PAGE + SWG_HEADER, 100, pair[0]->mac, pair[1]->mac, seed);
	ASSERT_EQ(swg_post(&pair[1]->port, SWG_TX, &piece, 1, ring->free_slots[--ring->free_slot_count], false), 0);
	swg_kick(&pair[1]->port, SWG_TX);
	return swg_receive(&pair[0]->port, frame, sizeof(frame), SILENCE * ktap_factor()) > 0;
}

static void prepare_map(void)
{
	start_victim();
	unmap_extra();
}

static void map_failed(void)
{
	expect_lan_works();	/* what was mapped before is still there */
	EXPECT(!extra_is_reachable());
	expect_victim_recovers();
}

/* Rings are mapped anew with every map: without memory for that the driver is told. */
static void map_succeeded(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		expect_lan_works();
		EXPECT(extra_is_reachable());
	}
	EXPECT_EQ(unmap_extra(), 0);
	expect_victim_recovers();
}

TEST_WITHIN(map_of_memory, 300)
{
	const struct sweep sweep = { .name = "IOTLB_UPDATE", .prepare = prepare_map, .call = map_extra,
				     .failed = map_failed, .succeeded = map_succeeded, .errors = vhost_errors };

	inject_or_skip();
	make_pair_and_extra();
	EXPECT_GE(inject_sweep(&sweep), 5);
}

static void prepare_unmap(void)
{
	start_victim();
	unmap_extra();
	ASSERT_EQ(map_extra(), 0);
}

static void unmap_failed(void)
{
	EXPECT_EQ(unmap_extra(), 0);
	expect_victim_recovers();
}

/* vhost-vdpa does not look at what we say to an unmapping: once it has returned, the memory is the VMM's again. */
static void unmap_succeeded(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET))
		expect_lan_works();
	EXPECT(!extra_is_reachable());
	expect_victim_recovers();
}

TEST_WITHIN(unmap_of_memory, 300)
{
	const struct sweep sweep = { .name = "IOTLB_INVALIDATE", .prepare = prepare_unmap, .call = unmap_extra,
				     .failed = unmap_failed, .succeeded = unmap_succeeded, .errors = vhost_errors };

	inject_or_skip();
	make_pair_and_extra();
	EXPECT_GE(inject_sweep(&sweep), 2);
}

static void prepare_batch(void)
{
	prepare_unmap();
	ASSERT_EQ(swg_iotlb(&pair[1]->port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0), 0);
	ASSERT_EQ(unmap_extra(), 0);
}

static int end_batch(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0);
}

static void batch_failed(void)
{
	ASSERT_EQ(end_batch(), 0);
	expect_victim_recovers();
}

TEST_WITHIN(unmap_in_a_batch, 300)
{
	const struct sweep sweep = { .name = "IOTLB_BATCH_END", .prepare = prepare_batch, .call = end_batch,
				     .failed = batch_failed, .succeeded = unmap_succeeded, .errors = vhost_errors };

	inject_or_skip();
	make_pair_and_extra();
	EXPECT_GE(inject_sweep(&sweep), 2);
}

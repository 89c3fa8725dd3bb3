// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "mq.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)

#define ROOM		0x4000u		/* of a ring */
#define AVAIL		0x1000u
#define USED		0x2000u
#define FEATURES	(F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM) | F(VIRTIO_RING_F_EVENT_IDX) | \
			 F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_MQ) | F(VIRTIO_NET_F_RSS) | F(VIRTIO_NET_F_CSUM) | \
			 F(VIRTIO_NET_F_GUEST_CSUM) | F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_GUEST_TSO4))

uint8_t *mq_memory(int pairs, int num, int slot, uint32_t *size)
{
	*size = MQ_BUFFERS + (uint32_t)(2 * pairs * num) * slot;
	*size = (*size + (2u << 20) - 1) & ~((2u << 20) - 1);
	return swg_allocate(*size);
}

int mq_open(struct mq *mq, const char *name, int pairs, int num, int slot, uint8_t *memory, uint32_t size)
{
	int r;

	memset(mq, 0, sizeof(*mq));
	mq->pairs = pairs;
	mq->num = num;
	mq->slot = slot;
	r = swg_open(&mq->port, name);
	if (r)
		return r;
	swg_free(&mq->port);
	mq->port.memory = memory;
	mq->port.size = size;
	return 0;
}

static int set_up_ring(struct mq *mq, int index, int num)
{
	struct mq_ring *ring = &mq->ring[index];
	uint8_t *area = mq->port.memory + index * ROOM;
	struct vhost_vring_state size = { index, num }, base = { index, mq->first[index] };
	struct vhost_vring_file file = { .index = index };
	struct vhost_vring_addr address = {
		.index = index,
		.desc_user_addr = swg_address(&mq->port, area),
		.avail_user_addr = swg_address(&mq->port, area + AVAIL),
		.used_user_addr = swg_address(&mq->port, area + USED),
	};

	ring->desc = (void *)area;
	ring->avail = (void *)(area + AVAIL);
	ring->used = (void *)(area + USED);
	ring->num = num;
	ring->next = ring->told = ring->seen = mq->first[index];
	ring->buffers = mq->port.memory + MQ_BUFFERS + (size_t)index * mq->num * mq->slot;
	ring->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ring->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ring->kick < 0 || ring->call < 0 || ioctl(mq->port.fd, VHOST_SET_VRING_NUM, &size) ||
	    ioctl(mq->port.fd, VHOST_SET_VRING_BASE, &base) || ioctl(mq->port.fd, VHOST_SET_VRING_ADDR, &address))
		return -errno;
	file.fd = ring->kick;
	if (ioctl(mq->port.fd, VHOST_SET_VRING_KICK, &file))
		return -errno;
	file.fd = ring->call;
	if (ioctl(mq->port.fd, VHOST_SET_VRING_CALL, &file))
		return -errno;
	return swg_enable(&mq->port, index, 1);
}

int mq_start(struct mq *mq)
{
	int r = swg_negotiate(&mq->port, FEATURES & mq->port.offered), rings = 2 * mq->pairs + 1;

	for (int i = 0; !r && i < rings; i++)
		r = set_up_ring(mq, i, i == rings - 1 ? 64 : mq->num);
	if (!r)
		r = swg_map_all(&mq->port, true);
	return r ? r : swg_set_status(&mq->port, swg_get_status(&mq->port) | VIRTIO_CONFIG_S_DRIVER_OK);
}

void mq_describe(struct mq *mq, struct mq_ring *ring, int entry, uint32_t length, int flags)
{
	ring->desc[entry] = (struct vring_desc){
		.addr = swg_address(&mq->port, mq_buffer(mq, ring, entry)), .len = length, .flags = flags };
}

bool mq_take(struct mq_ring *ring, int *entry, uint32_t *length)
{
	const struct vring_used_elem *element = &ring->used->ring[ring->seen & (ring->num - 1)];

	if (load(&ring->used->idx) == ring->seen)
		return false;
	*entry = element->id & (ring->num - 1);
	*length = element->len;
	ring->seen++;
	return true;
}

void mq_give(struct mq_ring *ring, int entry)
{
	ring->avail->ring[ring->next++ & (ring->num - 1)] = entry;
}

void mq_flush(struct mq_ring *ring)
{
	uint16_t then = ring->told;
	uint64_t one = 1;

	ring->told = ring->next;
	store(&ring->avail->idx, ring->next);
	fence();
	if (vring_need_event(load((uint16_t *)&ring->used->ring[ring->num]), ring->next, then) &&
	    write(ring->kick, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

void mq_wait(struct mq_ring *ring, int after, int ms)
{
	struct pollfd wait = { .fd = ring->call, .events = POLLIN };
	uint64_t count;

	store(&ring->avail->ring[ring->num], (uint16_t)(ring->seen + after - 1));
	fence();
	if ((uint16_t)(load(&ring->used->idx) - ring->seen) >= after)
		return;
	if (poll(&wait, 1, ms) > 0 && read(wait.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
}

int mq_command(struct mq *mq, uint8_t command, const void *data, int size)
{
	struct mq_ring *ring = &mq->ring[2 * mq->pairs];
	uint8_t *bytes = mq->port.memory + MQ_BUFFERS - 4096;	/* no ring is there */
	uint8_t *answer = bytes + 4095;
	uint64_t at = swg_address(&mq->port, bytes);
	double end = swg_now() + 10;
	uint32_t length;
	int entry;

	bytes[0] = VIRTIO_NET_CTRL_MQ;
	bytes[1] = command;
	memcpy(bytes + 2, data, size);
	*answer = 0x77;						/* none */
	ring->desc[0] = (struct vring_desc){ .addr = at, .len = 2 + size, .flags = VRING_DESC_F_NEXT, .next = 1 };
	ring->desc[1] = (struct vring_desc){ .addr = at + 4095, .len = 1, .flags = VRING_DESC_F_WRITE };
	mq_give(ring, 0);
	mq_flush(ring);
	while (!mq_take(ring, &entry, &length)) {
		if (swg_now() > end)
			return -ETIMEDOUT;
		usleep(100);
	}
	return *answer == VIRTIO_NET_OK ? 0 : *answer == VIRTIO_NET_ERR ? -EINVAL : -EPROTO;
}

int mq_use_pairs(struct mq *mq, int pairs)
{
	return mq_command(mq, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &(uint16_t){ pairs }, 2);
}

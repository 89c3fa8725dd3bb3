// SPDX-License-Identifier: GPL-2.0
/* A software guest's VMM: it takes the port, maps memory, and sets up rings, by the calls of vhost-vdpa. */
#define _GNU_SOURCE
#include "swguest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double swg_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int result(int r)
{
	return r < 0 ? -errno : r;
}

/* ---- the device ---- */

static int find_node(const char *name)
{
	char path[128];
	struct dirent *entry;
	int node = -ENODEV;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s", name);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "vhost-vdpa-%d", &node) == 1)
			break;
	closedir(dir);
	return node;
}

void *swg_allocate(uint32_t size)
{
	uint8_t *area = mmap(NULL, size + (4u << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *start;

	if (area == MAP_FAILED)
		return NULL;
	/* In huge pages where there are some, with a hole around: the IOTLB holds 2048 pieces. */
	start = (uint8_t *)(((uintptr_t)area + (2u << 20)) & ~((2ul << 20) - 1));
	munmap(area, start - area);
	munmap(start + size, area + size + (4u << 20) - (start + size));
	madvise(start, size, MADV_HUGEPAGE);
	return start;
}

int swg_open(struct swg *port, const char *name)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t backend;
	char path[64];

	memset(port, 0, sizeof(*port));
	for (int i = 0; i < SWG_RINGS; i++)
		port->ring[i].kick = port->ring[i].call = -1;
	port->fd = -1;
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	port->node = find_node(name);
	if (port->node < 0)
		return port->node;
	snprintf(path, sizeof(path), "/dev/vhost-vdpa-%d", port->node);
	port->fd = open(path, O_RDWR | O_CLOEXEC);
	if (port->fd < 0)
		return -errno;
	port->size = SWG_MEMORY;
	port->base = SWG_BASE;
	port->memory = swg_allocate(port->size);
	if (!port->memory)
		return -ENOMEM;
	if (ioctl(port->fd, VHOST_SET_OWNER) || ioctl(port->fd, VHOST_GET_FEATURES, &port->offered) ||
	    ioctl(port->fd, VHOST_GET_BACKEND_FEATURES, &port->backend))
		return -errno;
	backend = F(VHOST_BACKEND_F_IOTLB_MSG_V2) | F(VHOST_BACKEND_F_IOTLB_BATCH) |
		  (port->backend & F(VHOST_BACKEND_F_IOTLB_ASID));
	return result(ioctl(port->fd, VHOST_SET_BACKEND_FEATURES, &backend));
}

int swg_set_status(struct swg *port, uint8_t status)
{
	return result(ioctl(port->fd, VHOST_VDPA_SET_STATUS, &status));
}

int swg_get_status(struct swg *port)
{
	uint8_t status = 0;
	int r = ioctl(port->fd, VHOST_VDPA_GET_STATUS, &status);

	return r ? -errno : status;
}

#define BEGUN	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)

static int propose(struct swg *port, uint64_t features)
{
	int r = swg_set_status(port, BEGUN);

	if (r)
		return r;
	if (ioctl(port->fd, VHOST_SET_FEATURES, &features))
		return -errno;
	port->features = features;
	return 0;
}

int swg_negotiate(struct swg *port, uint64_t features)
{
	int r = propose(port, features);

	if (!r)
		r = swg_set_status(port, BEGUN | VIRTIO_CONFIG_S_FEATURES_OK);
	if (r)
		return r;
	r = swg_get_status(port);
	return r < 0 ? r : r & VIRTIO_CONFIG_S_FEATURES_OK ? 0 : -EINVAL;
}

int swg_iotlb(struct swg *port, int type, uint64_t iova, const void *address, uint64_t size, int perm)
{
	struct vhost_msg_v2 message = { .type = VHOST_IOTLB_MSG_V2, .asid = port->asid };

	message.iotlb.iova = iova;
	message.iotlb.size = size;
	message.iotlb.uaddr = (uintptr_t)address;
	message.iotlb.perm = perm;
	message.iotlb.type = type;
	return write(port->fd, &message, sizeof(message)) == sizeof(message) ? 0 : -errno;
}

int swg_map_all(struct swg *port, bool batch)
{
	int r = 0, last;

	if (batch)
		r = swg_iotlb(port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0);
	if (!r && port->mapped)
		r = swg_iotlb(port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0);
	if (!r)
		r = swg_iotlb(port, VHOST_IOTLB_UPDATE, port->base, port->memory, port->size, VHOST_ACCESS_RW);
	port->mapped = !r;
	last = batch ? swg_iotlb(port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0) : 0;
	return r ? r : last;
}

uint64_t swg_address(struct swg *port, const void *at)
{
	return port->base + ((const uint8_t *)at - port->memory);
}

/* ---- rings ---- */

static void lay_out(struct swg *port, int index, int num, uint16_t first)
{
	struct swg_ring *ring = &port->ring[index];
	uint8_t *area = port->memory + index * SWG_RING_ROOM;
	uint32_t room = (port->size - SWG_BUFFERS) / 2;

	memset(area, 0, SWG_RING_ROOM);
	ring->desc = (void *)area;
	ring->avail = (void *)(area + SWG_AVAIL);
	ring->used = (void *)(area + SWG_USED);
	ring->tables = (void *)(area + SWG_INDIRECT);
	ring->desc_at = swg_address(port, ring->desc);
	ring->avail_at = swg_address(port, ring->avail);
	ring->used_at = swg_address(port, ring->used);
	ring->tables_at = swg_address(port, ring->tables);
	if (index == SWG_CTRL)		/* its buffers take what the rings leave */
		room = SWG_CTRL_ROOM;
	ring->buffers = port->memory + (index == SWG_CTRL ? SWG_BUFFERS - SWG_CTRL_ROOM : SWG_BUFFERS + index * room);
	ring->buffers_at = swg_address(port, ring->buffers);
	ring->num = num;
	ring->slots = room / port->slot < (uint32_t)num ? (int)(room / port->slot) : num;
	ring->next = ring->told = ring->seen = first;
	ring->holds = false;
	ring->avail->idx = ring->used->idx = first;
	ring->free = num;
	ring->free_head = 0;
	for (int i = 0; i < num; i++)
		ring->chain[i] = i + 1;
	ring->free_slot_count = ring->slots;
	for (int i = 0; i < ring->slots; i++)
		ring->free_slots[i] = ring->slots - 1 - i;
}

int swg_setup_ring(struct swg *port, int index, int num, uint16_t first)
{
	struct swg_ring *ring = &port->ring[index];
	struct vhost_vring_state size = { index, num }, base = { index, first };
	struct vhost_vring_addr address = { .index = index };
	struct vhost_vring_file file = { .index = index };

	lay_out(port, index, num, first);
	if (ring->kick < 0)
		ring->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ring->call < 0)
		ring->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	address.desc_user_addr = ring->desc_at;
	address.avail_user_addr = ring->avail_at;
	address.used_user_addr = ring->used_at;
	if (ioctl(port->fd, VHOST_SET_VRING_NUM, &size) || ioctl(port->fd, VHOST_SET_VRING_BASE, &base) ||
	    ioctl(port->fd, VHOST_SET_VRING_ADDR, &address))
		return -errno;
	file.fd = ring->kick;
	if (ioctl(port->fd, VHOST_SET_VRING_KICK, &file))
		return -errno;
	file.fd = ring->call;
	return result(ioctl(port->fd, VHOST_SET_VRING_CALL, &file));
}

int swg_enable(struct swg *port, int index, int on)
{
	struct vhost_vring_state state = { index, on };

	return result(ioctl(port->fd, VHOST_VDPA_SET_VRING_ENABLE, &state));
}

static int ring_count(const struct swg *port)
{
	return port->features & F(VIRTIO_NET_F_CTRL_VQ) ? SWG_RINGS : SWG_CTRL;
}

/* QEMU's order: rings, enable, then the memory, then DRIVER_OK; map_first is DPDK's. */
int swg_start(struct swg *port, const struct swg_options *options)
{
	uint64_t wanted = options->features | F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM);
	int r = options->unconfirmed ? propose(port, wanted) : swg_negotiate(port, wanted);
	int num = options->num ? options->num : 256;

	port->slot = options->slot ? options->slot : 2048;
	if (!r && options->map_first)
		r = swg_map_all(port, !options->no_batch);
	for (int i = 0; !r && i < ring_count(port); i++) {
		r = swg_setup_ring(port, i, num, options->first);
		if (!r)
			r = swg_enable(port, i, 1);
	}
	if (r)
		return r;
	swg_ask_none(port, SWG_TX);
	swg_ask(port, SWG_RX, 1);
	if (!options->no_fill)
		swg_fill(port);
	if (!options->map_first && !options->no_map)
		r = swg_map_all(port, !options->no_batch);
	if (!r && !options->no_ready) {
		r = swg_set_status(port, swg_get_status(port) | VIRTIO_CONFIG_S_DRIVER_OK);
		swg_kick(port, SWG_RX);
	}
	return r;
}

int swg_reset(struct swg *port)
{
	return swg_set_status(port, 0);
}

void swg_close(struct swg *port)
{
	for (int i = 0; i < SWG_RINGS; i++) {
		close(port->ring[i].kick);
		close(port->ring[i].call);
		port->ring[i].kick = port->ring[i].call = -1;
	}
	close(port->fd);
	port->fd = -1;
}

void swg_free(struct swg *port)
{
	munmap(port->memory, port->size);
	port->memory = NULL;
}

int swg_get_base(struct swg *port, int index)
{
	struct vhost_vring_state state = { index, 0 };
	int r = ioctl(port->fd, VHOST_GET_VRING_BASE, &state);

	return r ? -errno : (int)state.num;
}

static int do_config(struct swg *port, unsigned long number, int offset, void *buffer, int size)
{
	struct vhost_vdpa_config *config = calloc(1, sizeof(*config) + size);
	int r;

	config->off = offset;
	config->len = size;
	memcpy(config->buf, buffer, size);
	r = result(ioctl(port->fd, number, config));
	memcpy(buffer, config->buf, size);
	free(config);
	return r;
}

int swg_get_config(struct swg *port, int offset, void *buffer, int size)
{
	return do_config(port, VHOST_VDPA_GET_CONFIG, offset, buffer, size);
}

int swg_set_config(struct swg *port, int offset, const void *buffer, int size)
{
	uint8_t copy[256];

	memcpy(copy, buffer, size);
	return do_config(port, VHOST_VDPA_SET_CONFIG, offset, copy, size);
}

// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "attack.h"
#include "ktap.h"

#include <sys/epoll.h>

#define TABLE_ROOM (SWG_MAX_RING * sizeof(struct vring_desc))

static struct vring_desc name_table(struct swg *port, const struct vring_desc *table, int length)
{
	return (struct vring_desc){ .addr = swg_address(port, table), .len = length * sizeof(*table),
				    .flags = VRING_DESC_F_INDIRECT };
}

struct vring_desc attack_table(struct swg *port, int ring, int length, uint32_t bytes)
{
	struct vring_desc *table = (void *)(port->memory + ATTACK_TABLE + ring * TABLE_ROOM);
	uint16_t flags = ring == SWG_RX ? VRING_DESC_F_WRITE : 0;
	uint32_t each = bytes / length;

	for (int i = 0; i < length; i++) {
		bool last = i == length - 1;

		table[i] = (struct vring_desc){ .addr = port->ring[ring].buffers_at + (uint64_t)i * each, .next = i + 1,
						.len = last ? bytes - i * each : each,
						.flags = flags | (last ? 0 : VRING_DESC_F_NEXT) };
	}
	return name_table(port, table, length);
}

void attack_fill(struct swg *port, int ring, struct vring_desc buffer)
{
	struct swg_ring *to = &port->ring[ring];

	for (int i = 0; i < to->num; i++) {
		to->desc[i] = buffer;
		to->avail->ring[i] = i;
	}
}

void attack_offer(struct swg *port, int ring, int count)
{
	struct swg_ring *to = &port->ring[ring];

	__atomic_store_n(&to->avail->idx, (uint16_t)(*(volatile uint16_t *)&to->used->idx + count), __ATOMIC_RELEASE);
}

bool attack_is_used(struct swg *port, int ring)
{
	return *(volatile uint16_t *)&port->ring[ring].used->idx == port->ring[ring].avail->idx;
}

void attack_commands(struct swg *port, int length)
{
	struct vring_desc *table = (void *)(port->memory + ATTACK_TABLE + SWG_CTRL * TABLE_ROOM);
	uint64_t data = swg_address(port, port->memory + SWG_BUFFERS);

	for (int i = 0; i < length; i++)
		table[i] = (struct vring_desc){ .addr = data + i, .len = 1, .next = i + 1,
						.flags = i < length - 1 ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE };
	attack_fill(port, SWG_CTRL, name_table(port, table, length));
}

void attack_wait(int eventfd, int copies, int epolls, uint32_t how)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | how };
	int copy[copies], epoll;

	for (int i = 0; i < copies; i++) {
		copy[i] = dup(eventfd);
		ASSERT_GE(copy[i], 0);
	}
	for (int i = 0; i < epolls; i++) {
		epoll = epoll_create1(0);
		ASSERT_GE(epoll, 0);
		for (int j = 0; j < copies; j++)
			ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, copy[j], &event), 0);
	}
}

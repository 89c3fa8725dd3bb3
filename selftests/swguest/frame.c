// SPDX-License-Identifier: GPL-2.0
#include "frame.h"

#include <arpa/inet.h>
#include <string.h>

const uint8_t frame_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void frame_mac(uint8_t mac[6], int number)
{
	const uint8_t bytes[6] = { 0x52, 0x54, 0x00, 0x51, (uint8_t)(number >> 8), (uint8_t)number };

	memcpy(mac, bytes, 6);
}

static void fill(uint8_t *payload, int length, uint32_t seed)
{
	uint32_t state = seed * 2654435761u + 1;

	for (int i = 0; i < length; i++) {
		if (i < 4) {
			payload[i] = (uint8_t)(seed >> (24 - 8 * i));
			continue;
		}
		state = state * 1664525 + 1013904223;
		payload[i] = (uint8_t)(state >> 24);
	}
}

void frame_make(uint8_t *frame, int length, const uint8_t to[6], const uint8_t from[6], uint32_t seed)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = FRAME_TYPE >> 8;
	frame[13] = FRAME_TYPE & 0xff;
	fill(frame + FRAME_HEADER, length - FRAME_HEADER, seed);
}

int frame_check(const uint8_t *frame, int length, const uint8_t to[6], const uint8_t from[6], uint32_t seed)
{
	uint8_t want[66000];

	frame_make(want, length, to, from, seed);
	return !memcmp(want, frame, length);
}

uint32_t frame_seed(const uint8_t *frame)
{
	const uint8_t *p = frame + FRAME_HEADER;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint16_t frame_sum(const void *data, int length, uint32_t start)
{
	const uint8_t *byte = data;
	uint32_t sum = start;

	for (int i = 0; i < length; i++)
		sum += i & 1 ? byte[i] : (uint32_t)byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

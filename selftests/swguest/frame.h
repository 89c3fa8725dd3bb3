/* SPDX-License-Identifier: GPL-2.0 */
/* Ethernet frames whose every byte can be checked. */
#ifndef QUEZTL_FRAME_H
#define QUEZTL_FRAME_H

#include <stdint.h>

#define FRAME_HEADER	14
#define FRAME_TYPE	0x88b5		/* local experiments (IEEE 802) */

extern const uint8_t frame_broadcast[6];

void frame_mac(uint8_t mac[6], int number);
/* The bytes after the Ethernet header follow from @seed, which is among them when there is room. */
void frame_make(uint8_t *frame, int length, const uint8_t to[6], const uint8_t from[6], uint32_t seed);
int frame_check(const uint8_t *frame, int length, const uint8_t to[6], const uint8_t from[6], uint32_t seed);
uint32_t frame_seed(const uint8_t *frame);	/* needs 18 bytes */
uint16_t frame_sum(const void *data, int length, uint32_t start);	/* folded ones' complement sum */

#endif

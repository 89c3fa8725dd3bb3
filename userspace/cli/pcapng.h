/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of captured frames in the format pcapng (draft-ietf-opsawg-pcapng), in the
 * byte order of this machine.
 */
#ifndef QUEZTL_PCAPNG_H
#define QUEZTL_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

struct queztl_capture_record;

/* Both write to a stream; errors are those of the stream, see ferror(3). */
void pcapng_begin(FILE *to, const char *interface, uint32_t snaplen);
void pcapng_frame(FILE *to, const struct queztl_capture_record *record,
		  const void *bytes);

#endif /* QUEZTL_PCAPNG_H */

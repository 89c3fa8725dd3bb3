/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: a reader of the fuzzer's bytes that never runs dry, and a check that ends the program.
 * A target includes the pure code it tries, as a KUnit suite does.
 */
#ifndef QUEZTL_FUZZ_H
#define QUEZTL_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fuzz {
	const uint8_t *data;
	size_t left;
};

/* Zeroes after the last byte. */
static inline void fuzz_bytes(struct fuzz *fuzz, void *to, size_t len)
{
	size_t n = len < fuzz->left ? len : fuzz->left;

	memset(to, 0, len);
	if (!n)
		return;
	memcpy(to, fuzz->data, n);
	fuzz->data += n;
	fuzz->left -= n;
}

static inline uint8_t fuzz_u8(struct fuzz *fuzz)
{
	uint8_t value;

	fuzz_bytes(fuzz, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz *fuzz)
{
	uint16_t value;

	fuzz_bytes(fuzz, &value, sizeof(value));
	return value;
}

static inline uint32_t fuzz_u32(struct fuzz *fuzz)
{
	uint32_t value;

	fuzz_bytes(fuzz, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_u64(struct fuzz *fuzz)
{
	uint64_t value;

	fuzz_bytes(fuzz, &value, sizeof(value));
	return value;
}

/* Memory of exactly this size, so that the sanitizer sees whoever leaves it. */
static inline void *fuzz_alloc(struct fuzz *fuzz, size_t len)
{
	void *memory = malloc(len ? len : 1);

	if (!memory)
		abort();
	fuzz_bytes(fuzz, memory, len);
	return memory;
}

#define fuzz_check(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();						\
		}								\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

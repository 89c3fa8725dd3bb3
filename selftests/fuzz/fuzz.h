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

#define FUZZ_WORD(bits)							\
	static inline uint##bits##_t fuzz_u##bits(struct fuzz *fuzz)	\
	{								\
		uint##bits##_t value;					\
									\
		fuzz_bytes(fuzz, &value, sizeof(value));		\
		return value;						\
	}
FUZZ_WORD(8)
FUZZ_WORD(16)
FUZZ_WORD(32)
FUZZ_WORD(64)

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

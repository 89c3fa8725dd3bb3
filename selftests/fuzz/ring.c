// SPDX-License-Identifier: GPL-2.0
/*
 * A virtqueue whose three areas and indirect tables hold whatever the fuzzer likes, and change while it is served.
 * Nothing outside them is touched, and a buffer is what ring.h says.
 */
#include "fuzz.h"
#include "qhp/fabric/pure/ring.c"

#define SEGS	32

struct memory {
	uint8_t *bytes;		/* indirect tables, at address 1 << 12 */
	uint32_t len;
};

static bool read_table(void *ctx, u64 addr, void *to, u32 bytes)
{
	const struct memory *memory = ctx;
	u64 offset = addr - (1 << 12);

	if (offset >= memory->len || memory->len - offset < bytes)
		return false;
	memcpy(to, memory->bytes + offset, bytes);
	return true;
}

static void check_chain(const struct qz_ring *ring, const struct qz_chain *chain)
{
	u64 out = 0, in = 0;

	fuzz_check(chain->head < ring->num);
	fuzz_check(chain->out + chain->in <= chain->max);
	for (u32 i = 0; i < chain->out + chain->in; i++) {
		fuzz_check(chain->segs[i].len);
		fuzz_check(chain->segs[i].addr + chain->segs[i].len - 1 >= chain->segs[i].addr);
		*(i < chain->out ? &out : &in) += chain->segs[i].len;
	}
	fuzz_check(out == chain->out_len && in == chain->in_len);
}

/* The driver scribbles over its own areas, and over the device's. */
static void scribble(struct fuzz *fuzz, struct qz_ring *ring)
{
	size_t at = fuzz_u16(fuzz);

	switch (fuzz_u8(fuzz) % 4) {
	case 0:
		((u8 *)ring->desc)[at % qz_ring_desc_bytes(ring->num)] = fuzz_u8(fuzz);
		break;
	case 1:
		((u8 *)ring->avail)[at % qz_ring_avail_bytes(ring->num)] = fuzz_u8(fuzz);
		break;
	case 2:
		((u8 *)ring->used)[at % qz_ring_used_bytes(ring->num)] = fuzz_u8(fuzz);
		break;
	default:	/* more buffers, as a driver adds them */
		ring->avail->idx += fuzz_u8(fuzz) % 4;
	}
}

static bool serve(struct fuzz *fuzz, struct qz_ring *ring, const struct qz_ring_mem *mem)
{
	struct vring_desc table[SEGS];
	struct qz_seg segs[SEGS];
	struct qz_chain chain = { .max = 1 + fuzz_u8(fuzz) % SEGS, .segs = segs, .table = table };
	u16 before = ring->last_avail;
	int buffers = 1 + fuzz_u8(fuzz) % 3, ret;

	/* Several buffers may be gathered in one chain. */
	qz_chain_reset(&chain);
	chain.single = fuzz_u8(fuzz) & 1;
	do {
		u16 pending = le16_to_cpu(ring->avail->idx) - before;

		ret = qz_ring_pop(ring, &chain, mem);
		if (ret > 0)
			check_chain(ring, &chain);
		fuzz_check(ret <= 0 || pending <= ring->num);
		fuzz_check(ret == 1 || ret == 0 || ret == -EINVAL || (ret == -EAGAIN && chain.single));
		fuzz_check(ring->last_avail == (u16)(before + (ret > 0)));
		before = ring->last_avail;
		if (ret > 0)
			qz_ring_push(ring, chain.head, chain.in_len);
	} while (ret > 0 && --buffers);
	return ret >= 0 || ret == -EAGAIN;
}

static void tell(struct fuzz *fuzz, struct qz_ring *ring)
{
	u16 before = ring->signalled;

	qz_ring_publish(ring);
	fuzz_check(le16_to_cpu(ring->used->idx) == ring->used_idx);
	if (qz_ring_catch_up(ring)) {
		fuzz_check(ring->signalled != before);
		fuzz_check((u16)(ring->used_idx - ring->signalled) < (u16)(ring->used_idx - before));
	}
	if (qz_ring_wants_signal(ring))
		fuzz_check(ring->used_idx != ring->signalled);
	if (fuzz_u8(fuzz) & 1)
		qz_ring_signalled(ring);
	if (fuzz_u8(fuzz) & 1)
		qz_ring_disable_kicks(ring);
	else
		qz_ring_enable_kicks(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { data, size };
	struct qz_ring ring = { .num = 1 << fuzz_u8(&fuzz) % 7 };
	struct memory memory = { .len = fuzz_u16(&fuzz) % 1024 };
	struct qz_ring_mem mem = { read_table, &memory };

	ring.longest = 1 + fuzz_u8(&fuzz) % SEGS;
	ring.event_idx = fuzz_u8(&fuzz) & 1;
	ring.last_avail = ring.used_idx = ring.signalled = fuzz_u16(&fuzz);
	ring.desc = fuzz_alloc(&fuzz, qz_ring_desc_bytes(ring.num));
	ring.avail = fuzz_alloc(&fuzz, qz_ring_avail_bytes(ring.num));
	ring.used = fuzz_alloc(&fuzz, qz_ring_used_bytes(ring.num));
	memory.bytes = fuzz_alloc(&fuzz, memory.len);
	/* Most inputs say something about buffers that are there. */
	ring.avail->idx = cpu_to_le16(ring.last_avail + fuzz_u8(&fuzz) % (ring.num + 2));

	for (int rounds = 0; rounds < 64 && fuzz.left; rounds++) {
		if (!serve(&fuzz, &ring, &mem))
			break;
		tell(&fuzz, &ring);
		scribble(&fuzz, &ring);
	}
	free((void *)ring.desc);
	free(ring.avail);
	free(ring.used);
	free(memory.bytes);
	return 0;
}

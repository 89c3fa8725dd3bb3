// SPDX-License-Identifier: GPL-2.0
/* A VM whose memory a window is. */
#define _GNU_SOURCE
#include "ktap.h"
#include "host.h"
#include "vm/tinyvm.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#define CYCLES	2000	/* at most, */
#define SECONDS	15	/* and for so long */

static struct window a, b;
static struct tinyvm reader;
static bool stop;
static long failed;

/* Where the reader has the peer's region, and what it does: read of two pages, and exit. */
#ifdef __aarch64__
#define PHYSICAL	0x20000000ull

static const uint32_t reads[] = {
	0xd2a40000,			/* mov x0, #0x20000000 */
	0xd2a20002,			/* mov x2, #0x10000000 */
	0xb9400001,			/* again: ldr w1, [x0] */
	0xb9500001,			/* ldr w1, [x0, #4096] */
	0xb9000041,			/* str w1, [x2] */
	0x17fffffd,			/* b again */
};

static void point_there(void)
{
}
#else
#define PHYSICAL	0x100000ull

static const uint8_t reads[] = {
	0xa1, 0x00, 0x00,		/* again: mov ax, [0] */
	0xa1, 0x00, 0x10,		/* mov ax, [0x1000] */
	0xe7, 0x10,			/* out 0x10, ax */
	0xeb, 0xf6,			/* jmp again */
};

static void point_there(void)
{
	struct kvm_sregs sregs;

	ASSERT_EQ(ioctl(reader.vcpu, KVM_GET_SREGS, &sregs), 0);
	sregs.ds.base = PHYSICAL;
	ASSERT_EQ(ioctl(reader.vcpu, KVM_SET_SREGS, &sregs), 0);
}
#endif

static void create_reader(void)
{
	struct kvm_userspace_memory_region region = { .slot = 1, .guest_phys_addr = PHYSICAL, .memory_size = REGION };
	int r = tinyvm_create(&reader, 1);

	if (r == -ENOENT || r == -ENODEV)
		SKIP("no KVM");
	ASSERT_EQ(r, 0);
	memcpy(reader.memory + 0x1000, reads, sizeof(reads));
	region.userspace_addr = (uintptr_t)peer_of(&b, 0);
	ASSERT_EQ(ioctl(reader.vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	point_there();
}

static void *run_reader(void *arg)
{
	(void)arg;
	while (!failed && !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		long r = tinyvm_run(&reader, 20);

		if (r < 0)
			failed = r;
	}
	return NULL;
}

/* A write where nobody may write takes the page away in all mappings, at any moment: closing does so too seldom. */
static void *take_pages_away(void *arg)
{
	(void)arg;
	while (!failed && !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		volatile char *second = mmap(NULL, b.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);

		ASSERT(second != MAP_FAILED);
		for (size_t i = 0; i < 2; i++) {
			volatile char *page = second + (peer_of(&b, 0) - b.at) + i * 4096;

			(void)*page;
			*page = 1;
		}
		munmap((void *)second, b.bytes);
	}
	return NULL;
}

/* A peer that comes and goes stops nobody's VM, whenever its pages come and go. */
TEST_WITHIN(vm_lives_on_while_its_peer_comes_and_goes, 240)
{
	const time_t end = time(NULL) + SECONDS;
	pthread_t thread, taker;

	join_windows(&a, &b);
	create_reader();
	ASSERT_EQ(pthread_create(&thread, NULL, run_reader, NULL), 0);
	ASSERT_EQ(pthread_create(&taker, NULL, take_pages_away, NULL), 0);
	for (int i = 0; i < CYCLES && !failed && time(NULL) < end; i++) {
		ASSERT_EQ(channel_close(a.fd, 0), 0);
		ASSERT_EQ(channel_close(b.fd, 0), 0);
		ASSERT_EQ(channel_listen(a.fd, "qtc", 0), 0);
		ASSERT_EQ(channel_connect(b.fd, "qtc"), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	pthread_join(taker, NULL);
	EXPECT_EQ(failed, 0);
	tinyvm_destroy(&reader);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM that holds a window and wants more: to write what is its peer's, to keep what was taken away, to see what is
 * another's, to make its peer's calls slow. Whatever its calls answer, the peer's memory is what its owner wrote.
 */
#define _GNU_SOURCE
#include "ktap.h"
#include "host.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

static struct window a, b;	/* b is the hostile one */

static void join_and_fill(void)
{
	join_windows(&a, &b);
	memset(own_of(&a, 0), 'a', REGION);
	memset(own_of(&b, 0), 'b', REGION);
}

/* a is unharmed, and a channel that is made anew works at both ends. */
static void expect_unharmed(void)
{
	EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
	EXPECT(is_filled(peer_of(&a, 0), 'b', REGION));
}

static void expect_zeros_after_revoke(void)
{
	EXPECT_EQ(channel_revoke("qtc"), 0);
	EXPECT(is_filled(peer_of(&b, 0), 0, REGION));
	EXPECT(is_filled(peer_of(&a, 0), 0, REGION));
	EXPECT(is_filled(own_of(&a, 0), 'a', REGION));
}

static __u64 diverted(void)
{
	struct queztl_window found;

	EXPECT_EQ(window_find("qtb", &found), 0);
	return found.diverted;
}

TEST(write_to_the_peers_region_goes_nowhere)
{
	join_and_fill();
	/* the first half was read before, so it is mapped already */
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION / 2));
	EXPECT_EQ(diverted(), 0);
	memset(peer_of(&b, 0), 'x', REGION);
	EXPECT_EQ(diverted(), REGION / getpagesize());
	expect_unharmed();
	expect_zeros_after_revoke();
}

/* By the kernel, for the hostile process. */
TEST(copies_into_the_peers_region_go_nowhere)
{
	struct iovec from = { .iov_base = own_of, .iov_len = 64 }, to = { .iov_len = 64 };
	int zero = open("/dev/zero", O_RDONLY);

	join_and_fill();
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION / 2));
	EXPECT_EQ(read(zero, peer_of(&b, 0), REGION), REGION);
	expect_unharmed();
	to.iov_base = peer_of(&b, 0) + 8192;
	EXPECT_EQ(process_vm_writev(getpid(), &from, 1, &to, 1, 0), -1);
	expect_unharmed();
	expect_zeros_after_revoke();
}

/* /proc/PID/mem writes to what is not writable; it must not here. */
TEST(proc_mem_cannot_write)
{
	int mem = open("/proc/self/mem", O_RDWR);

	ASSERT_GE(mem, 0);
	join_and_fill();
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION / 2));
	EXPECT_EQ(pwrite(mem, "xxxx", 4, (off_t)(uintptr_t)peer_of(&b, 0)), -1);
	EXPECT_EQ(pwrite(mem, "xxxx", 4, (off_t)(uintptr_t)(peer_of(&b, 0) + REGION - 8)), -1);
	expect_unharmed();
}

TEST(directory_and_unused_room_cannot_be_written)
{
	struct qhp_directory before;
	struct window c;
	char *unused;

	join_and_fill();
	c = window_open("qtd", 1);
	before = *directory_of(&b);
	unused = own_of(&b, 1);
	memset(b.at, 0xff, directory_of(&a)->first);
	memset(unused, 0xff, b.bytes - (unused - b.at));
	EXPECT_EQ(channel_close(b.fd, 1), -ENOENT);	/* the kernel has its own copy of the states */
	expect_unharmed();
	/* what reads as zeros is shared by all */
	EXPECT(is_filled(own_of(&a, 1), 0, 2 * REGION));
	EXPECT(is_filled(c.at + 4096, 0, c.bytes - 4096));
	munmap(b.at, b.bytes);
	window_map(&b);
	EXPECT(!memcmp(&before, directory_of(&b), sizeof(before)));
}

TEST(mprotect_does_not_make_writable)
{
	static const int ways[] = { PROT_READ, PROT_NONE, PROT_READ | PROT_WRITE, PROT_WRITE };

	join_and_fill();
	for (size_t i = 0; i < 16; i++) {
		EXPECT(is_filled(peer_of(&b, 0), 'a', 4096));
		EXPECT_EQ(mprotect(b.at, b.bytes, ways[i / 4]), 0);
		EXPECT_EQ(mprotect(b.at, b.bytes, ways[i % 4]), 0);
		EXPECT_EQ(mprotect(b.at, b.bytes, PROT_READ | PROT_WRITE), 0);
		memset(peer_of(&b, 0), 'x', REGION);
		memset(own_of(&b, 0), 'b', REGION);
		expect_unharmed();
		/* what was diverted is not seen again */
		munmap(b.at, b.bytes);
		window_map(&b);
	}
	/* not in parts, and never to execute */
	EXPECT_FAILS(mprotect(peer_of(&b, 0), 4096, PROT_READ), EINVAL);
	EXPECT_FAILS(mprotect(b.at, b.bytes, PROT_READ | PROT_EXEC), EACCES);
	expect_zeros_after_revoke();
}

TEST(mremap_takes_no_copy)
{
	char *there = mmap(NULL, 4 * b.bytes + (1 << 22), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *moved;

	join_and_fill();
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	EXPECT_EQ(mremap(b.at, 0, b.bytes, MREMAP_MAYMOVE), MAP_FAILED);
	EXPECT_EQ(mremap(b.at, b.bytes, 2 * b.bytes, MREMAP_MAYMOVE), MAP_FAILED);
	EXPECT_EQ(mremap(b.at, b.bytes, b.bytes / 2, 0), MAP_FAILED);
	EXPECT_EQ(mremap(peer_of(&b, 0), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, there), MAP_FAILED);
	expect_unharmed();
	/* moving as a whole is fine: revoking finds it */
	for (int i = 0; i < 20; i++) {
		moved = mremap(b.at, b.bytes, b.bytes, MREMAP_MAYMOVE | MREMAP_FIXED, there + (i % 2) * (1 << 21));
		ASSERT(moved != MAP_FAILED);
		b.at = moved;
		EXPECT(is_filled(peer_of(&b, 0), 'a', 4096));
	}
	memset(peer_of(&b, 0) + 4096, 'x', REGION - 4096);
	expect_unharmed();
	expect_zeros_after_revoke();
}

static bool child_sees(const char *at)
{
	int status;
	pid_t child = fork();

	if (!child) {
		volatile char byte = *at;

		_exit(byte ? 0 : 1);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status);
}

TEST(children_inherit_no_mapping)
{
	join_and_fill();
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	EXPECT(!child_sees(peer_of(&b, 0)));
	EXPECT(!child_sees(own_of(&b, 0)));
	EXPECT_EQ(madvise(b.at, b.bytes, MADV_DOFORK), -1);
	EXPECT(!child_sees(peer_of(&b, 0)));
	expect_unharmed();
}

TEST(no_advice_helps)
{
	join_and_fill();
	for (int advice = 0; advice < 128; advice++) {
		if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE)
			continue;
		EXPECT(is_filled(peer_of(&b, 0), 'a', 4096));
		madvise(b.at, b.bytes, advice);
		madvise(peer_of(&b, 0), REGION, advice);
		expect_unharmed();
	}
	EXPECT(!child_sees(peer_of(&b, 0)));
	/* those two would take a page of the host's, or say that it is broken */
	EXPECT_EQ(madvise(own_of(&b, 0), 4096, MADV_HWPOISON), -1);
	EXPECT_EQ(madvise(own_of(&b, 0), 4096, MADV_SOFT_OFFLINE), -1);
	memset(peer_of(&b, 0), 'x', REGION);
	expect_unharmed();
	expect_zeros_after_revoke();
}

/* The file is one in no other way. */
TEST(file_has_no_contents)
{
	int ends[2], zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), again;
	struct iovec part;
	char bytes[64], path[64];
	loff_t at = 0;

	join_and_fill();
	ASSERT_EQ(pipe(ends), 0);
	EXPECT_EQ(read(b.fd, bytes, sizeof(bytes)), -1);
	EXPECT_EQ(write(b.fd, bytes, sizeof(bytes)), -1);
	EXPECT_EQ(pread(b.fd, bytes, sizeof(bytes), 0), -1);
	EXPECT_EQ(pwrite(b.fd, bytes, sizeof(bytes), 0), -1);
	EXPECT_EQ(splice(b.fd, &at, ends[1], NULL, 4096, 0), -1);
	EXPECT_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	EXPECT_EQ(splice(ends[0], NULL, b.fd, &at, 64, 0), -1);
	EXPECT_EQ(sendfile(null, b.fd, &at, 4096), -1);
	EXPECT_EQ(sendfile(b.fd, zero, NULL, 4096), -1);
	EXPECT_EQ(copy_file_range(b.fd, &at, a.fd, &at, 4096, 0), -1);
	EXPECT_EQ(fallocate(b.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, b.bytes), -1);
	EXPECT_EQ(fallocate(b.fd, 0, 0, 2 * b.bytes), -1);
	/* a page in a pipe would outlive a revocation */
	part = (struct iovec){ peer_of(&b, 0), 4096 };
	EXPECT_EQ(vmsplice(ends[1], &part, 1, SPLICE_F_GIFT), -1);
	posix_fadvise(b.fd, 0, b.bytes, POSIX_FADV_DONTNEED);
	posix_fadvise(b.fd, 0, b.bytes, POSIX_FADV_WILLNEED);
	readahead(b.fd, 0, b.bytes);
	sync_file_range(b.fd, 0, b.bytes, SYNC_FILE_RANGE_WRITE);
	fsync(b.fd);
	msync(b.at, b.bytes, MS_SYNC | MS_INVALIDATE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", b.fd);
	again = open(path, O_RDWR);
	EXPECT_EQ(again, -1);
	expect_unharmed();
	expect_zeros_after_revoke();
}

/* The size that others see is the holder's own matter; what is mapped is not. */
TEST(truncated_file_is_mapped_as_before)
{
	static const off_t sizes[] = { 0, 1, 4096, 1 << 30 };

	join_and_fill();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
		if (ftruncate(b.fd, sizes[i]))
			ktap_say("ftruncate: %s", strerror(errno));
		EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
		expect_unharmed();
	}
	memset(peer_of(&b, 0), 'x', REGION);
	expect_unharmed();
	expect_zeros_after_revoke();
}

static void expect_no_map(size_t bytes, int protection, int flags, off_t offset)
{
	void *at = mmap(NULL, bytes, protection, flags, b.fd, offset);

	KTAP_CHECK(at == MAP_FAILED, false, "mapped %zu bytes at %lld, protection %d, flags %#x", bytes,
		   (long long)offset, protection, flags);
}

TEST(mapped_as_a_whole_or_not_at_all)
{
	const int both = PROT_READ | PROT_WRITE;
	void *maps[16];
	int n = 0;

	join_and_fill();
	expect_no_map(4096, both, MAP_SHARED, 0);
	expect_no_map(b.bytes - 4096, both, MAP_SHARED, 0);
	expect_no_map(b.bytes + 4096, both, MAP_SHARED, 0);
	expect_no_map(2 * b.bytes, both, MAP_SHARED, 0);
	expect_no_map(b.bytes, both, MAP_SHARED, 4096);
	expect_no_map(b.bytes, both, MAP_SHARED, b.bytes);
	expect_no_map(b.bytes, both, MAP_SHARED, -(off_t)b.bytes);
	expect_no_map(b.bytes, both, MAP_SHARED, 1LL << 62);
	expect_no_map(b.bytes, both, MAP_PRIVATE, 0);
	expect_no_map(b.bytes, PROT_READ, MAP_PRIVATE, 0);
	expect_no_map(b.bytes, PROT_READ | PROT_EXEC, MAP_SHARED, 0);
	EXPECT_FAILS(munmap(b.at, 4096), EINVAL);
	EXPECT_FAILS(munmap(peer_of(&b, 0), REGION), EINVAL);
	EXPECT_EQ(mmap(peer_of(&b, 0), 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
	EXPECT_EQ(syscall(SYS_remap_file_pages, b.at, 4096, 0, 1, 0), -1);

	/* not often, and as often again when they are gone */
	for (int round = 0; round < 3; round++) {
		for (n = 0; n < 16; n++) {
			maps[n] = mmap(NULL, b.bytes, both, MAP_SHARED, b.fd, 0);
			if (maps[n] == MAP_FAILED)
				break;
			EXPECT(is_filled((char *)maps[n] + (peer_of(&b, 0) - b.at), 'a', REGION));
		}
		EXPECT_EQ(n, 7);
		while (n--)
			EXPECT_EQ(munmap(maps[n], b.bytes), 0);
	}
	expect_unharmed();
}

/* All of them are changed. */
TEST(revoke_reaches_every_mapping)
{
	char *second, *third;

	join_and_fill();
	second = mmap(NULL, b.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
	third = mmap(NULL, b.bytes, PROT_READ, MAP_SHARED, b.fd, 0);
	ASSERT(second != MAP_FAILED && third != MAP_FAILED);
	second += peer_of(&b, 0) - b.at;
	third += peer_of(&b, 0) - b.at;
	EXPECT(is_filled(peer_of(&b, 0), 'a', REGION));
	EXPECT(is_filled(second, 'a', REGION));
	EXPECT(is_filled(third, 'a', REGION));
	memset(second, 'x', 4096);
	expect_unharmed();
	expect_zeros_after_revoke();
	EXPECT(is_filled(second, 0, REGION));
	EXPECT(is_filled(third, 0, REGION));
}

// SPDX-License-Identifier: GPL-2.0
/* Every ioctl, with everything wrong that a caller can get wrong. The table drives it: see calls.c. */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "calls.h"
#include "fabric.h"
#include "snapshot.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define NOBODY	65534
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The call fails with @error, writes nothing into the @room bytes at @at and changes nothing. */
static void expect_refused(const struct call *call, int fd, unsigned long number, void *at, size_t room, int error,
			   const char *why, long detail)
{
	static char before[4 * ROOM];
	struct snapshot then = take_snapshot();
	char what[128];
	int r;

	memcpy(before, at, room);
	errno = 0;
	r = ioctl(fd, number, at);
	KTAP_CHECK(r == -1 && errno == error, false, "%s, %s (%ld): expected %s, got %d %s", call->name, why, detail,
		   strerrorname_np(error), r, r ? strerrorname_np(errno) : "");
	KTAP_CHECK(!memcmp(before, at, room), false, "%s, %s (%ld): failed and wrote", call->name, why, detail);
	snprintf(what, sizeof(what), "%s, %s (%ld): failed and changed something", call->name, why, detail);
	expect_unchanged(what, then);
}

/* ---- sizes ---- */

TEST(exact_size_is_taken)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		memset(argument, 0xa5, sizeof(argument));
		prepare(call, argument, call->size);
		KTAP_CHECK(!ioctl(fd_of(call), call->number, argument), false, "%s: %s", call->name, strerror(errno));
		EXPECT_EQ(*(__u32 *)argument, call->size);
		for (size_t i = call->size; i < sizeof(argument); i++)
			KTAP_CHECK(argument[i] == (char)0xa5, true, "%s wrote beyond its size", call->name);
		for (int i = 0; call->reserved[i]; i++)
			KTAP_CHECK(!argument[call->reserved[i]], false, "%s: reserved is not zero", call->name);
		if (call->undo) {
			call->undo(argument);
			continue;
		}
		/* what came out may go in: it is ignored */
		if (ioctl(fd_of(call), call->number, argument))
			EXPECT_EQ(errno, ENOENT);
	}
}

TEST(longer_zero_is_taken)
{
	static char argument[ROOM];
	static const int more[] = { 1, 4, 8, 100, 1000 };

	open_world();
	for_each_call(call) {
		for (size_t m = 0; m < ARRAY_SIZE(more); m++) {
			memset(argument, 0xa5, sizeof(argument));
			prepare(call, argument, call->size + more[m]);
			KTAP_CHECK(!ioctl(fd_of(call), call->number, argument), false, "%s + %d: %s", call->name,
				   more[m], strerror(errno));
			for (size_t i = call->size; i < sizeof(argument); i++)
				KTAP_CHECK(argument[i] == (i < call->size + more[m] ? 0 : (char)0xa5), true,
					   "%s wrote what it does not know", call->name);
			if (call->undo)
				call->undo(argument);
		}
	}
}

static __u32 size_now(const struct call *call)
{
	return call->grown ? call->grown : call->size;
}

TEST(longer_nonzero_is_e2big)
{
	static char argument[ROOM];
	static const int more[] = { 1, 4, 8, 100, 1000 };

	open_world();
	for_each_call(call) {
		for (size_t m = 0; m < ARRAY_SIZE(more); m++) {
			prepare(call, argument, size_now(call) + more[m]);
			argument[size_now(call) + more[m] - 1] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, E2BIG, "last byte set", more[m]);
			prepare(call, argument, size_now(call) + more[m]);
			argument[size_now(call)] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, E2BIG, "first byte set", more[m]);
		}
	}
}

TEST(too_small_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		const __u32 sizes[] = { 0, 1, 4, 7, call->size - 1, call->size - 4, call->size - 8 };

		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			prepare(call, argument, call->size);
			*(__u32 *)argument = sizes[i];
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "size", sizes[i]);
		}
	}
}

TEST(huge_is_e2big)
{
	static char argument[3 * ROOM];
	static const __u32 sizes[] = { ROOM + 1, 2 * ROOM, 0x7fffffff, 0x80000000, 0xffffffff };

	open_world();
	for_each_call(call) {
		memset(argument, 0, sizeof(argument));
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			prepare(call, argument, call->size);
			*(__u32 *)argument = sizes[i];
			expect_refused(call, fd_of(call), call->number, argument, sizeof(argument), E2BIG, "size",
				       sizes[i]);
		}
	}
}

/* ---- members ---- */

TEST(unknown_flag_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		for (int bit = 0; bit < 32; bit++) {
			prepare(call, argument, call->size);
			((__u32 *)argument)[1] = 1u << bit;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "flag", bit);
		}
	}
}

TEST(reserved_set_is_einval)
{
	static char argument[ROOM];

	open_world();
	for_each_call(call) {
		for (int i = 0; call->reserved[i]; i++) {
			prepare(call, argument, call->size);
			argument[call->reserved[i]] = 1;
			expect_refused(call, fd_of(call), call->number, argument, ROOM, EINVAL, "reserved",
				       call->reserved[i]);
		}
	}
}

/* ---- pointers ---- */

TEST(bad_pointer_is_efault)
{
	char *page = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *bad[] = { NULL, (void *)1, page, page + ROOM - 4, (void *)-1L, (void *)-ROOM, (void *)(1L << 47),
			(void *)0xffffffff81000000 };
	struct snapshot then, now;

	open_world();
	for_each_call(call) {
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			then = take_snapshot();
			EXPECT_FAILS(ioctl(fd_of(call), call->number, bad[i]), EFAULT);
			now = take_snapshot();
			EXPECT(!memcmp(&then, &now, sizeof(now)));
		}
	}
}

/* The last bytes of the argument are on a page of another protection. */
static char *straddle(const struct call *call, char *pages, int tail, int protection)
{
	char *at = pages + ROOM - (call->size - tail);

	mprotect(pages, 2 * ROOM, PROT_READ | PROT_WRITE);
	memset(pages, 0, 2 * ROOM);
	prepare(call, at, call->size);
	if (protection == PROT_READ)
		mprotect(tail == (int)call->size ? at : pages + ROOM, ROOM, PROT_READ);
	else
		mprotect(pages + ROOM, ROOM, protection);
	return at;
}

TEST(half_unreadable_is_efault)
{
	char *pages = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_world();
	for_each_call(call) {
		const int tails[] = { 1, 4, call->size - 4 };

		for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
			char *at = straddle(call, pages, tails[i], PROT_NONE);

			expect_refused(call, fd_of(call), call->number, at, call->size - tails[i], EFAULT,
				       "bytes unreadable", tails[i]);
		}
	}
}

/* Nothing is written and nothing has changed: no fabric made, no descriptor left over, not even half an answer. */
TEST(read_only_is_efault)
{
	char *pages = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_world();
	for_each_call(call) {
		const int tails[] = { call->size, 1, 4, call->size - 4 };

		for (size_t i = 0; call->fills && i < ARRAY_SIZE(tails); i++) {
			char *at = straddle(call, pages, tails[i], PROT_READ);

			expect_refused(call, fd_of(call), call->number, at, call->size, EFAULT, "bytes read-only",
				       tails[i]);
		}
	}
	mprotect(pages, 2 * ROOM, PROT_READ | PROT_WRITE);
}

/* ---- numbers and descriptors ---- */

static bool has_row(unsigned int number, bool on_vm)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number && calls[i].on_vm == on_vm)
			return true;
	return false;
}

static void probe_numbers(int fd, bool on_vm)
{
	for (int number = 0; number < 256; number++) {
		__u32 argument[ROOM / 4] = { 0 };	/* size 0 is EINVAL to any call */
		unsigned int code = _IO(QUEZTL_IOC_MAGIC, number);

		if (!has_row(code, on_vm))
			EXPECT_FAILS(ioctl(fd, code, argument), ENOTTY);
		else
			EXPECT_FAILS(ioctl(fd, code, argument), EINVAL);
		EXPECT_FAILS(ioctl(fd, _IO(QUEZTL_IOC_MAGIC + 1, number), argument), ENOTTY);
		EXPECT_FAILS(ioctl(fd, _IOWR(QUEZTL_IOC_MAGIC, number, __u64), argument), ENOTTY);
	}
}

TEST(no_call_without_a_row)
{
	open_world();
	probe_numbers(world.device, false);
	if (world.vm >= 0)
		probe_numbers(world.vm, true);
}

TEST(call_on_the_wrong_descriptor_is_enotty)
{
	static char argument[ROOM];
	int null = open("/dev/null", O_RDWR);

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	for_each_call(call) {
		prepare(call, argument, call->size);
		expect_refused(call, call->on_vm ? world.device : world.vm, call->number, argument, ROOM, ENOTTY,
			       "wrong descriptor", 0);
		EXPECT_FAILS(ioctl(null, call->number, argument), ENOTTY);
		if (call->number == QUEZTL_FABRIC_DEL)
			fabric_del(((struct queztl_fabric_del *)argument)->id);
	}
}

#ifdef __x86_64__
/* A 32 bit program's way in: int 0x80, with a pointer below 4 GB. */
static int ioctl32(int fd, unsigned int number, void *argument)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "0"(54), "b"(fd), "c"(number), "d"((__u32)(unsigned long)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

TEST(works_for_32_bit_callers)
{
	char *argument = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	open_world();
	for_each_call(call) {
		prepare(call, argument, call->size);
		KTAP_CHECK(!ioctl32(fd_of(call), call->number, argument), false, "%s fails", call->name);
		if (call->undo)
			call->undo(argument);
	}
}
#else
TEST(works_for_32_bit_callers)
{
	SKIP("a 64 bit program of this architecture cannot make 32 bit calls");
}
#endif

static void expect_attach_fails(int kvm_fd, int error)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach), .kvm_fd = kvm_fd };

	EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), error);
}

TEST(attach_wants_a_kvm_vm)
{
	int ends[2], closed = dup(0), vcpu;

	open_world();
	close(closed);
	ASSERT_EQ(pipe(ends), 0);
	expect_attach_fails(-1, EBADF);
	expect_attach_fails(-100, EBADF);
	expect_attach_fails(0x7fffffff, EBADF);
	expect_attach_fails(ends[0], EINVAL);
	expect_attach_fails(world.device, EINVAL);
	expect_attach_fails(open("/", O_PATH), EBADF);
	if (world.system < 0)
		SKIP("no /dev/kvm: only the errors without it were tried");
	expect_attach_fails(world.system, EINVAL);
	expect_attach_fails(world.vm, EINVAL);
	vcpu = ioctl(world.kvm, KVM_CREATE_VCPU, 1);
	ASSERT_GE(vcpu, 0);
	expect_attach_fails(vcpu, EINVAL);
}

TEST(no_free_descriptor_is_emfile)
{
	static char argument[ROOM];

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	EXPECT_EQ(errno, EMFILE);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].number != QUEZTL_VM_ATTACH && calls[i].number != QUEZTL_VM_OPEN)
			continue;
		prepare(&calls[i], argument, calls[i].size);
		EXPECT_FAILS(ioctl(world.device, calls[i].number, argument), EMFILE);
	}
}

/* ---- rights ---- */

static void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

TEST(node_is_closed_to_others)
{
	become_nobody();
	EXPECT_FAILS(open(QUEZTL_DEVICE, O_RDWR), EACCES);
	EXPECT_FAILS(open(QUEZTL_DEVICE, O_RDONLY), EACCES);
}

TEST(fabrics_want_cap_net_admin)
{
	struct queztl_fabric_add add = { .size = sizeof(add), .name = "qtno" };
	struct queztl_fabric_del del = { .size = sizeof(del) };
	struct queztl_fabric_next next = { .size = sizeof(next) };

	open_world();
	del.id = add_fabric("qtmine");
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_ADD, &add), EPERM);
	EXPECT_EQ(add.id, 0);
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_DEL, &del), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), 0);	/* looking is free */
	EXPECT_EQ(fabric_find("qtmine", &next), 0);
	EXPECT_EQ(fabric_find("qtno", &next), -ENOENT);
}

/* Whatever else is wrong with the call. */
TEST(policy_wants_cap_net_admin)
{
	struct queztl_fabric_set set = { .size = sizeof(set), .mode = 1 };
	struct queztl_peer peer = { .size = sizeof(peer) };
	struct queztl_peers peers = { .size = sizeof(peers), .peers = (uintptr_t)&world.peer, .n = 1 };
	struct queztl_addr addr = { .size = sizeof(addr), .family = AF_INET, .prefix = 32, .addr = { 10, 1, 2, 3 } };
	struct queztl_fabric_next fabric;

	open_world();
	peers.port = world.port;
	addr.port = peer.port = world.port;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
	EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_ADD, &(struct queztl_peer){ sizeof(peer), 0, world.port, world.peer }), 0);
	become_nobody();
	for (int wrong = 0; wrong < 2; wrong++) {
		set.id = wrong ? ~0ULL : world.fabric;
		set.mode = wrong ? ~0u : 1;
		peer.peer = wrong ? peer.port : world.peer;
		addr.family = wrong ? 77 : AF_INET;
		EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_SET, &set), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_ADD, &peer), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_DEL, &peer), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEERS_ADD, &peers), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), EPERM);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_DEL, &addr), EPERM);
	}
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, 0);
	peer.peer = addr.id = 0;
	EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &peer), 0);	/* looking is free */
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), 0);
}

static void expect_bad_rates(struct queztl_port_rates rates, const char *why)
{
	struct queztl_port_rates then = { .size = sizeof(then), .id = world.port }, now = then;

	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &then), 0);
	rates.size = sizeof(rates);
	rates.id = world.port;
	KTAP_CHECK(ioctl(world.device, QUEZTL_RATES_SET, &rates) == -1 && errno == EINVAL, false, "%s is taken", why);
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &now), 0);
	EXPECT(!memcmp(&then, &now, sizeof(now)));
}

/* What a rate may be, and that one refused changes none. */
TEST(rates_are_set_by_name)
{
	struct queztl_port_rates rates = { .size = sizeof(rates) }, all = rates;

	open_world();
	rates.id = all.id = world.port;
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &all), 0);
	EXPECT_EQ(all.set, QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS | QUEZTL_PORT_FLOOD);
	EXPECT_EQ(all.flood, 2000);
	EXPECT_EQ(all.tx_bytes, 0);
	EXPECT_EQ(all.tx_packets, 0);

	rates.set = QUEZTL_PORT_TX_PACKETS;
	rates.tx_packets = 1000000000;
	rates.tx_bytes = 1;			/* is not looked at */
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_SET, &rates), 0);
	ASSERT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &all), 0);
	EXPECT_EQ(all.tx_packets, 1000000000);
	EXPECT_EQ(all.tx_bytes, 0);
	EXPECT_EQ(all.flood, 2000);

	expect_bad_rates((struct queztl_port_rates){ .set = 8 }, "an unknown rate");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_FLOOD }, "flood 0");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_FLOOD, .flood = 1000001 }, "flood 1000001");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 999 }, "999 B/s");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES, .tx_bytes = 1000000000000001 },
			 "10^15 + 1 B/s");
	expect_bad_rates((struct queztl_port_rates){ .set = QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS,
						     .tx_bytes = 5000, .tx_packets = 1000000001 }, "10^9 + 1 packets");
}

TEST(rates_want_cap_net_admin)
{
	struct queztl_port_rates rates = { .size = sizeof(rates) };

	open_world();
	rates.id = world.port;
	become_nobody();
	EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_SET, &rates), EPERM);
	EXPECT_EQ(ioctl(world.device, QUEZTL_RATES_GET, &rates), 0);	/* looking is free */
}

TEST(vm_of_another_user_is_eperm)
{
	struct queztl_vm_open open = { .size = sizeof(open) };
	struct queztl_vm_detach detach = { .size = sizeof(detach) };
	struct queztl_vm_info info = { .size = sizeof(info) };

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	become_nobody();
	open.id = world.vm_id;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_OPEN, &open), EPERM);
	EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_DETACH, &detach), EPERM);
	EXPECT_EQ(ioctl(world.vm, QUEZTL_VM_INFO, &info), 0);	/* the descriptor is the right to look */
}

TEST(own_vm_is_opened_without_rights)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach) };
	struct queztl_vm_open open = { .size = sizeof(open) };
	struct queztl_vm_info info = { .size = sizeof(info) };
	struct queztl_vm_detach detach = { .size = sizeof(detach) };

	open_world();
	if (world.system < 0)
		SKIP("no /dev/kvm");
	become_nobody();
	attach.kvm_fd = ioctl(world.system, KVM_CREATE_VM, 0);
	ASSERT_GE(attach.kvm_fd, 0);
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	EXPECT_NE(attach.id, world.vm_id);
	open.id = attach.id;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_OPEN, &open), 0);
	ASSERT_EQ(ioctl(open.vm_fd, QUEZTL_VM_INFO, &info), 0);
	EXPECT_EQ(info.uid, NOBODY);
	EXPECT_EQ(info.pid, getpid());
	EXPECT_EQ(ioctl(open.vm_fd, QUEZTL_VM_DETACH, &detach), 0);
	EXPECT_FAILS(ioctl(open.vm_fd, QUEZTL_VM_INFO, &info), ENOENT);
}

/* ---- fabrics and ports ---- */

static void try_name(const char *name, size_t length, int error)
{
	struct queztl_fabric_add add = { .size = sizeof(add) };
	int r;

	memcpy(add.name, name, length);
	errno = 0;
	r = ioctl(world.device, QUEZTL_FABRIC_ADD, &add);
	KTAP_CHECK(error ? r == -1 && errno == error : r == 0, false, "fabric name '%.32s': expected %s, got %d %s",
		   name, error ? strerrorname_np(error) : "success", r, r ? strerrorname_np(errno) : "");
	if (!r)
		EXPECT_EQ(fabric_del(add.id), 0);
}

TEST(fabric_names)
{
	static const char *const bad[] = { "", "/", "..", ".", "a/b", "-a", ".a", "_a", "qt ", " qt", "q\tt", "qt\n",
					   "q:t", "q\\t", "q%s", "q\xc3\xa4", "\x7f", "q*" };
	static const char *const good[] = { "q", "Q", "7", "qt-_.", "qt..", "qtABCxyz019", "qt.a-b_c",
					    "qt34567890123456789012345678901" };

	world.device = queztl_fd();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		try_name(bad[i], strlen(bad[i]), EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		try_name(good[i], strlen(good[i]), 0);
	try_name("qt345678901234567890123456789012", QUEZTL_NAME_MAX, EINVAL);	/* no NUL */
	add_fabric("qttwice");
	try_name("qttwice", 7, EEXIST);
	try_name("qttwic", 6, 0);
	try_name("qttwiceX", 8, 0);
}

TEST(fabric_ids_are_not_reused)
{
	__u64 first, second, last = 0;

	world.device = queztl_fd();
	first = add_fabric("qtone");
	EXPECT_EQ(fabric_del(first), 0);
	EXPECT_EQ(fabric_del(first), -ENOENT);
	second = add_fabric("qtone");
	EXPECT(second > first);
	EXPECT_EQ(fabric_del(0), -ENOENT);
	EXPECT_EQ(fabric_del(second + 1), -ENOENT);
	EXPECT_EQ(fabric_del(~0ULL), -ENOENT);
	EXPECT_EQ(fabric_del(second), 0);
	for (int i = 0; i < 100; i++) {
		__u64 id = add_fabric("qtmany");

		ASSERT(id > last);
		last = id;
		ASSERT_EQ(fabric_del(id), 0);
	}
}

TEST(fabric_with_ports_is_ebusy)
{
	struct queztl_fabric_next fabric;
	struct queztl_port_next port;

	open_world();
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 2);
	EXPECT_EQ(port_del("qtpeer"), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 1);
	EXPECT_EQ(fabric.mode, 0);
	EXPECT_EQ(fabric_del(world.fabric), -EBUSY);
	EXPECT_EQ(port_find("qtport", &port), 0);
	EXPECT_EQ(port.fabric_id, world.fabric);
	EXPECT(!memcmp(port.mac, world_mac, sizeof(world_mac)));
	EXPECT_EQ(port.mtu, 1500);
	EXPECT_GE(port.max_vqp, 1);
	EXPECT_EQ(port.state, 0);
	EXPECT_EQ(port.pid, 0);
	EXPECT_EQ(port_del("qtport"), 0);
	EXPECT_EQ(port_find("qtport", &port), -ENOENT);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.ports, 0);
	EXPECT_EQ(fabric_del(world.fabric), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), -ENOENT);
}

/* ---- policy ---- */

static int set_mode(__u64 id, __u32 mode)
{
	struct queztl_fabric_set set = { .size = sizeof(set), .id = id, .mode = mode };

	return ioctl(world.device, QUEZTL_FABRIC_SET, &set) ? -errno : 0;
}

TEST(fabric_denies_when_told)
{
	struct queztl_fabric_next fabric;

	open_world();
	EXPECT_EQ(set_mode(world.fabric, QUEZTL_FABRIC_DENY), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, QUEZTL_FABRIC_DENY);
	for (int bit = 1; bit < 32; bit++)
		EXPECT_EQ(set_mode(world.fabric, 1u << bit), -EINVAL);
	EXPECT_EQ(set_mode(world.fabric + 1, 0), -ENOENT);
	EXPECT_EQ(set_mode(0, QUEZTL_FABRIC_DENY), -ENOENT);
	fabric.id = world.fabric - 1;
	fabric.mode = ~0u;		/* out: ignored */
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &fabric), 0);
	EXPECT_EQ(fabric.mode, QUEZTL_FABRIC_DENY);
	EXPECT_EQ(set_mode(world.fabric, 0), 0);
	EXPECT_EQ(fabric_find("qtblue", &fabric), 0);
	EXPECT_EQ(fabric.mode, 0);
}

static int call_peer(unsigned int number, __u64 port, __u64 other)
{
	struct queztl_peer peer = { .size = sizeof(peer), .port = port, .peer = other };

	return ioctl(world.device, number, &peer) ? -errno : 0;
}

static __u64 add_port(const char *name, const char *fabric, __u8 last)
{
	const __u8 mac[6] = { 0x52, 0x54, 0, 0, 0, last };
	struct queztl_port_next port;

	ASSERT_EQ(port_add(name, fabric, mac, 0), 0);
	ASSERT_EQ(port_find(name, &port), 0);
	return port.id;
}

TEST(peers_are_two_ports_of_a_fabric)
{
	__u64 elsewhere;

	open_world();
	add_fabric("qtother");
	elsewhere = add_port("qtelse", "qtother", 2);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.port), -EINVAL);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, elsewhere), -EXDEV);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, ~0ULL, world.port), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.peer), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.peer), 0);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, world.peer), -EEXIST);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.peer, world.port), -EEXIST);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, elsewhere), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.port), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, ~0ULL), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.peer, world.port), 0);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, world.peer), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, world.port, 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, ~0ULL, 0), -ENOENT);
}

TEST(peers_are_listed_and_go_with_their_port)
{
	struct queztl_peer next = { .size = sizeof(next) };
	char name[32];
	__u64 ids[4];

	open_world();
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "qtnear%d", i);
		ids[i] = add_port(name, "qtblue", 10 + i);
	}
	for (int i = 3; i >= 0; i--)
		EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[i]), 0);
	EXPECT_EQ(port_del("qtnear1"), 0);
	next.port = world.port;
	for (int i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		EXPECT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &next), 0);
		EXPECT_EQ(next.peer, ids[i]);
		EXPECT_EQ(next.port, world.port);
	}
	EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_NEXT, &next), ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[1]), -ENOENT);
	/* another port with its address is no peer */
	ids[1] = add_port("qtnear1", "qtblue", 11);
	EXPECT_EQ(call_peer(QUEZTL_PEER_NEXT, ids[1], 0), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.port, ids[1]), -ENOENT);
	EXPECT_EQ(call_peer(QUEZTL_PEER_ADD, world.port, ids[1]), 0);
}

static int add_peers(__u64 port, const __u64 *ids, __u32 n)
{
	struct queztl_peers peers = { .size = sizeof(peers), .port = port, .peers = (uintptr_t)ids, .n = n };

	return ioctl(world.device, QUEZTL_PEERS_ADD, &peers) ? -errno : 0;
}

static int count_peers(__u64 port)
{
	struct queztl_peer next = { .size = sizeof(next), .port = port };
	int count = 0;

	while (!ioctl(world.device, QUEZTL_PEER_NEXT, &next))
		count++;
	return count;
}

TEST(many_peers_or_none)
{
	__u64 elsewhere, near, ids[QUEZTL_PEERS_MAX + 1];

	open_world();
	add_fabric("qtother");
	elsewhere = add_port("qtelse", "qtother", 2);
	near = add_port("qtnear", "qtblue", 3);
	for (int i = 0; i <= QUEZTL_PEERS_MAX; i++)
		ids[i] = i % 2 ? near : world.peer;
	EXPECT_EQ(add_peers(world.port, ids, 0), -EINVAL);
	EXPECT_EQ(add_peers(world.port, ids, QUEZTL_PEERS_MAX + 1), -EINVAL);
	EXPECT_EQ(add_peers(world.port, NULL, 2), -EFAULT);
	EXPECT_EQ(add_peers(world.port, (void *)~0xfffULL, 2), -EFAULT);
	EXPECT_EQ(add_peers(0, ids, 2), -ENOENT);
	ids[1] = world.port;
	EXPECT_EQ(add_peers(world.port, ids, 2), -EINVAL);
	ids[1] = elsewhere;
	EXPECT_EQ(add_peers(world.port, ids, 2), -EXDEV);
	ids[1] = ~0ULL;
	EXPECT_EQ(add_peers(world.port, ids, 2), -ENOENT);
	EXPECT_EQ(count_peers(world.port) + count_peers(world.peer) + count_peers(near), 0);
	/* in falling order, and each often */
	ids[1] = near;
	EXPECT_EQ(add_peers(world.port, ids, QUEZTL_PEERS_MAX), 0);
	EXPECT_EQ(count_peers(world.port), 2);
	EXPECT_EQ(count_peers(world.peer), 1);
	EXPECT_EQ(count_peers(near), 1);
	/* who is a peer already stays one */
	EXPECT_EQ(add_peers(near, (const __u64[]){ world.port, world.peer }, 2), 0);
	EXPECT_EQ(count_peers(world.peer), 2);
	EXPECT_EQ(call_peer(QUEZTL_PEER_DEL, world.peer, near), 0);
	EXPECT_EQ(count_peers(near), 1);
}

#define CROWD	48

/* A full mesh, a call for each port, in an order that nothing is made for. */
TEST_WITHIN(mesh_is_made_port_by_port, 240)
{
	__u64 ids[CROWD], others[CROWD];
	char name[32];

	open_world();
	for (int i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "qtcrowd%d", i);
		ids[i] = add_port(name, "qtblue", 20 + i);
	}
	for (int k = 0; k < CROWD; k++) {
		int i = k * 29 % CROWD, n = 0;

		for (int j = CROWD - 1; j >= 0; j--)
			if (j != i)
				others[n++] = ids[j];
		ASSERT_EQ(add_peers(ids[i], others, n), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		struct queztl_peer next = { .size = sizeof(next), .port = ids[i] };

		for (int j = 0; j < CROWD; j++) {
			if (j == i)
				continue;
			ASSERT_EQ(ioctl(world.device, QUEZTL_PEER_NEXT, &next), 0);
			ASSERT_EQ(next.peer, ids[j]);
		}
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PEER_NEXT, &next), ENOENT);
	}
}

static int call_addr(unsigned int number, int family, int prefix, const __u8 *bytes, int count)
{
	struct queztl_addr addr = { .size = sizeof(addr), .port = world.port, .family = family, .prefix = prefix };

	memcpy(addr.addr, bytes, count);
	return ioctl(world.device, number, &addr) ? -errno : 0;
}

TEST(addresses_are_well_formed)
{
	static const __u8 host[4] = { 10, 1, 2, 3 }, host6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 3 };
	static const __u8 group[4] = { 224, 0, 0, 1 }, broadcast[4] = { 255, 255, 255, 255 }, group6[16] = { 0xff, 2 };
	static const __u8 none[16];
	static const unsigned int numbers[] = { QUEZTL_ADDR_ADD, QUEZTL_ADDR_DEL };

	open_world();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(call_addr(numbers[i], AF_UNSPEC, 32, host, 4), -EAFNOSUPPORT);
		EXPECT_EQ(call_addr(numbers[i], AF_PACKET, 32, host, 4), -EAFNOSUPPORT);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 33, host, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 31, host, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, group, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, broadcast, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET, 32, none, 4), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 129, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 127, host6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 16, group6, 16), -EINVAL);
		EXPECT_EQ(call_addr(numbers[i], AF_INET6, 128, none, 16), -EINVAL);
	}
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), -EEXIST);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 24, host, 3), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 0, none, 4), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET6, 0, none, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET6, 128, host6, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET6, 0, none, 16), 0);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET6, 0, none, 16), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 0, none, 4), 0);
	world.port = ~0ULL;
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_DEL, AF_INET, 32, host, 4), -ENOENT);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_NEXT, 0, 0, none, 0), -ENOENT);
}

TEST(addresses_are_listed_by_ids_of_their_own)
{
	struct queztl_addr addr = { .size = sizeof(addr), .family = AF_INET, .prefix = 32 };
	__u8 bytes[4] = { 10, 1, 2 };

	open_world();
	addr.port = world.port;
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++) {
		addr.addr[0] = 10;
		addr.addr[3] = i;
		EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
		EXPECT_EQ(addr.id, i + 1);
	}
	bytes[3] = 77;
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, bytes, 4), -ENOSPC);
	addr.addr[3] = 5;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_DEL, &addr), 0);
	addr.family = AF_INET6;
	addr.prefix = 64;
	addr.addr[15] = 1;			/* behind the prefix */
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), EINVAL);
	memset(addr.addr, 0, sizeof(addr.addr));
	addr.addr[0] = 0x20;
	EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_ADD, &addr), 0);
	EXPECT_EQ(addr.id, QUEZTL_ADDR_MAX + 1);
	EXPECT_EQ(call_addr(QUEZTL_ADDR_ADD, AF_INET, 32, bytes, 4), -ENOSPC);

	memset(&addr.id, 0, sizeof(addr) - offsetof(struct queztl_addr, id));
	for (int i = 0; i <= QUEZTL_ADDR_MAX; i++) {
		if (i == 5)
			continue;
		EXPECT_EQ(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), 0);
		EXPECT_EQ(addr.id, i + 1);
		EXPECT_EQ(addr.family, i == QUEZTL_ADDR_MAX ? AF_INET6 : AF_INET);
		EXPECT_EQ(addr.prefix, i == QUEZTL_ADDR_MAX ? 64 : 32);
		EXPECT_EQ(addr.addr[0], i == QUEZTL_ADDR_MAX ? 0x20 : 10);
		EXPECT_EQ(addr.addr[3], i == QUEZTL_ADDR_MAX ? 0 : i);
	}
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), ENOENT);
	addr.id = ~0u;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_ADDR_NEXT, &addr), ENOENT);
}

TEST(iteration_goes_up_and_ends)
{
	struct queztl_fabric_next next = { .size = sizeof(next) };
	struct queztl_info info = { .size = sizeof(info) };
	__u64 last = 0, middle = 0;
	__u32 seen = 0;
	char name[32];

	world.device = queztl_fd();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "qtrow%d", i);
		middle = add_fabric(name);
		if (i == 10)
			last = middle;
	}
	EXPECT_EQ(fabric_del(last), 0);
	next.id = last;			/* the id itself need not exist */
	EXPECT_EQ(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), 0);
	EXPECT(!strcmp(next.name, "qtrow11"));
	next.id = last = 0;
	while (!ioctl(world.device, QUEZTL_FABRIC_NEXT, &next)) {
		ASSERT(next.id > last);
		last = next.id;
		ASSERT(++seen < 1000);
	}
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(next.id, last);
	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	EXPECT_EQ(info.fabrics, seen);
	next.id = ~0ULL;
	EXPECT_FAILS(ioctl(world.device, QUEZTL_FABRIC_NEXT, &next), ENOENT);
}

TEST(unknown_ids_are_enoent)
{
	static const __u64 ids[] = { 0, 1ULL << 32, 1ULL << 63, ~0ULL };

	open_world();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct queztl_vm_open open = { .size = sizeof(open), .id = ids[i] };
		struct queztl_port_stats stats = { .size = sizeof(stats), .id = ids[i] };
		struct queztl_port_rates rates = { .size = sizeof(rates), .id = ids[i] };
		struct queztl_port_next port = { .size = sizeof(port), .id = ids[i] };
		struct queztl_vm_next vm = { .size = sizeof(vm), .id = ids[i] };

		EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_OPEN, &open), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_STATS, &stats), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_SET, &rates), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_RATES_GET, &rates), ENOENT);
		if (!ids[i])
			continue;
		EXPECT_FAILS(ioctl(world.device, QUEZTL_PORT_NEXT, &port), ENOENT);
		EXPECT_FAILS(ioctl(world.device, QUEZTL_VM_NEXT, &vm), ENOENT);
	}
	if (world.vm >= 0) {
		struct queztl_vm_vcpu vcpu = { .size = sizeof(vcpu), .index = 1 };

		EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
		vcpu.index = ~0u;
		EXPECT_FAILS(ioctl(world.vm, QUEZTL_VM_VCPU, &vcpu), ENOENT);
	}
}

TEST(info_is_sensible)
{
	struct queztl_info info = { .size = sizeof(info) };
	FILE *file = fopen("/proc/sys/kernel/osrelease", "r");
	char release[64] = "";

	open_world();
	ASSERT(file && fgets(release, sizeof(release), file));
	release[strcspn(release, "\n")] = 0;
	memset(info.module, 0xff, sizeof(info.module));
	memset(info.kernel, 0xff, sizeof(info.kernel));
	ASSERT_EQ(ioctl(world.device, QUEZTL_GET_INFO, &info), 0);
	EXPECT_EQ(info.abi_version, QUEZTL_ABI_VERSION);
	EXPECT(info.features & QUEZTL_F_FABRIC);
	EXPECT(info.features & QUEZTL_F_POLICY);
	EXPECT_EQ(info.features & ~(QUEZTL_F_FABRIC | QUEZTL_F_DIRECT | QUEZTL_F_CHANNEL | QUEZTL_F_SCHED |
				    QUEZTL_F_POLICY), 0);
	EXPECT_EQ(info.fabrics, 1);
	EXPECT_GE(info.vms, world.vm >= 0);
	EXPECT(memchr(info.module, 0, sizeof(info.module)) && info.module[0]);
	EXPECT(memchr(info.kernel, 0, sizeof(info.kernel)) && !strcmp(info.kernel, release));
}

int main(int argc, char **argv)
{
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	fabric_sweep();
	return ktap_run(argc, argv, fabric_sweep);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Every call with every allocation and every copy in it failing, one at a time: it fails with an error it documents and
 * nothing has changed, or it can do without. Ioctls by the table in calls.c, and what else of ours runs in a caller's
 * thread: ports made and deleted, vhost-vdpa's calls, VMs announced, the module loaded.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "calls.h"
#include "inject.h"
#include "snapshot.h"
#include "vdpanl.h"
#include "world.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void be_ready(void)
{
	const char *why = inject_setup();

	if (why)
		SKIP("%s", why);
}

/* ---- ioctls ---- */

static const struct call *row;
static char argument[ROOM], given[ROOM];
static struct snapshot ready, idle;

static void prepare_row(void)
{
	prepare(row, argument, row->size);
	memcpy(given, argument, row->size);
	ready = take_snapshot();
}

static int call_row(void)
{
	return ioctl(fd_of(row), row->number, argument) ? -errno : 0;
}

/* What could not be copied out whole may be there in part. */
static void row_failed(void)
{
	expect_unchanged(row->name, ready);
	if (!row->fills)
		EXPECT(!memcmp(argument, given, row->size));
}

static void row_succeeded(void)
{
	if (row->undo)
		row->undo(argument);
	expect_unchanged(row->name, idle);
}

TEST_WITHIN(ioctls, 300)
{
	const struct sweep sweep = { .prepare = prepare_row, .call = call_row, .failed = row_failed,
				     .succeeded = row_succeeded };

	be_ready();
	open_world();
	for_each_call(call) {
		struct sweep mine = sweep;

		row = call;
		mine.name = call->name;
		idle = take_snapshot();
		EXPECT_GE(inject_sweep(&mine), 1);	/* at least the copy of its argument */
	}
	if (world.system < 0)
		ktap_say("no /dev/kvm: the calls about VMs were not tried");
}

static const struct call *row_of(unsigned int number)
{
	for_each_call(call)
		if (call->number == number)
			return call;
	return NULL;
}

/* A detached VM is not brought back by an attach that fails. */
static void prepare_hidden(void)
{
	struct queztl_vm_detach detach = { .size = sizeof(detach) };

	if (ioctl(world.vm, QUEZTL_VM_DETACH, &detach))
		EXPECT_EQ(errno, ENOENT);	/* still detached from last time */
	prepare_row();
}

static void attach_succeeded(void)
{
	struct queztl_vm_attach *attach = (void *)argument;

	EXPECT_EQ(attach->id, world.vm_id);
	close(attach->vm_fd);
	expect_unchanged("attach", idle);
}

TEST(attach_of_a_detached_vm)
{
	const struct sweep sweep = { .name = "QUEZTL_VM_ATTACH, detached", .prepare = prepare_hidden, .call = call_row,
				     .failed = row_failed, .succeeded = attach_succeeded };

	be_ready();
	open_world();
	row = row_of(QUEZTL_VM_ATTACH);
	if (!row)
		SKIP("no /dev/kvm");
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 3);
}

static int opened;

static int open_device(void)
{
	opened = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	return opened < 0 ? -errno : 0;
}

static void close_opened(void)
{
	close(opened);
	expect_unchanged("open", idle);
}

static void expect_idle(void)
{
	expect_unchanged("a failed call", idle);
}

TEST(open_of_the_device)
{
	const struct sweep sweep = { .name = "open", .call = open_device, .failed = expect_idle,
				     .succeeded = close_opened };

	be_ready();
	open_world();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 1);
}

/* ---- ports ---- */

#define SWEPT		"qtswept"
#define SWEPT_NUMBER	9

static struct member *pair[2];
static __u8 swept_mac[6];
static __u32 seed;

static const int netlink_errors[] = { ENOMEM, EFAULT, ENOBUFS, 0 };

static void make_pair(void)
{
	make_lan(pair, 2, NULL);
	frame_mac(swept_mac, SWEPT_NUMBER);
	ASSERT_EQ(vdpanl_open(), 0);
	world.device = queztl_fd();
}

static void expect_lan_works(void)
{
	seed += 2;
	expect_pair_works(pair[0], pair[1], seed);
}

/* A frame to it is dropped for want of such a port. */
static void expect_port_is_unknown(void)
{
	member_mark(pair[0]);
	ASSERT_EQ(send_to(pair[0], swept_mac, 100, 0, 0), 0);
	expect_drops(pair[0], QUEZTL_DROP_NO_PORT, 1, "a port that is not there");
}

static bool is_there(void)
{
	struct queztl_port_next port;

	return !port_find(SWEPT, &port);
}

static void remove_port(void)
{
	vdpanl_prepare_del(SWEPT);
	ASSERT_EQ(vdpanl_send(), 0);
	ASSERT_EQ(vdpanl_answer(), 0);
}

static void prepare_port_add(void)
{
	vdpanl_prepare_add(SWEPT, "qtlan", swept_mac);
}

static int port_add_result(int r)
{
	if (!r)
		r = vdpanl_answer();
	return r == -ENOBUFS && is_there() ? 0 : r;
}

static void port_not_added(void)
{
	EXPECT(!is_there());
	expect_unchanged("vdpa dev add", idle);
	expect_port_is_unknown();
	expect_lan_works();
}

static void port_added(void)
{
	EXPECT(is_there());
	remove_port();
	port_not_added();
}

TEST_WITHIN(port_add_by_netlink, 300)
{
	const struct sweep sweep = { .name = "vdpa dev add", .prepare = prepare_port_add, .call = vdpanl_send,
				     .result = port_add_result, .failed = port_not_added, .succeeded = port_added,
				     .errors = netlink_errors };

	be_ready();
	make_pair();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 10);
}

static void prepare_port_del(void)
{
	if (!is_there()) {
		prepare_port_add();
		ASSERT_EQ(vdpanl_send(), 0);
		ASSERT_EQ(vdpanl_answer(), 0);
	}
	ready = take_snapshot();
	vdpanl_prepare_del(SWEPT);
}

static int port_del_result(int r)
{
	if (!r)
		r = vdpanl_answer();
	return r == -ENOBUFS && !is_there() ? 0 : r;
}

static void port_not_deleted(void)
{
	EXPECT(is_there());
	expect_unchanged("vdpa dev del", ready);
	expect_lan_works();
}

TEST_WITHIN(port_del_by_netlink, 300)
{
	const struct sweep sweep = { .name = "vdpa dev del", .prepare = prepare_port_del, .call = vdpanl_send,
				     .result = port_del_result, .failed = port_not_deleted,
				     .succeeded = port_not_added, .errors = netlink_errors };

	be_ready();
	make_pair();
	idle = take_snapshot();
	EXPECT_GE(inject_sweep(&sweep), 3);
}

/* ---- vhost-vdpa ---- */

#ifndef VHOST_VDPA_RESUME	/* newer than Debian 12's headers */
#define VHOST_VDPA_RESUME _IO(VHOST_VIRTIO, 0x7E)
#endif

#define PAGE		4096
#define EXTRA		(4 * PAGE)
#define EXTRA_AT	0x6000000000ULL

/* A message to the IOTLB that cannot be copied is EINVAL to vhost. */
static const int vhost_errors[] = { ENOMEM, EFAULT, EINVAL, 0 };

static uint8_t *extra;		/* memory mapped beside a guest's own */

/*
 * A guest whose memory is no two pages in a row: its rings have to be mapped. It is touched before mlockall() is told to
 * touch what is new.
 */
static struct member *join_scattered(const char *fabric, int number)
{
	struct member *member;

	ASSERT_EQ(munlockall(), 0);
	member = join(fabric, number, 0);
	madvise(member->port.memory, member->port.size, MADV_NOHUGEPAGE);
	for (int odd = 0; odd < 2; odd++)
		for (uint32_t at = odd * PAGE; at < member->port.size; at += 2 * PAGE)
			member->port.memory[at] = 1;
	ASSERT_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	return member;
}

static void make_scattered_pair(void)
{
	make_fabric("qtlan");
	pair[0] = join("qtlan", 1, 0);
	pair[1] = join_scattered("qtlan", 2);
	extra = mmap(NULL, EXTRA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT(extra != MAP_FAILED);
	start(pair[0], NULL);
	world.device = queztl_fd();
}

static const struct swg_options whole = { .num = 1024 }, up_to_ready = { .num = 1024, .no_ready = true };

static void start_victim(void)
{
	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
	ASSERT_EQ(swg_start(&pair[1]->port, &whole), 0);
}

/* Whatever went wrong: after a reset it works. */
static void expect_victim_recovers(void)
{
	start_victim();
	expect_lan_works();
}

static void prepare_ready(void)
{
	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
	ASSERT_EQ(swg_start(&pair[1]->port, &up_to_ready), 0);
}

static int set_ready(void)
{
	return swg_set_status(&pair[1]->port, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Ready, and then it works; or the driver can see that it does not. */
static void check_ready(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET))
		expect_lan_works();
	expect_victim_recovers();
}

TEST_WITHIN(driver_ok, 300)
{
	const struct sweep sweep = { .name = "SET_STATUS, DRIVER_OK", .prepare = prepare_ready, .call = set_ready,
				     .failed = expect_victim_recovers, .succeeded = check_ready };

	be_ready();
	make_scattered_pair();
	EXPECT_GE(inject_sweep(&sweep), 4);	/* more than the copy: the rings were scattered */
}

static int map_extra(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_UPDATE, EXTRA_AT, extra, EXTRA, VHOST_ACCESS_RW);
}

static int unmap_extra(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_INVALIDATE, EXTRA_AT, NULL, EXTRA, 0);
}

/* Send a frame that lies in the extra memory; whether it arrives tells whether the device may touch that. */
static bool extra_is_reachable(void)
{
	struct vring_desc piece = { .addr = EXTRA_AT + 3 * PAGE, .len = SWG_HEADER + 100 };
	struct swg_ring *ring = &pair[1]->port.ring[SWG_TX];
	uint8_t frame[SWG_FRAME];

	memset(extra, 0, EXTRA);
	frame_make(extra + 3 * PAGE + SWG_HEADER, 100, pair[0]->mac, pair[1]->mac, seed);
	ASSERT_EQ(swg_post(&pair[1]->port, SWG_TX, &piece, 1, ring->free_slots[--ring->free_slot_count], false), 0);
	swg_kick(&pair[1]->port, SWG_TX);
	return swg_receive(&pair[0]->port, frame, sizeof(frame), SILENCE * ktap_factor()) > 0;
}

static void prepare_map(void)
{
	start_victim();
	unmap_extra();
}

static void map_failed(void)
{
	expect_lan_works();	/* what was mapped before is still there */
	EXPECT(!extra_is_reachable());
	expect_victim_recovers();
}

/* Rings are mapped anew with every map: without memory for that the driver is told. */
static void map_succeeded(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		expect_lan_works();
		EXPECT(extra_is_reachable());
	}
	EXPECT_EQ(unmap_extra(), 0);
	expect_victim_recovers();
}

TEST_WITHIN(map_of_memory, 300)
{
	const struct sweep sweep = { .name = "IOTLB_UPDATE", .prepare = prepare_map, .call = map_extra,
				     .failed = map_failed, .succeeded = map_succeeded, .errors = vhost_errors };

	be_ready();
	make_scattered_pair();
	EXPECT_GE(inject_sweep(&sweep), 5);
}

static void prepare_unmap(void)
{
	start_victim();
	unmap_extra();
	ASSERT_EQ(map_extra(), 0);
}

static void unmap_failed(void)
{
	EXPECT_EQ(unmap_extra(), 0);
	expect_victim_recovers();
}

/* vhost-vdpa does not look at what we say to an unmapping: once it has returned, the memory is the VMM's again. */
static void unmap_succeeded(void)
{
	if (!(swg_get_status(&pair[1]->port) & VIRTIO_CONFIG_S_NEEDS_RESET))
		expect_lan_works();
	EXPECT(!extra_is_reachable());
	expect_victim_recovers();
}

TEST_WITHIN(unmap_of_memory, 300)
{
	const struct sweep sweep = { .name = "IOTLB_INVALIDATE", .prepare = prepare_unmap, .call = unmap_extra,
				     .failed = unmap_failed, .succeeded = unmap_succeeded, .errors = vhost_errors };

	be_ready();
	make_scattered_pair();
	EXPECT_GE(inject_sweep(&sweep), 2);
}

static void prepare_batch(void)
{
	prepare_unmap();
	ASSERT_EQ(swg_iotlb(&pair[1]->port, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0), 0);
	ASSERT_EQ(unmap_extra(), 0);
}

static int end_batch(void)
{
	return swg_iotlb(&pair[1]->port, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0);
}

static void batch_failed(void)
{
	ASSERT_EQ(end_batch(), 0);
	expect_victim_recovers();
}

TEST_WITHIN(unmap_in_a_batch, 300)
{
	const struct sweep sweep = { .name = "IOTLB_BATCH_END", .prepare = prepare_batch, .call = end_batch,
				     .failed = batch_failed, .succeeded = unmap_succeeded, .errors = vhost_errors };

	be_ready();
	make_scattered_pair();
	EXPECT_GE(inject_sweep(&sweep), 2);
}

static int negotiate(void)
{
	return swg_negotiate(&pair[1]->port, F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM));
}

static int set_up_ring(void)
{
	return swg_setup_ring(&pair[1]->port, SWG_TX, 1024, 0);
}

static int enable_ring(void)
{
	return swg_enable(&pair[1]->port, SWG_TX, 1);
}

static int reset_victim(void)
{
	return swg_reset(&pair[1]->port);
}

static int suspend_victim(void)
{
	return ioctl(pair[1]->port.fd, VHOST_VDPA_SUSPEND) ? -errno : 0;
}

static int resume_victim(void)
{
	return ioctl(pair[1]->port.fd, VHOST_VDPA_RESUME) ? -errno : 0;
}

static int read_config(void)
{
	__u8 mac[6];

	return swg_get_config(&pair[1]->port, 0, mac, sizeof(mac));
}

static int read_base(void)
{
	int r = swg_get_base(&pair[1]->port, SWG_TX);

	return r < 0 ? r : 0;
}

static void prepare_victim(void)
{
	ASSERT_EQ(swg_reset(&pair[1]->port), 0);
}

static void prepare_negotiated(void)
{
	prepare_victim();
	ASSERT_EQ(negotiate(), 0);
}

static void prepare_disabled(void)
{
	start_victim();
	ASSERT_EQ(swg_enable(&pair[1]->port, SWG_TX, 0), 0);
}

static void prepare_suspended(void)
{
	start_victim();
	ASSERT_EQ(suspend_victim(), 0);
}

static const struct sweep driver_calls[] = {
	{ .name = "SET_STATUS and SET_FEATURES", .prepare = prepare_victim, .call = negotiate },
	{ .name = "SET_VRING_*", .prepare = prepare_negotiated, .call = set_up_ring },
	{ .name = "SET_VRING_ENABLE", .prepare = prepare_disabled, .call = enable_ring },
	{ .name = "reset", .prepare = start_victim, .call = reset_victim },
	{ .name = "SUSPEND", .prepare = start_victim, .call = suspend_victim },
	{ .name = "RESUME", .prepare = prepare_suspended, .call = resume_victim },
	{ .name = "GET_CONFIG", .prepare = start_victim, .call = read_config },
	{ .name = "GET_VRING_BASE", .prepare = start_victim, .call = read_base },
};

TEST_WITHIN(what_a_driver_calls, 300)
{
	be_ready();
	make_scattered_pair();
	for (size_t i = 0; i < sizeof(driver_calls) / sizeof(*driver_calls); i++) {
		struct sweep sweep = driver_calls[i];

		sweep.failed = sweep.succeeded = expect_victim_recovers;
		inject_sweep(&sweep);
	}
}

/* The run in the sender's own thread allocates nothing and copies from nobody's user space. */
static void prepare_frame(void)
{
	ASSERT_EQ(send_to(pair[1], pair[0]->mac, 100, ++seed, SWG_QUIET), 0);
}

static int kick(void)
{
	uint64_t one = 1;

	return write(pair[1]->port.ring[SWG_TX].kick, &one, sizeof(one)) < 0 ? -errno : 0;
}

static void kick_failed(void)
{
	ASSERT_EQ(kick(), 0);
	expect_arrives(pair[0], pair[0]->mac, pair[1], 100, seed);
}

static void kick_succeeded(void)
{
	expect_arrives(pair[0], pair[0]->mac, pair[1], 100, seed);
}

TEST(delivery)
{
	const struct sweep sweep = { .name = "kick", .prepare = prepare_frame, .call = kick, .failed = kick_failed,
				     .succeeded = kick_succeeded };

	be_ready();
	make_scattered_pair();
	start_victim();
	EXPECT_LE(inject_sweep(&sweep), 2);
}

/* ---- VMs ---- */

static __u32 count_vms(void)
{
	return take_snapshot().vms;
}

static void expect_vms(__u32 count, const char *why)
{
	double end = swg_now() + SOON / 1e3;

	while (count_vms() != count && swg_now() < end)
		usleep(1000);
	KTAP_CHECK(count_vms() == count, false, "%s: %u VMs are known, expected %u", why, count_vms(), count);
}

static int create_vm(void)
{
	opened = ioctl(world.system, KVM_CREATE_VM, 0);
	return opened < 0 ? -errno : 0;
}

static void vm_not_created(void)
{
	expect_vms(idle.vms, "a VM that was not created");
}

/* Announced or not: attaching works, and when it goes it is gone. */
static void vm_created(void)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach), .kvm_fd = opened };

	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	expect_vms(idle.vms + 1, "attached");
	close(opened);
	expect_vms(idle.vms, "destroyed");
	close(attach.vm_fd);
}

static void open_kvm(void)
{
	world.device = queztl_fd();
	world.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (world.system < 0)
		SKIP("no /dev/kvm");
	idle = take_snapshot();
}

static void expect_vms_are_seen(void)
{
	ASSERT_EQ(create_vm(), 0);
	expect_vms(idle.vms + 1, "a VM created later");
	close(opened);
	expect_vms(idle.vms, "a VM destroyed later");
}

TEST_WITHIN(vm_created_without_memory, 300)
{
	const struct sweep sweep = { .name = "KVM_CREATE_VM", .call = create_vm, .failed = vm_not_created,
				     .succeeded = vm_created };

	be_ready();
	open_kvm();
	EXPECT_GE(inject_sweep(&sweep), 10);
	expect_vms_are_seen();
}

static void prepare_vm(void)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach) };

	ASSERT_EQ(create_vm(), 0);
	attach.kvm_fd = opened;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	close(attach.vm_fd);
}

static int destroy_vm(void)
{
	return close(opened) ? -errno : 0;
}

/* KVM may have been unable to say so. Whatever it says next sets it right. */
static void vm_destroyed(void)
{
	struct queztl_vm_attach attach = { .size = sizeof(attach) };

	ASSERT_EQ(create_vm(), 0);
	attach.kvm_fd = opened;
	ASSERT_EQ(ioctl(world.device, QUEZTL_VM_ATTACH, &attach), 0);
	expect_vms(idle.vms + 1, "one destroyed, one created");
	close(attach.vm_fd);
	close(opened);
	expect_vms(idle.vms, "destroyed");
}

TEST_WITHIN(vm_destroyed_without_memory, 300)
{
	const struct sweep sweep = { .name = "close of a VM", .prepare = prepare_vm, .call = destroy_vm,
				     .succeeded = vm_destroyed };

	be_ready();
	open_kvm();
	EXPECT_GE(inject_sweep(&sweep), 1);
	expect_vms_are_seen();
}

/* ---- the module ---- */

static const char *ko;
static int ko_file = -1;

static int load_module(void)
{
	return syscall(SYS_finit_module, ko_file, "", 0) ? -errno : 0;
}

static int unload_module(void)
{
	double end = swg_now() + SOON / 1e3;
	int r;

	do {
		r = syscall(SYS_delete_module, "queztl", O_NONBLOCK) ? -errno : 0;
	} while (r == -EAGAIN && swg_now() < end && !usleep(1000));
	return r;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void expect_nothing_left(void)
{
	static const char *const paths[] = { "/dev/queztl", "/sys/module/queztl", "/sys/class/misc/queztl",
					     "/sys/bus/queztl" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		KTAP_CHECK(!exists(paths[i]), false, "%s is left", paths[i]);
}

/* The device's node is made by another thread; the driver core goes on without one, and without its uevent. */
static void module_loaded(void)
{
	struct queztl_info info = { .size = sizeof(info) };
	int fd = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);

	EXPECT(exists("/sys/class/misc/queztl"));
	if (fd >= 0) {
		EXPECT_EQ(ioctl(fd, QUEZTL_GET_INFO, &info), 0);
		close(fd);
	}
	ASSERT_EQ(unload_module(), 0);
	expect_nothing_left();
}

/* Under lockdep bus_register() warns without patches/0003. */
TEST_WITHIN(module_loaded_without_memory, 900)
{
	/* A socket without memory for its inode is ENFILE. */
	static const int errors[] = { ENOMEM, EFAULT, ENOBUFS, ENFILE, 0 };
	const struct sweep sweep = { .name = "finit_module", .call = load_module, .failed = expect_nothing_left,
				     .succeeded = module_loaded, .errors = errors, .limit = 20000 };

	be_ready();
	ko = getenv("QZ_USER_KO");
	ko_file = ko ? open(ko, O_RDONLY | O_CLOEXEC) : -1;
	if (ko_file < 0)
		SKIP("QZ_USER_KO names no module");
	/* The loader's own part is not ours, and its trace events warn about a lack of memory. */
	if (!inject_within("do_init_module"))
		SKIP("the kernel has no filter of callers");
	ASSERT_EQ(unload_module(), 0);
	EXPECT_GE(inject_sweep(&sweep), 20);
	EXPECT(inject_within(NULL));
}

/* The module is loaded for whoever comes next, and nobody here holds it. */
static void tidy_up(void)
{
	inject_within(NULL);
	if (!exists(QUEZTL_DEVICE) && ko) {
		unload_module();
		load_module();
	}
	fabric_sweep();
	queztl_close();
}

int main(int argc, char **argv)
{
	ko = getenv("QZ_USER_KO");
	ko_file = ko ? open(ko, O_RDONLY | O_CLOEXEC) : -1;
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	tidy_up();
	return ktap_run(argc, argv, tidy_up);
}

// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fake.h"
#include "fake_channel.h"
#include "fake_policy.h"

#define DESCRIPTORS	64
#define DEVICE		UINT64_MAX

struct fake fake;

/* The kind of a descriptor: DEVICE, the id of a VM, or 0. */
static uint64_t kind[DESCRIPTORS];

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_ioctl(int fd, unsigned long request, ...);
struct dirent *__real_readdir(DIR *directory);
ssize_t __real_readlinkat(int directory, const char *path, char *buffer,
			  size_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
struct dirent *__wrap_readdir(DIR *directory);
ssize_t __wrap_readlinkat(int directory, const char *path, char *buffer,
			  size_t size);

static int new_descriptor(uint64_t what)
{
	int fd = __real_open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_in_range(fd, 0, DESCRIPTORS - 1);
	kind[fd] = what;
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (fake.on_open)
		fake.on_open(path);
	if (strcmp(path, QUEZTL_DEVICE))
		return __real_open(path, flags, 0);
	assert_true(flags & O_CLOEXEC);
	if (fake.on_device)
		fake.on_device();
	if (fake.open_error) {
		errno = fake.open_error;
		return -1;
	}
	return new_descriptor(DEVICE);
}

int __wrap_close(int fd)
{
	if (fd >= 0 && fd < DESCRIPTORS)
		kind[fd] = 0;
	return __real_close(fd);
}

struct dirent *__wrap_readdir(DIR *directory)
{
	struct dirent *entry;

	do {
		entry = __real_readdir(directory);
	} while (entry && fake.hidden_entry &&
		 !strcmp(entry->d_name, fake.hidden_entry));
	return entry;
}

ssize_t __wrap_readlinkat(int directory, const char *path, char *buffer,
			  size_t size)
{
	static const char link[] = "anon_inode:kvm-vm";

	if (fake.kvm_fd < 0 || atoi(path) != fake.kvm_fd)
		return __real_readlinkat(directory, path, buffer, size);
	assert_true(size >= sizeof(link) - 1);
	memcpy(buffer, link, sizeof(link) - 1);
	return sizeof(link) - 1;
}

static struct fake_vm *find_fake_vm(uint64_t id)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (id && fake.vms[i].info.id == id)
			return &fake.vms[i];
	return NULL;
}

static int vm_next(struct queztl_vm_next_args *arg)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.vms[i].info.id > arg->id && !fake.vms[i].detached) {
			arg->id = fake.vms[i].info.id;
			return 0;
		}
	return -ENOENT;
}

static int vm_attach(struct queztl_vm_attach_args *arg)
{
	struct fake_vm *vm = find_fake_vm(fake.kvm_vm);

	if (fcntl(arg->kvm_fd, F_GETFD) < 0)
		return -EBADF;
	if (!vm)
		return -EINVAL;
	vm->detached = false;
	arg->id = vm->info.id;
	arg->vm_fd = new_descriptor(arg->id);
	return 0;
}

static int vm_open(struct queztl_vm_open_args *arg)
{
	struct fake_vm *vm = find_fake_vm(arg->id);

	if (arg->reserved)
		return -EINVAL;
	if (!vm || vm->detached)
		return -ENOENT;
	if (vm->foreign)
		return -EPERM;
	arg->vm_fd = new_descriptor(arg->id);
	return 0;
}

static int vm_info(struct fake_vm *vm, struct queztl_vm *arg)
{
	if (arg->reserved)
		return -EINVAL;
	*arg = vm->info;
	return 0;
}

static int vm_vcpu(struct fake_vm *vm, struct queztl_vcpu *arg)
{
	if (arg->index >= vm->info.vcpus)
		return -ENOENT;
	arg->tid = arg->index ? 0 : 4242;
	return 0;
}

static int vm_stats(struct fake_vm *vm, struct queztl_vm_stats *arg)
{
	*arg = vm->stats;
	vm->stats.exits += vm->exits_step;
	return 0;
}

static int vm_call(struct fake_vm *vm, unsigned long request, void *arg)
{
	if (!vm || vm->detached)
		return -ENOENT;
	switch (request) {
	case QUEZTL_VM_INFO:
		return vm_info(vm, arg);
	case QUEZTL_VM_VCPU:
		return vm_vcpu(vm, arg);
	case QUEZTL_VM_STATS:
		return vm_stats(vm, arg);
	case QUEZTL_VM_DETACH:
		vm->detached = true;
		return 0;
	}
	return -ENOTTY;
}

static int fabric_add(struct queztl_fabric_add_args *arg)
{
	static uint64_t ids = 100;

	if (!memchr(arg->name, '\0', sizeof(arg->name)) ||
	    strspn(arg->name, "-_.") || !arg->name[0])
		return -EINVAL;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (!strcmp(fake.fabrics[i].name, arg->name))
			return -EEXIST;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (!fake.fabrics[i].id) {
			arg->id = fake.fabrics[i].id = ++ids;
			strcpy(fake.fabrics[i].name, arg->name);
			return 0;
		}
	return -ENOSPC;
}

static int fabric_del(struct queztl_fabric_del_args *arg)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.fabrics[i].id == arg->id) {
			if (fake.fabrics[i].ports)
				return -EBUSY;
			memset(&fake.fabrics[i], 0, sizeof(fake.fabrics[i]));
			return 0;
		}
	return -ENOENT;
}

static int fabric_next(struct queztl_fabric *arg)
{
	if (fake.version_1 && arg->mode)
		return -EINVAL;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.fabrics[i].id > arg->id) {
			*arg = fake.fabrics[i];
			return 0;
		}
	return -ENOENT;
}

static int port_next(struct queztl_port *arg)
{
	if (arg->reserved[0] || arg->reserved[1])
		return -EINVAL;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.ports[i].port.id > arg->id) {
			*arg = fake.ports[i].port;
			return 0;
		}
	return -ENOENT;
}

static int port_stats(struct queztl_port_stats *arg)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.ports[i].port.id == arg->id) {
			*arg = fake.ports[i].stats;
			fake.ports[i].stats.tx_packets +=
				fake.ports[i].packets_step;
			fake.ports[i].stats.tx_paced +=
				fake.ports[i].paced_step;
			return 0;
		}
	return -ENOENT;
}

static int vm_sched_get(struct queztl_vm_sched *arg)
{
	struct fake_vm *vm = find_fake_vm(arg->id);

	if (!vm || vm->detached)
		return -ENOENT;
	*arg = vm->sched;
	return 0;
}

static int sched_call(unsigned long request, void *arg)
{
	if (!(fake.info.features & QUEZTL_F_SCHED))
		return -EOPNOTSUPP;
	if (request == QUEZTL_VM_SCHED_GET)
		return vm_sched_get(arg);
	*(struct queztl_sched *)arg = fake.sched;
	return 0;
}

static int device_call(unsigned long request, void *arg)
{
	switch (request) {
	case QUEZTL_GET_INFO:
		*(struct queztl_info *)arg = fake.info;
		return 0;
	case QUEZTL_VM_NEXT:
		return vm_next(arg);
	case QUEZTL_VM_ATTACH:
		return vm_attach(arg);
	case QUEZTL_VM_OPEN:
		return vm_open(arg);
	case QUEZTL_FABRIC_ADD:
		return fabric_add(arg);
	case QUEZTL_FABRIC_DEL:
		return fabric_del(arg);
	case QUEZTL_FABRIC_NEXT:
		return fabric_next(arg);
	case QUEZTL_PORT_NEXT:
		return port_next(arg);
	case QUEZTL_PORT_STATS:
		return port_stats(arg);
	case QUEZTL_SCHED_INFO:
	case QUEZTL_VM_SCHED_GET:
		return sched_call(request, arg);
	}
	return size_of_policy_argument(request) ? policy_call(request, arg) :
		channel_call(request, arg);
}

static uint32_t size_of_argument(unsigned long request)
{
	switch (request) {
	case QUEZTL_GET_INFO:		return 128;
	case QUEZTL_VM_NEXT:		return 16;
	case QUEZTL_VM_ATTACH:		return 24;
	case QUEZTL_VM_OPEN:		return 24;
	case QUEZTL_VM_INFO:		return 56;
	case QUEZTL_VM_VCPU:		return 16;
	case QUEZTL_VM_STATS:		return 64;
	case QUEZTL_VM_DETACH:		return 8;
	case QUEZTL_FABRIC_ADD:		return 48;
	case QUEZTL_FABRIC_DEL:		return 16;
	case QUEZTL_FABRIC_NEXT:	return 56;
	case QUEZTL_PORT_NEXT:		return 80;
	case QUEZTL_PORT_STATS:		return 240;
	case QUEZTL_SCHED_INFO:		return 232;
	case QUEZTL_VM_SCHED_GET:	return 432;
	}
	if (fake.version_1)
		return 0;
	return size_of_policy_argument(request) ?
		size_of_policy_argument(request) :
		size_of_channel_argument(request);
}

/* On failure nothing is written, as the header documents. */
static int call_kernel(int fd, unsigned long request, void *arg)
{
	char copy[1024];
	uint32_t size = *(uint32_t *)arg, known;
	int ret;

	if (fake.call_error && (!fake.failing || fake.failing == request)) {
		ret = -fake.call_error;
		if (fake.fails_once)
			fake.call_error = 0;
		return ret;
	}
	if (!size_of_argument(request))
		return -ENOTTY;
	known = request == QUEZTL_PORT_STATS && fake.stats_bytes ?
		fake.stats_bytes : size_of_argument(request);
	if (size < known)
		return -EINVAL;
	for (uint32_t i = known; i < size; i++)
		if (((char *)arg)[i])
			return -E2BIG;
	memcpy(copy, arg, known);
	if (((uint32_t *)copy)[1])
		return -EINVAL;
	if (find_fake_window(fd) >= 0)
		ret = window_call(find_fake_window(fd), request, copy);
	else if (kind[fd] == DEVICE)
		ret = device_call(request, copy);
	else
		ret = vm_call(find_fake_vm(kind[fd]), request, copy);
	if (ret)
		return ret;
	memcpy(copy, &size, sizeof(size));
	memcpy(arg, copy, known);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd >= DESCRIPTORS ||
	    (!kind[fd] && find_fake_window(fd) < 0))
		return __real_ioctl(fd, request, arg);
	ret = call_kernel(fd, request, arg);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(kind, 0, sizeof(kind));
	fake.kvm_fd = -1;
	fake.link_bit = QUEZTL_PORT_LINK_DOWN;
	fake.info = (struct queztl_info){
		.size = sizeof(fake.info), .abi_version = QUEZTL_ABI_VERSION,
		.features = QUEZTL_F_FABRIC | QUEZTL_F_DIRECT |
			    QUEZTL_F_POLICY,
		.module = "0.1.0", .kernel = "6.12.117-test",
	};
}

static void populate_vms(void)
{
	fake.vms[0].info = (struct queztl_vm){
		.id = 3, .pid = 0, .uid = 0, .vcpus = 2, .seen_ns = 1000,
		.comm = "qemu-system-x86" };
	fake.vms[0].stats = (struct queztl_vm_stats){
		.exits = 1234567, .halt_exits = 77, .signal_exits = 1 };
	fake.vms[1].info = (struct queztl_vm){
		.id = 7, .pid = getpid(), .uid = 4294967294, .vcpus = 1,
		.seen_ns = 2000, .comm = "odd\033[31mname" };
}

static void populate_ports(void)
{
	fake.fabrics[0] = (struct queztl_fabric){
		.id = 1, .ports = 2, .name = "blue" };
	fake.fabrics[1] = (struct queztl_fabric){
		.id = 5, .ports = 0, .name = "green" };
	fake.ports[0].port = (struct queztl_port){
		.id = 10, .fabric_id = 1, .name = "web0",
		.mac = { 0x52, 0x54, 0, 0, 0, 1 }, .mtu = 1500,
		.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_UP,
		.pid = getpid(), .max_vqp = 1 };
	fake.ports[0].stats = (struct queztl_port_stats){
		.id = 10, .tx_packets = 1000, .tx_bytes = 64000,
		.rx_packets = 999, .rx_bytes = 63936, .kicks = 500,
		.direct_runs = 97, .worker_runs = 3, .tx_paced = 21,
		.tx_waited = 12 };
	fake.ports[0].stats.drops[QUEZTL_DROP_NO_PORT] = 3;
	fake.ports[0].stats.drops[15] = 2;
	fake.ports[1].port = (struct queztl_port){
		.id = 11, .fabric_id = 1, .mtu = 9000,
		.name = "a-port-with-a-very-long-name-01", .max_vqp = 4,
		.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_BROKEN };
}

void fake_populate(void)
{
	fake_reset();
	populate_vms();
	populate_ports();
	fake.info.vms = 2;
	fake.info.fabrics = 2;
}

unsigned int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

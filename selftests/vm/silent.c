// SPDX-License-Identifier: GPL-2.0
/*
 * silent map|exec: a VMM that keeps whoever reads its /proc files waiting for ever, as an ordinary user can write one. It
 * has a KVM VM, and memory of a file whose file system (FUSE, in a user namespace) is the second process of this program.
 *	map	a page fault that is never answered holds the lock of the memory map, and mmap() waits for it in
 *		another thread: cmdline and smaps_rollup wait behind that one.
 *	exec	execve() removes the old memory while it holds exec_update_lock, and a dirty page of the file, or before
 *		Linux 6.16 the time of its change, is never written: stat and the links in fd wait for that lock.
 * Prints its process ID and that of the file system when nobody is answered any more. The end of the latter ends all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096
#define FILE_ID	2

static bool execs;
static int asked[2];		/* a byte, when the request came that is never answered */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void answer(int fuse, uint64_t unique, int error, const void *data, size_t size)
{
	char buffer[sizeof(struct fuse_out_header) + PAGE];
	struct fuse_out_header header = { .len = sizeof(header) + size, .error = error, .unique = unique };

	memcpy(buffer, &header, sizeof(header));
	if (size)
		memcpy(buffer + sizeof(header), data, size);
	if (write(fuse, buffer, header.len) < 0 && errno != ENOENT)
		die("answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .mode = node == FILE_ID ? S_IFREG | 0600 : S_IFDIR | 0700, .nlink = 1, .size = PAGE, .blksize = PAGE,
	};
}

static void be_silent(void)
{
	if (write(asked[1], "", 1) != 1)
		die("tell");
}

/*
 * A fault is tried again if it had to wait, and holds the lock of the map only in its second try. The file system makes it
 * try twice by an error.
 */
static void read_page(int fuse, uint64_t unique)
{
	static const char zeros[PAGE];
	static int reads;

	if (execs)
		answer(fuse, unique, 0, zeros, sizeof(zeros));
	else if (!reads++)
		answer(fuse, unique, -EIO, NULL, 0);
	else
		be_silent();
}

static void serve_request(int fuse, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = PAGE, .max_background = 16, .congestion_threshold = 12,
		.flags = FUSE_WRITEBACK_CACHE,	/* then the kernel keeps the time of a change, too, and writes it */
	};
	struct fuse_attr_out attr = { .attr_valid = 1000, .attr = attributes(in->nodeid) };
	struct fuse_entry_out entry = {
		.nodeid = FILE_ID, .entry_valid = 1000, .attr_valid = 1000, .attr = attributes(FILE_ID),
	};
	struct fuse_open_out opened = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fuse, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(fuse, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(fuse, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(fuse, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_page(fuse, in->unique);
		break;
	case FUSE_WRITE:
	case FUSE_SETATTR:
		be_silent();
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fuse, in->unique, -ENOSYS, NULL, 0);
	}
}

static _Noreturn void serve(int fuse)
{
	static char buffer[FUSE_MIN_READ_BUFFER + PAGE];

	prctl(PR_SET_NAME, "silent-fs");
	while (read(fuse, buffer, sizeof(buffer)) > 0 || errno == EINTR)
		serve_request(fuse, (struct fuse_in_header *)buffer);
	_exit(0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void enter_namespaces(void)
{
	char map[64];
	unsigned int uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		die("unshare");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

/* Returns the process of the file system, which nobody else can be. */
static pid_t mount_silent(const char *where)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	pid_t server;

	if (fuse < 0)
		die("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("silent", where, "fuse", MS_NOSUID | MS_NODEV, options))
		die("mount");
	server = fork();
	if (server < 0)
		die("fork");
	if (!server)
		serve(fuse);
	close(fuse);
	return server;
}

static void make_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0)
		die("/dev/kvm");
	fcntl(vm, F_SETFD, 0);	/* execve() keeps it */
}

static char *map_file(const char *where)
{
	char path[256], *memory;
	int fd;

	snprintf(path, sizeof(path), "%s/file", where);
	fd = open(path, O_RDWR);	/* to close it would write the page, before execve() locks anything */
	if (fd < 0)
		die(path);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	madvise(memory, PAGE, MADV_RANDOM);	/* nothing is read ahead */
	return memory;
}

static void *touch(void *memory)
{
	return (void *)(long)*(volatile char *)memory;
}

static void *change_map(void *unused)
{
	(void)unused;
	return mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void wait_for_silence(void)
{
	char byte;

	if (read(asked[0], &byte, 1) != 1)
		die("file system");
}

static void hold_map(char *memory)
{
	static char stacks[2][1 << 16] __attribute__((aligned(PAGE)));
	pthread_attr_t attr;
	pthread_t thread;

	memset(stacks, 0, sizeof(stacks));
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stacks[0], sizeof(stacks[0]));
	if (pthread_create(&thread, &attr, touch, memory))
		die("thread");
	wait_for_silence();
	pthread_attr_setstack(&attr, stacks[1], sizeof(stacks[1]));
	if (pthread_create(&thread, &attr, change_map, NULL))
		die("thread");
}

int main(int argc, char **argv)
{
	const char *where = argc == 3 ? argv[2] : NULL;
	pid_t server;
	char *memory;

	execs = where && !strcmp(argv[1], "exec");
	if (!where || (!execs && strcmp(argv[1], "map"))) {
		fprintf(stderr, "usage: silent map|exec EMPTY_DIRECTORY\n");
		return 2;
	}
	enter_namespaces();
	if (pipe2(asked, O_CLOEXEC))
		die("pipe");
	server = mount_silent(where);
	make_vm();
	memory = map_file(where);
	printf("%d %d\n", getpid(), server);
	fflush(stdout);
	if (execs) {
		*memory = 1;
		execl("/bin/sleep", "silent", "infinity", NULL);
		die("execl");
	}
	hold_map(memory);
	for (;;)
		pause();
}

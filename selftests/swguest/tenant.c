// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "tenant.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#define LEFT_BEHIND 32

static pid_t left_behind[LEFT_BEHIND];
static int left_count;

void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(memory != MAP_FAILED);
	return memory;
}

/* For a tenant to be ready: on a debug kernel 10000 waiters take a while. */
void await(const volatile int *flag)
{
	double end = swg_now() + 60;

	while (!*flag && swg_now() < end)
		usleep(1000);
	ASSERT(*flag);
}

void await_order(volatile int *order)
{
	while (!*order)
		usleep(1000);
	*order = 0;
}

pid_t fork_tenant(void (*run)(void))
{
	pid_t parent = getpid(), child;

	fflush(stdout);
	child = fork();
	ASSERT_GE(child, 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		run();
	_exit(0);
}

static char read_state(const char *path)
{
	char line[512] = "", *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return '-';
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = 0;
	close(fd);
	end = strrchr(line, ')');
	return end ? end[2] : '-';
}

char state_of(pid_t process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	return read_state(path);
}

static bool every_thread_stopped(pid_t process)
{
	bool stopped = true;
	struct dirent *task;
	char path[300];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	tasks = opendir(path);
	if (!tasks)
		return false;
	while ((task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", process, task->d_name);
		if (task->d_name[0] != '.' && !strchr("T-", read_state(path)))
			stopped = false;
	}
	closedir(tasks);
	return stopped;
}

void stop_tenant(pid_t tenant)
{
	double end = swg_now() + SOON / 1e3;
	bool stopped;

	ASSERT_EQ(kill(tenant, SIGSTOP), 0);
	while (!(stopped = every_thread_stopped(tenant)) && swg_now() < end)
		usleep(1000);
	ASSERT(stopped);
}

void resume_tenant(pid_t tenant)
{
	ASSERT_EQ(kill(tenant, SIGCONT), 0);
}

int wait_gone(pid_t process, int ms)
{
	double end = swg_now() + ms / 1e3;

	while (waitpid(process, NULL, WNOHANG) == 0) {
		if (swg_now() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

int kill_tenant(pid_t tenant)
{
	kill(tenant, SIGKILL);
	return wait_gone(tenant, SOON);
}

int call_within(int ms, int (*call)(void))
{
	volatile int *result = share(sizeof(*result));
	pid_t child;
	int r;

	fflush(stdout);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		queztl_close();		/* nobody else's call goes by this descriptor */
		*result = call();
		_exit(0);
	}
	if (!wait_gone(child, ms)) {
		r = *result;
		munmap((void *)result, sizeof(*result));
		return r;
	}
	kill(child, SIGKILL);
	ASSERT(left_count < LEFT_BEHIND);
	left_behind[left_count++] = child;
	return -ETIMEDOUT;
}

int wait_left_behind(int ms)
{
	double end = swg_now() + ms / 1e3;

	for (; left_count; left_count--)
		if (wait_gone(left_behind[left_count - 1], swg_now() < end ? (int)((end - swg_now()) * 1e3) : 0))
			return -ETIMEDOUT;
	return 0;
}

static int sweep(void)
{
	fabric_sweep();
	return 0;
}

int sweep_within(int ms)
{
	return call_within(ms, sweep);
}

/* ---- deletion ---- */

static const char *to_delete;

static void run_deletion(void)
{
	for (int fd = 3; fd < 1024; fd++)	/* not the port that is to be deleted */
		close(fd);
	_exit(port_del(to_delete) ? 1 : 0);
}

struct deletion delete_port(struct member *member)
{
	struct deletion deletion = { 0 };
	double begun = swg_now();
	struct queztl_port found;

	to_delete = member->name;
	deletion.command = fork_tenant(run_deletion);
	deletion.returned = !wait_gone(deletion.command, SOON);
	deletion.seconds = swg_now() - begun;
	/* One that somebody has open is listed, so that it can be seen who. */
	if (!port_find(member->name, &found))
		EXPECT_EQ(found.state & (QUEZTL_PORT_DELETED | QUEZTL_PORT_UP), QUEZTL_PORT_DELETED);
	return deletion;
}

void end_deletion(struct deletion *deletion)
{
	if (!deletion->returned)
		EXPECT_EQ(wait_gone(deletion->command, SOON), 0);
}

/* ---- rings ---- */

void set_up(struct swg *port, uint64_t features, int num, const uint16_t *first)
{
	int rings = features & F(VIRTIO_NET_F_CTRL_VQ) ? SWG_RINGS : SWG_CTRL;

	ASSERT_EQ(swg_negotiate(port, features | F(VIRTIO_F_VERSION_1) | F(VIRTIO_F_ACCESS_PLATFORM)), 0);
	port->slot = 2048;
	for (int i = 0; i < rings; i++)
		ASSERT_EQ(swg_setup_ring(port, i, num, first ? first[i] : 0), 0);
	swg_ask_none(port, SWG_TX);
	swg_ask(port, SWG_RX, 1);
}

void bring_up(struct swg *port)
{
	int rings = port->features & F(VIRTIO_NET_F_CTRL_VQ) ? SWG_RINGS : SWG_CTRL;

	for (int i = 0; i < rings; i++)
		ASSERT_EQ(swg_enable(port, i, 1), 0);
	ASSERT_EQ(swg_map_all(port, true), 0);
	ASSERT_EQ(swg_set_status(port, swg_get_status(port) | VIRTIO_CONFIG_S_DRIVER_OK), 0);
}

void set_addresses(struct swg *port, int ring, uint64_t desc, uint64_t avail, uint64_t used)
{
	struct vhost_vring_addr address = { .index = ring, .desc_user_addr = desc, .avail_user_addr = avail,
					    .used_user_addr = used };

	ASSERT_EQ(ioctl(port->fd, VHOST_SET_VRING_ADDR, &address), 0);
}

void set_call(struct swg *port, int ring, int eventfd)
{
	struct vhost_vring_file file = { ring, eventfd };

	ASSERT_EQ(ioctl(port->fd, VHOST_SET_VRING_CALL, &file), 0);
}

void set_kick(struct swg *port, int ring, int eventfd)
{
	struct vhost_vring_file file = { ring, eventfd };

	ASSERT_EQ(ioctl(port->fd, VHOST_SET_VRING_KICK, &file), 0);
}

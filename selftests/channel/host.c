// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "host.h"
#include "fabric.h"
#include "ktap.h"

#include <sys/ioctl.h>

static int call(int fd, unsigned int number, void *argument)
{
	return ioctl(fd, number, argument) ? -errno : 0;
}

#define NAME(to, from) snprintf(to, sizeof(to), "%s", from)

int window_create(const char *name, __u32 slots, __u32 region, int *fd)
{
	struct queztl_window_create_args create = { .size = sizeof(create), .slots = slots, .region = region };
	int r;

	NAME(create.name, name);
	r = call(queztl_fd(), QUEZTL_WINDOW_CREATE, &create);
	*fd = r ? -1 : create.fd;
	return r;
}

int window_find(const char *name, struct queztl_window *found)
{
	*found = (struct queztl_window){ .size = sizeof(*found) };
	while (!call(queztl_fd(), QUEZTL_WINDOW_NEXT, found))
		if (!strcmp(found->name, name))
			return 0;
	return -ENOENT;
}

int window_events(int fd, struct queztl_events *events)
{
	*events = (struct queztl_events){ .size = sizeof(*events) };
	return call(fd, QUEZTL_WINDOW_EVENTS, events);
}

int window_bell(int fd, __u32 slot, int kick, int call_fd)
{
	struct queztl_window_bell_args bell = { .size = sizeof(bell), .slot = slot, .kick = kick, .call = call_fd };

	return call(fd, QUEZTL_WINDOW_BELL, &bell);
}

void window_map(struct window *window)
{
	window->bytes = lseek(window->fd, 0, SEEK_END);
	window->at = mmap(NULL, window->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, window->fd, 0);
	ASSERT(window->at != MAP_FAILED);
}

struct window window_open(const char *name, __u32 slots)
{
	struct window window;

	ASSERT_EQ(window_create(name, slots, REGION, &window.fd), 0);
	window_map(&window);
	return window;
}

void window_close(struct window *window)
{
	ASSERT_EQ(munmap(window->at, window->bytes), 0);
	close(window->fd);
}

static int call_rule(unsigned int number, const char *name, const char *listener, const char *connecter)
{
	struct queztl_channel_rule rule = { .size = sizeof(rule) };

	NAME(rule.name, name);
	NAME(rule.listener, listener);
	NAME(rule.connecter, connecter);
	return call(queztl_fd(), number, &rule);
}

int channel_allow(const char *name, const char *listener, const char *connecter)
{
	return call_rule(QUEZTL_CHANNEL_ALLOW, name, listener, connecter);
}

int channel_deny(const char *name, const char *listener, const char *connecter)
{
	return call_rule(QUEZTL_CHANNEL_DENY, name, listener, connecter);
}

int channel_find(const char *name, struct queztl_channel *found)
{
	*found = (struct queztl_channel){ .size = sizeof(*found) };
	while (!call(queztl_fd(), QUEZTL_CHANNEL_NEXT, found))
		if (!strcmp(found->name, name))
			return 0;
	return -ENOENT;
}

int channel_revoke(const char *name)
{
	struct queztl_channel_revoke_args revoke = { .size = sizeof(revoke) };
	struct queztl_channel found;
	int r = channel_find(name, &found);

	revoke.id = found.id;
	return r ? r : call(queztl_fd(), QUEZTL_CHANNEL_REVOKE, &revoke);
}

int channel_listen(int fd, const char *name, __u32 bytes)
{
	struct queztl_channel_listen_args listen = { .size = sizeof(listen), .bytes = bytes };
	int r;

	NAME(listen.name, name);
	r = call(fd, QUEZTL_CHANNEL_LISTEN, &listen);
	return r ? r : (int)listen.slot;
}

int channel_connect(int fd, const char *name)
{
	struct queztl_channel_connect_args connect = { .size = sizeof(connect) };
	int r;

	NAME(connect.name, name);
	r = call(fd, QUEZTL_CHANNEL_CONNECT, &connect);
	return r ? r : (int)connect.slot;
}

static int call_slot(int fd, unsigned int number, int slot)
{
	struct queztl_channel_slot argument = { .size = sizeof(argument), .slot = slot };

	return call(fd, number, &argument);
}

int channel_close(int fd, int slot)
{
	return call_slot(fd, QUEZTL_CHANNEL_CLOSE, slot);
}

int channel_ring(int fd, int slot)
{
	return call_slot(fd, QUEZTL_CHANNEL_RING, slot);
}

void join_windows(struct window *a, struct window *b)
{
	*a = window_open("qta", 2);
	*b = window_open("qtb", 2);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(channel_listen(a->fd, "qtc", 0), 0);
	ASSERT_EQ(channel_connect(b->fd, "qtc"), 0);
}

const struct qhp_directory *directory_of(const struct window *window)
{
	return (const struct qhp_directory *)window->at;
}

char *own_of(const struct window *window, int slot)
{
	const struct qhp_directory *directory = directory_of(window);

	return window->at + directory->first + 2 * (size_t)slot * directory->region;
}

char *peer_of(const struct window *window, int slot)
{
	return own_of(window, slot) + directory_of(window)->region;
}

struct qhp_ends ends_of(const struct window *window, int slot)
{
	return (struct qhp_ends){ (struct qhp_region *)own_of(window, slot),
				  (const struct qhp_region *)peer_of(window, slot),
				  directory_of(window)->slot[slot].bytes };
}

__u32 slot_state(const struct window *window, int slot)
{
	return qhp_load_acquire(&directory_of(window)->slot[slot].state);
}

bool is_filled(const char *at, char byte, size_t bytes)
{
	const volatile char *now = at;

	for (size_t i = 0; i < bytes; i++)
		if (now[i] != byte)
			return false;
	return true;
}

struct channel_counts channel_counts_now(void)
{
	struct queztl_window window = { .size = sizeof(window) };
	struct queztl_channel_rule rule = { .size = sizeof(rule) };
	struct queztl_channel channel = { .size = sizeof(channel) };
	struct channel_counts now = { 0 };

	while (!call(queztl_fd(), QUEZTL_WINDOW_NEXT, &window)) {
		now.windows++;
		now.slots += window.used;
		now.memory += window.memory;
	}
	while (!call(queztl_fd(), QUEZTL_CHANNEL_RULE_NEXT, &rule))
		now.rules++;
	while (!call(queztl_fd(), QUEZTL_CHANNEL_NEXT, &channel))
		now.channels++;
	return now;
}

void channel_sweep(void)
{
	struct queztl_channel_rule rule = { .size = sizeof(rule) };

	while (!call(queztl_fd(), QUEZTL_CHANNEL_RULE_NEXT, &rule))
		if (!strncmp(rule.name, FABRIC_PREFIX, strlen(FABRIC_PREFIX)))
			call(queztl_fd(), QUEZTL_CHANNEL_DENY, &rule);
}

long long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long long n = -1;

	if (file && fscanf(file, "%lld", &n) != 1)
		n = -1;
	if (file)
		fclose(file);
	return n;
}

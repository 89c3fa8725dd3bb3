// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_channel.h"

#define MAILBOX	QHP_UNIT

struct fake_window fake_windows[FAKE_ROOM];
struct queztl_channel_rule fake_rules[FAKE_ROOM];

void *__real_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t bytes);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t bytes);

int find_fake_window(int fd)
{
	struct stat file, window;

	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake_windows[i].info.id && !fstat(fd, &file) &&
		    !fstat(fake_windows[i].file, &window) &&
		    file.st_dev == window.st_dev &&
		    file.st_ino == window.st_ino)
			return i;
	return -1;
}

void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	void *memory = __real_mmap(at, bytes, prot, flags, fd, offset);
	int i = fd < 0 ? -1 : find_fake_window(fd);

	if (i >= 0 && memory != MAP_FAILED)
		fake_windows[i].at = memory;
	return memory;
}

int __wrap_munmap(void *at, size_t bytes)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake_windows[i].at == at)
			fake_windows[i].at = NULL;
	return __real_munmap(at, bytes);
}

void fake_reset_channels(void)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake_windows[i].info.id) {
			__real_munmap(fake_windows[i].memory,
				      fake_windows[i].bytes);
			close(fake_windows[i].file);
		}
	memset(fake_windows, 0, sizeof(fake_windows));
	memset(fake_rules, 0, sizeof(fake_rules));
}

static struct qhp_directory *directory_of(const struct fake_window *window)
{
	return (struct qhp_directory *)window->memory;
}

static size_t own_offset(const struct fake_window *window, uint32_t slot)
{
	return directory_of(window)->first +
	       2 * (size_t)slot * window->info.region;
}

static bool is_name(const char *name)
{
	return memchr(name, '\0', QUEZTL_NAME_MAX) && *name &&
	       !strchr("-_.", *name) && !strpbrk(name, "/ ");
}

static int window_create(struct queztl_window_create_args *arg)
{
	static uint64_t ids = 40;
	struct fake_window *window = NULL;
	struct qhp_directory *directory;

	if (arg->reserved || !is_name(arg->name) || arg->slots > FAKE_SLOTS)
		return -EINVAL;
	for (int i = FAKE_ROOM - 1; i >= 0; i--) {
		if (!strcmp(fake_windows[i].info.name, arg->name))
			return -EEXIST;
		if (!fake_windows[i].info.id)
			window = &fake_windows[i];
	}
	if (!window)
		return -ENOSPC;
	window->info = (struct queztl_window){
		.id = ++ids, .slots = arg->slots, .region = arg->region,
		.pid = getpid() };
	memcpy(window->info.name, arg->name, sizeof(arg->name));
	window->bytes = 2 * QHP_UNIT + 2 * (size_t)arg->slots * arg->region;
	window->file = memfd_create("window", MFD_CLOEXEC);
	assert_int_equal(ftruncate(window->file, window->bytes), 0);
	window->memory = __real_mmap(NULL, window->bytes, PROT_READ | PROT_WRITE,
				     MAP_SHARED, window->file, 0);
	window->changes = -1;
	for (int i = 0; i < FAKE_SLOTS; i++)
		window->slot[i] = (struct fake_slot){
			.window = -1, .kick = -1, .call = -1 };
	directory = directory_of(window);
	directory->magic = QHP_WINDOW_MAGIC;
	directory->version = QHP_VERSION;
	directory->slots = arg->slots;
	directory->region = arg->region;
	directory->first = 2 * QHP_UNIT;
	directory->mailbox = MAILBOX;
	arg->id = window->info.id;
	arg->bytes = window->bytes;
	arg->fd = fcntl(window->file, F_DUPFD_CLOEXEC, 0);
	return 0;
}

static int window_next(struct queztl_window *arg)
{
	const struct fake_window *next = NULL;

	for (int i = 0; i < FAKE_ROOM; i++) {
		const struct fake_window *w = &fake_windows[i];

		if (w->info.id > arg->id && (!next || w->info.id < next->info.id))
			next = w;
	}
	if (!next)
		return -ENOENT;
	*arg = next->info;
	for (uint32_t i = 0; i < arg->slots; i++)
		arg->used += directory_of(next)->slot[i].state != QHP_SLOT_FREE;
	return 0;
}

static struct queztl_channel_rule *find_rule(const char *name,
					     const char *listener,
					     const char *connecter)
{
	for (int i = 0; i < FAKE_ROOM; i++) {
		struct queztl_channel_rule *rule = &fake_rules[i];

		if (rule->id && !strcmp(rule->name, name) &&
		    (!listener || !strcmp(rule->listener, listener)) &&
		    (!connecter || !strcmp(rule->connecter, connecter)))
			return rule;
	}
	return NULL;
}

static int allow(struct queztl_channel_rule *arg)
{
	static uint64_t ids = 70;

	if (!is_name(arg->name) || !is_name(arg->listener) ||
	    !is_name(arg->connecter))
		return -EINVAL;
	if (find_rule(arg->name, arg->listener, arg->connecter))
		return -EEXIST;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (!fake_rules[i].id) {
			arg->id = ++ids;
			fake_rules[i] = *arg;
			return 0;
		}
	return -ENOSPC;
}

static int deny(const struct queztl_channel_rule *arg)
{
	struct queztl_channel_rule *rule = find_rule(arg->name, arg->listener,
						     arg->connecter);

	if (!rule)
		return -ENOENT;
	memset(rule, 0, sizeof(*rule));
	return 0;
}

static int rule_next(struct queztl_channel_rule *arg)
{
	const struct queztl_channel_rule *next = NULL;

	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake_rules[i].id > arg->id &&
		    (!next || fake_rules[i].id < next->id))
			next = &fake_rules[i];
	if (!next)
		return -ENOENT;
	*arg = *next;
	return 0;
}

/* What the peer writes is seen; or, without one, zeros. */
static void show_peer(struct fake_window *window, uint32_t slot)
{
	const struct fake_window *peer;
	size_t offset = own_offset(window, slot) + window->info.region;
	int other = window->slot[slot].window;
	void *memory;

	if (!window->at)
		return;
	peer = &fake_windows[other < 0 ? 0 : other];
	memory = other < 0 ?
		__real_mmap(window->at + offset, window->info.region, PROT_READ,
			    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) :
		__real_mmap(window->at + offset, window->info.region, PROT_READ,
			    MAP_SHARED | MAP_FIXED, peer->file,
			    own_offset(peer, window->slot[slot].peer));
	assert_ptr_equal(memory, window->at + offset);
}

static void signal_fd(int fd)
{
	if (fd >= 0)
		eventfd_write(fd, 1);
}

static int new_slot(struct fake_window *window, const char *name,
		    uint32_t bytes, uint32_t state)
{
	static uint64_t ids = 500;
	struct qhp_slot *slot = directory_of(window)->slot;
	uint32_t i = 0;

	while (i < window->info.slots && slot[i].state)
		i++;
	if (i == window->info.slots)
		return -ENOSPC;
	memset(window->memory + own_offset(window, i), 0, bytes);
	slot[i].state = state;
	slot[i].bytes = bytes;
	slot[i].generation = ++ids;	/* of a listener it is the channel's id */
	strcpy(slot[i].name, name);
	return i;
}

static int channel_listen(struct fake_window *window,
			  struct queztl_channel_listen_args *arg)
{
	int slot;

	if (!is_name(arg->name) || arg->bytes > window->info.region)
		return -EINVAL;
	if (!find_rule(arg->name, window->info.name, NULL))
		return -EPERM;
	if (!arg->bytes)
		arg->bytes = window->info.region;
	slot = new_slot(window, arg->name, arg->bytes, QHP_SLOT_LISTENING);
	arg->slot = slot;
	return slot < 0 ? slot : 0;
}

static bool find_listener(const struct fake_window *connecter, const char *name,
			  int *window, uint32_t *slot)
{
	for (int i = 0; i < FAKE_ROOM * FAKE_SLOTS; i++) {
		const struct fake_window *w = &fake_windows[i / FAKE_SLOTS];
		const struct qhp_slot *s;

		*window = i / FAKE_SLOTS;
		*slot = i % FAKE_SLOTS;
		if (!w->info.id)
			continue;
		s = &directory_of(w)->slot[*slot];
		if (s->state == QHP_SLOT_LISTENING && !strcmp(s->name, name) &&
		    find_rule(name, w->info.name, connecter->info.name))
			return true;
	}
	return false;
}

static int channel_connect(int window, struct queztl_channel_connect_args *arg)
{
	struct fake_window *from = &fake_windows[window], *to;
	uint32_t other;
	int i, slot;

	if (!is_name(arg->name))
		return -EINVAL;
	if (!find_rule(arg->name, NULL, from->info.name))
		return -EPERM;
	if (!find_listener(from, arg->name, &i, &other))
		return -ECONNREFUSED;
	to = &fake_windows[i];
	arg->bytes = directory_of(to)->slot[other].bytes;
	slot = new_slot(from, arg->name, arg->bytes, QHP_SLOT_CONNECTED);
	if (slot < 0)
		return slot;
	arg->slot = slot;
	from->slot[slot].window = i;
	from->slot[slot].peer = other;
	to->slot[other].window = window;
	to->slot[other].peer = slot;
	directory_of(to)->slot[other].state = QHP_SLOT_CONNECTED;
	show_peer(from, slot);
	show_peer(to, other);
	signal_fd(to->changes);
	return 0;
}

static void lose_peer(struct fake_window *window, uint32_t slot, uint32_t state)
{
	directory_of(window)->slot[slot].state = state;
	window->slot[slot].window = -1;
	show_peer(window, slot);
	signal_fd(window->changes);
}

static int channel_close(struct fake_window *window,
			 const struct queztl_channel_slot *arg)
{
	struct fake_slot *slot = &window->slot[arg->slot];
	int changes = window->changes;

	if (arg->reserved)
		return -EINVAL;
	if (arg->slot >= window->info.slots ||
	    !directory_of(window)->slot[arg->slot].state)
		return -ENOENT;
	if (slot->window >= 0)
		lose_peer(&fake_windows[slot->window], slot->peer,
			  QHP_SLOT_CLOSED);
	window->changes = -1;	/* nobody is told of its own calls */
	lose_peer(window, arg->slot, QHP_SLOT_FREE);
	window->changes = changes;
	return 0;
}

static int channel_ring(const struct fake_window *window,
			const struct queztl_channel_slot *arg)
{
	const struct fake_slot *slot = &window->slot[arg->slot];

	if (arg->reserved)
		return -EINVAL;
	if (arg->slot >= window->info.slots)
		return -ENOENT;
	if (slot->window < 0)
		return -ENOTCONN;
	signal_fd(fake_windows[slot->window].slot[slot->peer].call);
	return 0;
}

static int window_bell(struct fake_window *window,
		       const struct queztl_window_bell_args *arg)
{
	if (arg->reserved)
		return -EINVAL;
	if ((arg->kick >= 0 && fcntl(arg->kick, F_GETFD) < 0) ||
	    (arg->call >= 0 && fcntl(arg->call, F_GETFD) < 0))
		return -EBADF;
	if (arg->slot == QUEZTL_BELL_CHANGES) {
		window->changes = arg->call;
		return arg->kick < 0 ? 0 : -EINVAL;
	}
	if (arg->slot >= window->info.slots)
		return -ENOENT;
	window->slot[arg->slot].kick = arg->kick;
	window->slot[arg->slot].call = arg->call;
	return 0;
}

/* A channel is known by its listener, which has closed neither. */
static bool describe(const struct fake_window *window, uint32_t i,
		     struct queztl_channel *channel)
{
	const struct qhp_slot *slot = &directory_of(window)->slot[i];
	int other = window->slot[i].window;

	if (slot->state != QHP_SLOT_LISTENING &&
	    (slot->state != QHP_SLOT_CONNECTED ||
	     !find_rule(slot->name, window->info.name,
			fake_windows[other].info.name)))
		return false;
	*channel = (struct queztl_channel){
		.id = slot->generation, .bytes = slot->bytes };
	strcpy(channel->name, slot->name);
	strcpy(channel->listener, window->info.name);
	if (other >= 0)
		strcpy(channel->connecter, fake_windows[other].info.name);
	return true;
}

/* With the smallest id that is at least this. */
static struct fake_window *find_channel(uint64_t least,
					struct queztl_channel *found,
					uint32_t *slot)
{
	struct fake_window *window = NULL;
	struct queztl_channel channel;

	for (int i = 0; i < FAKE_ROOM * FAKE_SLOTS; i++) {
		struct fake_window *w = &fake_windows[i / FAKE_SLOTS];

		if (!w->info.id || !describe(w, i % FAKE_SLOTS, &channel) ||
		    channel.id < least || (window && channel.id > found->id))
			continue;
		*found = channel;
		*slot = i % FAKE_SLOTS;
		window = w;
	}
	return window;
}

static int channel_next(struct queztl_channel *arg)
{
	struct queztl_channel found;
	uint32_t slot;

	if (arg->reserved)
		return -EINVAL;
	if (!find_channel(arg->id + 1, &found, &slot))
		return -ENOENT;
	*arg = found;
	return 0;
}

static int channel_revoke(const struct queztl_channel_revoke_args *arg)
{
	struct queztl_channel found;
	struct fake_window *window;
	struct fake_slot peer;
	uint32_t slot;

	window = find_channel(arg->id, &found, &slot);
	if (!window || found.id != arg->id)
		return -ENOENT;
	peer = window->slot[slot];
	lose_peer(window, slot, QHP_SLOT_REVOKED);
	if (peer.window >= 0)
		lose_peer(&fake_windows[peer.window], peer.peer,
			  QHP_SLOT_REVOKED);
	return 0;
}

uint32_t size_of_channel_argument(unsigned long request)
{
	switch (request) {
	case QUEZTL_WINDOW_CREATE:	return 72;
	case QUEZTL_WINDOW_NEXT:	return 80;
	case QUEZTL_CHANNEL_ALLOW:	return 112;
	case QUEZTL_CHANNEL_DENY:	return 112;
	case QUEZTL_CHANNEL_RULE_NEXT:	return 112;
	case QUEZTL_CHANNEL_NEXT:	return 120;
	case QUEZTL_CHANNEL_REVOKE:	return 16;
	case QUEZTL_CHANNEL_LISTEN:	return 48;
	case QUEZTL_CHANNEL_CONNECT:	return 48;
	case QUEZTL_CHANNEL_CLOSE:	return 16;
	case QUEZTL_CHANNEL_RING:	return 16;
	case QUEZTL_WINDOW_BELL:	return 24;
	}
	return 0;
}

int channel_call(unsigned long request, void *arg)
{
	switch (request) {
	case QUEZTL_WINDOW_CREATE:
		return window_create(arg);
	case QUEZTL_WINDOW_NEXT:
		return window_next(arg);
	case QUEZTL_CHANNEL_ALLOW:
		return allow(arg);
	case QUEZTL_CHANNEL_DENY:
		return deny(arg);
	case QUEZTL_CHANNEL_RULE_NEXT:
		return rule_next(arg);
	case QUEZTL_CHANNEL_NEXT:
		return channel_next(arg);
	case QUEZTL_CHANNEL_REVOKE:
		return channel_revoke(arg);
	}
	return -ENOTTY;
}

int window_call(int window, unsigned long request, void *arg)
{
	switch (request) {
	case QUEZTL_CHANNEL_LISTEN:
		return channel_listen(&fake_windows[window], arg);
	case QUEZTL_CHANNEL_CONNECT:
		return channel_connect(window, arg);
	case QUEZTL_CHANNEL_CLOSE:
		return channel_close(&fake_windows[window], arg);
	case QUEZTL_CHANNEL_RING:
		return channel_ring(&fake_windows[window], arg);
	case QUEZTL_WINDOW_BELL:
		return window_bell(&fake_windows[window], arg);
	}
	return -ENOTTY;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: a slot listens, another one connects, and either end closes, or the
 * administrator cuts the channel.
 *
 * Each end allocates its own region, in its own thread, and keeps it until it
 * closes the slot: nothing that happens to the peer takes it away. What the peer
 * had is gone at once, and reads as zeros.
 *
 * A change is made in three steps: what is where, under the locks; then, without
 * them, page tables follow; then what nobody sees any more is freed.
 *
 * Whoever cuts a channel may lose its CPU before page tables have followed, for as
 * long as it likes if it is an end that wants to read on. So the channel stays in
 * a list until they have, and every call that promises that it cannot be read any
 * more sees to it itself.
 */

#include <linux/hashtable.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>

#include "channel.h"
#include "module/trace.h"
#include "qhp/fabric/pure/name.h"

/* In the order of their ids; these are under qz_channels_lock. */
static LIST_HEAD(channels);
static DEFINE_HASHTABLE(listeners, 10);	/* each name once */
static u64 last_id;
static unsigned int nchannels;

/* Those that were cut and can perhaps still be read; in the order of @cut. */
static LIST_HEAD(dying);
static u64 last_cut;

/**
 * struct victims - channels that were cut, by one of the first three
 * @name: those of this name, or NULL
 * @id: the one of this id, or 0
 * @window: the one that had an end in this window,
 * @slot: and in this slot of it
 * @last: not what was cut after this
 */
struct victims {
	const char *name;
	u64 id;
	const struct qz_window *window;
	u32 slot;
	u64 last;
};

static void unmap_own(struct qz_window *window, u32 slot)
{
	qz_window_unmap(window, qz_window_slot_offset(window, slot),
			window->region);
}

static void unmap_peer(struct qz_window *window, u32 slot)
{
	qz_window_unmap(window,
			qz_window_slot_offset(window, slot) + window->region,
			window->region);
}

static void set_own(struct qz_window *window, u32 slot, struct qz_region *own)
{
	write_lock(&window->lock);
	window->slots[slot].own = own;
	write_unlock(&window->lock);
}

/* Return: the region that the slot had before, whose reference is the caller's. */
static struct qz_region *set_peer(struct qz_window *window, u32 slot,
				  struct qz_region *peer,
				  struct qz_bell *peer_bell)
{
	struct qz_slot *at = &window->slots[slot];
	struct qz_region *old = at->peer;

	if (peer)
		refcount_inc(&peer->ref);
	write_lock(&window->lock);
	at->peer = peer;
	write_unlock(&window->lock);
	rcu_assign_pointer(at->bell.peer, peer_bell);
	return old;
}

static void trace(const struct qz_channel *channel, enum qhp_slot_state state)
{
	const struct qz_window *connecter = channel->end[QZ_CONNECTER].window;

	trace_queztl_channel(channel->id, channel->name,
			     channel->end[QZ_LISTENER].window->id,
			     connecter ? connecter->id : 0, state);
}

/* The channel's end gets a slot and its memory. */
static void occupy(struct qz_channel *channel, int end, struct qz_window *window,
		   u32 slot, struct qz_region *own)
{
	lockdep_assert_held(&qz_channels_lock);
	refcount_inc(&window->ref);
	channel->end[end].window = window;
	channel->end[end].slot = slot;
	window->slots[slot].channel = channel;
	set_own(window, slot, own);
	qz_window_show(window, slot, channel);
}

static struct qz_slot *slot_of(const struct qz_channel *channel, int end)
{
	return &channel->end[end].window->slots[channel->end[end].slot];
}

/* Both ends are there: each sees the other. */
static void join(struct qz_channel *channel)
{
	int i;

	for (i = 0; i < QZ_ENDS; i++) {
		struct qz_window *window = channel->end[i].window;
		struct qz_slot *peer = slot_of(channel, !i);
		u32 slot = channel->end[i].slot;

		set_peer(window, slot, peer->own, &peer->bell);
		qz_window_set_state(window, slot, QHP_SLOT_CONNECTED);
	}
	trace(channel, QHP_SLOT_CONNECTED);
}

/*
 * From now on nobody finds the channel, and no fault finds the peer. bury() it.
 * @by: whose call it is: it need not be told; or NULL
 */
static void cut(struct qz_channel *channel, enum qhp_slot_state state,
		const struct qz_window *by)
{
	int i;

	lockdep_assert_held(&qz_channels_lock);
	list_move_tail(&channel->node, &dying);
	channel->cut = ++last_cut;
	channel->by = by;
	hash_del(&channel->listening);
	nchannels--;
	trace(channel, state);
	for (i = 0; i < QZ_ENDS; i++) {
		struct qz_window *window = channel->end[i].window;
		u32 slot = channel->end[i].slot;

		if (!window)
			continue;
		window->slots[slot].channel = NULL;
		/* Who misses the peer finds in the directory that it has gone. */
		qz_window_set_state(window, slot, state);
		channel->lost[i] = set_peer(window, slot, NULL, NULL);
	}
}

static bool is_victim(const struct qz_channel *channel,
		      const struct victims *victims)
{
	int i;

	if (victims->name)
		return !strcmp(channel->name, victims->name);
	if (victims->id)
		return channel->id == victims->id;
	for (i = 0; i < QZ_ENDS; i++)
		if (channel->end[i].window == victims->window &&
		    channel->end[i].slot == victims->slot)
			return true;
	return false;
}

/* Return: one of them, with a use of it, or NULL. */
static struct qz_channel *use_victim(const struct victims *victims)
{
	struct qz_channel *channel;

	lockdep_assert_held(&qz_channels_lock);
	list_for_each_entry(channel, &dying, node) {
		if (channel->cut > victims->last)
			break;
		if (is_victim(channel, victims)) {
			channel->users++;
			return channel;
		}
	}
	return NULL;
}

static void tell(const struct qz_channel *channel)
{
	int i;

	for (i = 0; i < QZ_ENDS; i++)
		if (channel->end[i].window &&
		    channel->end[i].window != channel->by)
			qz_bell_changed(channel->end[i].window,
					channel->end[i].slot);
}

/* No end sees what the other had. The first who says so frees that, and tells. */
static void end_reading(struct qz_channel *channel)
{
	bool first;
	int i;

	for (i = 0; i < QZ_ENDS; i++)
		if (channel->end[i].window)
			unmap_peer(channel->end[i].window,
				   channel->end[i].slot);
	spin_lock(&qz_channels_lock);
	first = !list_empty(&channel->node);
	list_del_init(&channel->node);
	spin_unlock(&qz_channels_lock);
	if (!first)
		return;
	for (i = 0; i < QZ_ENDS; i++)
		qz_region_put(channel->lost[i]);
	tell(channel);
}

static void free_channel(struct qz_channel *channel)
{
	int i;

	for (i = 0; i < QZ_ENDS; i++)
		if (channel->end[i].window)
			qz_window_put(channel->end[i].window);
	kfree(channel);
}

/* When this returns none of them can be read, whoever has cut it. */
static void bury(struct victims *victims)
{
	struct qz_channel *channel;
	bool last;

	spin_lock(&qz_channels_lock);
	victims->last = last_cut;
	while ((channel = use_victim(victims))) {
		spin_unlock(&qz_channels_lock);
		end_reading(channel);
		spin_lock(&qz_channels_lock);
		last = !--channel->users;
		spin_unlock(&qz_channels_lock);
		if (last)
			free_channel(channel);
		spin_lock(&qz_channels_lock);
	}
	spin_unlock(&qz_channels_lock);
}

static u32 hash_of(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static struct qz_channel *find_listener(const char *name)
{
	struct qz_channel *channel;

	lockdep_assert_held(&qz_channels_lock);
	hash_for_each_possible(listeners, channel, listening, hash_of(name))
		if (!strcmp(channel->name, name))
			return channel;
	return NULL;
}

static int check_listen(const struct qz_window *window, const char *name)
{
	if (nchannels == QZ_MAX_CHANNELS)
		return -ENOSPC;
	if (!qz_rule_listens(name, window->name))
		return -EPERM;
	if (find_listener(name))
		return -EADDRINUSE;
	return qz_window_free_slot(window);
}

static int start_listening(struct qz_window *window, struct qz_channel *channel,
			   struct qz_region *own)
{
	int slot;

	spin_lock(&qz_channels_lock);
	slot = check_listen(window, channel->name);
	if (slot >= 0) {
		channel->id = ++last_id;
		list_add_tail(&channel->node, &channels);
		hash_add(listeners, &channel->listening, hash_of(channel->name));
		nchannels++;
		occupy(channel, QZ_LISTENER, window, slot, own);
		qz_window_set_state(window, slot, QHP_SLOT_LISTENING);
		trace(channel, QHP_SLOT_LISTENING);
	}
	spin_unlock(&qz_channels_lock);
	return slot;
}

static bool is_region_size(const struct qz_window *window, u32 bytes)
{
	return bytes >= QHP_REGION_MIN && bytes <= window->region &&
	       is_power_of_2(bytes);
}

/**
 * qz_channel_listen - offer a channel
 * @window: the caller's window
 * @listen: name and size; out: the slot
 *
 * Return: 0 or a negative error, see &struct queztl_channel_listen_args.
 */
int qz_channel_listen(struct qz_window *window,
		      struct queztl_channel_listen_args *listen)
{
	struct qz_channel *channel;
	struct qz_region *own;
	int slot;

	if (!listen->bytes)
		listen->bytes = window->region;
	if (!qz_name_is_good(listen->name) ||
	    !is_region_size(window, listen->bytes))
		return -EINVAL;
	channel = kzalloc(sizeof(*channel), GFP_KERNEL_ACCOUNT);
	if (!channel)
		return -ENOMEM;
	strscpy(channel->name, listen->name);
	channel->bytes = listen->bytes;
	own = qz_region_alloc(listen->bytes);
	if (IS_ERR(own)) {
		kfree(channel);
		return PTR_ERR(own);
	}
	slot = start_listening(window, channel, own);
	if (slot < 0) {
		qz_region_put(own);
		kfree(channel);
		return slot;
	}
	unmap_own(window, slot);
	listen->slot = slot;
	return 0;
}

/*
 * The channel that this window may connect to. Who has no rule for the name does
 * not learn whether somebody listens.
 */
static struct qz_channel *find_for(const struct qz_window *window,
				   const char *name)
{
	struct qz_channel *channel = find_listener(name);

	if (!qz_rule_knows(name, window->name))
		return ERR_PTR(-EPERM);
	if (!channel ||
	    !qz_rule_connects(name, channel->end[QZ_LISTENER].window->name,
			      window->name))
		return ERR_PTR(-ECONNREFUSED);
	if (channel->bytes > window->region)
		return ERR_PTR(-EMSGSIZE);
	return channel;
}

/* How large a region has to be. Return: 0 or a negative error. */
static int ask_size(const struct qz_window *window, const char *name, u32 *bytes)
{
	struct qz_channel *channel;

	spin_lock(&qz_channels_lock);
	channel = find_for(window, name);
	if (!IS_ERR(channel))
		*bytes = channel->bytes;
	spin_unlock(&qz_channels_lock);
	return PTR_ERR_OR_ZERO(channel);
}

/*
 * Return: the caller's slot or a negative error; -ESTALE: by now a region has to
 * have another size.
 */
static int reserve_slot(struct qz_window *window, const char *name,
			struct qz_region *own, u32 bytes)
{
	struct qz_channel *channel;
	int slot;

	spin_lock(&qz_channels_lock);
	channel = find_for(window, name);
	if (IS_ERR(channel))
		slot = PTR_ERR(channel);
	else if (channel->bytes != bytes)
		slot = -ESTALE;
	else
		slot = qz_window_free_slot(window);
	if (slot >= 0) {
		hash_del(&channel->listening);
		occupy(channel, QZ_CONNECTER, window, slot, own);
	}
	spin_unlock(&qz_channels_lock);
	return slot;
}

static int try_reserve(struct qz_window *window,
		       struct queztl_channel_connect_args *connect)
{
	struct qz_region *own;
	int slot, err;

	err = ask_size(window, connect->name, &connect->bytes);
	if (err)
		return err;
	own = qz_region_alloc(connect->bytes);
	if (IS_ERR(own))
		return PTR_ERR(own);
	slot = reserve_slot(window, connect->name, own, connect->bytes);
	if (slot < 0) {
		qz_region_put(own);
		return slot;
	}
	connect->slot = slot;
	unmap_own(window, slot);
	return 0;
}

/**
 * qz_channel_reserve - connect to a channel, but for what its listener sees
 * @window: the caller's window
 * @connect: name; out: slot and size
 *
 * The caller tells its user, and then calls qz_channel_join() or, if it could not,
 * qz_channel_unreserve(). Until then nobody else can connect.
 *
 * Return: 0 or a negative error, see &struct queztl_channel_connect_args.
 */
int qz_channel_reserve(struct qz_window *window,
		       struct queztl_channel_connect_args *connect)
{
	int err;

	if (!qz_name_is_good(connect->name))
		return -EINVAL;
	do {
		err = try_reserve(window, connect);
	} while (err == -ESTALE && !signal_pending(current));
	return err == -ESTALE ? -EINTR : err;
}

/* A reservation ends when the listener closes, or the channel is revoked. */
static struct qz_channel *find_reserved(const struct qz_window *window, u32 slot)
{
	lockdep_assert_held(&qz_channels_lock);
	return window->slots[slot].state == QHP_SLOT_FREE ?
	       window->slots[slot].channel : NULL;
}

void qz_channel_join(struct qz_window *window, u32 slot)
{
	struct qz_window *peer = NULL;
	struct qz_channel *channel;
	u32 peer_slot = 0;

	spin_lock(&qz_channels_lock);
	channel = find_reserved(window, slot);
	if (channel) {
		join(channel);
		peer = channel->end[QZ_LISTENER].window;
		peer_slot = channel->end[QZ_LISTENER].slot;
		refcount_inc(&peer->ref);
	}
	spin_unlock(&qz_channels_lock);
	if (!peer)
		return;
	unmap_peer(window, slot);
	unmap_peer(peer, peer_slot);
	qz_bell_changed(peer, peer_slot);
	qz_window_put(peer);
}

void qz_channel_unreserve(struct qz_window *window, u32 slot)
{
	struct qz_region *own = NULL;
	struct qz_channel *channel;

	spin_lock(&qz_channels_lock);
	channel = find_reserved(window, slot);
	if (channel && find_listener(channel->name)) {
		/* Somebody else listens now: it ends as if it had been joined. */
		cut(channel, QHP_SLOT_CLOSED, window);
		channel = NULL;
	}
	if (channel) {
		hash_add(listeners, &channel->listening, hash_of(channel->name));
		channel->end[QZ_CONNECTER].window = NULL;
		window->slots[slot].channel = NULL;
		own = window->slots[slot].own;
		set_own(window, slot, NULL);
	}
	spin_unlock(&qz_channels_lock);
	if (!channel) {
		qz_channel_close(window, slot);
		return;
	}
	unmap_own(window, slot);
	qz_region_put(own);
	qz_window_put(window);
}

/**
 * qz_channel_close - free a slot
 * @window: the caller's window
 * @slot: the slot
 *
 * Return: 0; -ENOENT: there is no such slot, or it is free.
 */
int qz_channel_close(struct qz_window *window, u32 slot)
{
	struct victims victims = { .window = window, .slot = slot };
	struct qz_region *own = NULL;
	int err = -ENOENT;

	spin_lock(&qz_channels_lock);
	if (slot < window->nslots &&
	    window->slots[slot].state != QHP_SLOT_FREE) {
		if (window->slots[slot].channel)
			cut(window->slots[slot].channel, QHP_SLOT_CLOSED,
			    window);
		own = window->slots[slot].own;
		set_own(window, slot, NULL);
		qz_window_set_state(window, slot, QHP_SLOT_FREE);
		err = 0;
	}
	spin_unlock(&qz_channels_lock);
	if (err)
		return err;
	bury(&victims);
	unmap_own(window, slot);
	qz_region_put(own);
	return 0;
}

void qz_channel_close_all(struct qz_window *window)
{
	u32 slot;

	for (slot = 0; slot < window->nslots; slot++)
		qz_channel_close(window, slot);
}

/**
 * qz_channel_revoke - cut a channel
 * @id: its id
 *
 * When it returns, neither end can read what the other one has written, also if
 * somebody else is cutting the channel.
 *
 * Return: 0; -ENOENT: there is no such channel.
 */
int qz_channel_revoke(u64 id)
{
	struct victims victims = { .id = id };
	struct qz_channel *channel;
	int err = -ENOENT;

	spin_lock(&qz_channels_lock);
	list_for_each_entry(channel, &channels, node) {
		if (channel->id != id)
			continue;
		cut(channel, QHP_SLOT_REVOKED, NULL);
		err = 0;
		break;
	}
	spin_unlock(&qz_channels_lock);
	bury(&victims);
	return err;
}

static bool is_allowed(const struct qz_channel *channel)
{
	const struct qz_window *listener = channel->end[QZ_LISTENER].window;
	const struct qz_window *connecter = channel->end[QZ_CONNECTER].window;

	return connecter ? qz_rule_connects(channel->name, listener->name,
					    connecter->name) :
			   qz_rule_listens(channel->name, listener->name);
}

/* Cut what only a rule allowed that is gone. */
void qz_channel_enforce(const struct queztl_channel_rule *gone)
{
	struct victims victims = { .name = gone->name };
	struct qz_channel *channel, *next;

	spin_lock(&qz_channels_lock);
	list_for_each_entry_safe(channel, next, &channels, node)
		if (!strcmp(channel->name, gone->name) && !is_allowed(channel))
			cut(channel, QHP_SLOT_REVOKED, NULL);
	spin_unlock(&qz_channels_lock);
	bury(&victims);
}

static void describe(struct queztl_channel *next,
		     const struct qz_channel *channel)
{
	const struct qz_window *listener = channel->end[QZ_LISTENER].window;
	const struct qz_window *connecter = channel->end[QZ_CONNECTER].window;

	next->id = channel->id;
	strscpy_pad(next->name, channel->name);
	strscpy_pad(next->listener, listener->name);
	strscpy_pad(next->connecter, connecter ? connecter->name : "");
	next->bytes = channel->bytes;
	next->reserved = 0;
}

int qz_channel_next(struct queztl_channel *next)
{
	const struct qz_channel *channel;
	int err = -ENOENT;

	spin_lock(&qz_channels_lock);
	list_for_each_entry(channel, &channels, node) {
		if (channel->id <= next->id)
			continue;
		describe(next, channel);
		err = 0;
		break;
	}
	spin_unlock(&qz_channels_lock);
	return err;
}

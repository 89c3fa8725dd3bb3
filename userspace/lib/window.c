// SPDX-License-Identifier: LGPL-2.1-or-later
/* Windows and channels: see queztl.c for how calls are made. */
#include "call.h"
#include "queztl.h"

int queztl_window_create(int fd, const char *name, uint32_t slots,
			 uint32_t region, uint64_t *id)
{
	struct queztl_window_create_args arg = {
		.size = sizeof(arg), .slots = slots, .region = region };
	int ret = set_name(arg.name, name);

	if (!ret)
		ret = call(fd, QUEZTL_WINDOW_CREATE, &arg);
	if (ret)
		return ret;
	if (id)
		*id = arg.id;
	return arg.fd;
}

int queztl_window_next_sz(int fd, struct queztl_window *window, size_t size)
{
	struct queztl_window arg = {
		.size = sizeof(arg), .id = window->id };

	return ANSWER(call(fd, QUEZTL_WINDOW_NEXT, &arg), window, size, arg);
}

static int call_rule(int fd, unsigned long request, const char *name,
		     const char *listener, const char *connecter, uint64_t *id)
{
	struct queztl_channel_rule arg = { .size = sizeof(arg) };
	int ret = set_name(arg.name, name);

	if (!ret)
		ret = set_name(arg.listener, listener);
	if (!ret)
		ret = set_name(arg.connecter, connecter);
	if (!ret)
		ret = call(fd, request, &arg);
	if (!ret && id)
		*id = arg.id;
	return ret;
}

int queztl_channel_allow(int fd, const char *name, const char *listener,
			 const char *connecter, uint64_t *id)
{
	return call_rule(fd, QUEZTL_CHANNEL_ALLOW, name, listener, connecter,
			 id);
}

int queztl_channel_deny(int fd, const char *name, const char *listener,
			const char *connecter)
{
	return call_rule(fd, QUEZTL_CHANNEL_DENY, name, listener, connecter,
			 NULL);
}

int queztl_channel_rule_next_sz(int fd, struct queztl_channel_rule *rule,
				size_t size)
{
	struct queztl_channel_rule arg = { .size = sizeof(arg), .id = rule->id };

	return ANSWER(call(fd, QUEZTL_CHANNEL_RULE_NEXT, &arg),
		      rule, size, arg);
}

int queztl_channel_next_sz(int fd, struct queztl_channel *channel, size_t size)
{
	struct queztl_channel arg = {
		.size = sizeof(arg), .id = channel->id };

	return ANSWER(call(fd, QUEZTL_CHANNEL_NEXT, &arg), channel, size, arg);
}

int queztl_channel_revoke(int fd, uint64_t id)
{
	struct queztl_channel_revoke_args arg = { .size = sizeof(arg), .id = id };

	return call(fd, QUEZTL_CHANNEL_REVOKE, &arg);
}

int queztl_channel_listen(int window_fd, const char *name, uint32_t *bytes)
{
	struct queztl_channel_listen_args arg = {
		.size = sizeof(arg), .bytes = bytes ? *bytes : 0 };
	int ret = set_name(arg.name, name);

	if (!ret)
		ret = call(window_fd, QUEZTL_CHANNEL_LISTEN, &arg);
	if (ret)
		return ret;
	if (bytes)
		*bytes = arg.bytes;
	return arg.slot;
}

int queztl_channel_connect(int window_fd, const char *name, uint32_t *bytes)
{
	struct queztl_channel_connect_args arg = { .size = sizeof(arg) };
	int ret = set_name(arg.name, name);

	if (!ret)
		ret = call(window_fd, QUEZTL_CHANNEL_CONNECT, &arg);
	if (ret)
		return ret;
	if (bytes)
		*bytes = arg.bytes;
	return arg.slot;
}

int queztl_channel_close(int window_fd, uint32_t slot)
{
	struct queztl_channel_slot arg = { .size = sizeof(arg), .slot = slot };

	return call(window_fd, QUEZTL_CHANNEL_CLOSE, &arg);
}

int queztl_channel_ring(int window_fd, uint32_t slot)
{
	struct queztl_channel_slot arg = { .size = sizeof(arg), .slot = slot };

	return call(window_fd, QUEZTL_CHANNEL_RING, &arg);
}

int queztl_window_events_sz(int window_fd, struct queztl_events *events,
			    size_t size)
{
	struct queztl_events arg = { .size = sizeof(arg) };

	return ANSWER(call(window_fd, QUEZTL_WINDOW_EVENTS, &arg),
		      events, size, arg);
}

int queztl_window_bell(int window_fd, uint32_t slot, int kick, int call_fd)
{
	struct queztl_window_bell_args arg = {
		.size = sizeof(arg), .slot = slot, .kick = kick,
		.call = call_fd };

	return call(window_fd, QUEZTL_WINDOW_BELL, &arg);
}

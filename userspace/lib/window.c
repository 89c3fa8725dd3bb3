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

int queztl_window_next(int fd, struct queztl_window *window)
{
	struct queztl_window arg = {
		.size = sizeof(arg), .id = window->id };
	int ret = call(fd, QUEZTL_WINDOW_NEXT, &arg);

	if (!ret)
		*window = arg;
	return ret;
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

int queztl_channel_rule_next(int fd, struct queztl_channel_rule *rule)
{
	struct queztl_channel_rule arg = { .size = sizeof(arg), .id = rule->id };
	int ret = call(fd, QUEZTL_CHANNEL_RULE_NEXT, &arg);

	if (!ret)
		*rule = arg;
	return ret;
}

int queztl_channel_next(int fd, struct queztl_channel *channel)
{
	struct queztl_channel arg = {
		.size = sizeof(arg), .id = channel->id };
	int ret = call(fd, QUEZTL_CHANNEL_NEXT, &arg);

	if (!ret)
		*channel = arg;
	return ret;
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

int queztl_window_events(int window_fd, struct queztl_events *events)
{
	struct queztl_events arg = { .size = sizeof(arg) };
	int ret = call(window_fd, QUEZTL_WINDOW_EVENTS, &arg);

	if (!ret)
		*events = arg;
	return ret;
}

int queztl_window_bell(int window_fd, uint32_t slot, int kick, int call_fd)
{
	struct queztl_window_bell_args arg = {
		.size = sizeof(arg), .slot = slot, .kick = kick,
		.call = call_fd };

	return call(window_fd, QUEZTL_WINDOW_BELL, &arg);
}

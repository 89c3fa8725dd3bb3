// SPDX-License-Identifier: GPL-2.0
/* The calls about windows and channels. */

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/log2.h>

#include "channel.h"
#include "channelapi.h"
#include "module/ioctl.h"
#include "qhp/fabric/pure/name.h"

/*
 * The file gets an inode of its own, because the mapping of the inode has the page
 * tables of this window, and no others.
 */
static struct file *open_window(struct qz_window *window)
{
	struct file *file;

	file = anon_inode_create_getfile("[queztl-window]", &qz_window_fops,
					 window, O_RDWR, NULL);
	if (IS_ERR(file))
		qz_window_put(window);
	return file;
}

/* The descriptor, and with it the window, is given up if anything fails. */
static int publish_window(struct qz_call *call, struct qz_window *window)
{
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		qz_window_put(window);
		return fd;
	}
	file = open_window(window);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	err = qz_window_add(window, file);
	if (err) {
		put_unused_fd(fd);
		fput(file);
		return err;
	}
	call->fd = fd;
	call->publish = file;
	return 0;
}

static bool window_is_good(const struct queztl_window_create_args *create)
{
	return !create->reserved && qz_name_is_good(create->name) &&
	       create->slots && create->slots <= QHP_SLOTS_MAX &&
	       create->region >= QHP_REGION_MIN &&
	       create->region <= QHP_REGION_MAX &&
	       is_power_of_2(create->region);
}

int qz_channelapi_window_create(struct qz_call *call)
{
	struct queztl_window_create_args *create = call->arg;
	struct qz_window *window;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (!window_is_good(create))
		return -EINVAL;
	window = qz_window_alloc(create->name, create->slots, create->region);
	if (!window)
		return -ENOMEM;
	err = publish_window(call, window);
	if (err)
		return err;
	create->id = window->id;
	create->fd = call->fd;
	create->bytes = window->bytes;
	return 0;
}

int qz_channelapi_window_next(struct qz_call *call)
{
	return qz_window_next(call->arg);
}

int qz_channelapi_allow(struct qz_call *call)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_rule_add(call->arg);
}

/* The caller has not been told. */
void qz_channelapi_allow_undo(struct qz_call *call)
{
	qz_rule_del(call->arg);
}

int qz_channelapi_deny(struct qz_call *call)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_rule_del(call->arg);
}

int qz_channelapi_rule_next(struct qz_call *call)
{
	return qz_rule_next(call->arg);
}

int qz_channelapi_next(struct qz_call *call)
{
	struct queztl_channel *next = call->arg;

	if (next->reserved)
		return -EINVAL;
	return qz_channel_next(next);
}

int qz_channelapi_revoke(struct qz_call *call)
{
	struct queztl_channel_revoke_args *revoke = call->arg;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return qz_channel_revoke(revoke->id);
}

int qz_channelapi_listen(struct qz_call *call)
{
	return qz_channel_listen(call->file->private_data, call->arg);
}

void qz_channelapi_listen_undo(struct qz_call *call)
{
	struct queztl_channel_listen_args *listen = call->arg;

	qz_channel_close(call->file->private_data, listen->slot);
}

static void join_reserved(struct qz_call *call)
{
	struct queztl_channel_connect_args *connect = call->arg;

	qz_channel_join(call->file->private_data, connect->slot);
}

int qz_channelapi_connect(struct qz_call *call)
{
	call->commit = join_reserved;
	return qz_channel_reserve(call->file->private_data, call->arg);
}

void qz_channelapi_connect_undo(struct qz_call *call)
{
	struct queztl_channel_connect_args *connect = call->arg;

	qz_channel_unreserve(call->file->private_data, connect->slot);
}

int qz_channelapi_close(struct qz_call *call)
{
	struct queztl_channel_slot *slot = call->arg;

	if (slot->reserved)
		return -EINVAL;
	return qz_channel_close(call->file->private_data, slot->slot);
}

int qz_channelapi_ring(struct qz_call *call)
{
	struct queztl_channel_slot *slot = call->arg;

	if (slot->reserved)
		return -EINVAL;
	return qz_bell_ring(call->file->private_data, slot->slot);
}

int qz_channelapi_events(struct qz_call *call)
{
	qz_bell_take(call->file->private_data, call->arg);
	return 0;
}

void qz_channelapi_events_undo(struct qz_call *call)
{
	qz_bell_put_back(call->file->private_data, call->arg);
}

int qz_channelapi_bell(struct qz_call *call)
{
	struct queztl_window_bell_args *bell = call->arg;

	if (bell->reserved)
		return -EINVAL;
	return qz_doorbell_set(call->file->private_data, bell);
}

int qz_channel_init(void)
{
	int err;

	err = qz_region_init();
	if (err)
		return err;
	err = qz_bell_init();
	if (err)
		qz_region_exit();
	return err;
}

/* An open window would keep the module loaded, so there is none. */
void qz_channel_exit(void)
{
	qz_bell_exit();
	qz_rule_exit();
	qz_region_exit();
}

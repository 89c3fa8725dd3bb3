// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "vdpanl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BUS "queztl"

static int sock = -1;
static __u16 family;
static __u32 sequence;
static union {
	struct {
		struct nlmsghdr netlink;
		struct genlmsghdr generic;
	};
	char bytes[1024];
} request;

static void begin(__u16 type, __u8 command)
{
	memset(&request, 0, sizeof(request));
	request.netlink.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request.netlink.nlmsg_type = type;
	request.netlink.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	request.netlink.nlmsg_seq = ++sequence;
	request.generic.cmd = command;
	request.generic.version = 1;
}

static void put(__u16 type, const void *data, __u16 size)
{
	struct nlattr *attribute = (void *)(request.bytes + NLMSG_ALIGN(request.netlink.nlmsg_len));

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + size;
	memcpy((char *)attribute + NLA_HDRLEN, data, size);
	request.netlink.nlmsg_len = NLMSG_ALIGN(request.netlink.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

static void put_text(__u16 type, const char *text)
{
	put(type, text, strlen(text) + 1);
}

int vdpanl_send(void)
{
	return send(sock, &request, request.netlink.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Fills @reply; its length or -errno. */
static int receive(void *reply, size_t room)
{
	const struct nlmsghdr *header = reply;
	ssize_t length;

	do {
		length = recv(sock, reply, room, 0);
		if (length < 0)
			return errno == EAGAIN ? -ENOBUFS : -errno;
	} while (header->nlmsg_seq != sequence);
	return (int)length;
}

int vdpanl_answer(void)
{
	char reply[4096];
	const struct nlmsghdr *header = (void *)reply;
	int r = receive(reply, sizeof(reply));

	if (r < 0)
		return r;
	return header->nlmsg_type == NLMSG_ERROR ? ((const struct nlmsgerr *)NLMSG_DATA(header))->error : -EPROTO;
}

static int find_family(const char *name)
{
	char reply[4096];
	const struct nlmsghdr *header = (void *)reply;
	int r, at = NLMSG_LENGTH(GENL_HDRLEN);

	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put_text(CTRL_ATTR_FAMILY_NAME, name);
	r = vdpanl_send();
	if (!r)
		r = receive(reply, sizeof(reply));
	if (r < 0 || header->nlmsg_type == NLMSG_ERROR)
		return r < 0 ? r : -ENOENT;
	for (const struct nlattr *attribute; at < (int)header->nlmsg_len; at += NLA_ALIGN(attribute->nla_len)) {
		attribute = (void *)(reply + at);
		if (attribute->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, (const char *)attribute + NLA_HDRLEN, sizeof(family));
	}
	return vdpanl_answer();		/* the acknowledgement */
}

int vdpanl_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct timeval second = { .tv_sec = 1 };

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock < 0 || bind(sock, (void *)&address, sizeof(address)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)))
		return -errno;
	return find_family(VDPA_GENL_NAME);
}

void vdpanl_prepare_add(const char *name, const char *fabric, const __u8 mac[6])
{
	begin(family, VDPA_CMD_DEV_NEW);
	put_text(VDPA_ATTR_MGMTDEV_BUS_NAME, BUS);
	put_text(VDPA_ATTR_MGMTDEV_DEV_NAME, fabric);
	put_text(VDPA_ATTR_DEV_NAME, name);
	put(VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, 6);
}

void vdpanl_put_pairs(__u16 pairs)
{
	put(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, &pairs, sizeof(pairs));
}

void vdpanl_prepare_del(const char *name)
{
	begin(family, VDPA_CMD_DEV_DEL);
	put_text(VDPA_ATTR_DEV_NAME, name);
}

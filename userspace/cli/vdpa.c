// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vdpa.h"

#define BUS	"queztl"

struct message {
	union {
		struct nlmsghdr header;
		char bytes[4096];
	};
};

static void begin(struct message *m, uint16_t family, uint8_t command)
{
	struct genlmsghdr generic = { .cmd = command, .version = 1 };

	memset(&m->header, 0, sizeof(m->header));
	m->header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	m->header.nlmsg_type = family;
	m->header.nlmsg_flags = NLM_F_REQUEST;
	memcpy(NLMSG_DATA(&m->header), &generic, sizeof(generic));
}

/* What is put has a limited length: names, and numbers. */
static void put(struct message *m, uint16_t type, const void *data,
		uint16_t size)
{
	struct nlattr attribute = {
		.nla_type = type,
		.nla_len = NLA_HDRLEN + size,
	};
	char *at = m->bytes + m->header.nlmsg_len;

	memset(at, 0, NLA_ALIGN(attribute.nla_len));
	memcpy(at, &attribute, sizeof(attribute));
	memcpy(at + NLA_HDRLEN, data, size);
	m->header.nlmsg_len += NLA_ALIGN(attribute.nla_len);
}

static void put_name(struct message *m, uint16_t type, const char *name)
{
	put(m, type, name, strnlen(name, 255) + 1);
}

/* Its data, of at least this size; NULL: it has no such attribute. */
static const char *find(const struct message *m, uint16_t type, uint16_t size)
{
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);
	struct nlattr attribute;

	while (at + NLA_HDRLEN <= m->header.nlmsg_len) {
		memcpy(&attribute, m->bytes + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN ||
		    attribute.nla_len > m->header.nlmsg_len - at)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == type &&
		    attribute.nla_len >= NLA_HDRLEN + size)
			return m->bytes + at + NLA_HDRLEN;
		at += NLA_ALIGN(attribute.nla_len);
	}
	return NULL;
}

/* The kernel carries a request out in send(): its answer is there then. */
static int ask(int fd, struct message *m)
{
	ssize_t got;

	if (send(fd, m, m->header.nlmsg_len, 0) < 0)
		return -errno;
	got = recv(fd, m, sizeof(*m), 0);
	if (got < 0)
		return -errno;
	if (got < (ssize_t)NLMSG_HDRLEN || m->header.nlmsg_len > got)
		return -EPROTO;
	if (m->header.nlmsg_type != NLMSG_ERROR)
		return 0;
	if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -EPROTO;
	return ((struct nlmsgerr *)NLMSG_DATA(&m->header))->error;
}

static int find_family(int fd, uint16_t *family)
{
	const char *found;
	struct message m;
	int ret;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put_name(&m, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	ret = ask(fd, &m);
	if (ret)
		return ret == -ENOENT ? -EPROTONOSUPPORT : ret;
	found = find(&m, CTRL_ATTR_FAMILY_ID, sizeof(*family));
	if (!found)
		return -EPROTO;
	memcpy(family, found, sizeof(*family));
	return 0;
}

/* A socket, or -errno; with it the beginning of a message. */
static int begin_vdpa(struct message *m, uint8_t command)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	uint16_t family;
	int ret;

	if (fd < 0)
		return -errno;
	ret = find_family(fd, &family);
	if (ret) {
		close(fd);
		return ret;
	}
	begin(m, family, command);
	return fd;
}

static int end_vdpa(int fd, struct message *m)
{
	int ret = ask(fd, m);

	close(fd);
	return ret;
}

int vdpa_features(const char *fabric, uint64_t *features)
{
	const char *found;
	struct message m;
	int fd = begin_vdpa(&m, VDPA_CMD_MGMTDEV_GET);
	int ret;

	if (fd < 0)
		return fd;
	put_name(&m, VDPA_ATTR_MGMTDEV_BUS_NAME, BUS);
	put_name(&m, VDPA_ATTR_MGMTDEV_DEV_NAME, fabric);
	ret = end_vdpa(fd, &m);
	if (ret)
		return ret;
	found = find(&m, VDPA_ATTR_DEV_SUPPORTED_FEATURES, sizeof(*features));
	if (!found)
		return -EOPNOTSUPP;
	memcpy(features, found, sizeof(*features));
	return 0;
}

int vdpa_port_features(const char *port, uint64_t *features)
{
	const char *found;
	struct message m;
	int fd = begin_vdpa(&m, VDPA_CMD_DEV_CONFIG_GET);
	int ret;

	if (fd < 0)
		return fd;
	put_name(&m, VDPA_ATTR_DEV_NAME, port);
	ret = end_vdpa(fd, &m);
	if (ret)
		return ret;
	found = find(&m, VDPA_ATTR_DEV_FEATURES, sizeof(*features));
	if (!found)
		return -EOPNOTSUPP;
	memcpy(features, found, sizeof(*features));
	return 0;
}

int vdpa_add(const struct new_port *port)
{
	struct message m;
	int fd = begin_vdpa(&m, VDPA_CMD_DEV_NEW);

	if (fd < 0)
		return fd;
	m.header.nlmsg_flags |= NLM_F_ACK;
	put_name(&m, VDPA_ATTR_MGMTDEV_BUS_NAME, BUS);
	put_name(&m, VDPA_ATTR_MGMTDEV_DEV_NAME, port->fabric);
	put_name(&m, VDPA_ATTR_DEV_NAME, port->name);
	if (port->has_mac)
		put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, port->mac, sizeof(port->mac));
	if (port->mtu)
		put(&m, VDPA_ATTR_DEV_NET_CFG_MTU, &port->mtu, sizeof(port->mtu));
	if (port->pairs)
		put(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, &port->pairs,
		    sizeof(port->pairs));
	if (port->features)
		put(&m, VDPA_ATTR_DEV_FEATURES, &port->features,
		    sizeof(port->features));
	return end_vdpa(fd, &m);
}

int vdpa_del(const char *name)
{
	struct message m;
	int fd = begin_vdpa(&m, VDPA_CMD_DEV_DEL);

	if (fd < 0)
		return fd;
	m.header.nlmsg_flags |= NLM_F_ACK;
	put_name(&m, VDPA_ATTR_DEV_NAME, name);
	return end_vdpa(fd, &m);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "fake_sysfs.h"
#include "fake_vdpa.h"

#define FAMILY		31
#define ROOM		1024
#define ATTRIBUTES	64

struct fake_vdpa fake_vdpa;

int __real_socket(int domain, int type, int protocol);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
int __wrap_socket(int domain, int type, int protocol);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);

static int netlink = -1;
static char answer[ROOM];
static size_t answer_size;

int __wrap_socket(int domain, int type, int protocol)
{
	if (domain != AF_NETLINK)
		return __real_socket(domain, type, protocol);
	if (protocol == NETLINK_KOBJECT_UEVENT) {	/* nothing is announced */
		errno = EPROTONOSUPPORT;
		return -1;
	}
	assert_int_equal(protocol, NETLINK_GENERIC);
	assert_true(type & SOCK_CLOEXEC);
	netlink = dup(STDERR_FILENO);
	return netlink;
}

static void put_answer(const void *data, size_t size)
{
	assert_in_range(answer_size + size, 0, ROOM);
	memcpy(answer + answer_size, data, size);
	answer_size += size;
}

static void put_attribute(uint16_t type, const void *data, uint16_t size)
{
	struct nlattr attribute = { .nla_len = NLA_HDRLEN + size, .nla_type = type };

	put_answer(&attribute, sizeof(attribute));
	put_answer(data, size);
	put_answer("\0\0\0", NLA_ALIGN(size) - size);
}

static void begin_answer(uint16_t type)
{
	struct nlmsghdr header = { .nlmsg_type = type };
	struct genlmsghdr generic = { 0 };

	answer_size = 0;
	put_answer(&header, sizeof(header));
	put_answer(&generic, sizeof(generic));
}

/* The kernel's acknowledgement is an error, too: 0. */
static void answer_error(int error)
{
	struct nlmsghdr header = { .nlmsg_type = NLMSG_ERROR };
	struct nlmsgerr body = { .error = -error };

	answer_size = 0;
	put_answer(&header, sizeof(header));
	put_answer(&body, sizeof(body));
}

static struct fake_port *find_port(const char *name)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.ports[i].port.id &&
		    !strcmp(fake.ports[i].port.name, name))
			return &fake.ports[i];
	return NULL;
}

static uint64_t find_fabric(const char *name)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.fabrics[i].id && !strcmp(fake.fabrics[i].name, name))
			return fake.fabrics[i].id;
	return 0;
}

static int add_port(const char *at[ATTRIBUTES], uint64_t fabric)
{
	const char *name = at[VDPA_ATTR_DEV_NAME];

	if (find_port(name))
		return EEXIST;
	memset(fake_vdpa.mac, 0, sizeof(fake_vdpa.mac));
	fake_vdpa.mtu = fake_vdpa.pairs = fake_vdpa.features = 0;
	if (at[VDPA_ATTR_DEV_NET_CFG_MACADDR])
		memcpy(fake_vdpa.mac, at[VDPA_ATTR_DEV_NET_CFG_MACADDR], 6);
	if (at[VDPA_ATTR_DEV_NET_CFG_MTU])
		memcpy(&fake_vdpa.mtu, at[VDPA_ATTR_DEV_NET_CFG_MTU], 2);
	if (at[VDPA_ATTR_DEV_NET_CFG_MAX_VQP])
		memcpy(&fake_vdpa.pairs, at[VDPA_ATTR_DEV_NET_CFG_MAX_VQP], 2);
	if (at[VDPA_ATTR_DEV_FEATURES])
		memcpy(&fake_vdpa.features, at[VDPA_ATTR_DEV_FEATURES], 8);
	for (int i = 0; i < FAKE_ROOM; i++) {
		struct queztl_port *port = &fake.ports[i].port;

		if (port->id)
			continue;
		memset(&fake.ports[i], 0, sizeof(fake.ports[i]));
		*port = (struct queztl_port){
			.id = 90 + i,
			.fabric_id = fabric,
			.mtu = fake_vdpa.mtu ? fake_vdpa.mtu : 1500,
			.max_vqp = fake_vdpa.pairs ? fake_vdpa.pairs : 1,
			.mac = { 0x52, 0x54, 0, 0, 1, i },
		};
		if (at[VDPA_ATTR_DEV_NET_CFG_MACADDR])
			memcpy(port->mac, fake_vdpa.mac, sizeof(port->mac));
		strcpy(port->name, name);
		fake.ports[i].rates.flood = 2000;
		fake_vdpa.of_port[i] = fake_vdpa.features ?
				       fake_vdpa.features : fake_vdpa.supported;
		fake_sysfs_add(name, at[VDPA_ATTR_MGMTDEV_DEV_NAME]);
		return 0;
	}
	return ENOSPC;
}

/* What others have of a port goes with it. */
static void forget_port(uint64_t id)
{
	for (int i = 0; i < FAKE_PEERS; i++)
		if (fake.peers[i][0] == id || fake.peers[i][1] == id)
			fake.peers[i][0] = fake.peers[i][1] = 0;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.ports[i].mirror == id)
			fake.ports[i].mirror = 0;
}

static int del_port(const char *name)
{
	struct fake_port *port = find_port(name);

	if (!port)
		return ENODEV;
	forget_port(port->port.id);
	port->port.id = 0;
	fake_sysfs_del(name);
	return 0;
}

static void serve_features(const char *name)
{
	struct fake_port *port = find_port(name);

	if (!port) {
		answer_error(ENODEV);
		return;
	}
	begin_answer(FAMILY);
	put_attribute(VDPA_ATTR_DEV_NAME, "x", 2);
	put_attribute(VDPA_ATTR_DEV_FEATURES,
		      &fake_vdpa.of_port[port - fake.ports], 8);
}

static void serve_family(uint8_t command, const char *at[ATTRIBUTES])
{
	uint64_t fabric = 0;

	if (fake_vdpa.error) {
		answer_error(fake_vdpa.error);
		return;
	}
	if (command == VDPA_CMD_DEV_DEL) {
		answer_error(del_port(at[VDPA_ATTR_DEV_NAME]));
		return;
	}
	if (command == VDPA_CMD_DEV_CONFIG_GET) {
		serve_features(at[VDPA_ATTR_DEV_NAME]);
		return;
	}
	assert_string_equal(at[VDPA_ATTR_MGMTDEV_BUS_NAME], "queztl");
	fabric = find_fabric(at[VDPA_ATTR_MGMTDEV_DEV_NAME]);
	if (!fabric) {
		answer_error(ENODEV);
	} else if (command == VDPA_CMD_DEV_NEW) {
		answer_error(add_port(at, fabric));
	} else {
		assert_int_equal(command, VDPA_CMD_MGMTDEV_GET);
		begin_answer(FAMILY);
		put_attribute(VDPA_ATTR_MGMTDEV_DEV_NAME, "x", 2);
		put_attribute(VDPA_ATTR_DEV_SUPPORTED_FEATURES,
			      &fake_vdpa.supported, 8);
	}
}

static void serve_controller(const char *at[ATTRIBUTES])
{
	uint16_t family = FAMILY;

	assert_string_equal(at[CTRL_ATTR_FAMILY_NAME], "vdpa");
	if (fake_vdpa.missing) {
		answer_error(ENOENT);
		return;
	}
	begin_answer(GENL_ID_CTRL);
	put_attribute(CTRL_ATTR_FAMILY_NAME, "vdpa", 5);
	put_attribute(CTRL_ATTR_FAMILY_ID, &family, sizeof(family));
}

/* Attributes are aligned, and end where the message does. */
static void serve(const char *data, size_t size)
{
	const char *at[ATTRIBUTES] = { 0 };
	struct nlmsghdr header;
	struct nlattr attribute;
	size_t i = NLMSG_LENGTH(GENL_HDRLEN);

	memcpy(&header, data, sizeof(header));
	assert_int_equal(header.nlmsg_len, size);
	assert_true(header.nlmsg_flags & NLM_F_REQUEST);
	for (; i < size; i += NLA_ALIGN(attribute.nla_len)) {
		memcpy(&attribute, data + i, sizeof(attribute));
		assert_in_range(attribute.nla_len, NLA_HDRLEN + 1, size - i);
		assert_in_range(attribute.nla_type, 1, ATTRIBUTES - 1);
		at[attribute.nla_type] = data + i + NLA_HDRLEN;
	}
	assert_int_equal(i, size);
	if (header.nlmsg_type == GENL_ID_CTRL) {
		serve_controller(at);
	} else {
		assert_int_equal(header.nlmsg_type, FAMILY);
		serve_family(data[NLMSG_HDRLEN], at);
	}
	memcpy(answer, &(uint32_t){ answer_size }, sizeof(uint32_t));
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	if (fd != netlink || fd < 0)
		return __real_send(fd, data, size, flags);
	serve(data, size);
	return size;
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
	if (fd != netlink || fd < 0)
		return __real_recv(fd, data, size, flags);
	assert_in_range(answer_size, 1, size);
	memcpy(data, answer, answer_size);
	return answer_size;
}

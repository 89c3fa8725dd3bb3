// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_policy.h"

static struct fake_port *find_fake_port(uint64_t id)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (id && fake.ports[i].port.id == id)
			return &fake.ports[i];
	return NULL;
}

static int fabric_set(struct queztl_fabric_set_args *arg)
{
	if (arg->reserved || arg->mode & ~(QUEZTL_FABRIC_DENY | QUEZTL_FABRIC_RESERVED))
		return -EINVAL;
	for (int i = 0; i < FAKE_ROOM; i++)
		if (arg->id && fake.fabrics[i].id == arg->id) {
			fake.fabrics[i].mode = arg->mode;
			return 0;
		}
	return -ENOENT;
}

/* What is captured is in a pipe: after it comes the end. */
static int port_capture(struct queztl_port_capture_args *arg)
{
	int ends[2];

	if (arg->reserved || arg->snaplen > QUEZTL_CAPTURE_SNAPLEN_MAX)
		return -EINVAL;
	if (!find_fake_port(arg->id))
		return -ENOENT;
	if (fake.captured_by_another)
		return -EBUSY;
	fake.snaplen = arg->snaplen;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], fake.captured, fake.captured_size),
			 fake.captured_size);
	close(ends[1]);
	arg->fd = ends[0];
	return 0;
}

static bool is_mirror(uint64_t id)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (fake.ports[i].mirror == id)
			return true;
	return false;
}

static int mirror_set(const struct queztl_port_mirror *arg)
{
	struct fake_port *port = find_fake_port(arg->id);
	const struct fake_port *mirror = find_fake_port(arg->mirror);

	if (!port || (arg->mirror && !mirror))
		return -ENOENT;
	if (mirror == port)
		return -EINVAL;
	if (mirror && mirror->port.fabric_id != port->port.fabric_id)
		return -EXDEV;
	if (mirror && (mirror->mirror || is_mirror(arg->id)))
		return -ELOOP;
	port->mirror = arg->mirror;
	return 0;
}

static int mirror_get(struct queztl_port_mirror *arg)
{
	const struct fake_port *port = find_fake_port(arg->id);

	if (!port)
		return -ENOENT;
	arg->mirror = port->mirror;
	return 0;
}

static int port_set(const struct queztl_port_set_args *arg)
{
	struct fake_port *port = find_fake_port(arg->id);

	uint32_t change = arg->change ? arg->change : QUEZTL_PORT_UPLINK;
	uint32_t uplink = arg->mode & QUEZTL_PORT_UPLINK;

	if (change & ~(QUEZTL_PORT_UPLINK | fake.link_bit) ||
	    arg->mode & ~change)
		return -EINVAL;
	if (!port)
		return -ENOENT;
	for (int i = 0; uplink && i < FAKE_ROOM; i++)
		if (&fake.ports[i] != port &&
		    fake.ports[i].port.mode & QUEZTL_PORT_UPLINK &&
		    fake.ports[i].port.fabric_id == port->port.fabric_id)
			return -EBUSY;
	port->port.mode = (port->port.mode & ~change) | arg->mode;
	return 0;
}

static bool are_rates_good(const struct queztl_port_rates *r)
{
	if (r->set & ~(QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS |
		       QUEZTL_PORT_FLOOD))
		return false;
	if (r->set & QUEZTL_PORT_TX_BYTES && r->tx_bytes &&
	    (r->tx_bytes < 1000 || r->tx_bytes > 1000000000000000))
		return false;
	if (r->set & QUEZTL_PORT_TX_PACKETS && r->tx_packets > 1000000000)
		return false;
	return !(r->set & QUEZTL_PORT_FLOOD) ||
	       (r->flood >= 1 && r->flood <= 1000000);
}

static int rates_set(const struct queztl_port_rates *arg)
{
	struct fake_port *port = find_fake_port(arg->id);

	if (!port)
		return -ENOENT;
	if (!are_rates_good(arg))
		return -EINVAL;
	if (arg->set & QUEZTL_PORT_TX_BYTES)
		port->rates.tx_bytes = arg->tx_bytes;
	if (arg->set & QUEZTL_PORT_TX_PACKETS)
		port->rates.tx_packets = arg->tx_packets;
	if (arg->set & QUEZTL_PORT_FLOOD)
		port->rates.flood = arg->flood;
	return 0;
}

static int rates_get(struct queztl_port_rates *arg)
{
	const struct fake_port *port = find_fake_port(arg->id);

	if (!port)
		return -ENOENT;
	arg->set = QUEZTL_PORT_TX_BYTES | QUEZTL_PORT_TX_PACKETS |
		   QUEZTL_PORT_FLOOD;
	arg->tx_bytes = port->rates.tx_bytes;
	arg->tx_packets = port->rates.tx_packets;
	arg->flood = port->rates.flood ? port->rates.flood : 2000;
	return 0;
}

static bool is_vlan_good(const struct queztl_port_vlan *v)
{
	bool some = false;

	for (int i = 0; i < 64; i++)
		some |= v->ids[i];
	if (v->reserved || v->mode > QUEZTL_VLAN_TRUNK)
		return false;
	if (v->mode == QUEZTL_VLAN_NONE)
		return !some && !v->native;
	return some && (v->native ? v->ids[v->native / 64] >> v->native % 64 & 1 :
			v->mode == QUEZTL_VLAN_TRUNK);
}

static int vlan_set(const struct queztl_port_vlan *arg)
{
	struct fake_port *port = find_fake_port(arg->id);

	if (!is_vlan_good(arg))
		return -EINVAL;
	if (!port)
		return -ENOENT;
	port->vlan = *arg;
	return 0;
}

static int vlan_get(struct queztl_port_vlan *arg)
{
	const struct fake_port *port = find_fake_port(arg->id);
	struct queztl_port_vlan head = *arg;

	if (!port)
		return -ENOENT;
	*arg = port->vlan;
	arg->size = head.size;
	arg->id = head.id;
	return 0;
}

static int macs_set(const struct queztl_port_macs *arg)
{
	const struct queztl_mac *macs = (const void *)(uintptr_t)arg->macs;
	struct fake_port *port = find_fake_port(arg->id);

	if (arg->mode > QUEZTL_MACS_ANY || arg->n > FAKE_ROOM ||
	    (arg->mode == QUEZTL_MACS_LIST) != !!arg->n)
		return -EINVAL;
	if (!port)
		return -ENOENT;
	for (uint32_t i = 0; i < arg->n; i++)
		for (int j = 0; j < FAKE_ROOM; j++)
			if (!memcmp(macs[i].addr, fake.ports[j].port.mac, 6))
				return -EEXIST;
	port->macs_mode = arg->mode;
	port->mac_count = arg->n;
	if (arg->n)
		memcpy(port->macs, macs, arg->n * sizeof(*macs));
	return 0;
}

static int macs_get(struct queztl_port_macs *arg)
{
	const struct fake_port *port = find_fake_port(arg->id);

	if (!port)
		return -ENOENT;
	arg->mode = port->macs_mode;
	arg->n = port->mac_count;
	return 0;
}

static int mac_next(struct queztl_mac_next_args *arg)
{
	const struct fake_port *port = find_fake_port(arg->port);
	const struct queztl_mac *next = NULL;

	for (uint32_t i = 0; port && i < port->mac_count; i++) {
		const struct queztl_mac *mac = &port->macs[i];

		if (memcmp(mac->addr, arg->mac.addr, 6) > 0 &&
		    (!next || memcmp(mac->addr, next->addr, 6) < 0))
			next = mac;
	}
	if (!next)
		return -ENOENT;
	arg->mac = *next;
	return 0;
}

static uint64_t *find_pair(uint64_t a, uint64_t b)
{
	for (int i = 0; i < FAKE_PEERS; i++) {
		uint64_t *pair = fake.peers[i];

		if ((pair[0] == a && pair[1] == b) ||
		    (pair[0] == b && pair[1] == a))
			return pair;
	}
	return NULL;
}

static int peer_add(const struct queztl_peer *arg)
{
	const struct fake_port *a = find_fake_port(arg->port);
	const struct fake_port *b = find_fake_port(arg->peer);
	uint64_t *room = find_pair(0, 0);

	if (!a || !b)
		return -ENOENT;
	if (a == b)
		return -EINVAL;
	if (a->port.fabric_id != b->port.fabric_id)
		return -EXDEV;
	if (find_pair(arg->port, arg->peer))
		return -EEXIST;
	assert_non_null(room);
	room[0] = arg->port;
	room[1] = arg->peer;
	return 0;
}

static int peers_add(const struct queztl_peers *arg)
{
	const uint64_t *ids = (const uint64_t *)(uintptr_t)arg->peers;
	const struct fake_port *a = find_fake_port(arg->port);

	if (arg->reserved || !arg->n || arg->n > QUEZTL_PEERS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < arg->n; i++) {
		const struct fake_port *b = find_fake_port(ids[i]);

		if (!a || !b)
			return -ENOENT;
		if (a == b)
			return -EINVAL;
		if (a->port.fabric_id != b->port.fabric_id)
			return -EXDEV;
	}
	for (uint32_t i = 0; i < arg->n; i++)
		peer_add(&(struct queztl_peer){
			.port = arg->port, .peer = ids[i] });
	fake.peers_calls++;
	return 0;
}

static int peer_del(const struct queztl_peer *arg)
{
	uint64_t *pair = NULL;

	if (find_fake_port(arg->port) && find_fake_port(arg->peer))
		pair = find_pair(arg->port, arg->peer);
	if (!pair)
		return -ENOENT;
	pair[0] = pair[1] = 0;
	return 0;
}

static int peer_next(struct queztl_peer *arg)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < FAKE_ROOM; i++) {
		uint64_t id = fake.ports[i].port.id;

		if (id > arg->peer && id < next && find_pair(arg->port, id))
			next = id;
	}
	if (!find_fake_port(arg->port) || next == UINT64_MAX)
		return -ENOENT;
	arg->peer = next;
	return 0;
}

static bool is_unicast(const struct queztl_addr *a)
{
	if (a->family == AF_INET6)
		return a->addr[0] != 0xff;
	return a->addr[0] < 224;
}

static bool has_bits_behind(const struct queztl_addr *a)
{
	for (int bit = a->prefix; bit < 128; bit++)
		if (a->addr[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

static int check_addr(const struct queztl_addr *a)
{
	if (a->reserved)
		return -EINVAL;
	if (a->family != AF_INET && a->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (a->prefix > (a->family == AF_INET ? 32 : 128) ||
	    has_bits_behind(a) || !is_unicast(a))
		return -EINVAL;
	return 0;
}

static struct queztl_addr *find_addr(struct fake_port *port,
				     const struct queztl_addr *wanted)
{
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++) {
		struct queztl_addr *a = &port->addrs[i];

		if (a->id && a->family == wanted->family &&
		    a->prefix == wanted->prefix &&
		    !memcmp(a->addr, wanted->addr, sizeof(a->addr)))
			return a;
	}
	return NULL;
}

static int addr_add(struct queztl_addr *arg)
{
	struct fake_port *port = find_fake_port(arg->port);
	int ret = check_addr(arg);

	if (ret)
		return ret;
	if (!port)
		return -ENOENT;
	if (find_addr(port, arg))
		return -EEXIST;
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++)
		if (!port->addrs[i].id) {
			arg->id = ++port->last_addr;
			port->addrs[i] = *arg;
			return 0;
		}
	return -ENOSPC;
}

static int addr_del(const struct queztl_addr *arg)
{
	struct fake_port *port = find_fake_port(arg->port);
	struct queztl_addr *found;
	int ret = check_addr(arg);

	if (ret)
		return ret;
	found = port ? find_addr(port, arg) : NULL;
	if (!found)
		return -ENOENT;
	memset(found, 0, sizeof(*found));
	return 0;
}

static int addr_next(struct queztl_addr *arg)
{
	struct fake_port *port = find_fake_port(arg->port);
	const struct queztl_addr *next = NULL;

	if (arg->reserved)
		return -EINVAL;
	if (!port)
		return -ENOENT;
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++) {
		const struct queztl_addr *a = &port->addrs[i];

		if (a->id > arg->id && (!next || a->id < next->id))
			next = a;
	}
	if (!next)
		return -ENOENT;
	*arg = *next;
	return 0;
}

uint32_t size_of_policy_argument(unsigned long request)
{
	switch (request) {
	case QUEZTL_FABRIC_SET:		return 24;
	case QUEZTL_PORT_SET:		return 24;
	case QUEZTL_PORT_CAPTURE:	return 32;
	case QUEZTL_PORT_MIRROR_SET:	return fake.link_bit ? 24 : 0;
	case QUEZTL_PORT_MIRROR_GET:	return fake.link_bit ? 24 : 0;
	case QUEZTL_PORT_VLAN_SET:	return fake.link_bit ? 536 : 0;
	case QUEZTL_PORT_VLAN_GET:	return fake.link_bit ? 536 : 0;
	case QUEZTL_PORT_MACS_SET:	return fake.link_bit ? 32 : 0;
	case QUEZTL_PORT_MACS_GET:	return fake.link_bit ? 32 : 0;
	case QUEZTL_MAC_NEXT:		return fake.link_bit ? 24 : 0;
	case QUEZTL_RATES_SET:		return 40;
	case QUEZTL_RATES_GET:		return 40;
	case QUEZTL_PEER_ADD:		return 24;
	case QUEZTL_PEER_DEL:		return 24;
	case QUEZTL_PEER_NEXT:		return 24;
	case QUEZTL_PEERS_ADD:		return 32;
	case QUEZTL_ADDR_ADD:		return 40;
	case QUEZTL_ADDR_DEL:		return 40;
	case QUEZTL_ADDR_NEXT:		return 40;
	}
	return 0;
}

int policy_call(unsigned long request, void *arg)
{
	switch (request) {
	case QUEZTL_FABRIC_SET:
		return fabric_set(arg);
	case QUEZTL_PORT_SET:
		return port_set(arg);
	case QUEZTL_PORT_CAPTURE:
		return port_capture(arg);
	case QUEZTL_PORT_MIRROR_SET:
		return mirror_set(arg);
	case QUEZTL_PORT_MIRROR_GET:
		return mirror_get(arg);
	case QUEZTL_PORT_VLAN_SET:
		return vlan_set(arg);
	case QUEZTL_PORT_VLAN_GET:
		return vlan_get(arg);
	case QUEZTL_PORT_MACS_SET:
		return macs_set(arg);
	case QUEZTL_PORT_MACS_GET:
		return macs_get(arg);
	case QUEZTL_MAC_NEXT:
		return mac_next(arg);
	case QUEZTL_RATES_SET:
		return rates_set(arg);
	case QUEZTL_RATES_GET:
		return rates_get(arg);
	case QUEZTL_PEER_ADD:
		return peer_add(arg);
	case QUEZTL_PEER_DEL:
		return peer_del(arg);
	case QUEZTL_PEER_NEXT:
		return peer_next(arg);
	case QUEZTL_PEERS_ADD:
		return peers_add(arg);
	case QUEZTL_ADDR_ADD:
		return addr_add(arg);
	case QUEZTL_ADDR_DEL:
		return addr_del(arg);
	case QUEZTL_ADDR_NEXT:
		return addr_next(arg);
	}
	return -ENOTTY;
}

void fake_add_ports(void)
{
	fake.fabrics[0].ports = 3;
	fake.fabrics[1].ports = 1;
	fake.ports[2].port = (struct queztl_port){
		.id = 12, .fabric_id = 1, .name = "db0", .mtu = 1500 };
	fake.ports[3].port = (struct queztl_port){
		.id = 20, .fabric_id = 5, .name = "lone0", .mtu = 1500 };
}

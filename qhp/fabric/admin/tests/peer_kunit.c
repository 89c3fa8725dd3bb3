// SPDX-License-Identifier: GPL-2.0
/* Who is whose peer; the switch and mactab are in this module too. */

#include <kunit/test.h>

#include "../peer.c"
#include "../../path/macs.c"
#include "../../path/reach.c"

#define FIRST_MAC	0x525400000000ULL

/* Ports by id, from 1. */
struct lan {
	struct qz_fabric fabric;
	struct qz_fabric other;
	struct qz_port *ports[8];
};

static struct lan *lan;

struct qz_port *qz_port_get(u64 id)
{
	return id && id <= ARRAY_SIZE(lan->ports) ? lan->ports[id - 1] : NULL;
}

void qz_port_put(struct qz_port *port)
{
}

static void init_fabric(struct kunit *test, struct qz_fabric *fabric)
{
	mutex_init(&fabric->lock);
	INIT_LIST_HEAD(&fabric->ports);
	RCU_INIT_POINTER(fabric->sw, qz_switch_alloc(0));
	KUNIT_ASSERT_NOT_NULL(test, rcu_access_pointer(fabric->sw));
}

static struct qz_port *new_port(struct kunit *test, struct qz_fabric *fabric,
				u64 id)
{
	struct qz_port *port = kunit_kzalloc(test, sizeof(*port), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, port);
	INIT_LIST_HEAD(&port->list);
	port->fabric = fabric;
	port->id = id;
	port->vdpa.dev.init_name = "port";
	port->mac_key = FIRST_MAC + id;
	RCU_INIT_POINTER(port->view, qz_switch_alloc(0));
	KUNIT_ASSERT_NOT_NULL(test, rcu_access_pointer(port->view));
	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, port), 0);
	return port;
}

/* All ports are of one fabric but for the last, which has the first's address. */
static int begin(struct kunit *test)
{
	const u64 last = ARRAY_SIZE(lan->ports);
	u64 i;

	lan = kunit_kzalloc(test, sizeof(*lan), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, lan);
	init_fabric(test, &lan->fabric);
	init_fabric(test, &lan->other);
	for (i = 1; i < last; i++)
		lan->ports[i - 1] = new_port(test, &lan->fabric, i);
	lan->ports[last - 1] = new_port(test, &lan->other, last);
	return 0;
}

static void end(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(lan->ports); i++)
		if (lan->ports[i])
			qz_switch_free(rcu_dereference_protected(lan->ports[i]->view,
								 true));
	qz_switch_free(rcu_dereference_protected(lan->fabric.sw, true));
	qz_switch_free(rcu_dereference_protected(lan->other.sw, true));
	srcu_barrier(&qz_gate);	/* retired tables */
}

/* Does a unicast from @from reach @to, and a flood as well? */
static bool reaches(u64 from, u64 to)
{
	struct qz_port *port = lan->ports[to - 1];
	const struct qz_switch *sw;
	u32 i = 0, floods = 0;
	struct qz_port *next;
	bool found;
	u64 id = 0;
	int idx;

	idx = srcu_read_lock(&qz_gate);
	sw = qz_reach_of(lan->ports[from - 1]);
	found = qz_mactab_find(&sw->tab, port->mac_key) == port;
	while ((next = qz_switch_next(sw, &i, &id)))
		floods += next == port;
	srcu_read_unlock(&qz_gate, idx);
	return found && floods == 1;
}

static bool reaches_nothing_of(u64 from, u64 to)
{
	struct qz_port *port = lan->ports[to - 1];
	const struct qz_switch *sw;
	u32 i = 0, floods = 0;
	struct qz_port *next;
	bool found;
	u64 id = 0;
	int idx;

	idx = srcu_read_lock(&qz_gate);
	sw = qz_reach_of(lan->ports[from - 1]);
	found = qz_mactab_find(&sw->tab, port->mac_key);
	while ((next = qz_switch_next(sw, &i, &id)))
		floods += next == port;
	srcu_read_unlock(&qz_gate, idx);
	return !found && !floods;
}

static u64 peer_after(u64 port, u64 peer)
{
	struct queztl_peer next = { .port = port, .peer = peer };

	return qz_peer_next(&next) ? 0 : next.peer;
}

static void open_fabric_ignores_peers(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, reaches(1, 2));
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_TRUE(test, reaches(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches(1, 3));
}

static void denying_fabric_is_closed(struct kunit *test)
{
	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 2));
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_add(3, 1), 0);
	KUNIT_EXPECT_TRUE(test, reaches(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches(2, 1));
	KUNIT_EXPECT_TRUE(test, reaches(1, 3));
	KUNIT_EXPECT_TRUE(test, reaches(3, 1));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 3));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 4));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 1));
}

static void removed_peer_is_not_reached(struct kunit *test)
{
	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 3), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_del(2, 1), 0);
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 1));
	KUNIT_EXPECT_TRUE(test, reaches(1, 3));
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_TRUE(test, reaches(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches(2, 1));
	KUNIT_EXPECT_TRUE(test, reaches(1, 3));
}

/* A view is as large as its port has peers, whatever it had. */
static void view_does_not_grow_with_changes(struct kunit *test)
{
	int i;

	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 3), 0);
	for (i = 0; i < 100; i++) {
		KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
		KUNIT_EXPECT_EQ(test, qz_peer_del(1, 2), 0);
	}
	mutex_lock(&lan->fabric.lock);
	KUNIT_EXPECT_LE(test, view_of(lan->ports[0])->list.n, 2);
	KUNIT_EXPECT_EQ(test, view_of(lan->ports[0])->live, 1);
	mutex_unlock(&lan->fabric.lock);
}

static void pairs_that_cannot_be_are_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_add(9, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 8), -EXDEV);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), -EEXIST);
	KUNIT_EXPECT_EQ(test, qz_peer_add(2, 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, qz_peer_del(1, 3), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_del(1, 8), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_del(1, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_del(1, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_del(1, 2), -ENOENT);
}

static void peers_are_listed_by_rising_id(struct kunit *test)
{
	static const u64 order[] = { 5, 2, 7, 3 };
	int i;

	KUNIT_EXPECT_EQ(test, peer_after(4, 0), 0);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, qz_peer_add(4, order[i]), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_del(4, 3), 0);
	KUNIT_EXPECT_EQ(test, peer_after(4, 0), 2);
	KUNIT_EXPECT_EQ(test, peer_after(4, 2), 5);
	KUNIT_EXPECT_EQ(test, peer_after(4, 5), 7);
	KUNIT_EXPECT_EQ(test, peer_after(4, 7), 0);
	KUNIT_EXPECT_EQ(test, peer_after(5, 0), 4);
	KUNIT_EXPECT_EQ(test, peer_after(3, 0), 0);
	KUNIT_EXPECT_EQ(test, peer_after(9, 0), 0);
}

/* Another port of the same address is another port. */
static void deleted_port_is_forgotten(struct kunit *test)
{
	struct qz_port *gone = lan->ports[1];

	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_add(3, 2), 0);
	KUNIT_EXPECT_EQ(test, qz_peer_add(1, 3), 0);
	mutex_lock(&lan->fabric.lock);
	qz_switch_detach(gone);
	mutex_unlock(&lan->fabric.lock);
	qz_switch_leave(&lan->fabric, gone);
	KUNIT_EXPECT_EQ(test, qz_peer_add(2, 4), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peer_add(4, 2), -ENOENT);
	mutex_lock(&lan->fabric.lock);
	qz_peer_forget(gone);
	mutex_unlock(&lan->fabric.lock);
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(3, 2));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 1));
	KUNIT_EXPECT_TRUE(test, reaches(1, 3));
	qz_switch_free(rcu_dereference_protected(gone->view, true));
	lan->ports[1] = new_port(test, &lan->fabric, 2);
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 1));
	KUNIT_EXPECT_EQ(test, qz_peer_add(2, 1), 0);
	KUNIT_EXPECT_TRUE(test, reaches(1, 2));
	KUNIT_EXPECT_EQ(test, peer_after(3, 0), 1);
}

static void many_peers_at_once(struct kunit *test)
{
	u64 some[] = { 5, 2, 7, 2, 5 }, rest[] = { 2, 3, 4, 5, 6, 7 }, id;

	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, some, ARRAY_SIZE(some)), 0);
	for (id = 2; id <= 7; id++) {
		if (id == 2 || id == 5 || id == 7) {
			KUNIT_EXPECT_TRUE(test, reaches(1, id));
			KUNIT_EXPECT_TRUE(test, reaches(id, 1));
		} else {
			KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, id));
		}
	}
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 5));
	/* who is a peer already stays one */
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, rest, ARRAY_SIZE(rest)), 0);
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, rest, ARRAY_SIZE(rest)), 0);
	for (id = 2; id <= 7; id++)
		KUNIT_EXPECT_TRUE(test, reaches(1, id));
	KUNIT_EXPECT_EQ(test, peer_after(1, 6), 7);
}

static void many_peers_or_none(struct kunit *test)
{
	u64 self[] = { 2, 1 }, none[] = { 2, 9 }, other[] = { 2, 8 };
	struct qz_port *gone = lan->ports[2];
	u64 detached[] = { 2, 3 };

	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, self, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, none, 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peers_add(9, other, 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, other, 2), -EXDEV);
	mutex_lock(&lan->fabric.lock);
	qz_switch_detach(gone);
	mutex_unlock(&lan->fabric.lock);
	KUNIT_EXPECT_EQ(test, qz_peers_add(1, detached, 2), -ENOENT);
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(1, 2));
	KUNIT_EXPECT_TRUE(test, reaches_nothing_of(2, 1));
	KUNIT_EXPECT_EQ(test, peer_after(1, 0), 0);
}

static void full_mesh_in_any_order(struct kunit *test)
{
	static const u64 order[] = { 4, 7, 1, 6, 2, 5, 3 };
	u64 ids[7], a, b;
	int i, n;

	lan->fabric.mode = QUEZTL_FABRIC_DENY;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		for (n = 0, a = 7; a; a--)
			if (a != order[i])
				ids[n++] = a;
		KUNIT_ASSERT_EQ(test, qz_peers_add(order[i], ids, n), 0);
	}
	for (a = 1; a <= 7; a++)
		for (b = 1; b <= 7; b++)
			KUNIT_EXPECT_EQ(test, a != b, reaches(a, b));
}

static struct kunit_case peer_cases[] = {
	KUNIT_CASE(open_fabric_ignores_peers),
	KUNIT_CASE(denying_fabric_is_closed),
	KUNIT_CASE(removed_peer_is_not_reached),
	KUNIT_CASE(view_does_not_grow_with_changes),
	KUNIT_CASE(pairs_that_cannot_be_are_refused),
	KUNIT_CASE(peers_are_listed_by_rising_id),
	KUNIT_CASE(deleted_port_is_forgotten),
	KUNIT_CASE(many_peers_at_once),
	KUNIT_CASE(many_peers_or_none),
	KUNIT_CASE(full_mesh_in_any_order),
	{}
};

static struct kunit_suite peer_suite = {
	.name = "queztl_peer",
	.init = begin,
	.exit = end,
	.test_cases = peer_cases,
};

kunit_test_suite(peer_suite);

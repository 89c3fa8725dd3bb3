// SPDX-License-Identifier: GPL-2.0
/* The tables the data path finds ports in; mactab is in this module too. */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "../switch.c"

/* In place of path/gate.c. */
DEFINE_SRCU(qz_gate);

void qz_gate_wait(void)
{
	synchronize_srcu(&qz_gate);
}

static struct qz_fabric *new_fabric(struct kunit *test)
{
	struct qz_fabric *fabric;

	fabric = kunit_kzalloc(test, sizeof(*fabric), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fabric);
	mutex_init(&fabric->lock);
	INIT_LIST_HEAD(&fabric->ports);
	RCU_INIT_POINTER(fabric->sw, qz_switch_alloc(0));
	KUNIT_ASSERT_NOT_NULL(test, rcu_access_pointer(fabric->sw));
	test->priv = fabric;
	return fabric;
}

/* Of a fabric that the test gets it attached to; its id rises with each. */
static struct qz_port *new_port(struct kunit *test, u64 mac_key)
{
	struct qz_port *port = kunit_kzalloc(test, sizeof(*port), GFP_KERNEL);
	char *name = kunit_kzalloc(test, QUEZTL_NAME_MAX, GFP_KERNEL);
	static u64 last_id;

	KUNIT_ASSERT_NOT_NULL(test, port);
	KUNIT_ASSERT_NOT_NULL(test, name);
	INIT_LIST_HEAD(&port->list);
	port->fabric = test->priv;
	port->id = ++last_id;
	snprintf(name, QUEZTL_NAME_MAX, "p%llu", port->id);
	port->vdpa.dev.init_name = name;
	port->mac_key = mac_key;
	return port;
}

static void detach(struct qz_port *port)
{
	mutex_lock(&port->fabric->lock);
	qz_switch_detach(port);
	mutex_unlock(&port->fabric->lock);
	qz_gate_wait();
}

/* Nobody replaces the table but the test itself. */
static struct qz_switch *table(struct qz_fabric *fabric)
{
	return rcu_dereference_protected(fabric->sw, true);
}

static void *find(struct qz_fabric *fabric, u64 mac_key)
{
	return qz_mactab_find(&table(fabric)->tab, mac_key);
}

static bool is_flooded_to(struct qz_fabric *fabric, struct qz_port *port)
{
	struct qz_port *next;
	u32 i = 0, times = 0;
	u64 id = 0;

	while ((next = qz_switch_next(table(fabric), &i, &id)))
		times += next == port;
	return times == 1;
}

static void empty_fabric_finds_nobody(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);

	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	KUNIT_EXPECT_EQ(test, table(fabric)->live, 0);
}

static void attached_ports_are_found_and_flooded_to(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *ports[40];
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = new_port(test, 0x525400000000 + i);
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, ports[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, table(fabric)->live, ARRAY_SIZE(ports));
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		KUNIT_EXPECT_PTR_EQ(test, find(fabric, ports[i]->mac_key),
				    (void *)ports[i]);
		KUNIT_EXPECT_TRUE(test, is_flooded_to(fabric, ports[i]));
	}
	KUNIT_EXPECT_NULL(test, find(fabric, 0x525400000000 + i));
}

static void detached_port_is_not_found(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *a = new_port(test, 1), *b = new_port(test, 2);

	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, a), 0);
	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, b), 0);
	detach(a);
	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	KUNIT_EXPECT_FALSE(test, is_flooded_to(fabric, a));
	KUNIT_EXPECT_PTR_EQ(test, find(fabric, 2), (void *)b);
	KUNIT_EXPECT_EQ(test, fabric->nports, 2);
	qz_switch_leave(fabric, a);
	KUNIT_EXPECT_EQ(test, fabric->nports, 1);
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, a), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(fabric, 1), (void *)a);
}

static void taken_address_is_refused(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *a = new_port(test, 1), *b = new_port(test, 1);
	struct qz_switch *before;

	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, a), 0);
	before = table(fabric);
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, b), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, table(fabric), before);
	KUNIT_EXPECT_PTR_EQ(test, find(fabric, 1), (void *)a);
	KUNIT_EXPECT_EQ(test, fabric->nports, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&b->list));
}

/* It has left the table, but not yet the bus, and so not sysfs. */
static void name_of_a_leaving_port_is_refused(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *a = new_port(test, 1), *b = new_port(test, 1);

	b->vdpa.dev.init_name = a->vdpa.dev.init_name;
	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, a), 0);
	detach(a);
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, b), -EBUSY);
	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	qz_switch_leave(fabric, a);
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, b), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(fabric, 1), (void *)b);
}

static void dying_fabric_takes_no_port(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);

	fabric->dying = true;
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, new_port(test, 1)),
			-ENODEV);
	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	KUNIT_EXPECT_EQ(test, fabric->nports, 0);
}

static void full_fabric_takes_no_port(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);

	fabric->nports = QZ_MAX_PORTS;
	KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, new_port(test, 1)),
			-ENOSPC);
	KUNIT_EXPECT_TRUE(test, list_empty(&fabric->ports));
	KUNIT_EXPECT_EQ(test, fabric->nports, QZ_MAX_PORTS);
}

static void ports_come_and_go_in_place(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *ports[14];
	struct qz_switch *before;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = new_port(test, i + 1);
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, ports[i]), 0);
	}
	before = table(fabric);
	for (j = 0; j < 100; j++) {
		detach(ports[3]);
		for (i = 0; i < ARRAY_SIZE(ports); i++) {
			KUNIT_EXPECT_PTR_EQ(test, find(fabric, i + 1),
					    (void *)(i == 3 ? NULL : ports[i]));
			KUNIT_EXPECT_EQ(test, is_flooded_to(fabric, ports[i]),
					i != 3);
		}
		qz_switch_leave(fabric, ports[3]);
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, ports[3]), 0);
	}
	KUNIT_EXPECT_PTR_EQ(test, table(fabric), before);
	KUNIT_EXPECT_EQ(test, table(fabric)->live, ARRAY_SIZE(ports));
}

/* With another address each time: what they used up is found again. */
static void table_does_not_grow_with_changes(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *port = new_port(test, 1);
	int i;

	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, new_port(test, 1000)), 0);
	for (i = 0; i < 200; i++) {
		port->mac_key = i + 1;
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, port), 0);
		KUNIT_EXPECT_PTR_EQ(test, find(fabric, i + 1), (void *)port);
		detach(port);
		qz_switch_leave(fabric, port);
	}
	KUNIT_EXPECT_LE(test, table(fabric)->tab.mask, 15);
	KUNIT_EXPECT_NOT_NULL(test, find(fabric, 1000));
}

static void flood_goes_on_after_any_port(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *ports[40];
	int i;
	u64 id;
	u32 at;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = new_port(test, i + 1);
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, ports[i]), 0);
	}
	detach(ports[20]);
	for (i = 0; i < ARRAY_SIZE(ports) - 1; i++) {
		id = ports[i]->id;
		at = qz_switch_after(table(fabric), id);
		KUNIT_EXPECT_PTR_EQ(test,
				    qz_switch_next(table(fabric), &at, &id),
				    ports[i + (i == 19 ? 2 : 1)]);
	}
	id = ports[i]->id;
	KUNIT_EXPECT_EQ(test, qz_switch_after(table(fabric), id),
			qz_idlist_n(&table(fabric)->list));
}

struct reader {
	struct qz_fabric *fabric;
	struct qz_port *ports[3];
	u32 misses;
	struct completion running;
};

/* Are the three there, once each, and is what else there is behind them? */
static bool sees_its_ports(const struct reader *reader,
			   const struct qz_switch *sw)
{
	const struct qz_port *next;
	u32 i = 0, n = 0;
	u64 id = 0;

	while ((next = qz_switch_next(sw, &i, &id)))
		if (n < 3 && next == reader->ports[n])
			n++;
	for (i = 0; i < 3; i++)
		if (qz_mactab_find(&sw->tab, reader->ports[i]->mac_key) !=
		    reader->ports[i])
			return false;
	return n == 3;
}

static int read_tables(void *data)
{
	struct reader *reader = data;
	struct qz_switch *sw;
	int idx;

	complete(&reader->running);
	while (!kthread_should_stop()) {
		idx = srcu_read_lock(&qz_gate);
		sw = srcu_dereference(reader->fabric->sw, &qz_gate);
		cond_resched();		/* long enough for a swap */
		if (!sees_its_ports(reader, sw))
			reader->misses++;
		srcu_read_unlock(&qz_gate, idx);
	}
	return 0;
}

/*
 * Others come before, between and behind, each with another address, so that the
 * table is built anew now and then. KASAN sees one that is freed too early.
 */
static void readers_miss_nothing(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *others[4];
	struct reader *reader;
	struct task_struct *task;
	int i, j;

	reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->fabric = fabric;
	init_completion(&reader->running);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = new_port(test, 0);
		if (i == ARRAY_SIZE(others) - 1)
			break;
		reader->ports[i] = new_port(test, i + 1);
		KUNIT_ASSERT_EQ(test,
				qz_switch_attach(fabric, reader->ports[i]), 0);
	}
	task = kthread_run(read_tables, reader, "qz-reader");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&reader->running);
	for (i = 0; i < 400; i++) {
		for (j = 0; j < ARRAY_SIZE(others); j++) {
			others[j]->mac_key = 100 + (4 * i + j) % 37;
			KUNIT_EXPECT_EQ(test,
					qz_switch_attach(fabric, others[j]), 0);
		}
		for (j = 0; j < ARRAY_SIZE(others); j++) {
			mutex_lock(&fabric->lock);
			qz_switch_detach(others[j]);
			mutex_unlock(&fabric->lock);
			qz_switch_leave(fabric, others[j]);
		}
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, reader->misses, 0);
}

static void end(struct kunit *test)
{
	struct qz_fabric *fabric = test->priv;

	if (fabric)
		qz_switch_free(table(fabric));
	srcu_barrier(&qz_gate);	/* retired tables */
}

static struct kunit_case switch_cases[] = {
	KUNIT_CASE(empty_fabric_finds_nobody),
	KUNIT_CASE(attached_ports_are_found_and_flooded_to),
	KUNIT_CASE(detached_port_is_not_found),
	KUNIT_CASE(taken_address_is_refused),
	KUNIT_CASE(dying_fabric_takes_no_port),
	KUNIT_CASE(full_fabric_takes_no_port),
	KUNIT_CASE(name_of_a_leaving_port_is_refused),
	KUNIT_CASE(ports_come_and_go_in_place),
	KUNIT_CASE(table_does_not_grow_with_changes),
	KUNIT_CASE(flood_goes_on_after_any_port),
	KUNIT_CASE(readers_miss_nothing),
	{}
};

static struct kunit_suite switch_suite = {
	.name = "queztl_switch",
	.exit = end,
	.test_cases = switch_cases,
};

kunit_test_suite(switch_suite);

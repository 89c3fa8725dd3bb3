// SPDX-License-Identifier: GPL-2.0
/* The tables the data path finds ports in; mactab is in this module too. */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "../switch.c"

DEFINE_SRCU(qz_fabric_srcu);

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

static struct qz_port *new_port(struct kunit *test, u64 mac_key)
{
	struct qz_port *port = kunit_kzalloc(test, sizeof(*port), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, port);
	INIT_LIST_HEAD(&port->list);
	port->mac_key = mac_key;
	return port;
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
	struct qz_switch *sw = table(fabric);
	u32 i, times = 0;

	for (i = 0; i < sw->n; i++)
		times += sw->ports[i] == port;
	return times == 1;
}

static void empty_fabric_finds_nobody(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);

	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	KUNIT_EXPECT_EQ(test, table(fabric)->n, 0);
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
	KUNIT_EXPECT_EQ(test, table(fabric)->n, ARRAY_SIZE(ports));
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
	qz_switch_detach(fabric, a);
	KUNIT_EXPECT_NULL(test, find(fabric, 1));
	KUNIT_EXPECT_FALSE(test, is_flooded_to(fabric, a));
	KUNIT_EXPECT_PTR_EQ(test, find(fabric, 2), (void *)b);
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

/* What detaching does without memory for a new table. */
static void port_is_taken_out_in_place(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *ports[8];
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = new_port(test, i + 1);
		KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, ports[i]), 0);
	}
	mutex_lock(&fabric->lock);
	blank_port(fabric, ports[3]);
	mutex_unlock(&fabric->lock);
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		KUNIT_EXPECT_PTR_EQ(test, find(fabric, i + 1),
				    (void *)(i == 3 ? NULL : ports[i]));
		KUNIT_EXPECT_EQ(test, is_flooded_to(fabric, ports[i]), i != 3);
	}
}

struct reader {
	struct qz_fabric *fabric;
	struct qz_port *port;
	u32 misses;
	struct completion running;
};

static int read_tables(void *data)
{
	struct reader *reader = data;
	struct qz_switch *sw;
	int idx;

	complete(&reader->running);
	while (!kthread_should_stop()) {
		idx = srcu_read_lock(&qz_fabric_srcu);
		sw = srcu_dereference(reader->fabric->sw, &qz_fabric_srcu);
		cond_resched();		/* long enough for a swap */
		if (qz_mactab_find(&sw->tab, 1) != reader->port)
			reader->misses++;
		srcu_read_unlock(&qz_fabric_srcu, idx);
	}
	return 0;
}

/* KASAN sees a table that is freed too early. */
static void readers_keep_their_table(struct kunit *test)
{
	struct qz_fabric *fabric = new_fabric(test);
	struct qz_port *other = new_port(test, 2);
	struct reader *reader;
	struct task_struct *task;
	int i;

	reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->fabric = fabric;
	reader->port = new_port(test, 1);
	init_completion(&reader->running);
	KUNIT_ASSERT_EQ(test, qz_switch_attach(fabric, reader->port), 0);
	task = kthread_run(read_tables, reader, "qz-reader");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&reader->running);
	for (i = 0; i < 200; i++) {
		KUNIT_EXPECT_EQ(test, qz_switch_attach(fabric, other), 0);
		qz_switch_detach(fabric, other);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, reader->misses, 0);
}

static void end(struct kunit *test)
{
	struct qz_fabric *fabric = test->priv;

	if (fabric)
		qz_switch_free(table(fabric));
}

static struct kunit_case switch_cases[] = {
	KUNIT_CASE(empty_fabric_finds_nobody),
	KUNIT_CASE(attached_ports_are_found_and_flooded_to),
	KUNIT_CASE(detached_port_is_not_found),
	KUNIT_CASE(taken_address_is_refused),
	KUNIT_CASE(dying_fabric_takes_no_port),
	KUNIT_CASE(full_fabric_takes_no_port),
	KUNIT_CASE(port_is_taken_out_in_place),
	KUNIT_CASE(readers_keep_their_table),
	{}
};

static struct kunit_suite switch_suite = {
	.name = "queztl_switch",
	.exit = end,
	.test_cases = switch_cases,
};

kunit_test_suite(switch_suite);

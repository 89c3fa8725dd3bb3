// SPDX-License-Identifier: GPL-2.0
/* What changes between two moments, and the command that prints it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "event.h"
#include "fake.h"
#include "fake_channel.h"
#include "run.h"
#include "uevent.h"

#define ROUNDS	2000
#define REGION	65536

static unsigned int descriptors, opened;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fake_reset_channels();
	opened = 0;
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

/* -- the difference of two moments ----------------------------------------- */

static char *random_words(void)
{
	static const char *const words[] = { "a", "ab", "b", "c", "d" };
	char text[32] = "";

	for (int i = 0; i < 5; i++)
		if (rand() % 2) {
			strcat(text, *text ? " " : "");
			strcat(text, words[i]);
		}
	return *text || rand() % 2 ? strdup(text) : NULL;
}

static char *random_value(const struct item_key *key)
{
	static const char *const values[] = { "", "1", "2", "a b" };
	int n = rand() % 5;

	if (key->list)
		return random_words();
	return n == 4 ? NULL : strdup(values[n]);
}

/* Few ids and names, so that many are in the next one, too. */
static struct items random_items(void)
{
	static const char *const names[] = { "x", "y", NULL };
	struct items items = { 0 };

	for (int kind = 0; kind < ITEM_KINDS; kind++)
		for (uint64_t id = 1; id < 5; id++) {
			const struct item_key *key = item_types[kind].keys;
			struct item *item;

			if (rand() % 3 == 0)
				continue;
			item = add_item(&items, kind, id, names[rand() % 3]);
			for (int k = 0; key[k].name; k++)
				give_item(item, key[k].name,
					  random_value(&key[k]));
		}
	sort_items(&items);
	return items;
}

static struct item *find_mutable(struct items *items, const struct item *like)
{
	return (struct item *)find_item(items, like->kind, like->id);
}

static void copy_whole(struct items *items, const struct item *from)
{
	struct item *item = add_item(items, from->kind, from->id, from->name);
	const struct item_key *key = item_types[from->kind].keys;

	for (int k = 0; key[k].name; k++)
		set_item(item, key[k].name, from->value[k]);
	sort_items(items);
}

static void remove_whole(struct items *items, const struct item *like)
{
	struct item *item = find_mutable(items, like), swap, *last;

	assert_true(is_same_item(item, like));
	last = &items->at[items->count - 1];
	swap = *item;
	*item = *last;
	*last = swap;
	drop_last_item(items);
	sort_items(items);
}

static char *without_word(const char *list, const char *word)
{
	char *copy = strdup(list), *rest = copy, *left = calloc(1, 64), *at;
	bool found = false;

	while ((at = strsep(&rest, " "))) {
		if (!strcmp(at, word)) {
			found = true;
			continue;
		}
		strcat(left, *left ? " " : "");
		strcat(left, at);
	}
	assert_true(found);
	free(copy);
	return left;
}

static char *with_word(const char *list, const char *word)
{
	char *copy = strdup(list ? list : ""), *rest = copy, *at;
	char *longer = calloc(1, 64);
	bool done = false;

	while ((at = strsep(&rest, " "))) {
		assert_string_not_equal(at, word);
		if (!done && (!*at || strcmp(word, at) < 0)) {
			strcat(longer, *longer ? " " : "");
			strcat(longer, word);
			done = true;
		}
		if (!*at)
			continue;
		strcat(longer, *longer ? " " : "");
		strcat(longer, at);
	}
	if (!done) {
		strcat(longer, " ");
		strcat(longer, word);
	}
	free(copy);
	return longer;
}

static void assert_text_equal(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void apply_change(struct items *items, const struct event *event)
{
	struct item *item = find_mutable(items, event->item);
	const char *key = event->key->name;

	assert_non_null(item);
	if (!event->key->list) {
		assert_text_equal(item_value(item, key), event->old);
		set_item(item, key, event->new);
	} else if (event->old) {
		assert_null(event->new);
		give_item(item, key, without_word(item_value(item, key),
						  event->old));
	} else {
		give_item(item, key, with_word(item_value(item, key),
					       event->new));
	}
}

/* Only from what the event says. */
static bool apply_event(void *ctx, const struct event *event)
{
	struct items *items = ctx;

	if (event->kind == EVENT_ADDED)
		copy_whole(items, event->item);
	else if (event->kind == EVENT_DELETED)
		remove_whole(items, event->item);
	else
		apply_change(items, event);
	return true;
}

/* No words, and no list, are the same. */
static void assert_values_equal(const struct item *a, const struct item *b)
{
	const struct item_key *key = item_types[a->kind].keys;

	for (int k = 0; key[k].name; k++)
		if (key[k].list)
			assert_string_equal(a->value[k] ? a->value[k] : "",
					    b->value[k] ? b->value[k] : "");
		else
			assert_text_equal(a->value[k], b->value[k]);
}

static void assert_items_equal(const struct items *a, const struct items *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(is_same_item(&a->at[i], &b->at[i]));
		assert_values_equal(&a->at[i], &b->at[i]);
	}
}

static bool count_event(void *ctx, const struct event *event)
{
	(void)event;
	++*(unsigned int *)ctx;
	return true;
}

static void events_lead_from_one_moment_to_the_next(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		struct items old = random_items(), new = random_items();
		struct items changed = { 0 };
		unsigned int events = 0;

		for (size_t i = 0; i < old.count; i++)
			copy_whole(&changed, &old.at[i]);
		assert_true(compare_moments(&old, &new, apply_event, &changed));
		assert_items_equal(&changed, &new);
		assert_true(compare_moments(&changed, &new, count_event, &events));
		assert_int_equal(events, 0);
		free_items(&old);
		free_items(&new);
		free_items(&changed);
	}
}

struct log {
	char text[4096];
	unsigned int left;	/* 0: no limit */
};

static bool log_event(void *ctx, const struct event *event)
{
	static const char marks[] = "+-~";
	struct log *log = ctx;
	size_t at = strlen(log->text);

	snprintf(log->text + at, sizeof(log->text) - at, "%c%s%d%s%s ",
		 marks[event->kind], item_types[event->item->kind].name,
		 (int)event->item->id, event->key ? "." : "",
		 event->key ? event->key->name : "");
	return !log->left || --log->left;
}

static void what_depends_goes_first_and_comes_last(void **state)
{
	struct items none = { 0 }, all = { 0 };
	struct log log = { .left = 2 };

	(void)state;
	add_item(&all, ITEM_PORT, 2, "b");
	add_item(&all, ITEM_PORT, 1, "a");
	add_item(&all, ITEM_FABRIC, 9, "f");
	add_item(&all, ITEM_MODULE, 0, "queztl");
	sort_items(&all);
	assert_false(compare_moments(&none, &all, log_event, &log));
	assert_string_equal(log.text, "+module0 +fabric9 ");
	log = (struct log){ 0 };
	assert_true(compare_moments(&none, &all, log_event, &log));
	assert_string_equal(log.text, "+module0 +fabric9 +port1 +port2 ");
	log = (struct log){ 0 };
	assert_true(compare_moments(&all, &none, log_event, &log));
	assert_string_equal(log.text, "-port2 -port1 -fabric9 -module0 ");
	free_items(&all);
}

static void another_name_is_another_object_except_of_a_vm(void **state)
{
	struct items old = { 0 }, new = { 0 };
	struct log log = { 0 };

	(void)state;
	add_item(&old, ITEM_PORT, 1, "a");
	set_item(add_item(&old, ITEM_VM, 1, "a"), "name", "a");
	add_item(&new, ITEM_PORT, 1, "b");
	set_item(add_item(&new, ITEM_VM, 1, "b"), "name", "b");
	assert_true(compare_moments(&old, &new, log_event, &log));
	assert_string_equal(log.text, "-port1 +port1 ~vm1.name ");
	free_items(&old);
	free_items(&new);
}

static void thousands_of_ports_are_compared(void **state)
{
	struct items old = { 0 }, new = { 0 };
	unsigned int events = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		set_item(add_item(&old, ITEM_PORT, 20000 - i, "p"), "mtu", "1");
		set_item(add_item(&new, ITEM_PORT, i + 2, "p"), "mtu", "2");
	}
	sort_items(&old);
	sort_items(&new);
	assert_true(compare_moments(&old, &new, count_event, &events));
	assert_int_equal(events, 2 + 19999);
	free_items(&old);
	free_items(&new);
}

/* -- the command ----------------------------------------------------------- */

static void add_port(void)
{
	fake.ports[2].port = (struct queztl_port){
		.id = 12, .fabric_id = 5, .name = "db0", .mtu = 1500,
		.mac = { 0x52, 0x54, 0, 0, 0, 2 }, .max_vqp = 1 };
	fake.ports[2].rates.flood = 2000;
}

/* At the first look nothing is done. */
static void step(void)
{
	switch (opened++) {
	case 1:
		add_port();
		break;
	case 2:
		fake.ports[2].rates.tx_packets = 1000;
		break;
	case 3:
		fake.ports[2].port.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_BROKEN;
		fake.peers[0][0] = 10;
		fake.peers[0][1] = 12;
		break;
	case 4:
		fake.peers[0][0] = 0;
		fake.peers[0][1] = 0;
		break;
	case 5:
		memset(&fake.ports[2], 0, sizeof(fake.ports[2]));
		break;
	}
}

/* The lines without their times, which have this many characters. */
#define CLOCK	13

static const char *lines_of(const char *out)
{
	static char text[8192];
	char *to = text;

	while (*out) {
		size_t length = strcspn(out, "\n") + 1;

		assert_true(length > CLOCK);
		assert_int_equal(out[2], ':');
		assert_int_equal(out[8], '.');
		memcpy(to, out + CLOCK, length - CLOCK);
		to += length - CLOCK;
		out += length;
	}
	*to = '\0';
	return text;
}

static void assert_lines(struct result *r, const char *lines)
{
	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	assert_string_equal(lines_of(r->out), lines);
}

static void each_change_is_a_line(void **state)
{
	(void)state;
	fake.on_device = step;
	assert_lines(run("monitor port --count 8 --interval 0.1"),
		     "port db0 added fabric green mac 52:54:00:00:00:02 mtu 1500 pairs 1 state unused\n"
		     "port db0 pps none -> 1000\n"
		     "port web0 peers + db0\n"
		     "port db0 state unused -> broken\n"
		     "port db0 peers + web0\n"
		     "port web0 peers - db0\n"
		     "port db0 peers - web0\n"
		     "port db0 deleted\n");
	assert_int_equal(opened, 6);
}

static void each_change_is_an_object(void **state)
{
	struct result *r;
	json_t *event;
	char *line;

	(void)state;
	fake.on_device = step;
	r = run("monitor name db0 --count 2 --interval 0.1 --json");
	assert_int_equal(count_lines(r->out), 2);
	line = strchr(r->out, '\n') + 1;
	event = json_loads(line, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(event, "name")), "db0");
	assert_string_equal(json_string_value(json_object_get(event, "key")), "pps");
	assert_string_equal(json_string_value(json_object_get(event, "new")), "1000");
	json_decref(event);
}

static void delete_in_use(void)
{
	if (opened++)
		fake.ports[0].port.state |= QUEZTL_PORT_DELETED;
}

static void a_deleted_port_is_gone(void **state)
{
	(void)state;
	fake.on_device = delete_in_use;
	assert_lines(run("monitor port --count 1 --interval 0.1"),
		     "port web0 deleted\n");
}

static void load_and_unload(void)
{
	switch (opened++) {
	case 0:
		fake.open_error = ENOENT;
		break;
	case 1:
		fake.open_error = EACCES;	/* udev was not there yet */
		break;
	case 2:
		fake.open_error = 0;
		break;
	case 3:
		fake.open_error = ENXIO;
		break;
	}
}

static void it_waits_for_the_module(void **state)
{
	(void)state;
	fake.on_device = load_and_unload;
	assert_lines(run("monitor module fabric --count 7 --interval 0.1"),
		     "module queztl missing: load it (modprobe queztl)\n"
		     "module queztl loaded version 0.1.0 abi 11 features direct fabric policy\n"
		     "fabric blue added\n"
		     "fabric green added\n"
		     "fabric green deleted\n"
		     "fabric blue deleted\n"
		     "module queztl unloaded\n");
	opened = 0;
	assert_string_equal(run("monitor fabric --count 1 --interval 0.1")->err,
			    "queztl: the module is not loaded: waiting for it\n");
}

static void what_there_is_comes_first(void **state)
{
	(void)state;
	fake.fabrics[1].mode = QUEZTL_FABRIC_DENY;
	fake.vms[1].foreign = true;
	fake.vms[0].info.pid = 1;
	assert_lines(run("monitor vm fabric scheduler --initial --count 5"),
		     "scheduler added state off\n"
		     "fabric blue added\n"
		     "fabric green added mode deny\n"
		     "vm 3 added pid 1 uid 0 vcpus 2 process qemu-system-x86\n"
		     "vm 7 added\n");
	json_decref(run_json("monitor module --initial --count 1 --json"));
	run("monitor --initial --count 8 --json");	/* see schema_test.py */
}

/* The hook is not called for what it opens itself. */
static void open_channel(void)
{
	static int device, web, db;

	fake.on_device = NULL;
	switch (opened++) {
	case 1:
		device = queztl_open();
		web = queztl_window_create(device, "web0", 2, REGION, NULL);
		db = queztl_window_create(device, "db0", 2, REGION, NULL);
		queztl_channel_allow(device, "chat", "db0", "web0", NULL);
		break;
	case 2:
		queztl_channel_listen(db, "chat", NULL);
		break;
	case 3:
		queztl_channel_connect(web, "chat", NULL);
		break;
	case 4:
		fake_reset_channels();
		close(web);
		close(db);
		close(device);
		break;
	}
	fake.on_device = open_channel;
}

static void windows_and_channels_are_shown(void **state)
{
	struct result *r;

	(void)state;
	fake.on_device = open_channel;
	r = run("monitor window rule channel --count 11 --interval 0.1 --json");
	assert_int_equal(r->code, EXIT_OK);
	assert_int_equal(count_lines(r->out), 11);
	opened = 0;
	r = run("monitor rule channel --count 5 --interval 0.1");
	assert_lines(r, "rule chat added listener db0 connecter web0\n"
			"channel chat added region 65536 listener db0\n"
			"channel chat connecter none -> web0\n"
			"channel chat deleted\n"
			"rule chat deleted\n");
}

static void interrupt_at_third(void)
{
	if (opened++ == 2)
		raise(SIGTERM);
	else if (opened > 1)
		fake.fabrics[0].mode ^= QUEZTL_FABRIC_DENY;
}

static void a_signal_ends_it(void **state)
{
	(void)state;
	fake.on_device = interrupt_at_third;
	assert_lines(run("monitor --interval 0.1 fabric"),
		     "fabric blue mode open -> deny\n");
	assert_int_equal(opened, 3);
}

static void names_do_no_harm(void **state)
{
	struct item_key key = { "process", false };
	struct item vm = { .kind = ITEM_VM, .id = 3, .name = (char *)"x\n00:00:00.000 port web0 deleted\033[2J\xff" };
	struct event event = { .kind = EVENT_CHANGED, .item = &vm, .key = &key,
			       .old = "\r\t", .new = "\xc2\x9b" "1m" };
	struct timespec when = { 0 };
	struct cli cli = { 0 };
	char *text = NULL;
	json_t *value;
	size_t size;

	(void)state;
	cli.out = open_memstream(&text, &size);
	print_event(&cli, &when, &event);
	fflush(cli.out);
	assert_string_equal(text + CLOCK, "vm 3 process ?? -> ??1m (x?00:00:00.000 port web0 deleted?[2J?)\n");
	rewind(cli.out);
	cli.json = true;
	print_event(&cli, &when, &event);
	fclose(cli.out);
	assert_int_equal(count_lines(text), 1);
	value = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	assert_string_equal(json_string_value(json_object_get(value, "time")), "1970-01-01T00:00:00.000000Z");
	json_decref(value);
	free(text);
}

static void only_the_kernel_wakes_it(void **state)
{
	static const char port[] = "bind@/devices/queztl/blue/web0\0ACTION=bind\0SUBSYSTEM=vdpa\0SEQNUM=7";
	static const char disk[] = "add@/devices/x\0SUBSYSTEM=block\0XSUBSYSTEM=vdpa\0SUBSYSTEM=vdpax\0SUBSYSTEM=vdp";

	(void)state;
	assert_true(is_our_uevent(0, port, sizeof(port)));
	assert_true(is_our_uevent(0, "SUBSYSTEM=misc", 14));	/* no NUL at the end */
	assert_false(is_our_uevent(1, port, sizeof(port)));
	assert_false(is_our_uevent(0, disk, sizeof(disk)));
	assert_false(is_our_uevent(0, port, 40));
	assert_false(is_our_uevent(0, "", 0));
}

static void wrong_words_are_usage_errors(void **state)
{
	(void)state;
	assert_fails("monitor ports", EXIT_USAGE,
		     "invalid object 'ports': use module, scheduler, fabric, port, vm, window, rule, channel, or name NAME");
	assert_fails("monitor name", EXIT_USAGE, "missing value for 'name'");
	assert_fails("monitor --count 0", EXIT_USAGE, "invalid --count value '0'");
	assert_fails("monitor --count", EXIT_USAGE, "invalid --count value ''");
	assert_fails("monitor --interval 0.01", EXIT_USAGE, "0.1 to 86400 seconds");
	assert_fails("monitor --interval", EXIT_USAGE, "invalid --interval value");
	assert_fails("monitor --all", EXIT_USAGE, "unknown option '--all'");
}

static void what_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	fake.open_error = EACCES;
	assert_fails("monitor", EXIT_NO_PERMISSION, "group queztl");
	fake.open_error = 0;
	fake.call_error = ENOMEM;
	assert_fails("monitor", EXIT_FAILED, "Cannot allocate memory");
}

static void an_older_module_has_less(void **state)
{
	struct result *r;

	(void)state;
	fake.call_error = ENOTTY;
	fake.failing = QUEZTL_PORT_VLAN_GET;
	r = run("monitor port name web0 --initial --count 1");
	assert_non_null(strstr(r->out, "port web0 added fabric blue"));
	assert_int_equal(r->code, EXIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) \
		cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)
		TEST(events_lead_from_one_moment_to_the_next),
		TEST(what_depends_goes_first_and_comes_last),
		TEST(another_name_is_another_object_except_of_a_vm),
		TEST(thousands_of_ports_are_compared),
		TEST(each_change_is_a_line),
		TEST(each_change_is_an_object),
		TEST(a_deleted_port_is_gone),
		TEST(it_waits_for_the_module),
		TEST(what_there_is_comes_first),
		TEST(windows_and_channels_are_shown),
		TEST(a_signal_ends_it),
		TEST(names_do_no_harm),
		TEST(only_the_kernel_wakes_it),
		TEST(wrong_words_are_usage_errors),
		TEST(what_cannot_be_read_is_an_error),
		TEST(an_older_module_has_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

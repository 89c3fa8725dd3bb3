// SPDX-License-Identifier: GPL-2.0
/*
 * Every command that prints JSON, on a host where the parts are there that may be
 * missing. schema_test.py checks what they print; here it only has to be JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "fake_channel.h"
#include "fake_sysfs.h"
#include "fake_vdpa.h"
#include "portlink.h"
#include "run.h"

#define REGION	65536

static int device, web, db;

static void populate_sched(void)
{
	fake.info.features |= QUEZTL_F_SCHED | QUEZTL_F_CHANNEL;
	fake.sched.state = QUEZTL_SCHED_ON;
	for (int i = 0; i < 2; i++)
		fake.vms[i].sched = (struct queztl_vm_sched){
			.id = fake.vms[i].info.id, .weight = 100, .limit = 500,
			.vcpus = 2, .waits = { 1, 2, 3 },
			.partners = { { fake.vms[1 - i].info.id, 5, 6 } } };
}

static void populate_channels(void)
{
	device = queztl_open();
	web = queztl_window_create(device, "web0", 2, REGION, NULL);
	db = queztl_window_create(device, "db0", 2, REGION, NULL);
	queztl_channel_allow(device, "chat", "db0", "web0", NULL);
	queztl_channel_listen(db, "chat", NULL);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake_vdpa, 0, sizeof(fake_vdpa));
	fake_reset_channels();
	fake_sysfs_begin();
	fake_populate();
	fake_vdpa.supported = UINT64_MAX;
	fake.vms[0].info.pid = getpid();
	fake.vms[2].info.id = 8;
	fake.vms[2].foreign = true;
	populate_sched();
	populate_channels();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(web);
	close(db);
	close(device);
	fake_reset_channels();
	fake_sysfs_end();
	return 0;
}

static void run_all(const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char words[160];
		struct result *r;

		snprintf(words, sizeof(words), "%s --json", lines[i]);
		r = run(words);
		if (r->code || *r->err || (*r->out != '{' && *r->out != '['))
			fail_msg("%s: %s%s", words, r->out, r->err);
	}
}

/* The module is unloaded after the first look. */
static void unload(void)
{
	static int opened;

	fake.open_error = opened++ > 1 ? ENOENT : 0;
}

/* Each sees what those before it have done. */
static void commands_print_json(void **state)
{
	static const char *const all[] = {
		"info", "vms", "sched status", "fabric add red --deny",
		"fabric set red open reserved forward", "fabric list",
		"fabric del red", "port add new0 green mac 52:54:00:00:00:09",
		"port list", "port set web0 trunk 10,20-29 native 7",
		"port set web0 macs 52:54:00:00:01:01,52:54:00:00:01:02",
		"port set web0 rate 100mbit pps 1000 link down",
		"addr add web0 10.0.0.1", "addr add web0 fd00::/64",
		"addr list", "policy allow web0 a-port-with-a-very-long-name-01",
		"policy allow --mesh web0 a-port-with-a-very-long-name-01",
		"policy list", "port mirror web0 to a-port-with-a-very-long-name-01",
		"port show web0", "port show a-port-with-a-very-long-name-01",
		"port mirror web0 off", "port set web0 vlan none macs none",
		"port uplink web0 on", "port xml new0", "port xml web0",
		"policy forbid web0 a-port-with-a-very-long-name-01",
		"addr del web0 fd00::/64", "stats", "stats --watch 0.1 --count 2",
		"window list", "channel rules", "channel list",
		"channel show chat",
	};
	static const char *const rest[] = {
		"channel show chat", "channel list", "channel revoke chat",
		"channel deny chat db0 web0", "channel allow chat web0 db0",
		"apply --dry-run /dev/null", "check /dev/null",
		"top -n 2 -d 0.1", "sched status",
		"monitor scheduler --initial --count 1", "detach 3",
	};
	static const char *const old[] = { "port show web0", "port set web0 pps 1" };

	(void)state;
	fake_sysfs_load("vhost_vdpa");
	fake_sysfs_add("web0", "blue");
	refresh_port("web0");
	run_all(all, sizeof(all) / sizeof(all[0]));
	run("policy allow web0 a-port-with-a-very-long-name-01");
	fake.on_device = unload;
	run("monitor --initial --interval 0.1 --count 29 --json");
	fake.on_device = NULL;
	fake.open_error = 0;
	fake.sched = (struct queztl_sched){
		.state = QUEZTL_SCHED_FAILED, .reason = "stall" };
	assert_int_equal(queztl_channel_connect(web, "chat", NULL), 0);
	run_all(rest, sizeof(rest) / sizeof(rest[0]));
	fake.link_bit = 0;	/* an older module */
	run_all(old, sizeof(old) / sizeof(old[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_print_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

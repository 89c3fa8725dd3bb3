// SPDX-License-Identifier: GPL-2.0
/* The driver of a new port, its stable name, and its owner. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "fake_sysfs.h"
#include "fake_vdpa.h"
#include "portlink.h"
#include "run.h"

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	memset(&fake_vdpa, 0, sizeof(fake_vdpa));
	fake_sysfs_begin();
	descriptors = count_descriptors();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_sysfs_end();
	return count_descriptors() != descriptors;
}

static void expect(const char *words)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
}

static char *path_of(const char *port)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/run/ports/%s", fake_sysfs.root, port);
	return path;
}

/* The device that the name leads to, "" if there is no name. */
static const char *target_of(const char *port)
{
	static char target[PATH_MAX];
	ssize_t length = readlink(path_of(port), target, sizeof(target) - 1);

	if (length < 0)
		return "";
	target[length] = '\0';
	return strrchr(target, '/') + 1;
}

static bool is_bound(const char *port, const char *driver)
{
	char path[PATH_MAX], target[PATH_MAX] = "";

	snprintf(path, sizeof(path), "%s/vdpa/devices/%s/driver",
		 fake_sysfs.root, port);
	return readlink(path, target, sizeof(target) - 1) > 0 &&
	       !strcmp(strrchr(target, '/') + 1, driver);
}

static void a_port_is_bound_for_what_it_is_for(void **state)
{
	(void)state;
	fake_sysfs_load("virtio_vdpa");
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue for vm");
	assert_true(is_bound("vm0", "vhost_vdpa"));
	expect("port add host0 blue for host");
	assert_true(is_bound("host0", "virtio_vdpa"));
	expect("port del vm0");
	expect("port del host0");
	expect("port add any0 blue");
	assert_true(is_bound("any0", "virtio_vdpa"));
}

static void a_driver_that_is_missing_is_named(void **state)
{
	(void)state;
	fake_sysfs_load("virtio_vdpa");
	assert_fails("port add vm0 blue for vm", EXIT_UNSUPPORTED,
		     "vhost_vdpa is not loaded: sudo modprobe vhost_vdpa");
	assert_fails("port add vm0 blue owner 1000", EXIT_UNSUPPORTED,
		     "modprobe vhost_vdpa");
	assert_false(fake_sysfs_has("vdpa/devices/vm0"));
}

static void a_port_that_cannot_be_bound_is_not_left(void **state)
{
	(void)state;
	fake_sysfs_load("virtio_vdpa");
	fake_sysfs_load("vhost_vdpa");
	fake_sysfs.bind_error = EINVAL;
	assert_fails("port add vm0 blue for vm", EXIT_FAILED,
		     "cannot bind it to vhost_vdpa");
	assert_false(fake_sysfs_has("vdpa/devices/vm0"));
	fake_sysfs.bind_error = 0;
	fake_sysfs.own_error = EPERM;
	assert_fails("port add vm0 blue owner 1000", EXIT_NO_PERMISSION,
		     "cannot give its owner");
	assert_false(fake_sysfs_has("vdpa/devices/vm0"));
	assert_false(fake_sysfs_has("run/owners/vm0"));
}

static void a_name_leads_to_the_device(void **state)
{
	char device[32];
	json_t *port;

	(void)state;
	fake_sysfs_load("vhost_vdpa");
	fake_sysfs.next = 5;
	port = run_json("port add vm0 blue --json");
	assert_string_equal(json_string_value(json_object_get(port, "path")),
			    path_of("vm0"));
	json_decref(port);
	assert_string_equal(target_of("vm0"), "vhost-vdpa-5");
	assert_non_null(strstr(run("port show vm0")->out, path_of("vm0")));
	/* That of another port, or of none, is not told. */
	unlink(path_of("vm0"));
	snprintf(device, sizeof(device), "%.20s/x", fake_sysfs.root);
	assert_return_code(symlink(device, path_of("vm0")), errno);
	assert_null(strstr(run("port show vm0")->out, path_of("vm0")));
	expect("port del vm0");
	assert_string_equal(target_of("vm0"), "");
	assert_non_null(strstr(run("port add vm1 blue")->out,
			       "/run/ports/vm1 (vhost-vdpa-6)"));
}

static void a_port_of_the_host_has_no_name(void **state)
{
	(void)state;
	fake_sysfs_load("virtio_vdpa");
	assert_string_equal(run("port add host0 blue for host")->out,
			    "port host0 is eth7\n");
	assert_string_equal(target_of("host0"), "");
}

/* udev runs the command at each event: what counts is what there is. */
static void a_name_follows_the_device(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue owner 1000");
	assert_int_equal(fake_sysfs.owner, 1000);
	assert_string_equal(fake_sysfs.owned, "vhost-vdpa-0");
	fake_sysfs_unbind("vm0");
	expect("udev-port vm0");
	assert_string_equal(target_of("vm0"), "");
	fake_sysfs_bind("vm0", "vhost_vdpa");
	fake_sysfs.owner = 0;
	expect("udev-port vm0");
	assert_string_equal(target_of("vm0"), "vhost-vdpa-1");
	assert_int_equal(fake_sysfs.owner, 1000);
	assert_string_equal(fake_sysfs.owned, "vhost-vdpa-1");
	fake_sysfs_del("vm0");
	expect("udev-port vm0");
	assert_string_equal(target_of("vm0"), "");
	assert_false(fake_sysfs_has("run/owners/vm0"));
}

/* The event of one that was removed may come when the next one is there. */
static void a_late_event_takes_nothing_away(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue");
	expect("port del vm0");
	expect("port add vm0 blue owner 1000");
	expect("udev-port vm0");
	assert_string_equal(target_of("vm0"), "vhost-vdpa-1");
	assert_true(fake_sysfs_has("run/owners/vm0"));
}

/* Without udev nobody has forgotten the owner of a port that `vdpa` removed. */
static void an_owner_is_not_inherited(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue owner 1000");
	fake_sysfs_del("vm0");
	fake.ports[2].port.id = 0;
	fake_sysfs.owned[0] = '\0';
	expect("port add vm0 blue");
	assert_string_equal(fake_sysfs.owned, "");
	assert_false(fake_sysfs_has("run/owners/vm0"));
	/* A name that is taken already leaves that port as it is. */
	expect("port del vm0");
	expect("port add vm0 blue owner 1000");
	assert_fails("port add vm0 blue", EXIT_FAILED, "already");
	assert_true(fake_sysfs_has("run/owners/vm0"));
}

/* An event is late, and vdpa has made another port of the same name meanwhile. */
static void an_owner_is_of_one_port_only(void **state)
{
	char path[PATH_MAX];
	FILE *file;

	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue owner 1000");
	fake_sysfs.owned[0] = '\0';
	snprintf(path, sizeof(path), "%s/run/owners/vm0", fake_sysfs.root);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("1000 1\n", file);
	fclose(file);
	expect("udev-port vm0");
	assert_string_equal(fake_sysfs.owned, "");
}

/* The device of another port gets the number of the one that is to be given away. */
static void replace_port(const char *path)
{
	if (!strstr(path, "/vhost-vdpa-0"))
		return;
	fake.on_open = NULL;
	fake_sysfs_del("vm0");
	fake_sysfs.next = 0;
	fake_sysfs_add("other", "blue");
}

static void the_device_of_another_port_is_not_given_away(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue owner 1000");
	fake_sysfs.owned[0] = '\0';
	fake.on_open = replace_port;
	assert_int_not_equal(run("udev-port vm0")->code, EXIT_OK);
	assert_null(fake.on_open);
	assert_true(fake_sysfs_has("dev/vhost-vdpa-0"));
	assert_string_equal(fake_sysfs.owned, "");
}

static void devices_of_others_get_no_name(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	fake_sysfs_add("mlx0", NULL);
	expect("udev-port mlx0");
	assert_string_equal(target_of("mlx0"), "");
	assert_int_equal(run("udev-port ../x")->code, EXIT_FAILED);
	assert_int_equal(run("udev-port .x")->code, EXIT_FAILED);
}

static void others_may_look_at_names_but_not_at_owners(void **state)
{
	mode_t mask = umask(077);
	char path[PATH_MAX];
	struct stat stat_;

	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue owner 1000");
	umask(mask);
	snprintf(path, sizeof(path), "%s/run", fake_sysfs.root);
	assert_return_code(stat(path, &stat_), errno);
	assert_int_equal(stat_.st_mode & 07777, 0755);
	strcat(path, "/ports");
	assert_return_code(stat(path, &stat_), errno);
	assert_int_equal(stat_.st_mode & 07777, 0755);
	strcpy(strrchr(path, '/'), "/owners");
	assert_return_code(stat(path, &stat_), errno);
	assert_int_equal(stat_.st_mode & 07777, 0700);
}

static void a_port_without_its_name_is_still_there(void **state)
{
	struct result *r;
	char path[PATH_MAX];

	(void)state;
	fake_sysfs_load("vhost_vdpa");
	snprintf(path, sizeof(path), "%s/run", fake_sysfs.root);
	assert_return_code(symlink("/nonexistent", path), errno);
	r = run("port add vm0 blue");
	assert_int_equal(r->code, EXIT_OK);
	assert_non_null(strstr(r->err, "warning: cannot create"));
	assert_string_equal(r->out, "port vm0 is /dev/vhost-vdpa-0\n");
}

static const char *format_xml(const char *port)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "<interface type='vdpa'>\n"
		 "  <source dev='%s/ports/%s'/>\n"
		 "  <mac address='52:54:00:00:00:2a'/>\n"
		 "  <model type='virtio'/>\n"
		 "  <driver queues='2'/>\n"
		 "</interface>\n", run_root, port);
	return text;
}

static void the_word_fabric_may_be_said(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 fabric blue mtu 1400 for vm owner root");
	assert_int_equal(fake_vdpa.mtu, 1400);
	assert_fails("port add vm1 fabric", EXIT_NO_OBJECT, "no fabric fabric");
	assert_fails("port add vm1 fabric mtu 1400", EXIT_NO_OBJECT,
		     "no fabric fabric");
	assert_fails("port add vm1 fabric fabric", EXIT_NO_OBJECT,
		     "no fabric fabric");
}

static void libvirt_gets_the_name_and_the_address(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	expect("port add vm0 blue mac 52:54:00:00:00:2a pairs 2 for vm");
	assert_string_equal(run("port xml vm0")->out, format_xml("vm0"));
	assert_fails("port xml none", EXIT_NO_OBJECT, "no port none");
	fake_sysfs_unbind("vm0");
	assert_fails("port xml vm0", EXIT_FAILED, "has no device for a VM");
}

static void wrong_uses_are_told(void **state)
{
	(void)state;
	fake_sysfs_load("vhost_vdpa");
	assert_fails("port add vm0 blue for me", EXIT_USAGE, "use vm or host");
	assert_fails("port add vm0 blue owner no-such-user", EXIT_USAGE,
		     "invalid owner 'no-such-user'");
	assert_fails("port add vm0 blue owner 4294967295", EXIT_USAGE,
		     "invalid owner");
	assert_fails("port add vm0 blue owner root for host", EXIT_USAGE,
		     "for vm");
	assert_fails("udev-p vm0", EXIT_USAGE, "unknown command");
	assert_null(strstr(run("help")->out, "udev"));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_port_is_bound_for_what_it_is_for),
		TEST(a_driver_that_is_missing_is_named),
		TEST(a_port_that_cannot_be_bound_is_not_left),
		TEST(a_name_leads_to_the_device),
		TEST(a_port_of_the_host_has_no_name),
		TEST(a_name_follows_the_device),
		TEST(a_late_event_takes_nothing_away),
		TEST(an_owner_is_not_inherited),
		TEST(an_owner_is_of_one_port_only),
		TEST(the_device_of_another_port_is_not_given_away),
		TEST(devices_of_others_get_no_name),
		TEST(others_may_look_at_names_but_not_at_owners),
		TEST(a_port_without_its_name_is_still_there),
		TEST(the_word_fabric_may_be_said),
		TEST(libvirt_gets_the_name_and_the_address),
		TEST(wrong_uses_are_told),
	};

	return cmocka_run_group_tests_name("port_name", tests, NULL, NULL);
}

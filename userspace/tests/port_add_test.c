// SPDX-License-Identifier: GPL-2.0
/* Creating and removing ports, with a simulated vDPA. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fake.h"
#include "fake_sysfs.h"
#include "fake_vdpa.h"
#include "migratable.h"
#include "run.h"

/* VERSION_1, ACCESS_PLATFORM, EVENT_IDX, CTRL_VQ: QEMU shadows them. */
#define SHADOWED	(1ULL << 32 | 1ULL << 33 | 1ULL << 29 | 1ULL << 17)
/* CTRL_VLAN, GUEST_ANNOUNCE, INDIRECT_DESC, USO, and one that does not exist yet. */
#define OTHERS		(1ULL << 19 | 1ULL << 21 | 1ULL << 28 | 1ULL << 54 | \
			 1ULL << 55 | 1ULL << 56 | 1ULL << 62)

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	memset(&fake_vdpa, 0, sizeof(fake_vdpa));
	fake_vdpa.supported = SHADOWED | OTHERS;
	fake_sysfs_begin();
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	fake_sysfs_end();
	return count_descriptors() != descriptors;
}

static void a_port_comes_and_goes(void **state)
{
	json_t *port;

	(void)state;
	assert_int_equal(run("port add new0 blue")->code, EXIT_OK);
	assert_int_equal(fake_vdpa.mtu | fake_vdpa.pairs | fake_vdpa.mac[0], 0);
	assert_int_equal(fake_vdpa.features, 0);
	assert_int_equal(run("port show new0")->code, EXIT_OK);
	assert_string_equal(run("port del new0")->out, "");
	assert_fails("port del new0", EXIT_NO_OBJECT, "no port new0");
	port = run_json("port add new0 blue --json");
	assert_string_equal(json_string_value(json_object_get(port, "fabric")),
			    "blue");
	json_decref(port);
}

static void properties_reach_vdpa(void **state)
{
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0, 0, 0x2a };

	(void)state;
	assert_int_equal(run("port add new0 blue pairs 4 mac 52:54:00:00:00:2a mtu 9000")->code,
			 EXIT_OK);
	assert_memory_equal(fake_vdpa.mac, mac, 6);
	assert_int_equal(fake_vdpa.mtu, 9000);
	assert_int_equal(fake_vdpa.pairs, 4);
	assert_int_equal(fake_vdpa.features, 0);
}

static void a_migratable_port_offers_what_is_shadowed(void **state)
{
	(void)state;
	assert_int_equal(run("port add new0 blue migratable mtu 1400")->code,
			 EXIT_OK);
	assert_true(fake_vdpa.features == SHADOWED);
	assert_int_equal(fake_vdpa.mtu, 1400);
	fake_vdpa.supported = OTHERS;
	assert_fails("port add new1 blue migratable", EXIT_UNSUPPORTED,
		     "not supported");
}

static void wrong_words_are_refused(void **state)
{
	(void)state;
	assert_fails("port add new0", EXIT_USAGE, "FABRIC");
	assert_fails("port add new0 blue 9000", EXIT_USAGE,
		     "unknown property '9000'");
	assert_fails("port add new0 blue mtu", EXIT_USAGE, "missing value");
	assert_fails("port add new0 blue mtu 67", EXIT_USAGE, "68 to 65535");
	assert_fails("port add new0 blue pairs 17", EXIT_USAGE, "1 to 16");
	assert_fails("port add new0 blue mac 52:54:00", EXIT_USAGE,
		     "invalid mac '52:54:00'");
	assert_fails("port add new0 blue mac 52:54:00:00:00:01,52:54:00:00:00:02",
		     EXIT_USAGE, "invalid mac");
	assert_fails("port add a/b blue", EXIT_USAGE, "invalid port name 'a/b'");
	assert_fails("port add .a blue", EXIT_USAGE, "invalid port name");
	assert_fails("port add a-port-with-a-very-long-name-012 blue",
		     EXIT_USAGE, "at most 31");
	assert_fails("port del", EXIT_USAGE, "PORT");
}

static void errors_say_what_to_do(void **state)
{
	static const struct {
		int error, code;
		const char *says;
	} all[] = {
		{ EPERM, EXIT_NO_PERMISSION, "sudo" },
		{ EEXIST, EXIT_FAILED, "already: see queztl port list" },
		{ EBUSY, EXIT_FAILED, "still open" },
		{ ENOSPC, EXIT_FAILED, "queztl port del" },
		{ EADDRNOTAVAIL, EXIT_USAGE, "unicast" },
	};

	(void)state;
	assert_fails("port add new0 nowhere", EXIT_NO_OBJECT, "no fabric nowhere");
	assert_fails("port add new0 nowhere migratable", EXIT_NO_OBJECT,
		     "no fabric nowhere");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fake_vdpa.error = all[i].error;
		assert_fails("port add new0 blue", all[i].code, all[i].says);
	}
	fake_vdpa.missing = true;
	assert_fails("port add new0 blue", EXIT_UNSUPPORTED, "modprobe vdpa");
}

static char *warning(unsigned long long entries, unsigned long long ram_mib)
{
	struct cli cli = { 0 };
	size_t size;
	char *text;

	cli.err = open_memstream(&text, &size);
	warn_map_entries(&cli, entries, ram_mib);
	fclose(cli.err);
	return text;
}

static void too_few_map_entries_are_told(void **state)
{
	char *text = warning(2048, 4096);

	(void)state;
	assert_non_null(strstr(text, "above 8 MiB"));
	assert_non_null(strstr(text, "max_iotlb_entries=1048576'"));
	free(text);
	text = warning(1048576, 4096);
	assert_string_equal(text, "");
	free(text);
	text = warning(0, 4096);
	assert_string_equal(text, "");
	free(text);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, \
							closes_what_it_opens)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_port_comes_and_goes),
		TEST(properties_reach_vdpa),
		TEST(a_migratable_port_offers_what_is_shadowed),
		TEST(wrong_words_are_refused),
		TEST(errors_say_what_to_do),
		TEST(too_few_map_entries_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

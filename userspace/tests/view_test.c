// SPDX-License-Identifier: GPL-2.0
/* What is shown of many objects, and in which colours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busiest.h"
#include "cli.h"
#include "color.h"
#include "fake.h"
#include "fakeproc.h"
#include "run.h"

#define VMM	4711

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	unsetenv("NO_COLOR");
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static void colors_are_for_terminals_that_want_them(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	assert_true(wants_color(COLOR_AUTO, true));
	assert_false(wants_color(COLOR_AUTO, false));
	assert_true(wants_color(COLOR_ALWAYS, false));
	assert_false(wants_color(COLOR_NEVER, true));
	setenv("NO_COLOR", "", 1);
	assert_true(wants_color(COLOR_AUTO, true));
	setenv("NO_COLOR", "1", 1);
	assert_false(wants_color(COLOR_AUTO, true));
	assert_true(wants_color(COLOR_ALWAYS, true));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_false(wants_color(COLOR_AUTO, true));
	unsetenv("TERM");
	assert_false(wants_color(COLOR_AUTO, true));
}

/* Without its escapes; the caller frees it. */
static char *strip(const char *text)
{
	char *plain = malloc(strlen(text) + 1), *to = plain;

	while (*text) {
		if (!strncmp(text, "\033[", 2))
			text += strcspn(text, "m") + 1;
		else
			*to++ = *text++;
	}
	*to = '\0';
	return plain;
}

static void states_are_colored_and_nothing_else(void **state)
{
	char *plain, *stripped;

	(void)state;
	assert_null(strchr(run("port list")->out, '\033'));
	plain = strdup(run("port list")->out);
	assert_non_null(strstr(run("port list --color=always")->out,
			       "\033[32mup\033[0m "));
	assert_non_null(strstr(run("--color always port list")->out,
			       "\033[31mBROKEN\033[0m "));
	stripped = strip(run("port list --color=always")->out);
	assert_string_equal(stripped, plain);
	free(stripped);
	assert_non_null(strstr(run("port show web0 --color=always")->out,
			       "\033[32mup\033[0m\n"));
	assert_null(strchr(run("port list --color=never")->out, '\033'));
	assert_null(strchr(run("port list --color=always --json")->out, '\033'));
	assert_non_null(strstr(run("doctor --color=always")->out, "\033[32mok  \033[0m  "));
	assert_null(strchr(run("doctor")->out, '\033'));
	free(plain);
	assert_fails("port list --color=blue", EXIT_USAGE,
		     "invalid --color value 'blue': use auto, always or never");
	assert_fails("port list --color", EXIT_USAGE, "invalid --color value ''");
}

static void ports_are_listed_by_fabric(void **state)
{
	(void)state;
	fake.ports[1].port.fabric_id = 5;
	assert_null(strstr(run("port list fabric blue")->out, "a-port"));
	assert_non_null(strstr(run("port list fabric blue")->out, "web0"));
	assert_null(strstr(run("port list fabric green --json")->out, "web0"));
	assert_non_null(strstr(run("port list fabric green --json")->out, "a-port"));
	fake.ports[1].port.id = 0;
	assert_string_equal(run("port list fabric green")->out,
			    "no such ports; all: queztl port list\n");
	assert_string_equal(run("port list fabric green --json")->out, "[]\n");
	assert_fails("port list fabric red", EXIT_NO_OBJECT, "no fabric red");
}

static void ports_are_listed_by_vm(void **state)
{
	(void)state;
	fakeproc_begin();
	add_process(VMM, 1, "shop");
	fake.ports[0].port.pid = VMM;
	assert_non_null(strstr(run("port list vm shop")->out, "web0"));
	assert_null(strstr(run("port list vm shop")->out, "a-port"));
	assert_non_null(strstr(run("port list vm 4711 fabric blue")->out, "web0"));
	assert_string_equal(run("port list vm 4711 fabric green --json")->out, "[]\n");
	assert_string_equal(run("port list vm sho --json")->out, "[]\n");
	fakeproc_end();
	assert_fails("port list web0", EXIT_USAGE, "unknown filter 'web0'");
	assert_fails("port list vm", EXIT_USAGE, "missing value for 'vm'");
}

static const char *name_at(json_t *stats, size_t i)
{
	return json_string_value(json_object_get(
		json_array_get(json_object_get(stats, "ports"), i), "name"));
}

static void busiest_ports_come_first(void **state)
{
	json_t *stats;

	(void)state;
	fake.ports[1].stats.rx_packets = 1998;
	strcpy(fake.ports[1].port.name, "db0");
	fake.ports[2] = fake.ports[0];
	fake.ports[2].port.id = 12;
	strcpy(fake.ports[2].port.name, "idle");
	fake.ports[2].stats = (struct queztl_port_stats){ 0 };
	stats = run_json("stats --top 2 --json");
	assert_int_equal(json_array_size(json_object_get(stats, "ports")), 2);
	assert_string_equal(name_at(stats, 0), "web0");	/* 1999 */
	assert_string_equal(name_at(stats, 1), "db0");	/* 1998 */
	assert_int_equal(json_array_size(json_object_get(stats, "vms")), 0);
	json_decref(stats);
	fake.ports[2].packets_step = 5;		/* the only one now */
	stats = run_json("stats --top 1 --watch 0.1 --count 1 --json");
	assert_string_equal(name_at(stats, 0), "idle");
	json_decref(stats);
	assert_null(strstr(run("stats --top 9")->out, "VM exits"));
	assert_fails("stats --top 0", EXIT_USAGE, "invalid --top value '0'");
	assert_fails("stats --top", EXIT_USAGE, "invalid --top value ''");
	assert_fails("stats --top x", EXIT_USAGE, "invalid --top value 'x'");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(colors_are_for_terminals_that_want_them),
		TEST(states_are_colored_and_nothing_else),
		TEST(ports_are_listed_by_fabric),
		TEST(ports_are_listed_by_vm),
		TEST(busiest_ports_come_first),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

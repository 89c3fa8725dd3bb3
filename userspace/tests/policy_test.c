// SPDX-License-Identifier: GPL-2.0
/* Which ports reach which, as whom and how much, by the command. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fake_policy.h"
#include "run.h"

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fake_add_ports();
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static const char *text_at(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void assert_text(json_t *object, const char *key, const char *text)
{
	const char *found = text_at(object, key);

	if (!found || strcmp(found, text))
		fail_msg("%s is %s, not %s", key, found ? found : "no text",
			 text);
}

static void assert_quiet(const char *words)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_string_equal(r->out, "");
	assert_int_equal(r->code, EXIT_OK);
}

static void assert_says(const char *words, const char *text)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	if (!strstr(r->out, text))
		fail_msg("%s is not in %s", text, r->out);
	assert_true(longest_line(r->out) <= LINE_MAX_TEXT);
}

static void fabric_is_closed_and_opened(void **state)
{
	json_t *fabric;

	(void)state;
	assert_says("fabric list", "blue    1      3  open  queztl/blue");
	assert_quiet("fabric set blue deny");
	assert_int_equal(fake.fabrics[0].mode, QUEZTL_FABRIC_DENY);
	assert_says("fabric list", "blue    1      3  deny  queztl/blue");
	fabric = run_json("fabric set blue open --json");
	assert_text(fabric, "mode", "open");
	json_decref(fabric);
	assert_int_equal(fake.fabrics[0].mode, 0);
	assert_fails("fabric set red deny", EXIT_NO_OBJECT,
		     "no fabric red: see queztl fabric list");
}

static void fabric_begins_closed_or_not_at_all(void **state)
{
	json_t *fabric;

	(void)state;
	fabric = run_json("fabric add red --deny --json");
	assert_text(fabric, "mode", "deny");
	json_decref(fabric);
	assert_int_equal(fake.fabrics[2].mode, QUEZTL_FABRIC_DENY);
	assert_says("fabric add --deny pink", "queztl policy allow PORT PEER");
	assert_int_equal(run("fabric del red")->code, EXIT_OK);
	fake.version_1 = true;
	assert_fails("fabric add red --deny", EXIT_UNSUPPORTED, "older than");
	assert_null(strstr(run("fabric list")->out, "red"));
	assert_int_equal(run("fabric add red")->code, EXIT_OK);
}

/* What a newer module has besides is no reason not to say what is known. */
static void unknown_mode_bits_are_passed_over(void **state)
{
	(void)state;
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY | 1u << 31;
	assert_says("fabric list", "deny  queztl/blue");
	fake.fabrics[0].mode = 1u << 31;
	assert_says("fabric list", "open  queztl/blue");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fabric_is_closed_and_opened),
		TEST(fabric_begins_closed_or_not_at_all),
		TEST(unknown_mode_bits_are_passed_over),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

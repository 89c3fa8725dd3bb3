// SPDX-License-Identifier: GPL-2.0
/* What queztl sched refuses, on a host that has no sched_ext and a module without a scheduler. */
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "run.h"

static int setup(void **state)
{
	(void)state;
	fake_populate();
	return 0;
}

static void wrong_words_are_usage_errors(void **state)
{
	static const struct {
		const char *words, *text;
	} tries[] = {
		{ "sched start now", "usage" },
		{ "sched start --check x", "0 to 1000000" },
		{ "sched start --slice 99", "100 to 100000" },
		{ "sched start --per-vcpu=3", "unknown option" },
		{ "sched start --per-vcpu 3", "usage" },
		{ "sched stop it", "usage" },
		{ "sched status 1", "usage" },
		{ "sched set", "usage" },
		{ "sched set 1 weight", "usage" },
		{ "sched set one weight 5", "invalid process" },
		{ "sched set 1 weight 0", "1 to 10000" },
		{ "sched set 1 weight 10001", "1 to 10000" },
		{ "sched set 1 limit 50", "percent" },
		{ "sched set 1 limit 0.5%", "percent" },
		{ "sched set 1 limit -5%", "unknown option" },
		{ "sched set 1 limit nan%", "percent" },
		{ "sched set 1 colour red", "weight or limit" },
		{ "sched set 1 weight 5 limit", "missing value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		assert_fails(tries[i].words, EXIT_USAGE, tries[i].text);
}

static void a_process_that_is_gone_has_no_setting(void **state)
{
	(void)state;
	assert_fails("sched set 2147483646 weight 5", EXIT_NO_OBJECT, "no process");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(wrong_words_are_usage_errors, setup),
		cmocka_unit_test_setup(a_process_that_is_gone_has_no_setting, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "fake.h"
#include "options.h"
#include "run.h"

static void flags_are_taken_anywhere(void **state)
{
	char *argv[] = { "a", "--json", "b", "--json", NULL };
	int argc = 4;

	(void)state;
	assert_true(take_flag(&argc, argv, "--json"));
	assert_int_equal(argc, 2);
	assert_string_equal(argv[1], "b");
	assert_false(take_flag(&argc, argv, "--json"));
}

static void optional_value_is_a_number(void **state)
{
	char *argv[] = { "--watch", "x", NULL };
	char *with[] = { "--watch", "2.5", "x", NULL };
	char *glued[] = { "--watch=3", NULL };
	const char *value;
	int argc = 2;

	(void)state;
	assert_true(take_value(&argc, argv, "--watch", true, &value));
	assert_null(value);
	assert_int_equal(argc, 1);
	argc = 3;
	assert_true(take_value(&argc, with, "--watch", true, &value));
	assert_string_equal(value, "2.5");
	assert_int_equal(argc, 1);
	argc = 1;
	assert_true(take_value(&argc, glued, "--watch", true, &value));
	assert_string_equal(value, "3");
	assert_int_equal(argc, 0);
	assert_false(take_value(&argc, glued, "--watch", true, &value));
}

static void longer_option_is_another_one(void **state)
{
	char *argv[] = { "--watches", NULL };
	const char *value;
	int argc = 1;

	(void)state;
	assert_false(take_value(&argc, argv, "--watch", true, &value));
}

static void numbers_are_whole_and_in_range(void **state)
{
	uint64_t number;

	(void)state;
	assert_true(parse_number("18446744073709551615", 1, UINT64_MAX,
				 &number));
	assert_true(number == UINT64_MAX);
	assert_false(parse_number("18446744073709551616", 1, UINT64_MAX,
				  &number));
	assert_false(parse_number("0", 1, 9, &number));
	assert_false(parse_number("10", 1, 9, &number));
	assert_false(parse_number("-1", 0, UINT64_MAX, &number));
	assert_false(parse_number("5x", 0, 9, &number));
	assert_false(parse_number("", 0, 9, &number));
}

static void seconds_are_reasonable(void **state)
{
	double seconds;

	(void)state;
	assert_true(parse_seconds(".5", &seconds));
	assert_true(seconds == 0.5);
	assert_false(parse_seconds("0", &seconds));
	assert_false(parse_seconds("0x10", &seconds));
	assert_false(parse_seconds("1s", &seconds));
	assert_false(parse_seconds("inf", &seconds));
	assert_false(parse_seconds("99999", &seconds));
}

static void wrong_use_is_code_2(void **state)
{
	(void)state;
	fake_reset();
	assert_fails("flurb", 2, "unknown command flurb");
	assert_fails("fabric", 2, "wants one more word");
	assert_fails("fabric paint", 2, "unknown command fabric paint");
	assert_fails("--flurb", 2, "unknown option --flurb");
	assert_fails("vms 3", 2, "too many words");
	assert_fails("vms --all", 2, "vms has no option --all");
	assert_fails("fabric add", 2, "usage: queztl fabric add NAME");
	assert_fails("fabric add a b", 2, "too many words");
	assert_fails("fabric set blue", 2, "usage: queztl fabric set NAME");
	assert_fails("fabric set blue shut", 2, "shut is no mode: open");
	assert_fails("fabric del a --deny", 2, "no option --deny");
	assert_fails("port uplink web0", 2, "usage: queztl port uplink PORT on|off");
	assert_fails("port uplink web0 yes", 2, "yes is neither on nor off");
	assert_fails("port set web0", 2, "usage: queztl port set PORT [rate");
	assert_fails("port set web0 rate 1mbit pps", 2, "pps wants a value: packets");
	assert_fails("port set web0 rate 1mb", 2, "100mbit");
	assert_fails("port set web0 rate 1mb", 2, "1mb is no rate: bits");
	assert_fails("port set web0 pps 0", 2, "0 is no pps: packets per second, 1 to");
	assert_fails("port set web0 pps 1000000001", 2, "1000000001 is no pps");
	assert_fails("port set web0 flood none", 2, "none is no flood");
	assert_fails("port set web0 flood 0", 2, "0 is no flood");
	assert_fails("port set web0 flood 1000001", 2, "1000001 is no flood");
	assert_fails("port set web0 colour red", 2, "rate, pps or flood");
	assert_fails("port set web0 pps 1 pps 2", 2, "pps is given twice");
	assert_fails("port set w rate 1mbit pps 1 flood 1 x", 2, "too many");
	assert_fails("policy allow web0", 2, "usage: queztl policy allow PORT");
	assert_fails("policy list a b", 2, "too many words");
	assert_fails("addr add web0 10.0.0", 2, "10.0.0 is no address");
	assert_fails("addr add web0 10.0.0.1/33", 2, "IPv4 is 0 to 32");
	assert_fails("addr del web0 fd00::/129", 2, "IPv6 is 0 to 128");
	assert_fails("addr add web0 10.0.0.9/24", 2, "network is 10.0.0.0/24, the one address 10.0.0.9");
	assert_fails("attach", 2, "usage: queztl attach PID");
	assert_fails("attach bob", 2, "bob is no process id");
	assert_fails("detach 0", 2, "0 is no VM id");
	assert_fails("stats --watch=0", 2, "--watch takes seconds");
	assert_fails("stats --count 2", 2, "--count goes with --watch");
	assert_fails("stats --watch --count 0", 2, "above 0");
	assert_fails("stats --watch --count", 2, "above 0");
	assert_int_equal(run("")->code, 2);
}

static void help_and_version_need_no_device(void **state)
{
	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	assert_int_equal(run("--help")->code, 0);
	assert_non_null(strstr(run("--help")->out, "fabric add"));
	assert_true(longest_line(run("--help")->out) <= LINE_MAX_TEXT);
	assert_string_equal(run("--version")->out,
			    "queztl " LIBQUEZTL_VERSION "\n");
	assert_string_equal(run("attach --help")->out,
			    "usage: queztl attach PID [--json]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_taken_anywhere),
		cmocka_unit_test(optional_value_is_a_number),
		cmocka_unit_test(longer_option_is_another_one),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(seconds_are_reasonable),
		cmocka_unit_test(wrong_use_is_code_2),
		cmocka_unit_test(help_and_version_need_no_device),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

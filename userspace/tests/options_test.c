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
	assert_fails("flurb", 2, "unknown command 'flurb'");
	assert_fails("fabric", 2, "'fabric' needs a subcommand: add, del, set, list");
	assert_fails("fabric paint", 2, "unknown subcommand 'paint' of 'fabric': use one of add, del, set, list");
	assert_fails("--flurb", 2, "unknown option '--flurb'");
	assert_fails("vms 3", 2, "unexpected argument '3': usage: queztl vms");
	assert_fails("vms --all", 2, "unknown option '--all': usage: queztl vms");
	assert_fails("fabric add", 2, "missing argument: usage: queztl fabric add NAME");
	assert_fails("fabric add a b", 2, "unexpected argument 'b'");
	assert_fails("fabric set blue", 2, "usage: queztl fabric set NAME");
	assert_fails("fabric set blue shut", 2, "invalid mode 'shut': use open");
	assert_fails("fabric del a --deny", 2, "unknown option '--deny'");
	assert_fails("port uplink web0", 2, "usage: queztl port uplink PORT on|off");
	assert_fails("port uplink web0 yes", 2, "invalid value 'yes': use on or off");
	assert_fails("port mirror web0", 2, "usage: queztl port mirror PORT to PORT|off");
	assert_fails("port mirror web0 db0", 2, "invalid value 'db0': use to PORT, or off");
	assert_fails("port mirror web0 to", 2, "missing argument");
	assert_fails("port mirror web0 off db0", 2, "unexpected argument 'db0'");
	assert_fails("port set web0", 2, "usage: queztl port set PORT [rate");
	assert_fails("port set web0 rate 1mbit pps", 2, "missing value for 'pps': use packets");
	assert_fails("port set web0 rate 1mb", 2, "100mbit");
	assert_fails("port set web0 rate 1mb", 2, "invalid rate '1mb': use bits");
	assert_fails("port set web0 pps 0", 2, "invalid pps '0': use packets per second, 1 to");
	assert_fails("port set web0 pps 1000000001", 2, "invalid pps '1000000001'");
	assert_fails("port set web0 flood none", 2, "invalid flood 'none'");
	assert_fails("port set web0 flood 0", 2, "invalid flood '0'");
	assert_fails("port set web0 flood 1000001", 2, "invalid flood '1000001'");
	assert_fails("port set web0 colour red", 2, "unknown setting 'colour': use rate, pps, flood, link, vlan, trunk, native or macs");
	assert_fails("port set web0 pps 1 pps 2", 2, "'pps' is given twice");
	assert_fails("port set web0 link", 2, "missing value for 'link': use up or down");
	assert_fails("port set web0 link off", 2, "invalid link 'off': use up or down");
	assert_fails("port set web0 link up link up", 2, "'link' is given twice");
	assert_fails("port set web0 vlan 0", 2, "invalid vlan '0': use a VLAN, 1 to 4094, or none");
	assert_fails("port set web0 vlan 4095", 2, "invalid vlan '4095'");
	assert_fails("port set web0 vlan 1,2", 2, "invalid vlan '1,2'");
	assert_fails("port set web0 trunk 5,", 2, "invalid trunk '5,': use VLANs such as 10,20-29");
	assert_fails("port set web0 trunk 9-5", 2, "invalid trunk '9-5'");
	assert_fails("port set web0 trunk 5-4095", 2, "invalid trunk '5-4095'");
	assert_fails("port set web0 trunk none", 2, "invalid trunk 'none'");
	assert_fails("port set web0 vlan 5 trunk 6", 2, "give 'vlan' or 'trunk'");
	assert_fails("port set web0 native 6", 2, "'native' is of a trunk");
	assert_fails("port set web0 trunk 5 native 0", 2, "invalid native '0'");
	assert_fails("port set web0 macs some", 2, "invalid macs 'some': use any, none, or up to 256");
	assert_fails("port set web0 macs 52:54:00:00:00", 2, "invalid macs");
	assert_fails("port set web0 macs 52:54:00:00:00:01:02", 2, "invalid macs");
	assert_fails("port set web0 macs 53:54:00:00:00:01", 2, "invalid macs");
	assert_fails("port set web0 macs 00:00:00:00:00:00", 2, "invalid macs");
	assert_fails("port set web0 macs 2:0:0:0:0:1,", 2, "invalid macs");
	assert_fails("port set web0 macs 2:0:0:0:0:1,02:00:00:00:00:01", 2, "invalid macs");
	assert_fails("port set w rate 1mbit pps 1 flood 1 link up vlan 1 trunk 1 native 1 macs any x", 2, "unexpected argument 'x'");
	assert_fails("policy allow web0", 2, "usage: queztl policy allow PORT");
	assert_fails("policy list a b", 2, "unexpected argument 'b'");
	assert_fails("addr add web0 10.0.0", 2, "invalid address '10.0.0'");
	assert_fails("addr add web0 10.0.0.1/33", 2, "IPv4 prefix length is 0 to 32");
	assert_fails("addr del web0 fd00::/129", 2, "IPv6 prefix length is 0 to 128");
	assert_fails("addr add web0 10.0.0.9/24", 2, "host bits are set; use 10.0.0.0/24 for the network or 10.0.0.9 for one address");
	assert_fails("attach", 2, "usage: queztl attach PID");
	assert_fails("attach bob", 2, "invalid PID 'bob'");
	assert_fails("detach 0", 2, "invalid VM id '0'");
	assert_fails("stats --watch=0", 2, "invalid --watch interval '0'");
	assert_fails("stats --watch abc", 2, "invalid --watch interval 'abc': use 0.1 to 86400 seconds");
	assert_fails("stats --watch 2 abc", 2, "unexpected argument 'abc'");
	assert_fails("stats --count 2", 2, "--count requires --watch");
	assert_fails("stats --watch --count 0", 2, "invalid --count value '0': use a number above 0");
	assert_fails("stats --watch --count", 2, "missing value for --count: use a number above 0");
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

/* Both command lines print the same, which is not nothing. */
static void assert_same(const char *one, const char *other)
{
	char said[4096];

	snprintf(said, sizeof(said), "%s", run(one)->out);
	assert_true(*said);
	assert_string_equal(run(other)->out, said);
}

static void commands_may_be_abbreviated(void **state)
{
	(void)state;
	fake_populate();
	assert_same("f l", "fabric list");
	assert_same("pol l -j", "policy list --json");
	assert_fails("s", 2, "ambiguous command 's': use one of save, stats, sched");
	assert_fails("port s web0", 2,
		     "ambiguous subcommand 's': use one of show, set");
	assert_fails("fabric listing", 2, "unknown subcommand 'listing'");
}

static void show_is_list_where_there_is_no_show(void **state)
{
	(void)state;
	fake_populate();
	assert_same("fabric show", "fabric list");
	assert_fails("port show", 2, "missing argument");
}

static void help_tells_of_all_of_a_group_or_of_a_command(void **state)
{
	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	assert_same("help", "--help");
	assert_same("help attach", "attach --help");
	assert_string_equal(run("help fabric")->out,
			    "usage: queztl fabric add NAME [--deny] [--json]\n"
			    "usage: queztl fabric del NAME [--json]\n"
			    "usage: queztl fabric set NAME [open|deny] [reserved forward|drop] [--json]\n"
			    "usage: queztl fabric list [--json]\n");
	assert_fails("help paint", 2, "unknown command 'paint'");
	assert_fails("help fabric paint", 2, "unknown subcommand 'paint'");
	assert_same("-V", "--version");
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
		cmocka_unit_test(commands_may_be_abbreviated),
		cmocka_unit_test(show_is_list_where_there_is_no_show),
		cmocka_unit_test(help_tells_of_all_of_a_group_or_of_a_command),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

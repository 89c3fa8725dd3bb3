// SPDX-License-Identifier: GPL-2.0
/* Formatting of numbers, names and tables. */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "counters.h"
#include "fake.h"
#include "format.h"
#include "process.h"
#include "rate.h"
#include "run.h"
#include "table.h"

static void assert_count(double number, const char *text)
{
	char buffer[COUNT_ROOM];

	assert_string_equal(format_count(buffer, number), text);
	assert_true(strlen(text) <= 5);
}

static void counts_fit_five_columns(void **state)
{
	(void)state;
	assert_count(0, "0");
	assert_count(0.25, "0.2");
	assert_count(9, "9");
	assert_count(12.7, "13");
	assert_count(99999, "99999");
	assert_count(100000, "100k");
	assert_count(999499, "999k");
	assert_count(999999, "1.0M");
	assert_count(1234567, "1.2M");
	assert_count(56789012, "56.8M");
	assert_count(18446744073709551615.0, "18.4E");
}

static void ages_show_two_units(void **state)
{
	char buffer[AGE_ROOM];

	(void)state;
	assert_string_equal(format_age(buffer, 59), "59s");
	assert_string_equal(format_age(buffer, 200), "3m20s");
	assert_string_equal(format_age(buffer, 18180), "5h03m");
	assert_string_equal(format_age(buffer, 1051200), "12d4h");
}

static void rates_are_per_second(void **state)
{
	(void)state;
	assert_true(rate_of(10, 30, 2000000000) == 10);
	assert_true(rate_of(10, 30, 0) == 0);
	assert_true(rate_of(30, 10, 1000000000) == 10);
}

static void assert_printable(const char *given, const char *wanted)
{
	char *text = strdup(given);

	make_printable(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void control_bytes_do_not_reach_the_terminal(void **state)
{
	(void)state;
	assert_printable("a\033[31mb\n", "a?[31mb?");
	assert_printable("caf\xc3\xa9", "caf\xc3\xa9");
	assert_printable("\xc2\x9b" "31m", "??31m");
	assert_printable("\xff\xc3", "??");
	assert_printable("\xed\xa0\x80", "???");
}

static const struct column columns[] = {
	{ "NAME", LEFT, 4 }, { "N", RIGHT, 0 }, { "LAST", LEFT, 4 },
};

static const char *print_example(unsigned int limit)
{
	static char *text;
	struct table table = TABLE(columns);
	size_t size;
	FILE *to;

	free(text);
	to = open_memstream(&text, &size);
	add_cell(&table, "%s", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	add_cell(&table, "%d", 5);
	add_cell(&table, "%s", "x");
	add_cell(&table, "%s", "b");
	add_cell(&table, "%d", 12345);
	add_cell(&table, "%s", "longer");
	print_table(&table, to, limit);
	clear_table(&table);
	fclose(to);
	return text;
}

static void table_aligns_columns(void **state)
{
	(void)state;
	assert_string_equal(print_example(0),
		"NAME        N  LAST\n"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9      5  x\n"
		"b       12345  longer\n");
}

static void table_cuts_what_may_be_cut(void **state)
{
	(void)state;
	assert_string_equal(print_example(18),
		"NAME      N  LAST\n"
		"\xc3\xa9\xc3\xa9\xc3\xa9~      5  x\n"
		"b     12345  long~\n");
	assert_int_equal(longest_line(print_example(18)), 18);
}

static void table_never_cuts_numbers(void **state)
{
	(void)state;
	assert_non_null(strstr(print_example(1), "12345"));
}

static void table_without_titles_begins_with_a_row(void **state)
{
	static const struct column plain[] = {
		{ NULL, LEFT, 0 }, { NULL, LEFT, 4 } };
	struct table table = TABLE(plain);
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	add_cell(&table, "label");
	add_cell(&table, "value");
	add_cell(&table, "%s", "");
	add_cell(&table, "more");
	print_table(&table, to, 11);
	clear_table(&table);
	fclose(to);
	assert_string_equal(text, "label  val~\n       more\n");
	free(text);
}

static void assert_rate(const char *text, uint64_t wanted)
{
	uint64_t bytes = 0;

	if (!parse_rate(text, &bytes) || bytes != wanted)
		fail_msg("%s is %ju", text, (uintmax_t)bytes);
}

static void rates_have_the_units_of_tc(void **state)
{
	(void)state;
	assert_rate("8000", 1000);
	assert_rate("8000bit", 1000);
	assert_rate("8kbit", 1000);
	assert_rate("100mbit", 12500000);
	assert_rate("100Mbit", 12500000);
	assert_rate("10gbit", 1250000000);
	assert_rate("1000bps", 1000);
	assert_rate("1kbps", 1000);
	assert_rate("10mbps", 10000000);
	assert_rate("2gbps", 2000000000);
	assert_rate("2.5gbit", 312500000);
	assert_rate("4.1gbit", 512500000);	/* no double is exactly 4.1 */
}

static void malformed_rates_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "bit", "mbit", "0", "7.9kbit", "999bps", "-1mbit",
		"+1mbit", " 1mbit", "1 mbit", "1mb", "1mbits", "1mibit",
		"0x10mbit", "1e9", "1e9bit", "1.2.3mbit", "1,5mbit", ".",
		"infbit", "nan", "99999999999999999999gbit", "none",
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_rate(bad[i], &bytes))
			fail_msg("%s is a rate", bad[i]);
}

static void rates_are_shown_as_they_are_given(void **state)
{
	static const char *const rates[] = {
		"10gbit", "100mbit", "1500kbit", "8kbit", "8008bit" };
	char buffer[RATE_ROOM];
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		assert_true(parse_rate(rates[i], &bytes));
		assert_string_equal(format_rate(buffer, bytes), rates[i]);
	}
	assert_string_equal(format_rate(buffer, UINT64_MAX),
			    "18446744073709551615bps");
}

static void assert_address(const char *text, enum address_fault fault,
			   const char *shown)
{
	struct address address;
	char buffer[ADDRESS_ROOM];

	if (parse_address(text, &address) != fault)
		fail_msg("%s: not %d", text, fault);
	if (!shown)
		return;
	mask_address(&address);
	assert_string_equal(format_address(buffer, &address), shown);
}

static void addresses_are_parsed_and_masked(void **state)
{
	(void)state;
	assert_address("10.0.0.1", ADDRESS_GOOD, "10.0.0.1");
	assert_address("10.0.0.1/32", ADDRESS_GOOD, "10.0.0.1");
	assert_address("10.0.0.0/24", ADDRESS_GOOD, "10.0.0.0/24");
	assert_address("0.0.0.0/0", ADDRESS_GOOD, "0.0.0.0/0");
	assert_address("FD00::1", ADDRESS_GOOD, "fd00::1");
	assert_address("fd00::/64", ADDRESS_GOOD, "fd00::/64");
	assert_address("fd00::1/128", ADDRESS_GOOD, "fd00::1");
	assert_address("10.0.0.255/25", ADDRESS_HOST_BITS, "10.0.0.128/25");
	assert_address("fd00::1/64", ADDRESS_HOST_BITS, "fd00::/64");
	assert_address("10.0.0.1/33", ADDRESS_BAD_PREFIX, NULL);
	assert_address("10.0.0.1/", ADDRESS_BAD_PREFIX, NULL);
	assert_address("10.0.0.1/-1", ADDRESS_BAD_PREFIX, NULL);
	assert_address("fd00::/129", ADDRESS_BAD_PREFIX, NULL);
	assert_address("10.0.0", ADDRESS_MALFORMED, NULL);
	assert_address("10.0.0.256", ADDRESS_MALFORMED, NULL);
	assert_address("fe80::1%eth0", ADDRESS_MALFORMED, NULL);
	assert_address("", ADDRESS_MALFORMED, NULL);
	assert_address("/24", ADDRESS_MALFORMED, NULL);
}

/* A very long argument must not overflow a buffer on the stack. */
static void long_addresses_are_refused(void **state)
{
	struct address address;
	char text[4096];

	(void)state;
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse_address(text, &address), ADDRESS_MALFORMED);
	text[INET6_ADDRSTRLEN] = '/';
	assert_int_equal(parse_address(text, &address), ADDRESS_MALFORMED);
}

#define FIND(words) find_vm_name(words, sizeof(words), name)

static void vm_name_is_found_in_the_command_line(void **state)
{
	char name[NAME_ROOM];

	(void)state;
	FIND("qemu\0-m\0" "1G\0-name\0web");
	assert_string_equal(name, "web");
	FIND("qemu\0-name\0guest=db,debug-threads=on\0-S");
	assert_string_equal(name, "db");
	FIND("qemu\0-name\0debug-threads=on,guest=db2");
	assert_string_equal(name, "db2");
	FIND("qemu\0-name\0debug-threads=on");
	assert_string_equal(name, "");
	FIND("firecracker\0--id\0f1");
	assert_string_equal(name, "f1");
	find_vm_name("qemu\0-name", 10, name);
	assert_string_equal(name, "");
	find_vm_name("", 0, name);
	assert_string_equal(name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_fit_five_columns),
		cmocka_unit_test(ages_show_two_units),
		cmocka_unit_test(rates_are_per_second),
		cmocka_unit_test(control_bytes_do_not_reach_the_terminal),
		cmocka_unit_test(table_aligns_columns),
		cmocka_unit_test(table_cuts_what_may_be_cut),
		cmocka_unit_test(table_never_cuts_numbers),
		cmocka_unit_test(table_without_titles_begins_with_a_row),
		cmocka_unit_test(rates_have_the_units_of_tc),
		cmocka_unit_test(malformed_rates_are_refused),
		cmocka_unit_test(rates_are_shown_as_they_are_given),
		cmocka_unit_test(addresses_are_parsed_and_masked),
		cmocka_unit_test(long_addresses_are_refused),
		cmocka_unit_test(vm_name_is_found_in_the_command_line),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

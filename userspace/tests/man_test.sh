#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Manual pages have no errors, and there is one for every function, with an example that compiles.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-gcc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0

report() # STATUS NAME
{
	number=$((number + 1))
	echo "$1 $number - $2"
}

lint_all() # COMMAND...
{
	local page bad=0

	for page in man/*.[358]; do
		# mandoc warns about every .so, which groff follows.
		[ "$1" = mandoc ] && grep -q '^\.so man3/' "$page" && continue
		out=$("$@" "$page" 2>&1) && [ -z "$out" ] && continue
		echo "# $page: $out"
		bad=1
	done
	return $bad
}

check_tool() # NAME COMMAND...
{
	local name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		report ok "$name # SKIP no $1"
	elif lint_all "$@"; then
		report ok "$name"
	else
		report "not ok" "$name"
	fi
}

groff_page() # PAGE: .so lines are relative to man/
{
	sed 's|^\.so man3/|.so man/|' "$1" | groff -t -man -ww -z -Tutf8 -I.
}

every_function_has_a_page()
{
	local name bad=0

	# libqueztl(3) says what _sz is.
	while read -r name; do
		[ -f "man/$name.3" ] && grep -q "$name (3)" man/libqueztl.3 && continue
		echo "# no page for $name"
		bad=1
	done < <(sed -n 's/^\t\t\(q[a-z]*_[a-z_]*\);$/\1/p' lib/libqueztl.map | sed 's/_sz$//')
	return $bad
}

# Those that are not another page (.so).
function_pages()
{
	grep -L '^\.so ' man/*.3
}

# As attributes(7) has it. The first page speaks of all.
every_function_has_its_thread_safety()
{
	local page name bad=0

	for page in $(function_pages); do
		sed -n '/^\.SH ATTRIBUTES/,/^\.SH [^A]/p' "$page" >"$tmp/attributes"
		for name in $(sed -n '/^\.SH NAME/{n;s/ \\-.*//;s/,//g;p}' "$page"); do
			grep -q "^.fB$name.fP()	Thread safety	MT.-Safe" "$tmp/attributes" && continue
			[ "$name" = libqueztl ] && grep -q 'MT.-Safe' "$tmp/attributes" && continue
			echo "# $page: no thread safety of $name"
			bad=1
		done
	done
	return $bad
}

every_page_has_an_example_that_compiles()
{
	local page bad=0

	for page in $(function_pages); do
		sed -n '/^\.SH EXAMPLES/,/^\.SH [^E]/p' "$page" | sed -n '/^\.EX/,/^\.EE/{/^\.E/d;p}' |
			sed 's/\\-/-/g;s/\\(ti/~/g;s/\\(ha/^/g;s/\\(ga/`/g;s/\\&//g;s/\\e/\\/g' >"$tmp/example.c"
		[ -s "$tmp/example.c" ] && $CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -I../uapi -I.. -Ilib \
			-c "$tmp/example.c" -o "$tmp/example.o" 2>"$tmp/log" && continue
		echo "# $page: $(head -n 5 "$tmp/log")"
		bad=1
	done
	return $bad
}

every_json_key_is_documented()
{
	local key bad=0

	for key in $(grep -oh 'set_[a-z]*([a-z]*, "[a-z_]*"' cli/*.c |
		     sed 's/.*"\(.*\)"/\1/') \
		   $(sed -n 's/^\t\(PORT\|VM\|USAGE\)(\([a-z_]*\)),$/\2/p' cli/*.c); do
		grep -qw "$key" man/queztl.8 && continue
		echo "# key $key is not in queztl.8"
		bad=1
	done
	return $bad
}

every_metric_is_documented()
{
	local metric bad=0

	for metric in $(grep -oh '"queztl_[a-z_]*"' cli/metrics*.c | tr -d '"'); do
		grep -q "^$metric\b" man/queztl.8 && continue
		echo "# metric $metric is not in queztl.8"
		bad=1
	done
	return $bad
}

echo 1..7
if lint_all groff_page; then
	report ok groff_has_no_warning
else
	report "not ok" groff_has_no_warning
fi
check_tool mandoc_has_no_warning mandoc -Tlint -Wwarning
for check in every_function_has_a_page every_function_has_its_thread_safety \
	every_page_has_an_example_that_compiles every_json_key_is_documented every_metric_is_documented; do
	if $check; then
		report ok $check
	else
		report "not ok" $check
	fi
done

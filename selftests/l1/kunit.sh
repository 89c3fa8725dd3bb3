#!/bin/bash
# The KUnit suites in L1's kernel: loads queztl_kunit.ko, beside queztl.ko, and prints KTAP, one test per case. Needs root.
# The kernel's own kunit.py judges the log as well, where the kernel's source is in the cache.
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
MODULE=$(dirname "$QZ_USER_KO")/queztl_kunit.ko
RESULTS=/sys/kernel/debug/kunit
number=0 pass=0 fail=0 skip=0

say() { echo "# $*"; }

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}

# OK NAME [DIRECTIVE...]
tell() {
	local ok=$1 name=$2
	shift 2
	number=$((number + 1))
	if [ "$ok" != ok ]; then
		fail=$((fail + 1))
	elif [[ $* == '# SKIP'* ]]; then
		skip=$((skip + 1))
	else
		pass=$((pass + 1))
	fi
	echo "$ok $number $name${*:+ $*}"
}

suites() {
	grep -ho '\.name = "queztl_[a-z]*"' "$SRC"/module/tests/*_kunit.c "$SRC"/qhp/*/*/tests/*_kunit.c | cut -d'"' -f2
}

# A suite's results are a test with subtests; here each of those is a test.
tell_suite() {
	local results=$RESULTS/$1/results line result='^    (not )?ok [0-9]+ ([^ ]+) ?(.*)$' seen=0
	while IFS= read -r line; do
		if [[ $line =~ $result ]]; then
			seen=$((seen + 1))
			tell "${BASH_REMATCH[1]}ok" "$1.${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
		else
			say "$line"
		fi
	done <"$results"
	{ [ $seen -gt 0 ] && grep -q '^ok ' "$results"; } || tell "not ok" "$1"
}

# What the module said while it was loaded, as dmesg -r or not.
kunit_py() {
	local tools
	for tools in "${QZ_CACHE:-/nonexistent}"/linux/*/{,*/}source/tools/testing/kunit/kunit.py; do
		[ -e "$tools" ] && echo "$tools" && return
	done
}

tell_kunit_py() {
	local parser log=$1 said
	parser=$(kunit_py)
	if [ -z "$parser" ]; then
		tell ok kunit_py_agrees "# SKIP no kernel source in the cache"
	elif said=$(python3 "$parser" parse "$log" 2>&1); then
		tell ok kunit_py_agrees
	else
		say "${said//$'\n'/$'\n'# }"
		tell "not ok" kunit_py_agrees
	fi
	say "$(tail -n 1 <<<"$said")"
}

main() {
	local suite mark log
	modprobe -q kunit enable=1
	[ -d /sys/module/kunit ] || skip_all "the kernel has no KUnit"
	[ -e "$MODULE" ] || { say "$MODULE is not built"; exit 1; }
	mark=$(dmesg | wc -l)
	log=$(mktemp)
	insmod "$MODULE" || exit 1
	dmesg | tail -n +$((mark + 1)) >"$log"
	for suite in $(suites); do
		tell_suite "$suite"
	done
	tell_kunit_py "$log"
	rm -f "$log"
	if rmmod queztl_kunit && ! ls -d $RESULTS/queztl_* 2>/dev/null; then
		tell ok unload
	else
		tell "not ok" unload
	fi
	echo "1..$number"
	echo "# Totals: pass:$pass fail:$fail skip:$skip"
	[ $fail = 0 ]
}

main

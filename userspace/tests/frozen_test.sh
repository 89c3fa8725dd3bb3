#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What programs were built with stays: functions, and layouts of structures, are those of lib/libqueztl.abi.
# There may be more functions, and a structure whose size a function named _sz is told may grow at its end:
# `make -C userspace abi` records that. lib/abi.c has the place of each member.
cd "$(dirname "$0")/.." || exit 1
O=${O:-$PWD/../build/userspace} CC=${CC:-gcc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0

check() # NAME
{
	number=$((number + 1))
	if [ -n "$why" ]; then
		echo "ok $number - $1 # SKIP $why"
	elif "$1" >"$tmp/log" 2>&1; then
		grep '^# ' "$tmp/log"
		echo "ok $number - $1"
	else
		sed 's/^/# /' "$tmp/log"
		echo "not ok $number - $1"
	fi
}

# LIBRARY: what was there is there, and the same.
compare()
{
	abidiff --no-added-syms lib/libqueztl.abi "$1"
}

functions_and_structures_are_as_recorded()
{
	compare "$O/libqueztl.so" && return
	echo "Programs were built with that. If a structure of a function named _sz has grown at its end: make -C userspace abi"
	return 1
}

# No failure; the record is made anew with the release.
additions_are_told()
{
	abidiff lib/libqueztl.abi "$O/libqueztl.so" |
		sed -n "s/.*\[A\] '\(.*\)'.*/# new: \1/p"
}

# FILE SED-SCRIPT: builds the library with this change of a file.
changed()
{
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/qhp"
	cp -r ../uapi lib "$tmp/tree" && cp -r ../qhp/channel "$tmp/tree/qhp" || return 1
	sed "$2" "$tmp/tree/$1" >"$tmp/file"
	! cmp -s "$tmp/file" "$tmp/tree/$1" || { echo "nothing changed in $1"; return 1; }
	cp "$tmp/file" "$tmp/tree/$1"
	rm "$tmp/tree/lib/abi.c"	# would notice most of it
	(cd "$tmp/tree" && $CC -std=gnu11 -D_GNU_SOURCE -g -O1 -fPIC -shared -Iuapi -I. -Ilib \
		-Wl,-soname,libqueztl.so.0 -Wl,--version-script,lib/libqueztl.map -o "$tmp/changed.so" lib/*.c)
}

notices() # FILE SED-SCRIPT
{
	changed "$@" || return 1
	compare "$tmp/changed.so" || return 0
	echo "not noticed: $2"
	return 1
}

changes_are_noticed()
{
	notices uapi/linux/queztl.h '/^struct queztl_port {/,/^}/s/__u32 state;/__u64 state;/' &&
	notices uapi/linux/queztl.h '/^struct queztl_fabric {/,/^}/{/__u32 mode;/d;s/__u32 ports;/__u32 mode;\n\t__u32 ports;/}' &&
	notices uapi/linux/queztl.h '/^struct queztl_info {/,/^}/{/reserved;/d}' &&
	notices lib/libqueztl.map '/queztl_port_next_sz;/d' &&
	notices uapi/linux/queztl.h '/^struct queztl_port {/,/^}/s/^};/\t__u64 grown;\n};/' &&
	notices lib/qhp.h '/^struct qhp {/,/^}/s/reserved\[8\]/reserved[9]/'
}

# So that the changes of the test before are what was noticed.
a_build_without_change_is_the_same()
{
	changed lib/queztl.h 's/^ \* libqueztl: /&/;s/^#ifndef QUEZTL_H/\n&/' && compare "$tmp/changed.so"
}

why=
if ! command -v abidiff >/dev/null; then
	why="no abidiff (package abigail-tools)"
elif [ "$($CC -dumpmachine | cut -d- -f1)" != x86_64 ]; then
	why="recorded for x86-64"
elif ! readelf -S "$O/libqueztl.so" | grep -q debug_info; then
	why="built without -g"
fi
echo 1..4
check functions_and_structures_are_as_recorded
check additions_are_told
check changes_are_noticed
check a_build_without_change_is_the_same

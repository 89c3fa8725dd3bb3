#!/bin/bash
# Queztl compiles inside the patched kernel's tree, as a module and built in, without a warning. KTAP.
# The tree is a copy that shares its files with the one kernels are built from; both stay in the cache.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
SOURCE=$("$TOP/scripts/kernel" source debug) || exit
WORK=$(dirname "$(dirname "$SOURCE")")/intree
TREE=$WORK/source
number=0 failed=0

make_tree() {
	cmp -s "$SOURCE/.queztl-key" "$TREE/.queztl-key" || rm -rf "$TREE"
	[ -d "$TREE" ] || { mkdir -p "$WORK" && cp -al "$SOURCE" "$TREE"; }
	"$TOP/scripts/intree" "$TREE"
}

# What Queztl needs, at its own value: a built-in part cannot use modules.
config_for() {	# m|y
	sed '/^CONFIG_\(LOCALVERSION\|DEBUG_INFO.*\)=/d' "$TOP"/patches/config/host{,-x86}.config
	printf 'CONFIG_%s\n' DEBUG_INFO_NONE=y VIRT_DRIVERS=y KUNIT=m QUEZTL_KUNIT_TEST=m WERROR=y
	printf "CONFIG_%s=$1\n" KVM KVM_AMD VDPA VHOST_VDPA QUEZTL
}

kbuild() {
	make -s -C "$TREE" O="$WORK/$1" CC="ccache gcc" "${@:2}"
}

compiles() {	# m|y
	mkdir -p "$WORK/$1"
	config_for "$1" >"$WORK/$1.config"
	kbuild "$1" allnoconfig KCONFIG_ALLCONFIG="$WORK/$1.config" || return
	grep -qx "CONFIG_QUEZTL=$1" "$WORK/$1/.config" || { echo "Kconfig refuses QUEZTL=$1"; return 1; }
	kbuild "$1" W=1 -j"$(nproc)" drivers/virt/queztl/ 2>&1 | tee "$WORK/$1.log"
	[ "${PIPESTATUS[0]}" = 0 ] && ! grep -q 'drivers/virt/queztl.*warning:' "$WORK/$1.log" &&
		[ -e "$WORK/$1/drivers/virt/queztl/module/main.o" ]
}

check() {	# NAME COMMAND...
	number=$((number + 1))
	if "${@:2}" >"$WORK/log" 2>&1 </dev/null; then
		echo "ok $number $1"
	else
		failed=1
		tail -40 "$WORK/log" | sed 's/^/# /'
		echo "not ok $number $1"
	fi
}

mkdir -p "$WORK"
CCACHE_DIR=$("$TOP/selftests/lab/fetch" cache)/ccache
export CCACHE_DIR
exec 9>"$WORK/.lock"
flock 9
echo "KTAP version 1"
echo "1..3"
check sources_go_into_the_tree make_tree
check compiles_as_a_module compiles m
check compiles_built_in compiles y
exit $failed

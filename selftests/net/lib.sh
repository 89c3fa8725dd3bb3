# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2001 # sed marks every line
# Sourced by the programs here: ports as the host's own network interfaces (virtio_vdpa), each in a network namespace
# of its own, and KTAP. NUMBERS are those of the ports, FABRIC is theirs, MAC has the addresses that
# are not the usual ones. END is what ends the program, by default end_net.
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
QUEZTL=${QZ_BUILD:-$HERE/../../build}/userspace/queztl
PORT=7000		# of the last transfer
MAC=()
number=0 pass=0 fail=0 skip=0

say() { echo "# $*"; }

fabric() { "$QUEZTL" fabric "$@" >/dev/null; }	# add NAME, del NAME, ...

run_test() {	# NAME: a function; its output is shown when it fails; exit code 4 is a skip
	local output code
	number=$((number + 1))
	output=$("$1" 2>&1)
	code=$?
	case $code in
	0) pass=$((pass + 1)); [ -z "$output" ] || sed 's/^/# /' <<<"$output"; echo "ok $number $1" ;;
	4) skip=$((skip + 1)); echo "ok $number $1 # SKIP $output" ;;
	*) fail=$((fail + 1)); sed 's/^/# /' <<<"$output"; echo "not ok $number $1" ;;
	esac
}

# How much slower this kernel is: as ktap.h has it for C programs.
case $(uname -r) in *debug*) SLOW=6 ;; *) SLOW=1 ;; esac
export QZ_USER_TIME_FACTOR=${QZ_USER_TIME_FACTOR:-$SLOW}	# for transfer.py
SLOW=$QZ_USER_TIME_FACTOR

in_ns() { local ns=$1; shift; timeout $((60 * SLOW)) ip netns exec "qt$ns" "$@"; }

bind_virtio() {
	local device=/sys/bus/vdpa/devices/$1
	case $(readlink "$device/driver") in
	*/virtio_vdpa) return ;;
	?*) echo "$1" >"$device/driver/unbind" ;;
	esac
	echo virtio_vdpa >"$device/driver_override"
	echo "$1" >/sys/bus/vdpa/drivers/virtio_vdpa/bind
}

interface_of() { basename "$(echo /sys/bus/vdpa/devices/"$1"/virtio*/net/*)"; }

make_port() {	# NUMBER [MORE WORDS OF vdpa dev add...]
	local dev mac=${MAC[$1]:-52:54:00:51:01:0$1}
	vdpa dev add name "qtn$1" mgmtdev "queztl/$FABRIC" mac "$mac" "${@:2}" || return
	bind_virtio "qtn$1" || return
	dev=$(interface_of "qtn$1")
	ip netns add "qt$1" 2>/dev/null
	ip link set "$dev" netns "qt$1" name eth0 || return
	ip -n "qt$1" address add "10.9.0.$1/24" dev eth0
	ip -n "qt$1" address add "fd00:9::$1/64" dev eth0 nodad
	ip -n "qt$1" link set lo up
	ip -n "qt$1" link set eth0 up
}

make_net() {
	local n
	fabric add "$FABRIC" || return
	for n in $NUMBERS; do
		make_port "$n" || return
	done
}

end_net() {
	local n
	for n in $NUMBERS; do
		[ ! -e "/sys/bus/vdpa/devices/qtn$n" ] || vdpa dev del "qtn$n"
		ip netns del "qt$n" 2>/dev/null
	done
	fabric del "$FABRIC" 2>/dev/null
}

counter() { vdpa -j dev vstats show "$1" qidx "$2" | tr ',{}' '\n' | sed -n "s/.*\"$3\": *\([0-9]*\).*/\1/p"; }

transfer() {	# FROM TO tcp|udp AMOUNT [ADDRESS]: bytes, or datagrams in one call, over IPv4 and IPv6, or to an address
	local from=$1 to=$2 port address sent got
	for address in ${5:-"10.9.0.$to" "fd00:9::$to"}; do
		port=$((++PORT))
		coproc receiver { in_ns "$to" "$HERE/transfer.py" "$3" receive $port ${4:+$([ "$3" = tcp ] || echo "$4")}; }
		read -r -t $((30 * SLOW)) got <&"${receiver[0]}"
		sent=$(in_ns "$from" "$HERE/transfer.py" "$3" send "$address" $port "$4") || return
		read -r -t $((60 * SLOW)) got <&"${receiver[0]}" || { echo "$3 to $address: nothing whole came"; return 1; }
		wait
		[ "$got" = "${sent:-all}" ] || { echo "$3 to $address: sent $sent, got $got"; return 1; }
	done
}

run_tests() {	# NAMES, in a network made before and ended after
	local test
	echo "KTAP version 1"
	if [ ! -e /dev/queztl ]; then
		echo "1..0 # SKIP no /dev/queztl"
		exit 4
	fi
	echo "1..$#"
	trap '${END:-end_net}' EXIT
	end_net 2>/dev/null
	make_net || { echo "Bail out! no network"; exit 1; }
	for test; do
		run_test "$test"
	done
	echo "# Totals: pass:$pass fail:$fail xfail:0 xpass:0 skip:$skip error:0"
	[ $fail = 0 ]
}

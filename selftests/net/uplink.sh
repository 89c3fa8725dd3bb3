#!/bin/bash
# The way out of a fabric: its uplink as a network device in a bridge, in the namespace qt3, which is "the host"; qt4 is
# outside, qt1 and qt2 are VMs. KTAP. Needs root and queztl.ko loaded.
# shellcheck disable=SC2015,SC2034,SC2154 # what follows || ends the test whoever failed; lib.sh reads these
set -u
NUMBERS="1 2 3"
FABRIC=qtup
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MAC=([3]=fe:54:00:51:01:03 [6]=fe:54:00:51:01:06)	# uplinks: see Documentation/qhp.rst

KEYS=$(mktemp -d)

on_host() { ip -n qt3 "$@"; }

# The uplink and a cable to outside in one bridge of the host.
make_bridge() {
	on_host address flush dev eth0
	on_host link add br0 type bridge forward_delay 0 stp_state 0
	ip netns add qt4 && on_host link add cable address 52:54:00:51:01:0c type veth \
		peer name eth0 address 52:54:00:51:01:04 netns qt4 || return
	on_host link set eth0 master br0
	on_host link set cable master br0 up
	on_host link set br0 up
	on_host address add 10.9.0.3/24 dev br0
	ip -n qt4 address add 10.9.0.4/24 dev eth0
	ip -n qt4 address add fd00:9::4/64 dev eth0 nodad
	ip -n qt4 link set eth0 up
}

reaches() {
	in_ns "$1" ping -q -c 3 -i 0.05 -W $((2 * SLOW)) "10.9.0.$2" >/dev/null && return
	echo "$1 does not reach $2; what they know of each other, and the bridge of them:"
	ip -n "qt$1" neigh show "10.9.0.$2"
	ip -n "qt$2" neigh show "10.9.0.$1"
	bridge -n qt3 fdb show br br0 | grep -i "54:00:51:01:0[$1$2]"
	return 1
}

# Who was not answered is about to give the other up, and would then not be asked again for what comes next.
does_not_reach() {
	! in_ns "$1" ping -q -c 2 -i 0.2 -W 1 "10.9.0.$2" >/dev/null || { echo "$1 reaches $2"; return 1; }
	ip -n "qt$1" neigh flush all
}

without_an_uplink_nothing_leaves() {
	does_not_reach 1 4 && reaches 1 2
}

uplink_joins_a_bridge() {
	"$QUEZTL" port uplink qtn3 on || return
	reaches 1 4 && reaches 2 4 && reaches 4 1 && reaches 1 2 && reaches 1 3 && reaches 4 3
}

# A bridge has the lowest address of its ports, and the host is known by it: not by the uplink's.
the_bridge_keeps_its_address() {
	local address
	address=$(in_ns 3 cat /sys/class/net/br0/address)
	[ "$address" = 52:54:00:51:01:0c ] || { echo "the bridge has $address"; return 1; }
}

# Larger than the wire's frames inside; whole where it arrives.
what_leaves_is_whole() {
	transfer 1 4 tcp 3000000 && transfer 4 2 tcp 3000000 && transfer 1 4 udp 40 && transfer 4 1 udp 40
}

outside_takes_no_address_of_a_port() {
	local before after
	before=$(counter qtn3 1 drop_spoofed)
	ip -n qt4 link set eth0 down
	ip -n qt4 link set eth0 address 52:54:00:51:01:02
	ip -n qt4 link set eth0 up
	does_not_reach 4 1 && reaches 1 2 || return
	after=$(counter qtn3 1 drop_spoofed)
	[ "$after" -gt "$before" ] || { echo "nothing was dropped"; return 1; }
	ip -n qt4 link set eth0 down
	ip -n qt4 link set eth0 address 52:54:00:51:01:04
	ip -n qt4 link set eth0 up
	reaches 4 1
}

carrier_becomes() {	# NUMBER 0|1: soon
	local tries
	for tries in $(seq $((50 * SLOW))); do
		[ "$(in_ns "$1" cat /sys/class/net/eth0/carrier)" != "$2" ] || return 0
		sleep 0.1
	done
	echo "the carrier of $1 does not become $2 after $tries looks"
	return 1
}

# Linux's driver is told by the configuration interrupt.
the_carrier_follows_the_link() {
	carrier_becomes 1 1 && "$QUEZTL" port set qtn1 link down && carrier_becomes 1 0 || return
	does_not_reach 2 1
	"$QUEZTL" port set qtn1 link up && carrier_becomes 1 1 && reaches 1 2 && reaches 4 1
}

# 1 is in VLAN 10, 2 in 20, and the uplink's frames have tags: outside eth0.10 is in 10, and knows no offloads of ours.
vlans_leave_by_a_trunk() {
	local code
	ip -n qt4 link add link eth0 name eth0.10 type vlan id 10 || { echo "no VLANs in this kernel"; exit 4; }
	ip -n qt4 address add 10.9.10.4/24 dev eth0.10
	ip -n qt4 link set eth0.10 up
	ip -n qt1 address add 10.9.10.1/24 dev eth0
	ip -n qt2 address add 10.9.10.2/24 dev eth0
	"$QUEZTL" port set qtn1 vlan 10 && "$QUEZTL" port set qtn2 vlan 20 && "$QUEZTL" port set qtn3 trunk 10,20 &&
		in_ns 1 ping -q -c 3 -W $((2 * SLOW)) -s 1472 -M "do" 10.9.10.4 >/dev/null &&
		transfer 1 4 tcp 2000000 10.9.10.4 && transfer 4 1 tcp 2000000 10.9.10.1 && transfer 1 4 udp 40 10.9.10.4 &&
		! in_ns 2 ping -q -c 2 -W 1 10.9.10.4 >/dev/null && does_not_reach 1 2
	code=$?
	for n in 1 2 3; do
		"$QUEZTL" port set "qtn$n" vlan none
	done
	ip -n qt4 link del eth0.10
	[ $code = 0 ] && reaches 1 2 && reaches 1 4
}

a_second_address_has_to_be_allowed() {
	ip -n qt1 link add link eth0 name mac0 type macvlan mode bridge || { echo "no macvlan in this kernel"; exit 4; }
	# or eth0 answers for the address of the other, too, and 2 sends to it
	in_ns 1 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore'
	ip -n qt1 address add 10.9.11.1/24 dev mac0
	ip -n qt1 link set mac0 up
	ip -n qt2 address add 10.9.11.2/24 dev eth0
	! in_ns 2 ping -q -c 2 -W 1 10.9.11.1 >/dev/null || { echo "it passes without"; return 1; }
	"$QUEZTL" port set qtn1 macs any || return
	in_ns 1 ping -q -c 3 -W $((2 * SLOW)) -I mac0 10.9.11.2 >/dev/null || { echo "it does not pass"; return 1; }
	transfer 2 1 tcp 1000000 10.9.11.1 || return
	"$QUEZTL" port show qtn1 | grep -q "$(in_ns 1 cat /sys/class/net/mac0/address)" || { echo "it is not shown"; return 1; }
	"$QUEZTL" port set qtn1 macs none && ip -n qt1 link del mac0 && reaches 1 2
}

only_peers_of_the_uplink_leave() {
	"$QUEZTL" fabric set $FABRIC deny && "$QUEZTL" policy allow qtn1 qtn3 || return
	reaches 1 4 && does_not_reach 2 4 && does_not_reach 4 2 && does_not_reach 1 2 || return
	"$QUEZTL" fabric set $FABRIC open
	reaches 2 4
}

# Another host, qt4, with a fabric of its own, qt5 a VM there; between the hosts VXLAN in WireGuard on the cable, and
# the VMs' MTU is what fits in.
make_second_host() {
	local side key=$KEYS/key
	mkdir -p "$KEYS"
	on_host link set cable nomaster
	for side in 3 4; do
		(umask 077; wg genkey >"$key.$side")
	done
	on_host address add 192.0.2.3/24 dev cable
	ip -n qt4 address flush dev eth0
	ip -n qt4 address add 192.0.2.4/24 dev eth0
	for side in 3 4; do
		ip -n qt$side link add wg0 type wireguard || return
		in_ns $side wg set wg0 listen-port 51820 private-key "$key.$side" peer "$(wg pubkey <"$key.$((7 - side))")" \
			allowed-ips 198.51.100.$((7 - side))/32 endpoint 192.0.2.$((7 - side)):51820 || return
		ip -n qt$side address add 198.51.100.$side/24 dev wg0
		ip -n qt$side link set wg0 mtu 1420 up
		ip -n qt$side link add vx0 mtu 1370 type vxlan id 9 dstport 4789 local 198.51.100.$side \
			remote 198.51.100.$((7 - side)) || return
	done
	on_host link set vx0 master br0 up
	fabric add ${FABRIC}far || return
	FABRIC=${FABRIC}far
	make_port 5 mtu 1370 && make_port 6 mtu 1370 || return
	"$QUEZTL" port uplink qtn6 on || return
	ip -n qt6 link set eth0 netns qt4 name up0
	ip -n qt4 link add br0 type bridge forward_delay 0 stp_state 0
	ip -n qt4 link set up0 master br0 up
	ip -n qt4 link set vx0 master br0 up
	ip -n qt4 link set br0 up
	in_ns 1 ip link set eth0 mtu 1370
	in_ns 2 ip link set eth0 mtu 1370
}

two_hosts_are_one_network() {
	command -v wg >/dev/null || { echo "no wg"; exit 4; }
	modprobe wireguard 2>/dev/null && modprobe vxlan 2>/dev/null || { echo "no wireguard or vxlan in this kernel"; exit 4; }
	make_second_host || return
	reaches 1 5 && reaches 5 2 || return
	in_ns 1 ping -q -c 2 -W $((2 * SLOW)) -M "do" -s 1342 10.9.0.5 >/dev/null || { echo "MTU 1370 does not pass"; return 1; }
	transfer 1 5 tcp 2000000 && transfer 5 2 tcp 2000000
}

make_net() {
	local n
	modprobe -a bridge veth
	fabric add "$FABRIC" || return
	for n in $NUMBERS; do
		make_port "$n" || return
	done
	make_bridge
}

end_net() {
	local n
	for n in 1 2 3 5 6; do
		[ ! -e "/sys/bus/vdpa/devices/qtn$n" ] || vdpa dev del "qtn$n"
	done
	for n in 1 2 3 4 5 6; do
		ip netns del "qt$n" 2>/dev/null
	done
	fabric del qtup 2>/dev/null
	fabric del qtupfar 2>/dev/null
	rm -rf "$KEYS"
}

run_tests without_an_uplink_nothing_leaves uplink_joins_a_bridge the_bridge_keeps_its_address \
	what_leaves_is_whole outside_takes_no_address_of_a_port the_carrier_follows_the_link vlans_leave_by_a_trunk \
	a_second_address_has_to_be_allowed only_peers_of_the_uplink_leave two_hosts_are_one_network

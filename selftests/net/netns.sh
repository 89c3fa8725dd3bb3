#!/bin/bash
# Three ports as the host's own network interfaces (virtio_vdpa), each in a network namespace of its own. KTAP.
# Needs root and queztl.ko loaded; QZ_USER_KO names the module for the tests that load it again.
# shellcheck disable=SC2001,SC2015 # sed marks every line; what follows || ends the test whoever failed
set -u
NUMBERS="1 2 3"
FABRIC=qtnet
ROUNDS=${QZ_USER_NETNS_ROUNDS:-8}	# of loading the module again
case $(uname -r) in *debug*) ROUNDS=5 ;; esac	# where each takes ten seconds
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

ping_all_pairs() {
	local a b
	for a in $NUMBERS; do
		for b in $NUMBERS; do
			[ "$a" = "$b" ] || in_ns "$a" ping -q -c 3 -i 0.05 -W $((2 * SLOW)) "10.9.0.$b" >/dev/null ||
				{ echo "$a does not reach $b"; return 1; }
		done
	done
}

# Frames that arrive and frames that do not leave a trace, with the same counts as the statistics.
trace_points_follow_frames() {
	local tracing=/sys/kernel/tracing before after seen
	echo 1 >$tracing/events/queztl/enable || return
	echo >$tracing/trace
	before=$(counter qtn1 1 drop_no_port)
	in_ns 1 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) 10.9.0.2 >/dev/null
	in_ns 1 ip neigh replace 10.9.0.99 lladdr 52:54:00:51:01:99 dev eth0
	in_ns 1 ping -q -c 2 -i 0.05 -W 1 10.9.0.99 >/dev/null
	in_ns 1 ip neigh del 10.9.0.99 dev eth0
	after=$(counter qtn1 1 drop_no_port)
	echo 0 >$tracing/events/queztl/enable
	seen=$(grep -c 'queztl_drop: port=[0-9]* reason=no_port len=98$' $tracing/trace)
	[ "$((after - before))" = 2 ] && [ "$seen" = 2 ] || { echo "dropped $((after - before)), traced $seen"; return 1; }
	seen=$(grep -c 'queztl_forward: from=[0-9]* to=[0-9]* len=98$' $tracing/trace)
	[ "$seen" = 6 ] || { echo "forwarded 6, traced $seen"; return 1; }
}

ping_every_size() {
	local size
	for size in 0 1 17 18 56 500 1000 1400 1471 1472; do
		in_ns 1 ping -q -c 2 -i 0.02 -W $((2 * SLOW)) -M "do" -s $size 10.9.0.2 >/dev/null || { echo "size $size"; return 1; }
	done
	# in fragments
	in_ns 1 ping -q -c 2 -W $((2 * SLOW)) -s 20000 10.9.0.2 >/dev/null || { echo "fragments"; return 1; }
	! in_ns 1 ping -q -c 1 -W 1 -M "do" -s 1473 10.9.0.2 >/dev/null 2>&1
}

# What the ports counted tells, when a reply is missing, whether a frame was lost on the way, for want of buffers, or behind
# the fabric. Groups that nobody joined are sent, and are no arrivals.
flood_ping_loses_nothing() {
	local line sent2 came1 came2
	sent2=$(counter qtn2 1 tx_packets) came1=$(arrivals qtn1) came2=$(arrivals qtn2)
	line=$(in_ns 1 ping -q -f -c 3000 -s 1000 10.9.0.2 | grep -o '[0-9]* received, .*')
	sent2=$(($(counter qtn2 1 tx_packets) - sent2))
	came1=$(($(arrivals qtn1) - came1)) came2=$(($(arrivals qtn2) - came2))
	echo "of 3000 $came2 came, of $sent2 back $came1; no buffers: $(counter qtn1 0 drop_full) $(counter qtn2 0 drop_full); $line"
	[ "$came2" -ge 3000 ] && [ "$came1" -ge $((sent2 - 10)) ] && [[ $line == "3000 received, 0% packet loss"* ]]
}

arrivals() { echo $(($(counter "$1" 0 rx_packets) + $(counter "$1" 0 drop_full))); }	# PORT: frames that came to it

neighbours_are_discovered() {
	in_ns 1 ping -q -6 -c 2 -W $((2 * SLOW)) fd00:9::3 >/dev/null || { echo "no IPv6"; return 1; }
	in_ns 1 ip -6 neigh show fd00:9::3 | grep -q 52:54:00:51:01:03 || { in_ns 1 ip -6 neigh; return 1; }
	in_ns 1 ip neigh flush all
	in_ns 1 ping -q -c 1 -W $((2 * SLOW)) 10.9.0.3 >/dev/null || { echo "no ARP"; return 1; }
	in_ns 1 ip neigh show 10.9.0.3 | grep -q 52:54:00:51:01:03 || { in_ns 1 ip neigh; return 1; }
	in_ns 1 ping -q -6 -c 2 -W $((2 * SLOW)) ff02::1%eth0 >/dev/null || { echo "no multicast"; return 1; }
}

# A port that may only send from its addresses sends large packets from them, too.
fragments_pass_anti_spoofing() {
	local n address drops
	drops=$(counter qtn1 1 drop_foreign)
	for n in 1 2; do
		for address in 10.9.0.$n/32 fd00:9::$n/128; do
			"$QUEZTL" addr add "qtn$n" "$address" || return
		done
	done
	for address in 10.9.0.2 fd00:9::2; do
		in_ns 1 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) -s 5000 "$address" >/dev/null ||
			{ echo "to $address"; return 1; }
	done
	[ "$(counter qtn1 1 drop_foreign)" = "$drops" ] || { echo "foreign frames"; return 1; }
	for n in 1 2; do
		for address in 10.9.0.$n/32 fd00:9::$n/128; do
			"$QUEZTL" addr del "qtn$n" "$address" || return
		done
	done
}

iperf() {	# ARGUMENTS: prints bits per second, bytes and percent lost, of the receiver
	local server out
	in_ns 2 iperf3 -s -1 >/dev/null 2>&1 &
	server=$!
	sleep 1
	out=$(in_ns 1 iperf3 -J -c 10.9.0.2 "$@") || { echo "$out" | grep error; kill $server; return 1; }
	wait $server
	python3 -S -c '
import json, sys
end = json.load(sys.stdin)["end"]
total = end.get("sum_received") or end["sum"]
print(int(total["bits_per_second"]), total["bytes"], total.get("lost_percent", 0))' <<<"$out"
}

has_iperf() { command -v iperf3 >/dev/null || { echo "no iperf3"; exit 4; }; }

# iperf3 ends when all is sent: what lies in socket buffers then (tcp_rmem and tcp_wmem: 6 and 4 MB) is not counted, on
# loopback neither. That a stream arrives whole is for transfer() to say.
tcp_flows() {
	local rate bytes
	has_iperf
	read -r rate bytes _ < <(iperf -n 30M) || return
	echo "TCP $((rate / 1000000)) Mbit/s, $bytes bytes of 31457280 read at the end"
	[ "$bytes" -gt 20000000 ]
}

udp_flows() {
	local rate bytes lost
	has_iperf
	read -r rate bytes lost < <(iperf -u -b 5M -l 1400 -n 1400K) || return
	echo "UDP $((rate / 1000)) kbit/s, $lost % lost"
	[ "$bytes" -gt 1200000 ] && [ "${lost%.*}" -le 10 ]
}

has_ethtool() { command -v ethtool >/dev/null || { echo "no ethtool"; exit 4; }; }

set_offloads() {	# NUMBER TX RX: each on or off
	in_ns "$1" ethtool -K eth0 tx "$2" tso "$2" tx-udp-segmentation "$2" rx-gro-hw "$3" >/dev/null || return
	expect_feature "$1" tx-checksumming "$2" && expect_feature "$1" tcp-segmentation-offload "$2" &&
		expect_feature "$1" tx-udp-segmentation "$2" && expect_feature "$1" rx-gro-hw "$3"
}

expect_feature() {	# NUMBER NAME on|off
	in_ns "$1" ethtool -k eth0 | grep -q "^$2: $3" || { in_ns "$1" ethtool -k eth0 | grep "^$2:"; return 1; }
}

wrong_checksums() {	# NUMBER: how many segments its stack has thrown away for that
	in_ns "$1" nstat -az | awk '/InCsumErrors/ { n += $2; seen = 1 } END { print seen ? n : "unknown" }'
}

# Two drivers, with what they leave to the device on and off: what arrives is whole, and nobody's checksum is wrong.
offloads_in_every_combination() {
	local tx rx bad
	has_ethtool
	in_ns 1 ethtool -k eth0 | grep -q "^tcp-segmentation-offload: on" || { echo "no TSO"; return 1; }
	for tx in on off; do
		for rx in on off; do
			set_offloads 1 $tx on && set_offloads 2 on $rx || return
			transfer 1 2 tcp 2000000 && transfer 1 2 udp 40 || { echo "tx $tx, rx $rx"; return 1; }
		done
	done
	set_offloads 1 on on && set_offloads 2 on on || return
	bad=$(wrong_checksums 2)
	[ "$bad" = 0 ] || { echo "$bad wrong checksums"; return 1; }
}

# A port that offers none of it: its driver gets segments and finished checksums.
offloads_reach_a_port_without() {
	local plain=0x330010020	# VERSION_1 ACCESS_PLATFORM EVENT_IDX INDIRECT_DESC STATUS MAC
	vdpa dev help 2>&1 | grep -q device_features || { echo "this vdpa cannot choose features"; exit 4; }
	vdpa dev del qtn3
	make_port 3 device_features $plain || return
	in_ns 3 ethtool -k eth0 2>/dev/null | grep -q "^tcp-segmentation-offload: on" && { echo "it has TSO"; return 1; }
	transfer 1 3 tcp 2000000 && transfer 3 1 tcp 500000 && transfer 1 3 udp 40 || return
	[ "$(wrong_checksums 3)" = 0 ] || return
	vdpa dev del qtn3
	make_port 3
}

jumbo_frames_pass() {
	local n
	for n in 1 2; do
		vdpa dev del "qtn$n"
		make_port "$n" mtu 65535 && in_ns "$n" ip link set eth0 mtu 65535 || return
	done
	in_ns 1 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) -M "do" -s 65000 10.9.0.2 >/dev/null || { echo "no jumbo ping"; return 1; }
	transfer 1 2 tcp 3000000 || return
	for n in 1 2; do
		vdpa dev del "qtn$n"
		make_port "$n" || return
	done
}

# Two VLAN tags beside a full MTU, as providers stack them.
two_tags_pass_at_full_size() {
	local n
	modprobe 8021q 2>/dev/null || { echo "no 8021q in this kernel"; exit 4; }
	for n in 1 2; do
		ip -n "qt$n" link add link eth0 name outer type vlan proto 802.1ad id 7 &&
			ip -n "qt$n" link add link outer name inner type vlan id 8 || return
		ip -n "qt$n" link set outer mtu 1500 up
		ip -n "qt$n" link set inner mtu 1500 up
		ip -n "qt$n" address add "10.8.0.$n/24" dev inner
	done
	in_ns 1 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) -M "do" -s 1472 10.8.0.2 >/dev/null ||
		{ echo "MTU 1500 does not pass"; return 1; }
	! in_ns 1 ping -q -c 1 -W 1 -M "do" -s 1473 10.8.0.2 >/dev/null 2>&1 || return
	for n in 1 2; do
		ip -n "qt$n" link del outer
	done
}

# The driver's table says: everything to its second queue.
table_is_obeyed() {
	local n before after
	in_ns 2 ethtool -x eth0 | grep -q "with 4 RX ring" || { in_ns 2 ethtool -x eth0; return 1; }
	in_ns 2 ethtool -X eth0 weight 0 1 0 0 || return
	before=$(for n in 0 2 4 6; do counter qtn2 $n rx_packets; done)
	for n in 1 2 3 4 5 6 7 8; do
		transfer 1 2 tcp 20000 || return
	done
	after=$(for n in 0 2 4 6; do counter qtn2 $n rx_packets; done)
	echo "packets by queue: ${before//$'\n'/ } -> ${after//$'\n'/ }"
	[ "$(echo "$before" | sed -n '3,4p')" = "$(echo "$after" | sed -n '3,4p')" ] &&
		[ "$(echo "$before" | sed -n 2p)" != "$(echo "$after" | sed -n 2p)" ]
}

# Senders and receivers with four queue pairs, two of which are used, then one, then all.
many_queues() {
	local n pairs used
	has_ethtool
	for n in 1 2; do
		vdpa dev del "qtn$n"
		make_port "$n" max_vqp 4 || return
	done
	in_ns 1 ethtool -l eth0 | grep -q "^Combined:.*4" || { in_ns 1 ethtool -l eth0; return 1; }
	for pairs in 2 1 4; do
		in_ns 1 ethtool -L eth0 combined $pairs && in_ns 2 ethtool -L eth0 combined $pairs || return
		transfer 1 2 tcp 500000 && transfer 2 1 tcp 500000 || { echo "with $pairs pairs"; return 1; }
	done
	in_ns 1 taskset -c 0 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) 10.9.0.2 >/dev/null
	in_ns 1 taskset -c 1 ping -q -c 3 -i 0.05 -W $((2 * SLOW)) 10.9.0.2 >/dev/null
	table_is_obeyed || return
	used=$(for n in 1 3 5 7; do counter qtn1 $n tx_packets; done | grep -vc '^0$')
	[ "$used" -ge 2 ] || [ "$(nproc)" = 1 ] || { echo "$used of the queues were used to send"; return 1; }
	for n in 1 2; do
		vdpa dev del "qtn$n"
		make_port "$n" || return
	done
}

# Groups that nobody joined do not interrupt: the driver sets its filter by the control queue.
multicast_is_filtered() {
	local before after
	in_ns 2 ip maddress add 01:00:5e:7f:00:01 dev eth0 || return
	in_ns 1 ip route add 224.0.0.0/4 dev eth0
	before=$(counter qtn2 0 rx_packets)
	in_ns 1 ping -q -c 5 -i 0.05 -W 1 239.127.0.1 >/dev/null	# 01:00:5e:7f:00:01
	after=$(counter qtn2 0 rx_packets)
	[ $((after - before)) -ge 5 ] || { echo "joined: $((after - before)) of 5 came"; return 1; }
	in_ns 1 ping -q -c 5 -i 0.05 -W 1 239.1.1.1 >/dev/null
	before=$after
	after=$(counter qtn2 0 rx_packets)
	in_ns 1 ip route del 224.0.0.0/4 dev eth0
	[ $((after - before)) -lt 3 ] || { echo "not joined: $((after - before)) of 5 came"; return 1; }
}

ports_are_shown() {
	vdpa mgmtdev show | grep -q "^queztl/$FABRIC:" || { vdpa mgmtdev show; return 1; }
	vdpa dev show qtn1 | grep -q "mgmtdev queztl/$FABRIC" || { vdpa dev show; return 1; }
	vdpa dev config show qtn1 | grep -q "mac 52:54:00:51:01:01.*mtu 1500" || { vdpa dev config show qtn1; return 1; }
}

statistics_follow_traffic() {
	local before after
	before=$(counter qtn1 1 tx_packets)
	in_ns 1 ping -q -c 50 -i 0.01 10.9.0.2 >/dev/null
	after=$(counter qtn1 1 tx_packets)
	echo "tx_packets $before -> $after"
	[ -n "$before" ] && [ $((after - before)) -ge 50 ] && [ $((after - before)) -le 60 ]
}

port_is_deleted_under_load() {
	local i load
	for i in 1 2 3 4 5; do
		in_ns 1 ping -q -f -c 100000 -w 3 10.9.0.3 >/dev/null 2>&1 &
		load=$!
		sleep 0.5
		timeout $((20 * SLOW)) vdpa dev del qtn3 || { echo "round $i: del failed"; return 1; }
		wait $load
		make_port 3 || { echo "round $i: add failed"; return 1; }
		in_ns 1 ping -q -c 2 -W $((2 * SLOW)) 10.9.0.3 >/dev/null || { echo "round $i: not reached again"; return 1; }
	done
}

fabric_in_use_stays() {
	! fabric del "$FABRIC" 2>/dev/null && ping_all_pairs
}

module_in_use_stays() {
	! rmmod queztl 2>/dev/null || { echo "removed in use"; return 1; }
	ping_all_pairs
}

module_goes_and_comes() {
	local i load
	[ -n "${QZ_USER_KO:-}" ] || { echo "QZ_USER_KO does not name the module"; exit 4; }
	for ((i = 1; i <= ROUNDS; i++)); do
		in_ns 1 ping -q -f -w 1 10.9.0.2 >/dev/null 2>&1 &
		load=$!
		in_ns 2 ping -q -f -w 1 10.9.0.3 >/dev/null 2>&1 &
		load="$load $!"
		sleep 0.2
		! rmmod queztl 2>/dev/null || { echo "round $i: removed under load"; return 1; }
		end_net			# the pings still run
		rmmod queztl || { echo "round $i: refcount $(cat /sys/module/queztl/refcnt)"; return 1; }
		[ ! -e /dev/queztl ] || { echo "round $i: node left"; return 1; }
		# shellcheck disable=SC2086
		wait $load
		insmod "$QZ_USER_KO" || { echo "round $i: insmod"; return 1; }
		make_net || { echo "round $i: no net"; return 1; }
		in_ns 1 ping -q -c 1 -W $((2 * SLOW)) 10.9.0.2 >/dev/null || { echo "round $i: no ping"; return 1; }
	done
}

# With ports but no driver on them, the module may go and takes them along.
module_takes_idle_ports_along() {
	local n
	[ -n "${QZ_USER_KO:-}" ] || { echo "QZ_USER_KO does not name the module"; exit 4; }
	end_net
	fabric add "$FABRIC" || return
	vdpa dev add name qtn1 mgmtdev "queztl/$FABRIC" || return
	n=/sys/bus/vdpa/devices/qtn1
	[ ! -e $n/driver ] || echo qtn1 >$n/driver/unbind
	rmmod queztl || { echo "refcount $(cat /sys/module/queztl/refcnt)"; return 1; }
	[ ! -e $n ] || { echo "port left"; return 1; }
	insmod "$QZ_USER_KO"
}

TESTS="ports_are_shown ping_all_pairs ping_every_size flood_ping_loses_nothing neighbours_are_discovered tcp_flows udp_flows
offloads_in_every_combination offloads_reach_a_port_without jumbo_frames_pass many_queues multicast_is_filtered
fragments_pass_anti_spoofing two_tags_pass_at_full_size
statistics_follow_traffic trace_points_follow_frames port_is_deleted_under_load fabric_in_use_stays module_in_use_stays module_goes_and_comes
module_takes_idle_ports_along"

# shellcheck disable=SC2086 # a list of names
run_tests $TESTS

#!/bin/bash
# DPDK on ports: virtio_user drives them through vhost-vdpa, in a program in user space that polls. KTAP.
# Needs root and queztl.ko loaded.
# shellcheck disable=SC2015,SC2034 # what follows || ends the test whoever failed
set -u
FABRIC=qtdpdk
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

node_of() { basename "$(echo /sys/bus/vdpa/devices/"$1"/vhost-vdpa-*)"; }

# A port for a program: NUMBER; prints its device.
make_vhost_port() {
	local name=qtn$1 device=/sys/bus/vdpa/devices/qtn$1
	vdpa dev add name "$name" mgmtdev "queztl/$FABRIC" mac "52:54:00:51:01:0$1" || return
	case $(readlink "$device/driver") in
	*/vhost_vdpa) ;;
	*)	[ ! -e "$device/driver" ] || echo "$name" >"$device/driver/unbind"
		echo "$name" >/sys/bus/vdpa/drivers/vhost_vdpa/bind ;;
	esac
	echo "/dev/$(node_of "$name")"
}

# DEVICE NUMBER: what every DPDK program here is told, as $EAL
set_eal() {
	EAL=(--no-pci --no-huge -m 128 --no-shconf --file-prefix "qt$2" --no-telemetry
		--vdev "net_virtio_user0,path=$1,mac=52:54:00:51:01:0$2")
}

# Start testpmd in the background, as $testpmd: testpmd DEVICE NUMBER OPTIONS... Its two threads may share a CPU.
start_testpmd() {
	local host=$2
	set_eal "$1" "$2"
	shift 2
	dpdk-testpmd --lcores "0@0,1@$(($(nproc) - 1))" "${EAL[@]}" \
		-- --total-num-mbufs 2048 --no-mlockall --stats-period 1 "$@" </dev/null >"$LOG.$host" 2>&1 &
	testpmd=$!
}

wait_until_up() {	# NUMBER
	for _ in $(seq $((30 * SLOW))); do
		"$QUEZTL" port list | grep -q "^qtn$1 .* up " && return
		sleep 1
	done
	tail -n 20 "$LOG.$1"
	return 1
}

stop_program() {	# PID NUMBER
	kill -INT "$1" && wait "$1" && return
	tail -n 20 "$LOG.$2"
	return 1
}

# What a testpmd that has ended counted: NUMBER RX|TX
packets() { sed -n "s/^ *$2-packets: *\([0-9]*\).*/\1/p" "$LOG.$1" | tail -n 1; }

# Of a port, with or without a driver: PORT KEY, or PORT drops REASON
count_of() {
	"$QUEZTL" port show "$1" --json | python3 -S -c '
import json, sys
found = json.load(sys.stdin)["counts"]
for key in sys.argv[1:]:
    found = found[key]
print(found)' "${@:2}"
}

# A driver in the kernel, and one that polls.
testpmd_answers_pings() {
	local device line
	device=$(make_vhost_port 2) || return
	start_testpmd "$device" 2 --forward-mode icmpecho
	for _ in $(seq $((20 * SLOW))); do
		in_ns 1 ping -q -c 1 -W 1 10.9.0.2 >/dev/null && break
	done
	line=$(in_ns 1 ping -q -c 20 -i 0.1 -W $((2 * SLOW)) 10.9.0.2 | grep -o '[0-9]* received.*')
	echo "$line"
	stop_program $testpmd 2 && vdpa dev del qtn2 && [[ $line == "20 received"* ]]
}

# Two that poll: what one has sent the other has received, or the fabric counted why not.
testpmd_floods_testpmd() {
	local from to sender receiver sent got full
	to=$(make_vhost_port 2) && from=$(make_vhost_port 3) || return
	start_testpmd "$to" 2 --forward-mode rxonly
	receiver=$testpmd
	wait_until_up 2 || return
	start_testpmd "$from" 3 --forward-mode txonly --eth-peer 0,52:54:00:51:01:02
	sender=$testpmd
	for _ in $(seq $((60 * SLOW))); do
		sleep 1
		[ "$(count_of qtn2 rx_packets)" -lt 5000 ] || break
	done
	stop_program $sender 3 && stop_program $receiver 2 || return
	sent=$(count_of qtn3 tx_packets) got=$(count_of qtn2 rx_packets) full=$(count_of qtn2 drops full)
	echo "sent $sent, received $got, no buffer for $full; testpmd: sent $(packets 3 TX), received $(packets 2 RX)"
	# port 1 may have said something to everybody
	[ "$got" -ge 5000 ] && [ $((got + full)) -ge "$sent" ] && [ "$(packets 2 RX)" = "$got" ] || {
		"$QUEZTL" port show qtn3
		"$QUEZTL" port show qtn2
		tail -n 20 "$LOG.2"
		return 1
	}
	vdpa dev del qtn2 && vdpa dev del qtn3
}

# The example turns datagrams round: all of them come back, and it says so.
reflect_sends_datagrams_back() {
	local device reflect line
	[ -x "$REFLECT" ] || { echo "not built: make -C userspace dpdk-examples"; exit 4; }
	device=$(make_vhost_port 2) || return
	set_eal "$device" 2
	"$REFLECT" --lcores 0 "${EAL[@]}" >"$LOG.2" 2>&1 &
	reflect=$!
	wait_until_up 2 || return
	in_ns 1 ip neigh replace 10.9.0.2 lladdr 52:54:00:51:01:02 dev eth0
	line=$(in_ns 1 python3 -S -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5 * int(sys.argv[1]))
s.connect(("10.9.0.2", 7))
for i in range(200):
    said = b"%d" % i * (i + 1)
    s.send(said)
    assert s.recv(2048) == said, i
print("200 came back")' "$SLOW")
	in_ns 1 ip neigh del 10.9.0.2 dev eth0
	stop_program $reflect 2 || return
	tail -n 1 "$LOG.2"
	[ "$line" = "200 came back" ] && tail -n 1 "$LOG.2" | grep -q '^received 2[0-9][0-9], sent back 200$' && vdpa dev del qtn2
}

# No packet is copied, and each is what it was; the sink frees those of a burst from the last one to the first.
packets_cross_a_channel() {
	local source eal=(--lcores 0 --no-pci --no-huge -m 64 --no-shconf --no-telemetry)
	[ -x "$MBUFS" ] || { echo "not built: make -C userspace dpdk-examples"; exit 4; }
	"$QUEZTL" channel allow qtpackets source sink || return
	"$MBUFS" source qtpackets -- "${eal[@]}" --file-prefix qtsource >"$LOG.source" 2>&1 &
	source=$!
	for _ in $(seq $((30 * SLOW))); do
		"$QUEZTL" channel list | grep -q qtpackets && break
		sleep 1
	done
	"$MBUFS" sink qtpackets -- "${eal[@]}" --file-prefix qtsink >"$LOG.sink" 2>&1 && wait $source || {
		tail -n 20 "$LOG.source" "$LOG.sink"
		return 1
	}
	tail -n 1 "$LOG.sink"
	tail -n 1 "$LOG.sink" | grep -q '^200000 packets of 1500 bytes' && "$QUEZTL" channel deny qtpackets source sink
}

LOG=$(mktemp -d)/dpdk
REFLECT=${QZ_BUILD:-$HERE/../../build}/userspace/examples/dpdk/reflect
MBUFS=$(dirname "$REFLECT")/channel_mbufs
command -v dpdk-testpmd >/dev/null || { echo "1..0 # SKIP no dpdk-testpmd"; exit 4; }

make_net() { fabric add "$FABRIC" && make_port 1; }
NUMBERS="1 2 3"

run_tests testpmd_answers_pings testpmd_floods_testpmd reflect_sends_datagrams_back packets_cross_a_channel

#!/bin/bash
# Which driver a new port gets, its stable name, and its owner; with udev, if it is installed. KTAP.
# Needs root and queztl.ko loaded.
# shellcheck disable=SC2034 # lib.sh uses them
set -u
FABRIC=qtnames
NUMBERS="1 2"
END=end_names
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
KO=${QZ_USER_KO:-$HERE/../../build/kmod/$(uname -r)/queztl.ko}
UDEVD=/lib/systemd/systemd-udevd
OTHER=65533 NOBODY=65534
WORK=$(mktemp -d)

make_net() { fabric add "$FABRIC"; }

end_names() {
	[ ! -e "$WORK/udevd" ] || kill "$(cat "$WORK/udevd")"
	end_net
	rm -r "$WORK"
}

path_of() { echo "/run/queztl/ports/$1"; }

driver_of() { basename "$(readlink "/sys/bus/vdpa/devices/$1/driver")"; }

node_of() { basename "$(echo /sys/bus/vdpa/devices/"$1"/vhost-vdpa-*)"; }

add() { "$QUEZTL" port add "$1" "$FABRIC" "${@:2}"; }

del() { "$QUEZTL" port del "$1"; }

expect() {	# WHAT FOUND
	[ "$1" = "$2" ] || { echo "expected '$1', found '$2'"; return 1; }
}

load_vhost() { modprobe vhost_vdpa max_iotlb_entries=65536; }

# The driver that comes first is asked first.
a_port_gets_the_driver_that_it_is_for() {
	rmmod vhost_vdpa && modprobe virtio_vdpa && load_vhost || return
	add qtn1 && expect virtio_vdpa "$(driver_of qtn1)" && del qtn1 || return
	add qtn1 for vm && expect vhost_vdpa "$(driver_of qtn1)" && del qtn1 || return
	rmmod virtio_vdpa && modprobe virtio_vdpa || return
	add qtn1 && expect vhost_vdpa "$(driver_of qtn1)" && del qtn1 || return
	add qtn1 for host && expect virtio_vdpa "$(driver_of qtn1)" && del qtn1
}

# A driver that is loaded later does not take it either.
a_missing_driver_is_named() {
	local said
	rmmod vhost_vdpa || return
	said=$(add qtn1 for vm 2>&1)
	expect 5 $? && expect "queztl: the kernel module vhost_vdpa is not loaded: sudo modprobe vhost_vdpa" "$said" &&
		[ ! -e /sys/bus/vdpa/devices/qtn1 ] && load_vhost && add qtn1 for vm && del qtn1 || return
	rmmod virtio_vdpa && modprobe virtio_vdpa	# the first again, for other programs
}

a_name_leads_to_the_device() {
	local line
	line=$(add qtn1 for vm) || return
	expect "port qtn1 is $(path_of qtn1) ($(node_of qtn1))" "$line" || return
	expect "/dev/$(node_of qtn1)" "$(readlink "$(path_of qtn1)")" && [ -c "$(path_of qtn1)" ] || return
	"$QUEZTL" port list --json | grep -q "\"path\": *\"$(path_of qtn1)\"" || { "$QUEZTL" port list --json; return 1; }
	del qtn1 && [ ! -L "$(path_of qtn1)" ]
}

# USER PATH
can_open() { setpriv --reuid="$1" --regid="$1" --clear-groups python3 -S -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR)' "$2"; }

an_owner_opens_it_and_nobody_else() {
	add qtn1 owner $NOBODY && add qtn2 for vm || return
	can_open $NOBODY "$(path_of qtn1)" || { ls -l /dev/vhost-vdpa*; return 1; }
	! can_open $OTHER "$(path_of qtn1)" 2>/dev/null && ! can_open $NOBODY "$(path_of qtn2)" 2>/dev/null &&
		! can_open $NOBODY /run/queztl/owners/qtn1 2>/dev/null && del qtn1 && del qtn2
}

# Where modules are installed: its users load nothing by hand.
modprobe_loads_the_driver_with_the_module() {
	local root from
	root=$(mktemp -d) from=/lib/modules/$(uname -r)
	mkdir -p "$root$from/updates"
	ln -s "$from/kernel" "$root$from/kernel"
	cp "$from"/modules.builtin* "$from/modules.order" "$root$from"
	cp "$KO" "$root$from/updates"
	depmod -b "$root" "$(uname -r)" && modprobe -d "$root" --show-depends queztl >"$root/said" || return
	cat "$root/said"
	grep -q '/vhost_vdpa\.ko' "$root/said" && tail -n 1 "$root/said" | grep -q '/queztl\.ko'
	from=$?
	rm -r "$root"
	return $from
}

wait_until() {
	for _ in $(seq $((100 * SLOW))); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "not yet: $*"
	ls -lR /run/queztl/
	return 1
}

# Only our rules, so that it does nothing else on this host. A test runs in a shell of its own, udevd goes on.
# shellcheck disable=SC2016 # expanded there
start_udevd() {
	[ ! -e "$WORK/udevd" ] || return 0
	[ -x $UDEVD ] || { echo "no udevd"; exit 4; }
	mkdir "$WORK/rules"
	sed "s|@bindir@/queztl|$QUEZTL|" "$HERE/../../userspace/udev/60-queztl.rules" >"$WORK/rules/60-queztl.rules"
	unshare --mount sh -c 'mount --bind "$1" /usr/lib/udev/rules.d
		for dir in /etc/udev/rules.d /lib/udev/rules.d; do
			[ /usr/lib/udev/rules.d -ef "$dir" ] || [ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir"
		done
		exec "$2"' sh "$WORK/rules" $UDEVD >"$WORK/log" 2>&1 </dev/null &
	echo $! >"$WORK/udevd"
	wait_until udevadm control --ping || { cat "$WORK/log"; exit 1; }
}

named() { [ "$(readlink "$(path_of "$1")")" = "/dev/$(node_of "$1")" ]; }

unnamed() { [ ! -L "$(path_of "$1")" ]; }

owned() { [ "$(stat -L -c %u "$(path_of "$1")")" = "$2" ]; }

forgotten() { [ ! -e "/run/queztl/owners/$1" ]; }

udev_names_ports_of_vdpa() {
	start_udevd
	vdpa dev add name qtn1 mgmtdev "queztl/$FABRIC" && wait_until named qtn1 && owned qtn1 0 &&
		vdpa dev del qtn1 && wait_until unnamed qtn1
}

a_name_and_an_owner_survive_a_rebind() {
	local device=/sys/bus/vdpa/devices/qtn1
	start_udevd
	add qtn1 owner $NOBODY && vdpa dev add name qtn2 mgmtdev "queztl/$FABRIC" && wait_until named qtn2 || return
	echo qtn1 >$device/driver/unbind && echo qtn2 >/sys/bus/vdpa/devices/qtn2/driver/unbind || return
	wait_until unnamed qtn1 && wait_until unnamed qtn2 || return
	# In the other order: their numbers change.
	echo qtn2 >/sys/bus/vdpa/drivers/vhost_vdpa/bind && echo qtn1 >/sys/bus/vdpa/drivers/vhost_vdpa/bind || return
	wait_until named qtn1 && wait_until named qtn2 && wait_until owned qtn1 $NOBODY && owned qtn2 0 || return
	can_open $NOBODY "$(path_of qtn1)" && del qtn2
	# As a network device it has no name, and goes on having an owner.
	echo qtn1 >$device/driver/unbind && echo virtio_vdpa >$device/driver_override &&
		echo qtn1 >/sys/bus/vdpa/drivers/virtio_vdpa/bind && wait_until unnamed qtn1 && ! forgotten qtn1 || return
	vdpa dev del qtn1 && wait_until forgotten qtn1
}

# Its events may come when the next port of that name is there.
a_port_that_comes_again_at_once_keeps_its_owner() {
	start_udevd
	for _ in 1 2 3 4 5; do
		add qtn1 owner $NOBODY && del qtn1 && add qtn1 owner $OTHER && udevadm settle || return
		if ! named qtn1 || ! owned qtn1 $OTHER || forgotten qtn1; then
			ls -lR /run/queztl /dev/vhost-vdpa*
			return 1
		fi
		vdpa dev del qtn1 && wait_until forgotten qtn1 || return
	done
}

run_tests a_port_gets_the_driver_that_it_is_for a_missing_driver_is_named a_name_leads_to_the_device \
	an_owner_opens_it_and_nobody_else modprobe_loads_the_driver_with_the_module udev_names_ports_of_vdpa \
	a_name_and_an_owner_survive_a_rebind a_port_that_comes_again_at_once_keeps_its_owner

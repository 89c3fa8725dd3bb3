#!/bin/bash
# What a host may do to a scheduler, with whichever queztl sched start takes: the module's or BPF's. VMs are stopped and
# frozen, CPUs taken away, realtime tasks run away, a task stalls. KTAP.
# Needs root, and a machine that may crash. QZ_USER_SCHED_ALL: if it is set, the slow tests run, too.
# shellcheck disable=SC2317 # tests are called by name
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILT=${QZ_BUILD:-$SRC/build}
BUILD=${QZ_USER_BUILD:-$BUILT/selftests}
QUEZTL=$BUILT/userspace/queztl SETTINGS=$SRC/selftests/sched/settings.py
GROUP=/sys/fs/cgroup/queztl-test
. "$SRC/selftests/sched/common.sh"

start() { trap end_all EXIT; "$QUEZTL" sched start >/dev/null || die "queztl sched start: $?"; }
stop() { "$QUEZTL" sched stop || die "queztl sched stop: $?"; is state disabled "$(cat $SCX/state)"; }
status() { "$QUEZTL" sched status --json; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
lasts() { is state enabled "$(cat $SCX/state)"; }

# -- VMs ------------------------------------------------------------------------------------------------------------------
pids=

# Nobody else would, and what they hold open would keep the test from ending.
end_all() {
	# shellcheck disable=SC2086 # several words
	kill -9 $pids 2>/dev/null
	pids=
	stop_load
}

# A process is a VM. The BPF scheduler finds that out when it sees it in a guest, or is told.
tell() {	# PID...
	[ "$(status | field "['tier']")" != bpf ] || "$SETTINGS" "$@"
}

begin_vm() {	# NAME CPUS VCPUS OTHERS; its PID is in the variable NAME
	local ready
	exec {ready}< <(exec taskset -c "$2" "$BUILD/vmm" "$3" "$4")
	printf -v "$1" %s $!
	pids="$pids $!"
	read -r -u "$ready" -t 120 || { echo "no KVM"; exit 4; }
	exec {ready}<&-
	tell $!
}

ran() {	# PID; its threads' CPU time in ms
	cat "/proc/$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum / 1000000 }'
}

# CPU time in ms that two VMs have in so many seconds: a_ran, b_ran.
both_run() {	# SECONDS A B
	local a b
	a=$(ran "$2") b=$(ran "$3")
	sleep "$1"
	a_ran=$(($(ran "$2") - a)) b_ran=$(($(ran "$3") - b))
	echo "$a_ran ms and $b_ran ms"
}

share_is() {	# A B LEAST MOST; of A in percent of both
	local percent=$((100 * $1 / ($1 + $2 + 1)))
	if [ $percent -lt "$3" ] || [ $percent -gt "$4" ]; then
		die "$percent % of $(($1 + $2)) ms; should be $3 to $4"
	fi
}

make_group() {	# CONTROLLER...
	local controller
	for controller; do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || { echo "no cgroups with $controller"; exit 4; }
	done
	mkdir $GROUP || die "no group"
}

remove_group() { wait_for rmdir $GROUP 2>/dev/null || die "$GROUP is still in use"; }

frozen_is() { grep -q "frozen $1" $GROUP/cgroup.events; }

freeze() { echo 1 >$GROUP/cgroup.freeze; wait_for frozen_is 1 || die "it does not freeze"; }
thaw() { echo 0 >$GROUP/cgroup.freeze; wait_for frozen_is 0 || die "it does not thaw"; }

# -- suspended VMs --------------------------------------------------------------------------------------------------------
# For four seconds; then it may have had the CPU alone for as long, and must not.
a_stopped_vm_saves_nothing() {
	local a b
	start
	begin_vm a 0 1 0
	begin_vm b 0 1 0
	both_run 2 "$a" "$b"
	share_is "$a_ran" "$b_ran" 30 70
	kill -STOP "$a"
	both_run 4 "$a" "$b"
	share_is "$a_ran" "$b_ran" 0 5
	kill -CONT "$a"
	both_run 2 "$a" "$b"
	share_is "$a_ran" "$b_ran" 30 70
	lasts
	stop
}

# By its group's freezer, while its limit holds it back now and then.
a_frozen_vm_saves_nothing() {
	local a b
	make_group
	start
	begin_vm a 0 2 0
	begin_vm b 0 1 0
	"$QUEZTL" sched set "$a" limit 25% || die "queztl sched set: $?"
	echo "$a" >$GROUP/cgroup.procs
	both_run 2 "$a" "$b"
	share_is "$a_ran" "$b_ran" 5 40
	freeze
	both_run 4 "$a" "$b"
	share_is "$a_ran" "$b_ran" 0 0
	thaw
	both_run 2 "$a" "$b"
	share_is "$a_ran" "$b_ran" 5 40
	lasts
	stop
	end_all
	remove_group
}

# Whatever its threads wait for: a CPU, their limit, or nothing.
vms_freeze_and_thaw() {
	local a b i
	make_group
	start
	begin_vm a 0-$(($(nproc) - 1)) 4 2
	begin_vm b 0-$(($(nproc) - 1)) 0 0
	echo "$a" >$GROUP/cgroup.procs
	echo "$b" >$GROUP/cgroup.procs
	for ((i = 0; i < 6; i++)); do
		case $i in
		2) "$QUEZTL" sched set "$a" limit 3% || die "queztl sched set: $?" ;;
		4) "$QUEZTL" sched set "$a" weight 1 || die "queztl sched set: $?" ;;
		esac
		freeze
		thaw
		tasks_run
	done
	freeze
	kill -9 "$a" "$b"
	wait_for grep -q "populated 0" $GROUP/cgroup.events || die "they do not end"
	lasts
	stop
	end_all
	remove_group
}

# The kernel freezes all processes, then finds that the lab's file system cannot be suspended, or is woken up by the clock.
survives_a_system_suspend() {
	local a i before
	grep -qw freeze /sys/power/state 2>/dev/null || { echo "the kernel has no suspend"; exit 4; }
	start
	begin_vm a 0 1 1
	for ((i = 0; i < 3; i++)); do
		echo "+3" >/sys/class/rtc/rtc0/wakealarm 2>/dev/null
		echo freeze >/sys/power/state
		tasks_run
		before=$(ran "$a")
		has_run() { [ "$(ran "$a")" -gt "$before" ]; }
		wait_for has_run || die "the VM does not run"
	done
	dmesg | grep -q 'Freezing user space processes' || die "nothing was frozen"
	lasts
	stop
}

# -- CPUs -----------------------------------------------------------------------------------------------------------------
# By its group and by itself, and nobody else gets them all.
survives_changes_of_affinity() {
	local a b i before pid
	[ "$(nproc)" -gt 1 ] || { echo "one CPU only"; exit 4; }
	make_group cpuset
	start
	begin_vm a 0-1 3 1
	begin_vm b 0-1 2 0
	"$QUEZTL" sched set "$a" limit 60% || die "queztl sched set: $?"
	echo "$a" >$GROUP/cgroup.procs
	(while :; do taskset -acp 0 "$b"; taskset -acp 1 "$b"; taskset -acp 0-1 "$b"; done) >/dev/null 2>&1 &
	pids="$pids $!"
	for ((i = 0; i < 8; i++)); do
		echo $((i % 2)) >$GROUP/cpuset.cpus || die "cpuset.cpus stays"
		tasks_run
		echo 0-1 >$GROUP/cpuset.cpus
	done
	for pid in $a $b; do
		before=$(ran "$pid")
		has_run() { [ "$(ran "$pid")" -gt "$before" ]; }
		wait_for has_run || die "process $pid does not run"
	done
	lasts
	stop
	end_all
	remove_group
}

# -- realtime tasks -------------------------------------------------------------------------------------------------------
# Newer kernels have a server that gives tasks of sched_ext some of a CPU whatever realtime tasks do.
set_servers() {	# NS
	local file
	[ -d /sys/kernel/debug/sched ] || mount -t debugfs debugfs /sys/kernel/debug
	for file in /sys/kernel/debug/sched/ext_server/cpu*/runtime; do
		[ ! -e "$file" ] || echo "$1" >"$file"
	done
}

# Sets state, before_end and in_the_end, see there.
run_away() {	# PID SECONDS CPU...
	local said
	echo 1 >/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress
	said=$("$SRC/selftests/sched/runaway.py" "$@") || die "runaway.py: $said"
	echo "$said"
	read -r state _ before_end in_the_end <<<"$said"
}

# Who can run nowhere else waits: for a while, then for longer than sched_ext has patience. The VM goes on elsewhere.
leaves_the_host_to_eevdf_when_a_task_stalls() {
	local a state before_end in_the_end
	[ "$(nproc)" -gt 1 ] || { echo "one CPU only"; exit 4; }
	start
	set_servers 0
	begin_vm a 0-1 2 1
	(while :; do :; done) &
	pids="$pids $!"
	taskset -cp 1 $! >/dev/null
	run_away "$a" 16 1
	is "state after 16 s" on "$state"
	run_away "$a" 90 1
	is state off "$state"
	if [ "$before_end" -le 1000 ] || [ "$in_the_end" -le 1000 ]; then die "the VM did not run"; fi
	[[ $(status | field "['last_end']") = *stall* ]] || die "no stall: $(status)"
	wait_for loader_is_gone || die "queztl-sched goes on"
	tasks_run
	start
	tasks_run
	end_all
	stop
}

loader_is_gone() { [ "$(status | field "['on']")" = False ]; }

# On all CPUs. Without a server nobody else runs, and the kernel cannot even end the scheduler, until they are gone.
a_runaway_realtime_task_takes_nothing_for_ever() {
	local a state before_end in_the_end
	start
	begin_vm a 0 1 1
	# shellcheck disable=SC2046 # several words
	run_away "$a" 50 $(seq 0 $(($(nproc) - 1)))
	[ ! -d /sys/kernel/debug/sched/ext_server ] || [ "$in_the_end" -gt 0 ] || die "the VM does not run"
	tasks_run
	[ "$state" = on ] || wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	[ "$state" = on ] || wait_for loader_is_gone || die "queztl-sched goes on"
	[ "$state" = on ] || start
	tasks_run
	lasts
	stop
}

# -- many VMs -------------------------------------------------------------------------------------------------------------
# The BPF scheduler keeps settings of 1024 processes; the module keeps them with each VM.
full_is_said() {	# PID
	local said
	[ "$(status | field "['tier']")" = bpf ] || return 0
	said=$("$QUEZTL" sched set "$1" weight 50 2>&1) && die "one more has a setting"
	[[ $said = *"1024 processes have one"* ]] || die "one more: $said"
}

# 1023 can be served; who comes later is served with the host, and gets a place when another goes.
serves_more_vms_than_it_has_places() {
	local i
	start
	for ((i = 0; i < 1030; i++)); do
		"$BUILD/vmm" 0 0 >/dev/null &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # several words
	set -- $pids
	tell "$@" 2>/dev/null
	served() { [ "$(status | python3 -c "import json, sys
print(sum(vm['used_ns'] > 0 for vm in json.load(sys.stdin)['vms']))")" = "$1" ]; }
	wait_for served 1023 || die "$(status | tail -c 2000)"
	full_is_said "${@: -1}"
	tasks_run
	kill -9 "${@:1:30}"
	tell "${@:31}" || die "the rest cannot be told"
	wait_for served 1000 || die "$(status | tail -c 2000)"
	lasts
	end_all
	tasks_run
	stop
}

tidy_up() {
	[ -z "$(cat /sys/fs/cgroup/queztl-test/cgroup.procs 2>/dev/null)" ] || {
		echo 0 >$GROUP/cgroup.freeze
		echo 1 >$GROUP/cgroup.kill
	}
	state_is disabled || "$QUEZTL" sched stop
	rmdir $GROUP 2>/dev/null
	set_servers 50000000
}

SHORT=a_frozen_vm_saves_nothing
LONG="a_stopped_vm_saves_nothing vms_freeze_and_thaw survives_a_system_suspend survives_changes_of_affinity
	leaves_the_host_to_eevdf_when_a_task_stalls a_runaway_realtime_task_takes_nothing_for_ever
	serves_more_vms_than_it_has_places"
TESTS=${*:-$SHORT ${QZ_USER_SCHED_ALL:+$LONG}}

main() {
	if [ ! -e $SCX ]; then
		echo "1..0 # SKIP the kernel has no sched_ext"
		exit 4
	fi
	[ -e "$BUILT/sched/queztl-sched" ] || { echo "Bail out! no queztl-sched: make sched"; exit 1; }
	# shellcheck disable=SC2086 # several words
	run_tests $TESTS
}

main

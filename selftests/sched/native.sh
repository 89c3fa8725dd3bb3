#!/bin/bash
# Native sched_ext schedulers (patches/02*), with the module selftests/kmod/qz_native.c. KTAP.
# Needs root, and a machine that may crash. QZ_USER_TEST_MODULES: where the module is. QZ_USER_SCHED_ROUNDS: of what races.
# shellcheck disable=SC2317 # tests are called by name
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
KO=${QZ_USER_TEST_MODULES:-${QZ_BUILD:-$SRC/build}/kmod-tests/$(uname -r)}/qz_native.ko
ROUNDS=${QZ_USER_SCHED_ROUNDS:-20}
P=/sys/module/qz_native/parameters
. "$SRC/selftests/sched/common.sh"

# enum scx_exit_kind
UNREG_KERN=66 SYSRQ=67 ERROR=1024 STALL=1026

exits_are() { [ "$(cat $P/exits)" = "$1" ]; }

load() { insmod "$KO" "$@" || die "insmod $*: $?"; }

# rmmod waits for the exit: nothing can be left of it.
unload() {
	rmmod qz_native || die "rmmod failed"
	is "state after rmmod" disabled "$(cat $SCX/state)"
}

misbehaves() {	# FAULT KIND [PARAMETER...]
	local fault=$1 kind=$2
	shift 2
	load "$@"
	is state enabled "$(cat $SCX/state)"
	echo "$fault" >$P/fault
	wait_for exits_are 1 || die "the scheduler did not exit"
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	is "exit kind" "$kind" "$(cat $P/exit_kind)"
	tasks_run
	unload
}

registers_and_unregisters() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		load
		is state enabled "$(cat $SCX/state)"
		is name qz_a "$(cat $SCX/root/ops)"
		tasks_run
		unload
	done
}

unregisters_by_itself() {
	load
	echo 0 >$P/a
	is "exit kind" $UNREG_KERN "$(cat $P/exit_kind)"
	is state disabled "$(cat $SCX/state)"
	echo 1 >$P/a || die "cannot register again"
	tasks_run
	unload
}

calls_itself_native() {
	load
	unload
	dmesg | tail -n 20 | grep -q 'sched_ext: native scheduler "qz_a" enabled' || die "no such line when enabled"
	dmesg | tail -n 20 | grep -q 'sched_ext: native scheduler "qz_a" disabled' || die "no such line when disabled"
}

falls_back_from_a_missing_queue() { misbehaves 1 $ERROR; }
falls_back_from_its_own_error() { misbehaves 2 $ERROR; }

falls_back_from_a_stall() {
	bash -c 'echo victim >/proc/self/comm; while :; do sleep 0.01; done' &
	local victim=$! code
	(misbehaves 3 $STALL timeout_ms=2000)
	code=$?
	kill -9 $victim
	return $code
}

falls_back_on_sysrq() {
	load
	echo S >/proc/sysrq-trigger
	wait_for exits_are 1 || die "the scheduler did not exit"
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	is "exit kind" $SYSRQ "$(cat $P/exit_kind)"
	tasks_run
	unload
}

fails_to_register_with_a_failing_init() {
	local said i
	for ((i = 0; i < ROUNDS; i++)); do
		said=$(LC_ALL=C insmod "$KO" fail_init=1 2>&1) && die "insmod succeeded"
		[[ $said = *"Input/output error"* ]] || die "insmod: $said"
		[ ! -e $P ] || die "the module stayed"
		is state disabled "$(cat $SCX/state)"
	done
	tasks_run
}

fails_to_register_while_failing() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		# Which of the two, depends on who is faster.
		if insmod "$KO" fault=2 2>/dev/null; then unload; fi
		is state disabled "$(cat $SCX/state)"
		[ ! -e $P ] || die "the module stayed"
	done
	tasks_run
}

excludes_a_second_one() {
	local said
	load
	said=$( (LC_ALL=C echo 1 >$P/b) 2>&1) && die "two are registered"
	[[ $said = *"busy"* ]] || die "registering a second one: $said"
	is name qz_a "$(cat $SCX/root/ops)"
	(echo 1 >$P/a) 2>/dev/null && die "one is registered twice"
	is state enabled "$(cat $SCX/state)"
	tasks_run
	unload
}

leaves_its_successor_alone() {
	load
	echo S >/proc/sysrq-trigger
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	echo 1 >$P/b || die "no successor"
	echo 0 >$P/a
	is state enabled "$(cat $SCX/state)"
	is name qz_b "$(cat $SCX/root/ops)"
	tasks_run
	unload
}

unloads_during_an_error() {
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		load
		echo $((1 + i % 2)) >$P/fault
		unload
	done
	tasks_run
}

survives_cpu_hotplug() {
	load
	cpu1_comes_and_goes
	is state enabled "$(cat $SCX/state)"
	unload
}

# CPUs that wait for each other in a circle (patches/0001): without it, the machine hangs here.
waits_in_circles() {
	local first
	[ "$(nproc)" -gt 1 ] || { echo "one CPU is no circle"; exit 4; }
	load
	echo 1 >$P/kick_wait
	first=$(cat $P/kicks)
	kicked() { [ $(($(cat $P/kicks) - first)) -ge 2000 ]; }
	wait_for kicked || die "$(cat $P/kicks) kicks only"
	tasks_run
	is state enabled "$(cat $SCX/state)"
	unload
}

tidy_up() { [ ! -e $P ] || rmmod qz_native; }

TESTS=${*:-registers_and_unregisters unregisters_by_itself calls_itself_native falls_back_from_a_missing_queue
	falls_back_from_its_own_error falls_back_from_a_stall falls_back_on_sysrq
	fails_to_register_with_a_failing_init fails_to_register_while_failing excludes_a_second_one
	leaves_its_successor_alone unloads_during_an_error survives_cpu_hotplug waits_in_circles}

main() {
	if ! grep -qw scx_native_register /proc/kallsyms; then
		echo "1..0 # SKIP the kernel has no native sched_ext registration (patches/02*)"
		exit 4
	fi
	[ -e "$KO" ] || { echo "Bail out! no $KO: make test-modules"; exit 1; }
	start_load
	trap stop_load EXIT
	# shellcheck disable=SC2086 # several words
	run_tests $TESTS
}

main

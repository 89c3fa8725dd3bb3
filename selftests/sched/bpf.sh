#!/bin/bash
# The BPF scheduler (make sched), by the command queztl, on a kernel that has sched_ext. KTAP.
# Needs root, and a machine that may crash. QZ_USER_SCHED_ROUNDS: of what races.
# shellcheck disable=SC2317 # tests are called by name
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILT=${QZ_BUILD:-$SRC/build}
QUEZTL=$BUILT/userspace/queztl LOADER=$BUILT/sched/queztl-sched SIM=$BUILT/sim/qzsim
ROUNDS=${QZ_USER_SCHED_ROUNDS:-3}
SCX=/sys/kernel/sched_ext STATS=/sys/fs/bpf/queztl/stats
number=0 pass=0 fail=0 skip=0 hogs=

die() { echo "$*"; exit 1; }

is() {	# WHAT EXPECTED GOT
	[ "$2" = "$3" ] || die "$1 is '$3', should be '$2'"
}

# Polls; the time only bounds how long a failure takes.
wait_for() {	# COMMAND...
	local deadline=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

state_is() { [ "$(cat $SCX/state)" = "$1" ]; }
start() { "$QUEZTL" sched start >/dev/null || die "queztl sched start: $?"; }
stop() { "$QUEZTL" sched stop || die "queztl sched stop: $?"; is state disabled "$(cat $SCX/state)"; }
status() { "$QUEZTL" sched status --json; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
loader() { status | field "['pid']"; }

# The scheduler in charge has to let this finish.
tasks_run() {
	timeout 60 bash -c 'for ((i = 0; i < 3000; i++)); do :; done; sleep 0.01' || die "tasks do not run"
}

start_load() {
	local i
	for ((i = 0; i < 2 * $(nproc); i++)); do
		(while :; do :; done) &
		hogs="$hogs $!"
		(while :; do sleep 0.002; done) &
		hogs="$hogs $!"
	done
}

# shellcheck disable=SC2086 # a list of processes
stop_load() { kill -9 $hogs; wait $hogs; hogs=; } 2>/dev/null

starts_and_stops_under_load() {
	local i
	start_load
	trap stop_load EXIT
	for ((i = 0; i < ROUNDS; i++)); do
		start
		is state enabled "$(cat $SCX/state)"
		is name queztl "$(cat $SCX/root/ops)"
		tasks_run
		stop
		tasks_run
	done
	is "end" "unregistered from user space" "$(status | field "['last_end']")"
	[ ! -e $STATS ] || die "its maps are left"
}

runs_once_only() {
	local said
	start
	said=$("$QUEZTL" sched start 2>&1) && die "started twice"
	[[ $said = *"on already"* ]] || die "a second start: $said"
	said=$("$LOADER" 2>&1) && die "loaded twice"
	[[ $said = *"runs already"* ]] || die "a second loader: $said"
	is on True "$(status | field "['on']")"
	stop
}

leaves_the_host_to_eevdf_when_killed() {
	start
	kill -9 "$(loader)"
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	is "end" "queztl-sched was killed" "$(status | field "['last_end']")"
	tasks_run
	start
	stop
}

says_why_sysrq_ended_it() {
	local before
	start
	before=$(dmesg | grep -c 'BPF scheduler "queztl" disabled')
	echo S >/proc/sysrq-trigger
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	ended() { [ "$(status | field "['on']")" = False ]; }
	wait_for ended || die "queztl-sched goes on"
	[[ $(status | field "['last_end']") = *ys*q* ]] || die "no reason: $(status)"
	sleep 1
	is "state a second later" disabled "$(cat $SCX/state)"
	is "lines in the log" $((before + 1)) "$(dmesg | grep -c 'BPF scheduler "queztl" disabled')"
	tasks_run
}

# CPUs that a VM of a scenario got.
cpus() { awk -v vm="$2" '$1 == vm { print $4 }' <<<"$1"; }

more_than() {	# A FACTOR B WHAT
	awk -v a="$1" -v f="$2" -v b="$3" 'BEGIN { exit !(a > f * b) }' || die "$4: $1 is not more than $2 x $3"
}

a_weight_counts() {
	local said
	start
	said=$("$SIM" -s real -d 4 -D cpus=1 -D vcpus=1 "$SRC/sched/sim/scenarios/weights.sim") || die "qzsim: $said"
	echo "$said"
	stop
	more_than "$(cpus "$said" high)" 2 "$(cpus "$said" low)" "weights of 4 and 1"
}

# sched_ext ends a scheduler that lets a task wait for 30 s.
no_weight_starves() {
	local light heavy
	start
	taskset -c 0 sh -c 'while :; do :; done' &
	heavy=$!
	taskset -c 0 sh -c 'while :; do :; done' &
	light=$!
	"$QUEZTL" sched set $heavy weight 10000 || die "queztl sched set: $?"
	"$QUEZTL" sched set $light weight 1 || die "queztl sched set: $?"
	sleep 35
	is state enabled "$(cat $SCX/state)"
	cut -d' ' -f2 /proc/$light/schedstat
	ran=$(($(cut -d' ' -f1 /proc/$light/schedstat) / 1000000))
	kill $light $heavy
	[ $ran -ge 200 ] || die "weight 1 beside 10000 ran for $ran ms only"
	stop
}

vcpus_do_not_count() {
	local said
	[ "$(nproc)" -ge 4 ] || { echo "needs 4 CPUs"; exit 4; }
	start
	said=$("$SIM" -s real -d 4 "$SRC/sched/sim/scenarios/smp.sim") || die "qzsim: $said"
	echo "$said"
	stop
	more_than "$(cpus "$said" one)" 0.6 "$(cpus "$said" eight)" "1 vCPU and 8"
}

a_limit_holds() {
	local said
	start
	said=$("$SIM" -s real -d 4 "$SRC/sched/sim/scenarios/limit.sim") || die "qzsim: $said"
	echo "$said"
	stop
	more_than 0.7 1 "$(cpus "$said" limited)" "a limit of half a CPU"
}

# By hand, for a process that is no VM of its own accord.
a_setting_makes_a_vm() {
	local pid
	start
	(while :; do :; done) &
	pid=$!
	"$QUEZTL" sched set $pid weight 300 limit 40% || die "queztl sched set: $?"
	known() { status | field "['vms']" | grep -q "'pid': $pid.*'weight': 300, 'limit_permille': 400"; }
	wait_for known || { kill $pid; die "status: $(status)"; }
	kill $pid
	wait $pid
	unknown() { ! status | field "['vms']" | grep -q "'pid': $pid"; }
	wait_for unknown || die "it is still there: $(status)"
	stop
}

vms_come_and_go() {
	local i pid
	start
	for ((i = 0; i < 20 * ROUNDS; i++)); do
		(exec sleep 0.05) &
		"$QUEZTL" sched set $! weight $((i % 100 + 1)) 2>/dev/null
		[ $((i % 10)) != 9 ] || wait
	done
	wait
	nobody() { [ "$(status | field "['vms']")" = "[]" ]; }
	wait_for nobody || die "left: $(status)"
	tasks_run
	stop
}

bad_settings_are_refused() {
	local words
	start
	for words in "$$ weight 0" "$$ weight 10001" "$$ limit 0%" "$$ limit 50" "$$ limit -1%" "$$ colour 3" "$$ weight" "x weight 3"; do
		# shellcheck disable=SC2086 # several words
		"$QUEZTL" sched set $words 2>/dev/null && die "taken: $words"
	done
	"$QUEZTL" sched set 4194303 weight 3 2>/dev/null
	is "code without such a process" 3 $?
	stop
}

survives_cpu_hotplug() {
	local online=/sys/devices/system/cpu/cpu1/online i
	[ -w $online ] || { echo "no second CPU that can go offline"; exit 4; }
	start_load
	trap stop_load EXIT
	start
	for ((i = 0; i < 3; i++)); do
		echo 0 >$online || die "cpu1 stays"
		tasks_run
		echo 1 >$online || die "cpu1 does not return"
		tasks_run
	done
	is state enabled "$(cat $SCX/state)"
	stop
}

# It has a CPU for long; others go elsewhere.
survives_a_realtime_task() {
	local pid
	[ "$(nproc)" -gt 1 ] || { echo "one CPU only"; exit 4; }
	start_load
	trap stop_load EXIT
	start
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	timeout 13 taskset -c 1 chrt -f 10 sh -c 'while :; do :; done' &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		sleep 1
		tasks_run
	done
	wait $pid
	is state enabled "$(cat $SCX/state)"
	stop
}

run_test() {	# NAME
	local output code
	number=$((number + 1))
	output=$("$1" 2>&1)
	code=$?
	# A failed test may leave it loaded.
	state_is disabled || "$QUEZTL" sched stop
	case $code in
	0) pass=$((pass + 1)); echo "ok $number $1" ;;
	4) skip=$((skip + 1)); echo "ok $number $1 # SKIP $output" ;;
	*) fail=$((fail + 1)); sed 's/^/# /' <<<"$output"; echo "not ok $number $1" ;;
	esac
}

TESTS=${*:-starts_and_stops_under_load runs_once_only leaves_the_host_to_eevdf_when_killed says_why_sysrq_ended_it
	a_weight_counts no_weight_starves vcpus_do_not_count a_limit_holds a_setting_makes_a_vm vms_come_and_go bad_settings_are_refused
	survives_cpu_hotplug survives_a_realtime_task}

main() {
	local test
	if [ ! -e $SCX ]; then
		echo "1..0 # SKIP the kernel has no sched_ext"
		exit 4
	fi
	[ -e "$LOADER" ] || { echo "Bail out! no $LOADER: make sched"; exit 1; }
	echo "1..$(wc -w <<<"$TESTS")"
	for test in $TESTS; do
		run_test "$test"
	done
	echo "# Totals: pass:$pass fail:$fail skip:$skip"
	[ $fail = 0 ]
}

main

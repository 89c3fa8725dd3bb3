#!/bin/bash
# The BPF scheduler (make sched), by the command queztl, on a kernel that has sched_ext. KTAP.
# Needs root, and a machine that may crash. QZ_USER_SCHED_CYCLES: starts and stops under load. QZ_USER_SCHED_ROUNDS: of what
# races. QZ_USER_SCHED_ALL: if it is set, the slow tests run, too.
# shellcheck disable=SC2317 # tests are called by name
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILT=${QZ_BUILD:-$SRC/build}
SETTINGS=$SRC/selftests/sched/settings.py
QUEZTL=$BUILT/userspace/queztl LOADER=$BUILT/sched/queztl-sched SIM=$BUILT/sim/qzsim
CYCLES=${QZ_USER_SCHED_CYCLES:-3} ROUNDS=${QZ_USER_SCHED_ROUNDS:-3}
STATS=/sys/fs/bpf/queztl/stats
. "$SRC/selftests/sched/common.sh"

start() { "$QUEZTL" sched start >/dev/null || die "queztl sched start: $?"; }
stop() { "$QUEZTL" sched stop || die "queztl sched stop: $?"; is state disabled "$(cat $SCX/state)"; }
status() { "$QUEZTL" sched status --json; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
loader() { status | field "['pid']"; }

starts_and_stops_under_load() {
	local i
	start_load
	trap stop_load EXIT
	for ((i = 0; i < CYCLES; i++)); do
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

# As nobody, who may read what the scheduler says of itself.
nobody_can_keep_it_from_starting() {
	local file pids=
	start
	stop
	for file in /run/queztl/*; do
		setpriv --reuid=65534 --regid=65534 --clear-groups flock --no-fork "$file" sleep 1000 >/dev/null 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2064 # now
	trap "kill $pids 2>/dev/null" EXIT
	sleep 1
	is on False "$(status | field "['on']")"
	start
	is on True "$(status | field "['on']")"
	stop
}

starts_while_others_ask() {
	local i pids=
	for ((i = 0; i < 4; i++)); do
		(while :; do status; done) >/dev/null 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2064 # now
	trap "kill $pids 2>/dev/null" EXIT
	for ((i = 0; i < 2 * ROUNDS; i++)); do
		start
		stop
	done
}

# By a debugger, or because its group is frozen.
stops_though_its_loader_does_not_run() {
	local pid
	start
	pid=$(loader)
	kill -STOP "$pid"
	is on True "$(status | field "['on']")"
	stop
	[ ! -e "/proc/$pid" ] || die "queztl-sched is still there"
}

# Whatever the order, each command ends, and in the end the last one counts.
many_commands_at_once() {
	local i pids pid code
	start_load
	trap stop_load EXIT
	for ((i = 0; i < ROUNDS; i++)); do
		pids=
		for command in start stop status start "set $$ weight 200" stop start kill status start stop; do
			# shellcheck disable=SC2086 # several words
			if [ "$command" = kill ]; then
				kill -9 "$(loader)" 2>/dev/null &
			else
				timeout 300 "$QUEZTL" sched $command >/dev/null 2>&1 &
			fi
			pids="$pids $!"
		done
		for pid in $pids; do
			wait "$pid"
			code=$?
			[ $code -lt 124 ] || die "a command did not end: $code"
		done
		tasks_run
		"$QUEZTL" sched stop 2>/dev/null
		wait_for state_is disabled || die "state stays $(cat $SCX/state)"
		start
		stop
	done
}

# Another scheduler, which has nothing in common with this one but the kernel.
another() { exec unshare -m sh -c "mount -t tmpfs tmpfs /run && mount -t bpf bpf /sys/fs/bpf && exec '$LOADER'"; }

excludes_another_and_is_excluded() {
	local said pid
	start
	said=$(another 2>&1) && die "two are loaded"
	[[ $said = *"another scheduler runs"* ]] || die "a second one: $said"
	is on True "$(status | field "['on']")"
	[ -e $STATS ] || die "the second one took the first one's maps"
	stop
	another >/dev/null 2>&1 &
	pid=$!
	# shellcheck disable=SC2064 # now
	trap "kill $pid" EXIT
	wait_for state_is enabled || die "no other scheduler"
	said=$("$QUEZTL" sched start 2>&1) && die "two are loaded"
	[[ $said = *"stop it first"* ]] || die "beside another: $said"
	said=$("$LOADER" 2>&1) && die "two are loaded"
	[[ $said = *"another scheduler runs"* ]] || die "beside another: $said"
	is on False "$(status | field "['on']")"
	"$QUEZTL" sched stop 2>/dev/null && die "it stopped another one's"
	is state enabled "$(cat $SCX/state)"
	trap - EXIT
	kill $pid
	wait $pid
	is state disabled "$(cat $SCX/state)"
}

# QUEZTL_SCHED_START; says why not.
start_modules() {
	python3 -c "import fcntl, os, struct, sys
try:
    fcntl.ioctl(open('/dev/queztl', 'r+b', 0), 0x5950, struct.pack('4I', 16, 0, 0, 0))
except OSError as error:
    sys.exit(error.strerror)" 2>&1
}

# Verifiers differ: that of 6.12 has refused what 7.3's took. It takes a minute on the debug kernel.
runs_beside_the_module() {
	local said
	"$LOADER" 2>&1 &
	on() { [ "$(status | field "['tier']")" = bpf ]; }
	wait_for on || die "not loaded: $(status)"
	is "a start of the module's" "Device or resource busy" "$(start_modules)"
	is tier bpf "$(status | field "['tier']")"
	said=$("$SIM" -s real -d 2 -D cpus=1 -D vcpus=1 "$SRC/sched/sim/scenarios/weights.sim") || die "qzsim: $said"
	echo "$said"
	is state enabled "$(cat $SCX/state)"
	stop
	more_than "$(cpus "$said" high)" 2 "$(cpus "$said" low)" "weights of 4 and 1"
}

is_excluded_by_the_modules() {
	local said
	start
	is tier native "$(status | field "['tier']")"
	said=$("$LOADER" 2>&1) && die "two are loaded"
	[[ $said = *"another scheduler runs"* ]] || die "beside the module's: $said"
	is tier native "$(status | field "['tier']")"
	stop
}

# What doctor says of the scheduler: its status, what it saw, and what to do.
doctor() {
	"$QUEZTL" doctor --json | python3 -c '
import json, sys
found = next(check for check in json.load(sys.stdin)["checks"] if check["name"] == "scheduler")
print(found["status"], found["what"], "->", found["remedy"])'
}

leaves_the_host_to_eevdf_when_killed() {
	start
	kill -9 "$(loader)"
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	is "end" "queztl-sched was killed" "$(status | field "['last_end']")"
	tasks_run
	is doctor "warn it ended: queztl-sched was killed -> read sudo dmesg, then sudo queztl sched start" "$(doctor)"
	start
	[[ $(doctor) = "ok on "* ]] || die "doctor: $(doctor)"
	stop
}

# One that nobody knows of stands for a stranger's.
doctor_helps_beside_another_scheduler() {
	local other STATE=/run/queztl/sched
	start
	other=$(loader)
	mv "$STATE" "$STATE.away"
	is doctor "warn 'queztl' runs, and only one can -> stop it, then sudo queztl sched start" "$(doctor)"
	mv "$STATE.away" "$STATE"
	kill "$other"
	wait_for state_is disabled || die "state stays $(cat $SCX/state)"
	start
	[[ $(doctor) = "ok on "* ]] || die "doctor: $(doctor)"
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

# Also where another has a CPU for itself. On one CPU, and on two if there is a third.
confined_vms_get_their_shares() {
	local said n=$(($(nproc) > 2 ? 2 : 1))
	[ "$(nproc)" -ge 2 ] || { echo "needs 2 CPUs"; exit 4; }
	start
	while [ $n -gt 0 ]; do
		said=$("$SIM" -s real -d 6 -D cpus=$((n + 1)) -D vcpus=$n -D last=$((n - 1)) -D alone=$n \
			"$SRC/sched/sim/scenarios/apart.sim") || die "qzsim: $said"
		echo "$said"
		more_than "$(cpus "$said" high)" 2.5 "$(cpus "$said" low)" "weights of 4 and 1 on $n CPUs"
		more_than "$(cpus "$said" other)" 1 0.8 "one alone"
		n=$((n - 1))
	done
	stop
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
	[ $ran -ge 10 ] || die "weight 1 beside 10000 ran for $ran ms only"
	stop
}

ran_for() { cut -d' ' -f1 "/proc/$1/schedstat"; }

# What those of low weight are given nevertheless comes from all: it changes no ratio, and there may be many.
low_weights_change_no_shares() {
	local pids='' a b light=0 i ran_a ran_b
	start
	for ((i = 0; i < 12; i++)); do
		taskset -c 0 sh -c 'while :; do :; done' &
		pids="$pids $!"
		"$QUEZTL" sched set $! weight 1 || die "queztl sched set: $?"
	done
	# shellcheck disable=SC2064 # now
	trap "kill $pids" EXIT
	# shellcheck disable=SC2086 # several words
	set -- $pids
	a=$1 b=$2
	shift 2
	"$QUEZTL" sched set "$a" weight 100
	"$QUEZTL" sched set "$b" weight 400
	sleep 2
	ran_a=$(ran_for "$a") ran_b=$(ran_for "$b")
	for i; do light=$((light - $(ran_for "$i"))); done
	sleep 8
	ran_a=$(($(ran_for "$a") - ran_a)) ran_b=$(($(ran_for "$b") - ran_b))
	for i; do light=$((light + $(ran_for "$i"))); done
	echo "$((ran_a / 1000000)) ms, $((ran_b / 1000000)) ms, and all ten of weight 1 $((light / 1000000)) ms"
	more_than $ran_b 3 $ran_a "weights of 400 and 100"
	more_than $ran_a 2 $light "a weight of 100 and ten of 1"
	stop
}

# Each of them has to run within 30 s, too.
many_threads_of_a_low_weight_run() {
	local said
	start
	said=$("$SIM" -s real -d 45 "$SRC/sched/sim/scenarios/many_light.sim") || die "qzsim: $said"
	echo "$said"
	is state enabled "$(cat $SCX/state)"
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

vcpus_count_if_asked() {
	local said
	start
	is per_vcpu False "$(status | field "['per_vcpu']")"
	said=$("$SIM" -s real -d 4 "$SRC/sched/sim/scenarios/vcpus.sim") || die "qzsim: $said"
	echo "$said"
	stop
	more_than "$(cpus "$said" one)" 0.6 "$(cpus "$said" three)" "1 vCPU and 3"
	"$QUEZTL" sched start --per-vcpu || die "queztl sched start: $?"
	is per_vcpu True "$(status | field "['per_vcpu']")"
	known() { status | field "['vms']" | grep -q "'weight': 100, 'limit_permille': 0, 'vcpus': 3,"; }
	wait_for known &
	said=$("$SIM" -s real -d 4 -k 30000 "$SRC/sched/sim/scenarios/vcpus.sim") || die "qzsim: $said"
	wait $! || die "no VM of three vCPUs: $(status)"
	echo "$said"
	stop
	more_than "$(cpus "$said" three)" 1.8 "$(cpus "$said" one)" "3 vCPUs and 1"
	more_than "$(cpus "$said" one)" 0.2 "$(cpus "$said" three)" "1 vCPU and 3"
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
	(while sleep 0.01; do :; done) >/dev/null &
	pid=$!
	"$QUEZTL" sched set $pid weight 300 limit 40% || die "queztl sched set: $?"
	known() { status | field "['vms']" | grep -q "'pid': $pid.*'weight': 300, 'limit_permille': 400"; }
	wait_for known || { kill $pid; die "status: $(status)"; }
	woke_up() { status | python3 -c "import json, sys; sys.exit(not sum(json.load(sys.stdin)['vms'][0]['waits']))"; }
	wait_for woke_up || { kill $pid; die "no wake-up is counted: $(status)"; }
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
	forgotten() { [ -z "$("$SETTINGS")" ]; }
	wait_for forgotten || die "settings left, of $("$SETTINGS")"
	tasks_run
	stop
}

# Sets two things at once, each of which has to last.
settings_do_not_get_lost() {
	local pid i weight limit
	start
	(while :; do :; done) >/dev/null &
	pid=$!
	for ((i = 1; i <= 3 * ROUNDS; i++)); do
		"$QUEZTL" sched set $pid weight $((100 + i)) &
		weight=$!
		"$QUEZTL" sched set $pid limit $((10 + i))% &
		limit=$!
		wait $weight $limit
		known() { status | field "['vms']" | grep -q "'weight': $((100 + i)), 'limit_permille': $((100 + 10 * i))"; }
		wait_for known || { kill $pid; die "status: $(status)"; }
	done
	kill $pid
	stop
}

hog_in() {	# CGROUP; tells its PID
	(while :; do :; done) >/dev/null &
	echo $! >"$1/cgroup.procs"
	"$SETTINGS" $!
	echo $!
}

vm_has() {	# PID WEIGHT LIMIT
	status | field "['vms']" | grep -q "'pid': $1,.*'weight': $2, 'limit_permille': $3,"
}

make_group() {	# PATH
	echo +cpu >"$(dirname "$1")/cgroup.subtree_control" && mkdir "$1" || { echo "no cgroups with a cpu controller"; exit 4; }
}

# Else a VM would get rid of its limit by a second VM in its group.
vms_of_a_group_divide_its_limit() {
	local group=/sys/fs/cgroup/queztl-test a b
	make_group $group
	echo "50000 100000" >$group/cpu.max
	echo 300 >$group/cpu.weight
	start
	a=$(hog_in $group)
	wait_for vm_has "$a" 300 500 || die "one VM: $(status)"
	b=$(hog_in $group)
	wait_for vm_has "$a" 100 250 || die "two VMs: $(status)"
	wait_for vm_has "$b" 100 250 || die "two VMs: $(status)"
	echo 50 >$group/cpu.weight
	wait_for vm_has "$b" 25 250 || die "two VMs of a low weight: $(status)"
	stop
	kill -9 "$a" "$b"
	wait_for rmdir $group 2>/dev/null
}

# To whom a group is delegated may write its files.
a_users_group_has_no_weight() {
	local group=/sys/fs/cgroup/queztl-test pid
	make_group $group
	echo 50 >$group/cpu.weight
	make_group $group/own
	echo 10000 >$group/own/cpu.weight
	chown -R 65534 $group/own
	start
	pid=$(hog_in $group/own)
	wait_for vm_has "$pid" 50 0 || die "status: $(status)"
	chown 0 $group/own
	wait_for vm_has "$pid" 10000 0 || die "status: $(status)"
	stop
	kill -9 "$pid"
	wait_for rmdir $group/own $group 2>/dev/null
}

# Groups inside each other, of a user's, with names so long that their path cannot be used; a process moves to the last one.
nest() {	# GROUP DEPTH PID
	python3 - "$@" <<-'END'
	import os, sys
	group, depth, pid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
	os.chdir(group)
	for _ in range(depth):
	    os.mkdir("x" * 250)
	    os.chown("x" * 250, 65534, 65534)
	    os.chdir("x" * 250)
	open("cgroup.procs", "w").write(pid)
	END
}

remove_nest() {	# GROUP
	python3 - "$@" <<-'END'
	import os, sys
	os.chdir(sys.argv[1])
	depth = 0
	while os.path.isdir("x" * 250):
	    os.chdir("x" * 250)
	    depth += 1
	for _ in range(depth):
	    os.chdir("..")
	    os.rmdir("x" * 250)
	END
}

# Nor can he hide whose group his is in: by names that are too long to be read at once, or at all.
a_users_group_cannot_hide() {
	local group=/sys/fs/cgroup/queztl-test pid
	make_group $group
	echo 50 >$group/cpu.weight
	echo "20000 100000" >$group/cpu.max
	start
	pid=$(hog_in $group)
	wait_for vm_has "$pid" 50 200 || die "status: $(status)"
	nest $group 3 "$pid" || die "nest 3"
	sleep 3
	vm_has "$pid" 50 200 || die "in a long path: $(status)"
	echo "$pid" >$group/cgroup.procs
	remove_nest $group || die "remove 3"
	nest $group 17 "$pid" || die "nest 17"
	sleep 3
	vm_has "$pid" 50 200 || vm_has "$pid" 1 10 || die "in a path that is too long: $(status)"
	stop
	kill -9 "$pid"
	wait_for remove_nest $group 2>/dev/null
	rmdir $group
}

# Its vCPU waits for the limit for as long as that goes on, and sched_ext for 30 s at most.
a_vcpu_runs_though_others_use_the_limit() {
	local said
	start
	said=$("$SIM" -s real -d 40 "$SRC/sched/sim/scenarios/overrun.sim") || die "qzsim: $said"
	echo "$said"
	is state enabled "$(cat $SCX/state)"
	stop
}

a_limit_counts_for_the_groups_inside() {
	local group=/sys/fs/cgroup/queztl-test pid
	make_group $group
	echo "20000 100000" >$group/cpu.max
	make_group $group/own
	echo "50000 100000" >$group/own/cpu.max
	start
	pid=$(hog_in $group/own)
	wait_for vm_has "$pid" 100 200 || die "the limit above: $(status)"
	echo "10000 100000" >$group/own/cpu.max
	wait_for vm_has "$pid" 100 100 || die "its own limit: $(status)"
	stop
	kill -9 "$pid"
	wait_for rmdir $group/own $group 2>/dev/null
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
	start_load
	trap stop_load EXIT
	start
	cpu1_comes_and_goes
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

tidy_up() { state_is disabled || "$QUEZTL" sched stop; }

WITH_MODULE="runs_beside_the_module ${QZ_USER_SCHED_ALL:+is_excluded_by_the_modules}"
SHORT="starts_and_stops_under_load runs_once_only nobody_can_keep_it_from_starting
	leaves_the_host_to_eevdf_when_killed doctor_helps_beside_another_scheduler says_why_sysrq_ended_it a_weight_counts confined_vms_get_their_shares
	low_weights_change_no_shares vcpus_do_not_count vcpus_count_if_asked a_limit_holds a_setting_makes_a_vm vms_come_and_go bad_settings_are_refused
	survives_cpu_hotplug survives_a_realtime_task"
LONG="starts_while_others_ask stops_though_its_loader_does_not_run many_commands_at_once
	excludes_another_and_is_excluded settings_do_not_get_lost vms_of_a_group_divide_its_limit
	a_users_group_has_no_weight a_users_group_cannot_hide a_limit_counts_for_the_groups_inside
	a_vcpu_runs_though_others_use_the_limit many_threads_of_a_low_weight_run no_weight_starves"
ASKED=$*

main() {
	local usual="$SHORT ${QZ_USER_SCHED_ALL:+$LONG}"
	if [ ! -e $SCX ]; then
		echo "1..0 # SKIP the kernel has no sched_ext"
		exit 4
	fi
	[ -e "$LOADER" ] || { echo "Bail out! no $LOADER: make sched"; exit 1; }
	# There queztl sched start takes the module's.
	[ "$(status | field "['available']")" != native ] || usual=$WITH_MODULE
	# shellcheck disable=SC2086 # several words
	run_tests ${ASKED:-$usual}
}

main

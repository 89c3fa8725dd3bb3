# shellcheck shell=bash
# What the tests of the schedulers have in common; sourced by them. KTAP.
# They have a function tidy_up, which is called after each test: a failed one may leave a scheduler on.
SCX=/sys/kernel/sched_ext
number=0 pass=0 fail=0 skip=0 hogs=

die() { echo "$*"; exit 1; }

is() {	# WHAT EXPECTED GOT
	[ "$2" = "$3" ] || die "$1 is '$3', should be '$2'"
}

# Polls; the time only bounds how long a failure takes.
wait_for() {	# COMMAND...
	local deadline=$((SECONDS + 300))
	until "$@"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

state_is() { [ "$(cat $SCX/state)" = "$1" ]; }

# The scheduler in charge has to let this finish.
tasks_run() {
	timeout 60 bash -c 'for ((i = 0; i < 3000; i++)); do :; done; sleep 0.01' || die "tasks do not run"
}

# Nice to others while Linux schedules them, so that starting a scheduler, which computes for seconds, takes no minute.
start_load() {
	local i
	for ((i = 0; i < 2 * $(nproc); i++)); do
		nice -n 19 bash -c 'while :; do :; done' &
		hogs="$hogs $!"
		nice -n 19 bash -c 'while :; do sleep 0.002; done' &
		hogs="$hogs $!"
	done
}

# shellcheck disable=SC2086 # a list of processes
stop_load() { kill -9 $hogs; wait $hogs; hogs=; } 2>/dev/null

cpu1_comes_and_goes() {
	local online=/sys/devices/system/cpu/cpu1/online i
	[ -w $online ] || { echo "no second CPU that can go offline"; exit 4; }
	for ((i = 0; i < 3; i++)); do
		echo 0 >$online || die "cpu1 stays"
		tasks_run
		echo 1 >$online || die "cpu1 does not return"
		tasks_run
	done
}

run_test() {	# NAME
	local output code
	number=$((number + 1))
	output=$("$1" 2>&1)
	code=$?
	tidy_up
	case $code in
	0) pass=$((pass + 1)); echo "ok $number $1" ;;
	4) skip=$((skip + 1)); echo "ok $number $1 # SKIP $output" ;;
	*) fail=$((fail + 1)); sed 's/^/# /' <<<"$output"; echo "not ok $number $1" ;;
	esac
}

run_tests() {	# NAME...
	local test
	echo "1..$#"
	for test; do
		run_test "$test"
	done
	echo "# Totals: pass:$pass fail:$fail skip:$skip"
	[ $fail = 0 ]
}

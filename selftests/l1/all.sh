#!/bin/bash
# Runs the functional tests inside an emulated host (L1) and prints KTAP: one test per program, with its own as subtests.
#   lab run selftests/l1/all.sh [PROGRAM...]
# A program's test passes when the program does, the kernel log has no new splat, and no port, fabric or VM is left.
# QZ_USER_LEAKS=once: kmemleak, which takes a minute on a kernel for debugging, looks at the end only.
# QZ_USER_SCHED=1: under the module's own scheduler, which has to last.
# QZ_USER_BUILD: the programs (default selftests in $QZ_BUILD), QZ_USER_KO: the module, QZ_USER_<PROGRAM>_ARGS: more arguments.
set -u
SRC=${QZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILT=${QZ_BUILD:-$SRC/build}
BUILD=${QZ_USER_BUILD:-$BUILT/selftests}
OUT=${QZ_OUT:-/tmp/queztl-out}
export QZ_USER_KO=${QZ_USER_KO:-$BUILT/kmod/$(uname -r)/queztl.ko}
export QZ_USER_TEST_MODULES=${QZ_USER_TEST_MODULES:-$BUILT/kmod-tests/$(uname -r)}
PROGRAMS=${*:-ioctl failnth functional hostile safety races vhost channels netns names config doctor monitor uplink dpdk lifecycle native scheduler messages kunit}
SPLAT='WARNING: CPU|WARNING: (possible|suspicious|inconsistent|bad|held)|BUG: |kernel BUG|Oops|Call [Tt]race:|KASAN:|KFENCE:|UBSAN:|'\
'INFO: task .* blocked|rcu: INFO|soft lockup|general protection|refcount_t:|corruption|Bad page state|double free|'\
'kmemleak: .*new suspected|enqueued on deprecated|Unable to handle|Object .*Redzone|Poison overwritten|Objects remaining in'
number=0 pass=0 fail=0 skip=0

say() { echo "# $*"; }

load_modules() {
	local module
	# testpmd's memory, in small pages, may be in more pieces than the 2048 of the default
	modprobe vhost_vdpa max_iotlb_entries=65536
	for module in vhost_iotlb vdpa kvm vhost_vdpa virtio_vdpa virtio_net; do
		modprobe "$module" || say "no module $module"
	done
	[ -e /dev/kvm ] || modprobe kvm-amd nested=0 2>/dev/null || modprobe kvm-intel 2>/dev/null
	insmod "$QZ_USER_KO" || return
	udevadm settle 2>/dev/null
	[ -e /dev/queztl ]
}

# QUEZTL_SCHED_START
start_scheduler() {
	python3 -c "import fcntl, struct
fcntl.ioctl(open('/dev/queztl', 'r+b', 0), 0x5950, struct.pack('4I', 16, 0, 0, 0))" &&
		[ "$(cat /sys/kernel/sched_ext/root/ops)" = queztl ]
}

check_scheduler() {
	if [ "$(cat /sys/kernel/sched_ext/root/ops 2>/dev/null)" = queztl ]; then
		verdict scheduler_lasts 0
	else
		verdict scheduler_lasts 1 "$(dmesg | grep -m1 'sched_ext:.*disabled')"
	fi
}

# The slab caches that may grow for ever without anybody noticing otherwise.
slab_kb() { awk '/^SUnreclaim:/ {print $2}' /proc/meminfo; }

command_of() {
	case $1 in
	netns | dpdk | uplink | names) echo "$SRC/selftests/net/$1.sh" ;;
	bpf | native | trouble) echo "$SRC/selftests/sched/$1.sh" ;;
	config | doctor | monitor) echo "$SRC/selftests/net/$1.py" ;;
	kunit) echo "$SRC/selftests/l1/kunit.sh" ;;
	*) echo "$BUILD/$1" ;;
	esac
}

# New kernel messages since line $1, but for the complaints of the test that makes allocations fail.
new_messages() {
	dmesg | tail -n +$(($1 + 1)) | awk '
		/failnth: (vmalloc error|page allocation failure)/ { refused = 1 }
		!refused
		/<\/TASK>|el0t_64_sync\+|ret_from_fork\+/ { refused = 0 }'
}

# A leak is found by the second scan after it, when it is older than 5 s. Those of others are theirs; an address without a
# name is of a module that is gone (x86 or ARM64).
leaks() {
	local report=/sys/kernel/debug/kmemleak
	[ -w $report ] || return 0
	sleep 6
	echo scan >$report
	echo scan >$report
	awk '/^unreferenced object/ { if (ours) printf "%s", text; text = ""; ours = 0 }
		{ text = text $0 "\n" }
		/\[queztl\]|0xffffffffc|0xffff8000[0-7]/ { ours = 1 }
		END { if (ours) printf "%s", text }' $report
	echo clear >$report
}

leftovers() {
	local count
	count=$(vdpa dev show 2>/dev/null | grep -c queztl/)
	[ "$count" = 0 ] || echo "$count ports left"
	count=$(cut -d' ' -f3 <(grep '^queztl ' /proc/modules))
	[ "${count:-0}" = 0 ] || echo "module in use $count times"
	[ "${QZ_USER_LEAKS:-}" = once ] || leaks
}

verdict() {	# NAME CODE REASON
	number=$((number + 1))
	case $2 in
	0) pass=$((pass + 1)); echo "ok $number $1" ;;
	4) skip=$((skip + 1)); echo "ok $number $1 # SKIP $3" ;;
	*) fail=$((fail + 1)); echo "not ok $number $1${3:+ # $3}" ;;
	esac
}

run_program() {
	local name=$1 args_name="QZ_USER_${1^^}_ARGS" code started=$SECONDS mark log reason slab
	local command args left
	command=$(command_of "$name")
	read -ra args <<<"${!args_name:-}"
	log=$OUT/$name.log
	mark=$(dmesg | wc -l)
	slab=$(slab_kb)
	say "Subtest: $name"
	"$command" ${args[0]+"${args[@]}"} 2>&1 </dev/null | tee "$log" | sed -u 's/^/    /'
	code=${PIPESTATUS[0]}
	reason=
	[ "$code" != 4 ] || reason=$(grep -m1 -o 'SKIP.*' "$log" | cut -c6-)
	new_messages "$mark" >"$OUT/$name.dmesg"
	if grep -qE "$SPLAT" "$OUT/$name.dmesg"; then
		code=1 reason="kernel log: $(grep -m1 -E "$SPLAT" "$OUT/$name.dmesg")"
	fi
	sleep 0.2	# what the last process held is given back by then
	left=$(leftovers)
	if [ -n "$left" ]; then
		code=1 reason="$reason left behind: $(head -1 <<<"$left")"
		sed 's/^/# left: /' <<<"$left"
	fi
	say "$name: $((SECONDS - started)) s, unreclaimable slab $slab -> $(slab_kb) kB"
	verdict "$name" "$code" "$reason"
}

# The module goes when nobody uses it, and takes everything along.
check_unload() {
	local mark left
	mark=$(dmesg | wc -l)
	if ! rmmod queztl; then
		verdict unload 1 "rmmod failed, refcount $(cat /sys/module/queztl/refcnt 2>/dev/null)"
		return
	fi
	left=$(leaks; ls -d /dev/queztl /sys/class/misc/queztl /sys/bus/queztl /sys/kernel/debug/queztl 2>/dev/null)
	if new_messages "$mark" | grep -E "$SPLAT"; then
		verdict unload 1 "kernel log"
	elif [ -n "$left" ]; then
		sed 's/^/# left: /' <<<"$left"
		verdict unload 1 "left behind: $(head -1 <<<"$left")"
	else
		verdict unload 0
	fi
}

main() {
	local program
	echo "KTAP version 1"
	echo "1..$(($(wc -w <<<"$PROGRAMS") + 1 + ${QZ_USER_SCHED:-0}))"
	mkdir -p "$OUT"
	if ! load_modules; then
		say "queztl.ko does not load: $(dmesg | tail -3 | tr '\n' '|')"
		echo "Bail out!"
		echo "# Totals: pass:0 fail:1 skip:0"
		exit 1
	fi
	if [ -n "${QZ_USER_SCHED:-}" ] && ! start_scheduler; then
		echo "Bail out! the module's scheduler does not start"
		exit 1
	fi
	for program in $PROGRAMS; do
		run_program "$program"
	done
	[ -z "${QZ_USER_SCHED:-}" ] || check_scheduler
	check_unload
	echo "# Totals: pass:$pass fail:$fail skip:$skip"
	[ $fail = 0 ]
}

main

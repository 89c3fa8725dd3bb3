#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Programs can be built with what is installed; it exports what the map lists, and nothing else.
cd "$(dirname "$0")/.." || exit 1
O=${O:-$PWD/../build/userspace} CC=${CC:-gcc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0

check() # NAME
{
	number=$((number + 1))
	if "$1" >"$tmp/log" 2>&1; then
		echo "ok $number - $1"
	else
		sed 's/^/# /' "$tmp/log"
		echo "not ok $number - $1"
	fi
}

skip() # NAME WHY
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

installs_into_destdir()
{
	make -s O="$O" DESTDIR="$tmp/root" PREFIX=/usr LIBDIR=/usr/lib install &&
	[ -x "$tmp/root/usr/bin/queztl" ] &&
	[ -e "$tmp/root/usr/lib/libqueztl.so" ] &&
	[ -e "$tmp/root/usr/lib/libqueztl.so.0" ] &&
	[ -f "$tmp/root/usr/include/linux/queztl.h" ] &&
	[ -f "$tmp/root/usr/include/linux/queztl_qhp.h" ] &&
	[ -f "$tmp/root/usr/include/qhp/channel/ring.h" ] &&
	[ -f "$tmp/root/usr/lib/udev/rules.d/60-queztl.rules" ] &&
	[ -f "$tmp/root/etc/queztl/README" ] &&
	[ -f "$tmp/root/etc/apparmor.d/abstractions/libvirt-qemu.d/queztl" ] &&
	[ -f "$tmp/root/usr/lib/python3/dist-packages/queztl/_abi.py" ] &&
	[ -f "$tmp/root/usr/lib/python3/dist-packages/queztl/py.typed" ] &&
	diff -r schema "$tmp/root/usr/share/queztl/schema" &&
	[ -f "$tmp/root/usr/share/man/man8/queztl.8" ]
}

# What is there beforehand stays, also in directories that the installation shares with others.
uninstalls_what_it_installs()
{
	local all="DESTDIR=$tmp/gone PREFIX=/usr LIBDIR=/usr/lib"
	echo scheduler >"$tmp/sched"
	mkdir -p "$tmp/gone/usr/include/qhp" "$tmp/gone/usr/bin"
	touch "$tmp/gone/usr/include/qhp/other.h" "$tmp/gone/usr/bin/other"
	# shellcheck disable=SC2086 # several words
	make -s O="$O" $all SCHED="$tmp/sched" install &&
	[ -x "$tmp/gone/usr/libexec/queztl/queztl-sched" ] &&
	python3 -m compileall -q "$tmp/gone/usr/lib/python3/dist-packages/queztl" &&
	make -s O="$O" $all uninstall || return 1
	(cd "$tmp/gone" && find . ! -type d) | sort >"$tmp/left"
	printf './usr/%s\n' bin/other include/qhp/other.h | diff - "$tmp/left" &&
	[ ! -e "$tmp/gone/usr/lib/python3/dist-packages/queztl" ] &&
	[ ! -e "$tmp/gone/usr/libexec/queztl" ] && [ ! -e "$tmp/gone/usr/include/qhp/channel" ]
}

# udev and systemd run the command where it is; neither finds a mistake.
installs_rules_and_a_unit()
{
	local rules=$tmp/root/usr/lib/udev/rules.d/60-queztl.rules
	local unit=$tmp/root/usr/lib/systemd/system/queztl.service
	grep -q 'RUN+="/usr/bin/queztl udev-port ' "$rules" && grep -q '^ExecStart=/usr/bin/queztl apply$' "$unit" &&
	! grep @ "$rules" || return 1
	if udevadm verify --help >/dev/null 2>&1; then	# from systemd 254 on
		udevadm verify --no-summary "$rules" || return 1
	fi
	command -v systemd-analyze >/dev/null || return 0
	# Where the unit is to be run the command is there.
	sed "s|/usr/bin/queztl|$tmp/root&|" "$unit" >"$tmp/queztl.service"
	SYSTEMD_UNIT_PATH=$tmp: systemd-analyze verify --man=no "$tmp/queztl.service" 2>"$tmp/verify"
	! grep 'queztl\.service' "$tmp/verify"
}

exports_what_the_map_says()
{
	nm -D --defined-only "$tmp/root/usr/lib/libqueztl.so" |
		sed -n 's/.* T \(q[a-z]*_[a-z_]*\)@@LIBQUEZTL_0.1$/\1/p' | sort >"$tmp/has"
	sed -n 's/^\t\t\(q[a-z]*_[a-z_]*\);$/\1/p' lib/libqueztl.map | sort >"$tmp/wants"
	[ -s "$tmp/has" ] && diff "$tmp/wants" "$tmp/has" &&
	! nm -D --defined-only "$tmp/root/usr/lib/libqueztl.so" |
		grep -v -e ' T queztl_' -e ' T qhp_' -e LIBQUEZTL_0.1
}

prints_nothing_allocates_nothing()
{
	! nm -D --undefined-only "$tmp/root/usr/lib/libqueztl.so" |
		grep -E ' (malloc|calloc|realloc|printf|puts|fputs|write|pthread_create)(@|$)'
}

builds_a_program_with_pkg_config()
{
	export PKG_CONFIG_LIBDIR=$tmp/root/usr/lib/pkgconfig
	export PKG_CONFIG_SYSROOT_DIR=$tmp/root
	# shellcheck disable=SC2046 # several words are wanted
	$CC examples/vm_exits.c -o "$tmp/example" \
		$(pkg-config --cflags --libs libqueztl) &&
	readelf -d "$tmp/example" | grep -q 'libqueztl\.so\.0'
}

header_is_strict_c99()
{
	printf '#include <%s.h>\n' queztl qhp |
		$CC -x c -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
		-I"$tmp/root/usr/include" -
}

# Each structure can be named without "struct", so no function has its name.
header_is_cxx()
{
	printf '#include <%s.h>\n' queztl qhp >"$tmp/cxx.cc"
	sed -n 's/^struct \(q[a-z_]*\) {$/\1/p' "$tmp"/root/usr/include/linux/queztl*.h "$tmp"/root/usr/include/*.h \
		"$tmp/root/usr/include/qhp/channel/ring.h" >"$tmp/structures"
	[ "$(wc -l <"$tmp/structures")" -gt 40 ] &&
	sed 's/.*/static_assert(sizeof(&{}) != 0, "&");/' "$tmp/structures" >>"$tmp/cxx.cc" &&
	g++ -std=c++17 -Wall -Wextra -Wshadow -Wpedantic -Werror -fsyntax-only -I"$tmp/root/usr/include" "$tmp/cxx.cc"
}

layout_is_the_same_on_32_bit()
{
	$CC -m32 -std=gnu11 -I../uapi $headers -fsyntax-only lib/abi.c
}

completes_commands()
{
	bash -c '. completions/queztl
		COMP_WORDS=(queztl fabric "") COMP_CWORD=2; _queztl
		[[ " ${COMPREPLY[*]} " == *" add del set list "* ]] || exit 1
		queztl() { echo "PORT FABRIC"; echo "web0 blue"; }
		COMP_WORDS=(queztl policy allow db0 w) COMP_CWORD=4; _queztl
		[[ ${COMPREPLY[*]} == web0 ]] || exit 1
		COMP_WORDS=(queztl port set web0 rate n) COMP_CWORD=5; _queztl
		[[ ${COMPREPLY[*]} == none ]] || exit 1
		COMP_WORDS=(queztl fabric set blue "") COMP_CWORD=4; _queztl
		[[ " ${COMPREPLY[*]} " == " open deny "* ]] || exit 1
		COMP_WORDS=(queztl top -s re) COMP_CWORD=3; _queztl
		[[ ${COMPREPLY[*]} == ready ]] || exit 1
		COMP_WORDS=(queztl port add vm0 fabric "") COMP_CWORD=5; queztl() { echo "NAME"; echo "blue"; }; _queztl
		[[ " ${COMPREPLY[*]} " == " blue "* ]] || exit 1
		COMP_WORDS=(queztl port add vm0 blue for "") COMP_CWORD=6; _queztl
		[[ " ${COMPREPLY[*]} " == " vm host "* ]] || exit 1
		COMP_WORDS=(queztl port add vm0 blue owner roo) COMP_CWORD=6; _queztl
		[[ ${COMPREPLY[*]} == root ]] || exit 1
		COMP_WORDS=(queztl port add vm0 fabric blue for vm ow) COMP_CWORD=8; _queztl
		[[ ${COMPREPLY[*]} == owner ]] || exit 1
		queztl() { echo "CHANNEL LISTENER CONNECTER"; echo "chat web0 db0"; }
		COMP_WORDS=(queztl channel deny chat "") COMP_CWORD=4; _queztl
		[[ " ${COMPREPLY[*]} " == " web0 "* ]] || exit 1
		COMP_WORDS=(queztl window serve x --sl) COMP_CWORD=4; _queztl
		[[ ${COMPREPLY[*]} == --slots ]] || exit 1
		queztl() { echo "VM PID USER VCPUS KNOWN PROCESS NAME"; echo "1 4711 root 2 5s qemu shop"; }
		COMP_WORDS=(queztl doctor --vm "") COMP_CWORD=3; _queztl
		[[ " ${COMPREPLY[*]} " == " 4711 shop "* ]] || exit 1
		COMP_WORDS=(queztl port list vm s) COMP_CWORD=4; _queztl
		[[ ${COMPREPLY[*]} == shop ]] || exit 1
		COMP_WORDS=(queztl monitor port --i) COMP_CWORD=3; _queztl
		[[ ${COMPREPLY[*]} == "--initial --interval" ]] || exit 1
		COMP_WORDS=(queztl monitor po) COMP_CWORD=2; _queztl
		[[ ${COMPREPLY[*]} == port ]] || exit 1
		COMP_WORDS=(queztl exporter --l) COMP_CWORD=2; _queztl
		[[ ${COMPREPLY[*]} == --listen ]] || exit 1
		COMP_WORDS=(queztl do) COMP_CWORD=1; _queztl
		[[ ${COMPREPLY[*]} == doctor ]]'
}

# Both ask bash's completion, where it is installed.
asks_bash()	# FILE
{
	sed "s|@bash@|$PWD/completions/queztl|" "$1" >"$tmp/$(basename "$1")"
}

completes_in_zsh()
{
	asks_bash completions/queztl.zsh || return 1
	# shellcheck disable=SC2016 # expanded there
	said=$(zsh -fc 'compadd() { print -r -- ${(P)2}; }; words=(queztl fabric a) CURRENT=3; f() { . $1; }; f '"$tmp/queztl.zsh") &&
	echo "$said" && [ "$said" = add ]
}

completes_in_fish()
{
	asks_bash completions/queztl.fish &&
	said=$(HOME=$tmp fish --no-config -c ". $tmp/queztl.fish; complete -C 'queztl port s'; complete -C 'queztl addr '") &&
	echo "$said" && [ "$(echo $said)" = "set show add del list --help --json" ]
}

echo 1..12
check installs_into_destdir
check uninstalls_what_it_installs
check installs_rules_and_a_unit
check exports_what_the_map_says
check prints_nothing_allocates_nothing
check builds_a_program_with_pkg_config
check header_is_strict_c99
if command -v g++ >/dev/null; then
	check header_is_cxx
else
	skip header_is_cxx "no g++"
fi
headers="-isystem /usr/include/$($CC -print-multiarch)"	# the kernel's are the same for both
if echo '#include <linux/types.h>' | $CC -m32 $headers -x c -fsyntax-only - 2>/dev/null; then
	check layout_is_the_same_on_32_bit
else
	skip layout_is_the_same_on_32_bit "no 32-bit headers (gcc-12-multilib)"
fi
check completes_commands
for shell in zsh fish; do
	if command -v $shell >/dev/null; then
		check completes_in_$shell
	else
		skip completes_in_$shell "no $shell"
	fi
done

#!/bin/bash
# The Debian packages: they are built, and lintian finds nothing; in clean roots of Debian they are installed, DKMS builds the
# modules, the tool runs, an upgrade replaces all, and nothing is left after a purge. Nothing of this machine is touched: a
# root is the lower layer of an overlay in a mount namespace. The roots are selftests/lab/host/clean.py's.
# Usage: deb.sh [--built] [--kernel] [RELEASE...] (bookworm, trixie; default: the former); KTAP. Needs root: mounts. --built:
# with the packages of the last run. --kernel: with those of the patched kernel, too, for which DKMS then builds as well.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
OUT=$TOP/build/deb NEXT=$TOP/build/deb-next
VERSION=$("$TOP/scripts/version")
NEWER=${VERSION%.*}.$((${VERSION##*.} + 1))
HERE=(builds lintian_finds_nothing dkms_has_what_the_module_is_made_of builds_the_next_version
	rpmbuild_accepts_the_spec)
INSIDE=(installs starts_nothing builds_modules_for_kernels_that_were_tested leaves_other_kernels_alone
	tool_runs doctor_says_what_to_install library_is_found python_package_runs upgrades removes purge_leaves_nothing)
WORK=/tmp
number=0 failed=0

builds() { "$TOP/scripts/deb" -o "$OUT"; }

builds_the_next_version() { "$TOP/scripts/deb" -o "$NEXT" --set-version "$NEWER" && [ -e "$NEXT/queztl-dkms_${NEWER}_all.deb" ]; }

packs_the_patched_kernel() {
	make -C "$TOP" kernel-deb FLAVOUR=release && [ "$(find "$KERNEL" -name '*.deb' | wc -l)" = 2 ]
}

lintian_finds_nothing() {
	lintian --no-cfg --allow-root --fail-on error,warning --tag-display-limit 0 "$OUT"/*.changes
}

# dkms.conf, and not a program, which would be somebody's to keep.
dkms_has_what_the_module_is_made_of() {
	local deb name
	for name in queztl queztl-guest; do
		deb=$(echo "$OUT/${name/queztl-guest/qhp-guest}"-dkms_*.deb)
		dpkg-deb -c "$deb" | awk '{ print $6 }' >"$WORK/list"
		grep -qx "./usr/src/$name-$VERSION/dkms.conf" "$WORK/list" || { echo "$name: no dkms.conf"; return 1; }
		! grep -v '/$' "$WORK/list" | grep -vE "^./usr/(src/$name-$VERSION/(dkms.conf|Kbuild|(module|qhp|sched|uapi)/.*\.[ch]|qhp/guest/(Kbuild|dkms.conf))|share/doc/.*)$" ||
			return 1
	done
}

rpmbuild_accepts_the_spec() { "$TOP/scripts/rpm" && [ "$(find "$TOP/build/rpm/RPMS" -name '*.rpm' | wc -l)" = 6 ]; }

kernels() { basename -a /lib/modules/*; }

kernels_for() {	# DKMS.CONF
	local pattern release
	pattern=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"/\1/p' "$1")
	for release in $(kernels); do
		if [[ $release =~ $pattern ]]; then echo "$release"; fi
	done
}

# All that is no record of apt's, dpkg's or the system's own. DKMS's key stays when DKMS is purged: it may be enrolled.
# What depmod writes is DKMS's, too, which removes it of kernels of which only the headers are installed, and writes it once
# more for one that is about to go.
list_files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /packages -o -path /var/log \
		-o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o -print |
		grep -vxE '/var/lib/dkms(/mok\.(key|pub))?|(/usr)?/lib/modules/[^/]*(/modules\.[^/]*)?' | sort
}

# There is no network: what was downloaded when the root was made has to do.
apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends "$@"; }

packages() { dpkg-query -W -f '${Package}\n' | sort; }

# Debian 13's netbase makes /etc/hosts where there is none, and keeps it; every host has one.
installs() {
	touch /etc/hosts
	packages >"$WORK/packages"
	list_files >"$WORK/before"
	# shellcheck disable=SC2046 # several names
	apt_get install $(find /packages/now /packages/kernel -name '*.deb')
}

starts_nothing() {
	! dpkg -L queztl queztl-dkms qhp-guest-dkms queztl-sched libqueztl0 | grep -E '/(init\.d|modules-load\.d|modprobe\.d|cron[^/]*)/' &&
		! grep deb-systemd-invoke /var/lib/dpkg/info/queztl.*
}

is_built() {	# NAME MODULE VERSION
	local releases release
	releases=$(kernels_for "/usr/src/$1-$3/dkms.conf")
	[ -n "$releases" ] || { echo "no kernel for $1"; return 1; }
	[ -z "$(find /packages/kernel -name '*.deb')" ] || [[ $releases == *-queztl* ]] || { echo "only $releases"; return 1; }
	for release in $releases; do
		dkms status -m "$1" -v "$3" -k "$release" | grep ': installed$' || { dkms status; return 1; }
		# DKMS 3.2 removes it when the last module of a kernel goes that has no image here.
		[ -e "/lib/modules/$release/modules.dep" ] || depmod "$release"
		[ "$(modinfo -k "$release" -F version "$2")" = "$3" ] || { modinfo -k "$release" "$2"; return 1; }
		[ "$(modinfo -k "$release" -F vermagic "$2" | cut -d' ' -f1)" = "$release" ] || return 1
		[[ $(modinfo -k "$release" -n "$2") == */updates/dkms/$2.ko* ]] || return 1
		# With a key of this machine's own, which mokutil enrolls.
		grep -qx CONFIG_MODULE_SIG=y "/lib/modules/$release/build/include/config/auto.conf" || continue
		[ -n "$(modinfo -k "$release" -F signer "$2")" ] || { echo "$2 is not signed"; return 1; }
	done
}

builds_modules_for_kernels_that_were_tested() { is_built queztl queztl "$VERSION" && is_built queztl-guest qhp_guest "$VERSION"; }

leaves_other_kernels_alone() {
	for release in $(kernels); do
		kernels_for "/usr/src/queztl-$VERSION/dkms.conf" | grep -qx "$release" || ! modinfo -k "$release" queztl || return 1
	done
}

# The packages' own tests, which autopkgtest runs elsewhere.
tool_runs() {
	"$TOP/debian/tests/tool" && [ "$(queztl --version)" = "queztl $VERSION" ] && [ -e /usr/share/man/man8/queztl.8.gz ] &&
		ldd /usr/libexec/queztl/queztl-sched && ! ldd /usr/libexec/queztl/queztl-sched | grep 'not found'
}

# What doctor says of a check on the kernel that the modules are built for.
judge() {	# CHECK
	LD_PRELOAD=/packages/release.so QZ_RELEASE=$release queztl doctor | grep -E "^[a-zA-Z]+ +$1 "
}

# The command is run as it is printed, but without sudo.
remedy_helps() {	# CHECK WORDS
	judge "$1" | tee "$WORK/said" | grep -F "$2" || return 1
	sed -n 's/.*-> sudo \(apt install [^ ]*\).*/\1/p' "$WORK/said" >"$WORK/remedy"
	grep . "$WORK/remedy" && APT_CONFIG=$WORK/apt.conf DEBIAN_FRONTEND=noninteractive sh "$WORK/remedy" || return 1
	! judge "$1" | grep -F "$2"
}

# apt knows our packages from a directory. Headers that go take the modules built with them along.
doctor_says_what_to_install() {
	local list=/etc/apt/sources.list.d/queztl.list release
	release=$(kernels_for "/usr/src/queztl-$VERSION/dkms.conf" | grep -v -e -queztl | head -n 1)		# of those that apt has
	printf '%s "true";\n' APT::Get::Assume-Yes >"$WORK/apt.conf"
	judge queztl.ko | grep -F 'installed but not loaded' && apt_get remove queztl-dkms &&
		remedy_helps 'vdpa tool' 'is missing' &&
		dpkg --remove --force-depends "linux-headers-$release" && remedy_helps headers 'no kernel headers' || return 1
	echo 'deb [trusted=yes] file:/packages/now ./' >"$list"
	apt-get update -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 &&
		remedy_helps queztl.ko 'not installed for this kernel' && rm "$list" &&
		judge queztl.ko | grep -F 'installed but not loaded'
}

# With the compiler that kernels' headers bring.
library_is_found() { CC=$(basename -a /usr/bin/gcc-[0-9]* | head -n 1) "$TOP/debian/tests/library"; }

python_package_runs() { "$TOP/debian/tests/python" | grep -x "$VERSION"; }

upgrades() {
	apt_get install /packages/next/*.deb || return 1
	[ "$(queztl --version)" = "queztl $NEWER" ] && is_built queztl queztl "$NEWER" && is_built queztl-guest qhp_guest "$NEWER" &&
		[ ! -e "/usr/src/queztl-$VERSION" ] && ! dkms status | grep "/$VERSION,"
}

ours() { dpkg-query -W -f '${Package} ${source:Package}\n' | sed -n 's/ queztl$//p'; }

# Configuration may stay until the purge, modules may not.
removes() {
	# shellcheck disable=SC2046 # several names
	apt_get remove $(ours) || return 1
	[ -z "$(dkms status)" ] && ! find /lib/modules /usr/src /usr/bin ! -name '*-queztl' -name '*queztl*' -o -name 'qhp_guest*' |
		grep .
}

# Of what apt has installed with them, too; autoremove would keep what another package suggests. The group stays: Debian
# removes none, so that its number is not given away.
purge_leaves_nothing() {
	# shellcheck disable=SC2046 # several names
	apt_get purge $(packages | comm -13 "$WORK/packages" -) || return 1
	list_files | diff "$WORK/before" - && getent group queztl
}

check() {	# NAME
	number=$((number + 1))
	if "$1" >"$WORK/log" 2>&1 </dev/null; then
		echo "ok $number $1$where"
	else
		failed=1
		tail -n 60 "$WORK/log" | sed 's/^/# /'
		echo "not ok $number $1$where"
	fi
}

# In a root. /tmp is the namespace's, as is all that is written.
if [ "${1:-}" = --inside ]; then
	where=_in_$2 number=$3
	for test in "${INSIDE[@]}"; do
		check "$test"
	done
	exit $failed
fi

# Runs this script where the root $1 is /, and the tree is where it is here.
# shellcheck disable=SC2016 # expanded there
ENTER='
	root=$1 top=$2; shift 2
	mount -t tmpfs tmpfs /mnt
	mkdir /mnt/upper /mnt/work /mnt/root
	mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
	mkdir -p "/mnt/root$top" /mnt/root/packages/now /mnt/root/packages/next /mnt/root/packages/kernel
	mount --bind -o ro "$top" "/mnt/root$top"
	mount --bind "$top/build/deb" /mnt/root/packages/now
	mount --bind "$top/build/deb-next" /mnt/root/packages/next
	[ -z "$KERNEL" ] || mount --bind "$KERNEL" /mnt/root/packages/kernel
	cp "$top/build/deb/release.so" /mnt/root/packages
	mount --rbind /dev /mnt/root/dev
	mount --rbind /proc /mnt/root/proc
	printf "#!/bin/sh\nexit 101\n" >/mnt/root/usr/sbin/policy-rc.d
	chmod +x /mnt/root/usr/sbin/policy-rc.d
	exec chroot /mnt/root /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		"$top/selftests/deb/deb.sh" --inside "$@"
'

export KERNEL=
if [ "${1:-}" = --built ]; then
	HERE=()
	shift
fi
if [ "${1:-}" = --kernel ]; then
	KERNEL=$TOP/build/deb-kernel
	rm -rf "$KERNEL"
	HERE=(packs_the_patched_kernel "${HERE[@]}")
	shift
fi
[ $# -gt 0 ] || set -- bookworm
WORK=$(mktemp -d --tmpdir queztl-deb-XXXXXX)
trap 'rm -rf "$WORK"' EXIT
echo "KTAP version 1"
echo "1..$((${#HERE[@]} + $# * ${#INSIDE[@]}))"
where=
for test in "${HERE[@]}"; do
	check "$test"
done
[ $failed = 0 ] || exit 1
cc -shared -fPIC -o "$OUT/release.so" "$TOP/selftests/deb/release.c"
(cd "$OUT" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
for release; do
	root=$("$TOP/selftests/lab/fetch" clean "$release") || { echo "Bail out! no root of $release"; exit 1; }
	unshare --mount --net bash -euc "$ENTER" enter "$root" "$TOP" "$release" "$number" || failed=1
	number=$((number + ${#INSIDE[@]}))
done
exit $failed

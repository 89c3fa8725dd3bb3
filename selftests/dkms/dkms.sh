#!/bin/bash
# DKMS builds and installs queztl.ko for a stock kernel, and takes it away again; or qhp_guest.ko. In directories of its
# own: nothing of this machine's DKMS or modules is touched. Usage: dkms.sh KDIR [guest]; KTAP.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
KDIR=$1
if [ "${2:-}" = guest ]; then
	CONF=$TOP/qhp/guest/dkms.conf NAME=queztl-guest MODULE=qhp_guest
else
	CONF=$TOP/dkms.conf NAME=queztl MODULE=queztl
fi
# What modules are made for; older headers have the version of the source in include/config.
RELEASE=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$KDIR/include/generated/utsrelease.h")
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$CONF")
WORK=$(mktemp -d --tmpdir queztl-dkms-XXXXXX)
trap 'rm -rf "$WORK"' EXIT
number=0 failed=0

in_dkms() {	# VERB ARGUMENTS
	dkms "$1" --dkmstree "$WORK/tree" --sourcetree "$WORK/src" --installtree "$WORK/installed" -m $NAME -v "$VERSION" "${@:2}"
}

is_for_release() { [ "$(modinfo -F vermagic "$1" | cut -d' ' -f1)" = "$RELEASE" ]; }

installed() { find "$WORK/installed" -name "$MODULE.ko*"; }

adds() { in_dkms add && [ -e "$WORK/tree/$NAME/$VERSION/source" ]; }

builds() {
	in_dkms build -k "$RELEASE" --kernelsourcedir "$KDIR" || { cat "$WORK/tree/$NAME/$VERSION/build/make.log"; return 1; }
	is_for_release "$WORK/tree/$NAME/$VERSION/$RELEASE/$(uname -m)/module/$MODULE.ko"
}

installs() {
	in_dkms install -k "$RELEASE" --kernelsourcedir "$KDIR" --no-depmod && is_for_release "$(installed)" &&
		[[ $(in_dkms status) == *": installed"* ]]
}

removes() { in_dkms remove --all --no-depmod && [ -z "$(installed)" ] && [ ! -e "$WORK/tree/$NAME/$VERSION" ]; }

# Of all kernels those that were tested: LEAST, NEWEST and what follows, as `queztl doctor` has them. A guest needs less.
bound() { sed -n "s/^#define $1_\(MAJOR\|MINOR\)\t*//p" "$TOP/userspace/cli/doctor_kernel.c" | paste -sd.; }

takes() { [[ $1 =~ $(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"/\1/p' "$CONF") ]]; }

builds_for_tested_kernels_only() {
	local least newest
	least=$(bound LEAST) newest=$(bound NEWEST)
	[ $MODULE = queztl ] || least=6.1
	echo "doctor: $least to $newest"
	for release in "$least" "$least.117+deb12-cloud-amd64" 6.19.3 7.0.0-rc1 "$newest.4+deb13-amd64" "$newest-custom"; do
		takes "$release" || { echo "not $release"; return 1; }
	done
	for release in 5.15.0 $([ $MODULE = qhp_guest ] || echo 6.1.0-30-amd64 6.11.12) 6.120.1 "${newest%.*}.$((${newest#*.} + 1)).0" "${newest}0.1" 8.0.1 70.1; do
		! takes "$release" || { echo "but $release"; return 1; }
	done
}

check() {
	number=$((number + 1))
	if "$1" >"$WORK/log" 2>&1 </dev/null; then
		echo "ok $number $1"
	else
		failed=1
		sed 's/^/# /' "$WORK/log"
		echo "not ok $number $1"
	fi
}

mkdir -p "$WORK/tree" "$WORK/src/$NAME-$VERSION" "$WORK/installed/$RELEASE"
# What dkms.conf says is enough.
cp -r "$CONF" "$TOP"/{Kbuild,module,qhp,sched,uapi} "$WORK/src/$NAME-$VERSION"
echo "KTAP version 1"
echo "1..5"
for test in builds_for_tested_kernels_only adds builds installs removes; do
	check $test
done
exit $failed

# SPDX-License-Identifier: GPL-2.0
# Queztl. `make help` lists the targets.

ifneq ($(KERNELRELEASE),)

# Called by Kbuild for the directory with the Kbuild file beside this one.
include $(src)/Kbuild

else

# ARCH=arm64 builds for such a host by a cross compiler. Of this machine's own
# architecture nothing is said.
ifeq ($(ARCH)-$(filter aarch64,$(shell uname -m)),arm64-)
CROSS_COMPILE ?= aarch64-linux-gnu-
BUILD	:= $(CURDIR)/build/arm64
FOREIGN	:= arm64
CROSS	= CC=$(CROSS_COMPILE)gcc AR=$(CROSS_COMPILE)ar ROOT=$(FOREIGN_ROOT)
# Kbuild has ARCH from the command line or the environment.
KCROSS	= CROSS_COMPILE=$(CROSS_COMPILE)
# Headers and libraries of its packages.
FOREIGN_ROOT = $(shell selftests/lab/fetch --arch $(FOREIGN) root)
else
BUILD	:= $(CURDIR)/build
endif
KDIR	?= $(shell scripts/kdir $(FOREIGN))
RELEASE	= $(shell cat $(KDIR)/include/config/kernel.release)
DESTDIR	?=
PREFIX	?= /usr

# Kbuild writes beside its sources, so each kernel gets a copy of them.
KSRC	:= Kbuild module qhp sched uapi
KOUT	= $(BUILD)/kmod/$(RELEASE)
TOUT	= $(BUILD)/kmod-tests/$(RELEASE)
KFLAGS	= W=1
# V=1 shows the commands.
KMAKE	:= --no-print-directory $(if $(V),,-s)
SUBMAKE	:= $(MAKE) $(KMAKE)

all: module userspace

help:
	@echo "make              build queztl.ko, libqueztl and the command queztl"
	@echo "make guest-module build qhp_guest.ko, the driver of channels for guests"
	@echo "make sched        build the scheduler for kernels with sched_ext"
	@echo "make demo         two VMs talk over QHP and over vhost-net, side by side"
	@echo "make check        run every test; the last line has the totals"
	@echo "make kunit        run the KUnit suites of the pure parts in user mode Linux"
	@echo "make kernel-selftests  run the kernel's selftests, base against patched"
	@echo "make bench        run the benchmarks; results in build/bench/results.json"
	@echo "make kernel       build Linux 6.12 with patches/: debug and release, cached"
	@echo "make kernel-deb   its Debian packages; CONFIG=FILE: configured as FILE says"
	@echo "make deps         install what a build needs, on Debian"
	@echo "make docs         build the manual in build/docs/html"
	@echo "make lint         run sparse, checkpatch, shellcheck, check patches/"
	@echo "make deb          build Debian packages in build/deb"
	@echo "make install      install to DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)"
	@echo "make uninstall    remove what make install has put there"
	@echo "make clean        remove build products; downloads stay cached"
	@echo
	@echo "KDIR=DIR selects the kernel headers. Default: those of the running"
	@echo "kernel if it is 6.12 or later, else those of Debian's stock 6.12 kernel."
	@echo "ARCH=arm64 builds module, userspace, selftests and kernel for ARM64, by a"
	@echo "cross compiler; the former three in build/arm64."

deps:
	@scripts/deps build $(if $(FOREIGN),cross lab)

# A build only says what is missing. These install it, as do cross builds,
# which are the lab's.
INSTALLING := deps check demo bench lint sched deb lab-module
ifneq ($(FOREIGN)$(filter $(INSTALLING),$(MAKECMDGOALS)),)
need-module need-userspace: deps
else
need-module need-userspace:
	@scripts/need $(@:need-%=%)
endif

module: need-module
	@test -n "$(KDIR)" || { echo "no kernel headers: install them, or give KDIR=DIR (see make help)"; exit 1; }
	@mkdir -p $(KOUT)
	@cp -pru $(KSRC) $(KOUT)
	+@scripts/kbuild $(KDIR) M=$(KOUT) $(KMAKE) $(KCROSS) $(KFLAGS) modules
	@echo "built $(KOUT:$(CURDIR)/%=%)/queztl.ko"

# The guest's side of channels, for the kernel of a guest: 6.1 or later.
GUEST_OUT = $(BUILD)/kmod-guest/$(RELEASE)
guest-module: need-module
	@test -n "$(KDIR)" || { echo "no kernel headers: install them, or give KDIR=DIR (see make help)"; exit 1; }
	@mkdir -p $(GUEST_OUT)
	@cp -pru $(KSRC) $(GUEST_OUT)
	+@scripts/kbuild $(KDIR) M=$(GUEST_OUT) QZ_GUEST=1 $(KMAKE) $(KCROSS) $(KFLAGS) modules
	@echo "built $(GUEST_OUT:$(CURDIR)/%=%)/qhp_guest.ko"

# Modules that only the tests load.
test-modules: need-module
	@mkdir -p $(TOUT)
	@cp -pru selftests/kmod/. $(TOUT)
	+@scripts/kbuild $(KDIR) M=$(TOUT) $(KMAKE) $(KCROSS) $(KFLAGS) modules
	@echo "built $(TOUT:$(CURDIR)/%=%)"

# The hosts of the lab run Debian's stock kernel, whatever this machine runs.
lab-module: deps lab-deps
	@$(MAKE) --no-print-directory module test-modules \
		KDIR=$$(selftests/lab/fetch $(FOREIGN:%=--arch %) kdir cloud)

# Linux with patches/. Does nothing if it is built already.
kernel:
	@scripts/deps kernel $(if $(FOREIGN),cross)
	@scripts/kernel $(FOREIGN:%=--arch %) build $(FLAVOUR)

# Packages of that kernel.
kernel-deb:
	@scripts/deps kernel kerneldeb $(if $(FOREIGN),cross)
	@scripts/kernel $(FOREIGN:%=--arch %) deb $(if $(CONFIG),--config $(CONFIG),$(FLAVOUR))

userspace: need-userspace
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace $(CROSS) all examples
	@echo "built $(BUILD:$(CURDIR)/%=%)/userspace: queztl, libqueztl"

# The scheduler for kernels that have sched_ext; queztl sched start loads it.
sched: userspace
	@scripts/deps sched
	+@LIBBPF=$$(scripts/libbpf) && $(SUBMAKE) -C sched/bpf O=$(BUILD)/sched \
		USERSPACE=$(BUILD)/userspace LIBBPF=$$LIBBPF
	@$(SUBMAKE) -C sched/sim O=$(BUILD)/sim
	@echo "built $(BUILD:$(CURDIR)/%=%)/sched/queztl-sched"

lab-deps:
	@scripts/deps lab guest

selftests: need-userspace
	@$(SUBMAKE) -C selftests O=$(BUILD)/selftests $(CROSS)

demo: lab-module userspace sched
	@$(MAKE) --no-print-directory module KDIR=$$(selftests/lab/fetch kdir new)
	@$(MAKE) --no-print-directory guest-module KDIR=$$(selftests/lab/fetch kdir cloud)
	@$(SUBMAKE) -C selftests O=$(BUILD)/selftests $(BUILD)/selftests/tinyvm $(BUILD)/selftests/qhpping
	@selftests/demo/demo

check: lab-module userspace sched selftests
	@scripts/deps test dpdk libvirt kunit fuzz package lint patches docs
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace dpdk-examples
	@selftests/run

kunit:
	@scripts/deps kunit
	@scripts/kunit $(KUNIT)

# Not part of check, because it takes forty minutes.
kernel-selftests: lab-deps
	@scripts/deps kself
	@selftests/kernel/run $(KSELF)

bench: lab-module userspace $(if $(FOREIGN),,sched)
	@$(SUBMAKE) -C selftests O=$(BUILD)/selftests $(CROSS) bench
	@selftests/bench/bench $(BENCH)

docs:
	@scripts/need docs
	@$(SUBMAKE) -C Documentation O=$(BUILD)/docs html

lint: deps
	@scripts/deps lint patches cross lab
	@scripts/lint

# The headers of the lab's kernel will do for a build, but a module that does
# not fit the running kernel is of no use on this machine.
check-release:
	@test -n "$(DESTDIR)" -o "$(origin KDIR)" != file -o "$(RELEASE)" = "$$(uname -r)" || { \
		echo "install: Linux $$(uname -r) runs, and its headers are not installed: install linux-headers-$$(uname -r), or give KDIR=DIR"; \
		exit 1; }

# Compresses, too, if the kernel is configured so, and signs if its key is there:
# distributions' headers have none.
install: check-release all
	+@scripts/kbuild $(KDIR) M=$(KOUT) $(KMAKE) INSTALL_MOD_PATH=$(abspath $(DESTDIR)) \
		INSTALL_MOD_DIR=updates DEPMOD=true \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) modules_install
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace \
		DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	@test -n "$(DESTDIR)" || depmod -a $(RELEASE)

# Of every kernel that it was installed for.
uninstall:
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace \
		DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) uninstall
	@for file in $(wildcard $(DESTDIR)/lib/modules/*/updates/queztl*.ko*); do \
		rm -f "$$file"; \
		release=$${file%/updates/*}; \
		test -n "$(DESTDIR)" || depmod -a "$${release##*/}"; \
	done

# A copy of the sources is built: debian/rules, scripts/deb.
deb:
	@scripts/deps build sched package
	@scripts/deb
	@echo "built build/deb: $$(cd build/deb && ls *.deb | sed 's/_.*//' | sort -u | xargs)"

clean:
	rm -rf $(BUILD)

.PHONY: all help deps need-module need-userspace check-release module guest-module test-modules lab-module userspace sched lab-deps \
	selftests demo kernel kernel-deb check kunit kernel-selftests bench docs lint \
	install uninstall deb clean

endif

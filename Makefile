# SPDX-License-Identifier: GPL-2.0
# Queztl. `make help` lists what there is.

ifneq ($(KERNELRELEASE),)

# Called by Kbuild for a tree whose Kbuild file is beside this one.
include $(src)/Kbuild

else

BUILD	:= $(CURDIR)/build
KDIR	?= $(shell scripts/kdir)
RELEASE	= $(shell cat $(KDIR)/include/config/kernel.release)
DESTDIR	?=
PREFIX	?= /usr

# Kbuild writes beside its sources: give each kernel a copy of them.
KSRC	:= Kbuild module qhp uapi
KOUT	= $(BUILD)/kmod/$(RELEASE)
TOUT	= $(BUILD)/kmod-tests/$(RELEASE)
KFLAGS	= W=1
# V=1 shows the commands.
KMAKE	:= --no-print-directory $(if $(V),,-s)
SUBMAKE	:= $(MAKE) $(KMAKE)

all: module userspace

help:
	@echo "make              build queztl.ko, libqueztl and the program queztl"
	@echo "make demo         two VMs talk over QHP and over vhost-net, side by side"
	@echo "make check        every test; the last line counts them"
	@echo "make kunit        the pure parts' KUnit suites in user mode Linux"
	@echo "make kernel-selftests  the kernel's own, base against patched"
	@echo "make bench        measure; results in build/bench/results.json"
	@echo "make kernel       Linux 6.12 with patches/: debug and release, cached"
	@echo "make docs         the manual, in build/docs/html"
	@echo "make lint         sparse, checkpatch, shellcheck, patches/"
	@echo "make install      to DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)"
	@echo "make clean        remove what was built; downloads stay cached"
	@echo
	@echo "KDIR=DIR picks the kernel headers. Without it: those of the running"
	@echo "kernel if it is 6.12 or later, else of Debian's stock 6.12 kernel."

deps:
	@scripts/deps build

module: deps
	@test -n "$(KDIR)" || { echo "no kernel headers; see make help"; exit 1; }
	@mkdir -p $(KOUT)
	@cp -pru $(KSRC) $(KOUT)
	+@scripts/kbuild $(KDIR) M=$(KOUT) $(KMAKE) $(KFLAGS) modules
	@echo "built $(KOUT:$(CURDIR)/%=%)/queztl.ko"

# Modules that only tests load.
test-modules: deps
	@mkdir -p $(TOUT)
	@cp -pru selftests/kmod/. $(TOUT)
	+@scripts/kbuild $(KDIR) M=$(TOUT) $(KMAKE) $(KFLAGS) modules
	@echo "built $(TOUT:$(CURDIR)/%=%)"

# The lab's hosts run Debian's stock kernel whatever this machine runs.
lab-module: deps lab-deps
	@$(MAKE) --no-print-directory module test-modules \
		KDIR=$$(selftests/lab/fetch kdir cloud)

# Linux with patches/; nothing is done for what is built already.
kernel:
	@scripts/deps kernel
	@scripts/kernel build $(FLAVOUR)

userspace: deps
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace
	@echo "built build/userspace: queztl, libqueztl"

lab-deps:
	@scripts/deps lab guest

selftests: deps
	@$(SUBMAKE) -C selftests O=$(BUILD)/selftests

demo: lab-module userspace
	@selftests/demo/demo

check: lab-module userspace selftests
	@scripts/deps test dpdk libvirt kunit fuzz lint patches docs
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace dpdk-examples
	@selftests/run

kunit:
	@scripts/deps kunit
	@scripts/kunit $(KUNIT)

# Not part of check: it takes forty minutes.
kernel-selftests: lab-deps
	@scripts/deps kself
	@selftests/kernel/run $(KSELF)

bench: lab-module userspace
	@selftests/bench/bench $(BENCH)

docs:
	@scripts/deps docs
	@$(SUBMAKE) -C Documentation O=$(BUILD)/docs html

lint: deps
	@scripts/deps lint patches
	@scripts/lint

install: all
	install -D -m 644 $(KOUT)/queztl.ko \
		$(DESTDIR)/lib/modules/$(RELEASE)/updates/queztl.ko
	@$(SUBMAKE) -C userspace O=$(BUILD)/userspace \
		DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	@test -n "$(DESTDIR)" || depmod -a $(RELEASE)

clean:
	rm -rf $(BUILD)

.PHONY: all help deps module test-modules lab-module userspace lab-deps \
	selftests demo kernel check kunit kernel-selftests bench docs lint \
	install clean

endif

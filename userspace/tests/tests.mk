# SPDX-License-Identifier: GPL-2.0
# Included by ../Makefile. A unit test is tests/NAME_test.c. System calls that it
# must not make are replaced by fake.c at link time.

UNIT_SRC := $(wildcard tests/*_test.c)
UNIT	:= $(patsubst tests/%.c,$(O)/tests/%,$(UNIT_SRC))
SCRIPTS	:= $(wildcard tests/*_test.sh tests/*_test.py)
WRAP	:= open close ioctl readdir readlinkat mmap munmap socket send recv write fchownat
WRAPPED	:= $(foreach call,$(WRAP),-Wl,--wrap=$(call))
TEST_OBJ := $(filter-out $(O)/cli/main.o $(O)/cli/worker.o,$(CLI_OBJ)) $(O)/tests/main.o \
	$(O)/tests/fake.o $(O)/tests/fake_policy.o $(O)/tests/fake_channel.o \
	$(O)/tests/fake_vdpa.o $(O)/tests/fake_worker.o $(O)/tests/fake_sysfs.o $(O)/tests/fakeproc.o \
	$(O)/tests/run.o

$(O)/tests/main.o: cli/main.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -Dmain=queztl_main -Wno-missing-prototypes $(CFLAGS) \
		-c $< -o $@

$(O)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -Icli $(JANSSON_CFLAGS) $(CFLAGS) -c $< -o $@

$(O)/tests/%_test: $(O)/tests/%_test.o $(TEST_OBJ) $(O)/libqueztl.a
	$(CC) $(CFLAGS) $(LDFLAGS) $(WRAPPED) -o $@ $^ $(JANSSON_LIBS) $(CONFUSE_LIBS) \
		-lcmocka -lm

# The program on the simulated host.
$(O)/tests/queztl-fake: $(O)/tests/fake_main.o $(TEST_OBJ) $(O)/libqueztl.a
	$(CC) $(CFLAGS) $(LDFLAGS) $(WRAPPED) -o $@ $^ $(JANSSON_LIBS) $(CONFUSE_LIBS) \
		-lcmocka -lm

# The shared library on it, for the Python package.
FAKE_WRAPPED := $(foreach call,open close ioctl readdir readlinkat mmap munmap,-Wl,--wrap=$(call))
FAKE_PIC := $(patsubst %,$(O)/tests/%.pic.o,fake fake_policy fake_channel fake_python)

$(O)/tests/%.pic.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fPIC -c $< -o $@

$(O)/tests/fake/libqueztl.so.0: $(LIB_PIC) $(FAKE_PIC)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(FAKE_WRAPPED) -Wl,-z,defs -shared -Wl,-soname,$(SONAME) -o $@ $^ -lcmocka

check: all examples $(UNIT) $(O)/tests/queztl-fake $(O)/tests/fake/libqueztl.so.0
	O='$(abspath $(O))' CC='$(CC)' tests/run $(UNIT) $(SCRIPTS)

.SECONDARY:
-include $(wildcard $(O)/tests/*.d)

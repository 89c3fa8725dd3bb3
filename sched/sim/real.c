// SPDX-License-Identifier: GPL-2.0
/*
 * The same scenarios on the kernel that runs: a process and a cgroup for each
 * VM, a thread for each of its threads. To compare schedulers, and the
 * simulator with them.
 *
 * As root, with cgroup v2 and its cpu controller. What is computed is time, not
 * work: a step that runs lasts until the thread has had so much CPU time.
 */
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "sched/bpf/queztl.h"
#include "uapi/linux/queztl.h"
#include "sched/sim/sim.h"

#define CGROUPS	"/sys/fs/cgroup"
#define PREFIX	"qzsim-"
#define SAMPLES	(1 << 16)	/* of each kind for each thread; more are dropped */
#define LEAD	(500 * NSEC_PER_MSEC)	/* until all threads are there */
#define CHUNK	5000		/* of work: turns of a loop, some 10000 instructions */
#define FINE	(200 * NSEC_PER_USEC)	/* a step that ends so soon is not done in chunks */

/* What a thread shares with the others and with the report. */
struct seat {
	int messages;		/* a futex */
	u64 sent_at;		/* the last one */
	u64 before, ran, longest_wait;	/* before: CPU time until it counts */
	u64 waited, delayed;	/* for a CPU, ever: as it saw it, as the kernel says */
	u64 work;		/* chunks */
	size_t nlatency, nwake;
	u64 latency[SAMPLES], wake[SAMPLES];
};

static struct sim *sim;
static struct seat *seats;
static u64 start_at, count_at, end_at;

__attribute__((noreturn, format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "qzsim: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %m\n");
	exit(1);
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * (u64)NSEC_PER_SEC + now.tv_nsec;
}

static u64 wall(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static u64 own(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void sleep_until(u64 at)
{
	struct timespec until = { at / NSEC_PER_SEC, at % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
}

static bool counts(u64 now)
{
	return now >= count_at && now < end_at;
}

static void note(u64 *values, size_t *n, u64 value)
{
	if (counts(wall()) && *n < SAMPLES)
		values[(*n)++] = value;
}

/* It could run, and did not. */
static void waited_for_cpu(struct seat *seat, u64 ns)
{
	seat->waited += ns;
	if (counts(wall()) && ns > seat->longest_wait)
		seat->longest_wait = ns;
}

/* Since it woke up, or was woken. */
static void note_wake(struct seat *seat, u64 ns)
{
	note(seat->wake, &seat->nwake, ns);
	waited_for_cpu(seat, ns);
}

static void work(struct seat *seat)
{
	for (int i = 0; i < CHUNK; i++)
		asm volatile("");
	if (counts(wall()))
		seat->work++;
}

/* run_delay, which the kernel counts for every class (proc(5)). */
static u64 delayed(void)
{
	unsigned long long ran, waited = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "r");

	if (!file || fscanf(file, "%llu %llu", &ran, &waited) != 2)
		fail("schedstat");
	fclose(file);
	return waited;
}

/* Compute. A hole in the wall clock is a time in which others ran. */
static void compute(struct seat *seat, u64 ns)
{
	u64 had = own(), until = had + ns, seen = wall(), now, has;

	do {
		if (until > had + FINE)
			work(seat);
		now = wall();
		has = own();
		if (now < count_at)
			seat->before = has;
		if (now - seen > has - had)
			waited_for_cpu(seat, now - seen - (has - had));
		seen = now;
		had = has;
	} while (has < until && now < end_at);
}

/* The coarse clock advances at ticks. */
static u64 until_tick(u64 tick)
{
	u64 since = wall() - clock_ns(CLOCK_MONOTONIC_COARSE);

	return since < tick ? tick - since : 0;
}

static void send(struct seat *to)
{
	__atomic_store_n(&to->sent_at, wall(), __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->messages, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &to->messages, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Return: when it could go on. */
static u64 receive(struct seat *seat)
{
	struct timespec second = { 1, 0 };
	bool waited = false;
	u64 sent;

	while (!__atomic_load_n(&seat->messages, __ATOMIC_SEQ_CST)) {
		if (wall() >= end_at)
			return end_at;
		syscall(SYS_futex, &seat->messages, FUTEX_WAIT, 0, &second, NULL, 0);
		waited = true;
	}
	__atomic_fetch_sub(&seat->messages, 1, __ATOMIC_SEQ_CST);
	if (!waited)
		return wall();
	sent = __atomic_load_n(&seat->sent_at, __ATOMIC_RELAXED);
	note_wake(seat, wall() - sent);
	return sent;
}

static u64 spread(const struct sim_op *op, unsigned int *seed)
{
	u64 width = op->ns / 100 * op->spread;

	return width ? op->ns - width + (u64)rand_r(seed) * 2 * width / RAND_MAX : op->ns;
}

/* Tell Queztl's scheduler, if it runs. */
static void tell(const char *name, uint32_t key, const void *value)
{
	union bpf_attr attr = {};
	char path[64];
	int map;

	snprintf(path, sizeof(path), QZ_SCHED_PINNED "/%s", name);
	attr.pathname = (uintptr_t)path;
	map = syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	if (map < 0)
		return;
	attr = (union bpf_attr){ .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)value };
	if (syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
		fail("%s", path);
	close(map);
}

/* The module's scheduler takes no setting from a cgroup. Without one there is nothing to set. */
static void tell_module(int kvm_vm, const struct sim_vm *vm)
{
	struct queztl_vm_attach_args attach = { .size = sizeof(attach), .kvm_fd = kvm_vm };
	struct queztl_vm_sched set = {
		.size = sizeof(set), .set = QUEZTL_VM_WEIGHT | QUEZTL_VM_LIMIT,
		.weight = vm->weight, .limit = vm->limit,
	};
	int device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0)
		return;
	if (ioctl(device, QUEZTL_VM_ATTACH, &attach))
		fail("QUEZTL_VM_ATTACH");
	set.id = attach.id;
	if (ioctl(device, QUEZTL_VM_SCHED_SET, &set) && errno != EOPNOTSUPP)
		fail("QUEZTL_VM_SCHED_SET");
	close(attach.vm_fd);
	close(device);
}

/* Queztl's module knows a VM by KVM's, where there is KVM. */
static void hold_vm(const struct sim_vm *vm)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), kvm_vm;

	if (kvm < 0)
		return;
	kvm_vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (kvm_vm < 0)
		fail("KVM_CREATE_VM");
	tell_module(kvm_vm, vm);
}

/* This process is a VM. */
static void register_vm(const struct sim_vm *vm)
{
	struct qz_setting setting = { .weight = vm->weight, .limit = vm->limit };

	tell("settings", getpid(), &setting);
	hold_vm(vm);
}

/* This thread is a vCPU of it, for the BPF scheduler, and for queztl top by its name. */
static void register_vcpu(const struct sim_task *task)
{
	uint32_t tgid = getpid();
	char name[32];

	snprintf(name, sizeof(name), "CPU %d/KVM", task->index);
	prctl(PR_SET_NAME, name);
	tell("vcpus", gettid(), &tgid);
}

/* EEVDF's, of 6.12 and later. */
static void set_slice(u64 ns)
{
	struct {
		u32 size, policy;
		u64 flags;
		int32_t nice;
		u32 priority;
		u64 runtime, deadline, period;
	} attr = { .size = sizeof(attr), .policy = SCHED_OTHER, .runtime = ns };

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		fail("sched_setattr");
}

static void pin(int from, int to)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = from; cpu <= to && cpu < sim->ncpus; cpu++)
		CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void *run(void *arg)
{
	struct sim_task *task = arg;
	struct seat *seat = &seats[task->index];
	unsigned int seed = sim->random + task->index;
	u64 ready, began, at, ns;

	pin(task->from, task->to);
	if (task->vcpu)
		register_vcpu(task);
	if (sim->slice)
		set_slice(sim->slice);
	sleep_until(start_at + rand_r(&seed) % sim->tick);
	ready = began = wall();
	for (int i = 0; wall() < end_at; i = (i + 1) % task->nops) {
		const struct sim_op *op = &task->ops[i];

		if (wall() < count_at)
			seat->before = own();
		switch (op->kind) {
		case SIM_RUN:
			compute(seat, spread(op, &seed));
			break;
		case SIM_RUN_TO_TICK:
			ns = until_tick(sim->tick);
			compute(seat, (ns > op->ns ? ns : ns + sim->tick) - op->ns);
			break;
		case SIM_SLEEP:
			at = ready = wall() + spread(op, &seed);
			sleep_until(at);
			note_wake(seat, wall() - at);
			break;
		case SIM_SEND:
			send(&seats[op->to->index]);
			break;
		case SIM_RECEIVE:
			ready = receive(seat);
			break;
		case SIM_YIELD:
		case SIM_YIELD_TO:	/* no system call does it */
			sched_yield();
			break;
		case SIM_BEGIN:
			began = op->ns ? ready : wall();
			break;
		case SIM_END:
			note(seat->latency, &seat->nlatency, wall() - began);
			break;
		}
	}
	seat->ran = own() - seat->before;
	seat->delayed = delayed();
	sleep_until(end_at + sim->keep);
	return NULL;
}

/* -- VMs ------------------------------------------------------------------ */
static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "r+");		/* which creates none */

	if (!file || fputs(text, file) < 0 || fclose(file))
		fail("%s", path);
}

static void write_cgroup(const char *vm, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), CGROUPS "/" PREFIX "%s/%s", vm, name);
	write_file(path, text);
}

static void make_cgroup(const struct sim_vm *vm)
{
	char text[64];

	snprintf(text, sizeof(text), CGROUPS "/" PREFIX "%s", vm->name);
	if (mkdir(text, 0755) && errno != EEXIST)
		fail("%s", text);
	snprintf(text, sizeof(text), "%u", vm->weight);
	write_cgroup(vm->name, "cpu.weight", text);
	if (vm->limit) {
		snprintf(text, sizeof(text), "%llu %llu",
			 (unsigned long long)(vm->limit * sim->period / 1000 / NSEC_PER_USEC),
			 (unsigned long long)(sim->period / NSEC_PER_USEC));
		write_cgroup(vm->name, "cpu.max", text);
	}
}

static void remove_cgroup(const struct sim_vm *vm)
{
	char path[64];

	snprintf(path, sizeof(path), CGROUPS "/" PREFIX "%s", vm->name);
	rmdir(path);
}

__attribute__((noreturn))
static void be_vm(struct sim_vm *vm)
{
	pthread_t threads[SIM_TASKS];
	char text[32];
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	snprintf(text, sizeof(text), "%d", getpid());
	write_cgroup(vm->name, "cgroup.procs", text);
	register_vm(vm);
	for (int i = 0; i < sim->ntasks; i++)
		if (sim->tasks[i].vm == vm &&
		    pthread_create(&threads[n++], NULL, run, &sim->tasks[i]))
			fail("thread %s", sim->tasks[i].name);
	while (n--)
		pthread_join(threads[n], NULL);
	_exit(0);
}

static void collect(void)
{
	for (int i = 0; i < sim->ntasks; i++) {
		struct sim_task *task = &sim->tasks[i];
		struct seat *seat = &seats[i];

		task->vm->ran += seat->ran;
		task->longest_wait = seat->longest_wait;
		task->waited = seat->waited;
		task->delayed = seat->delayed;
		task->work = seat->work;
		for (size_t n = 0; n < seat->nlatency; n++)
			sim_note(&task->vm->latency, seat->latency[n]);
		for (size_t n = 0; n < seat->nwake; n++)
			sim_note(&task->vm->wake, seat->wake[n]);
	}
}

void sim_run_real(struct sim *scenario)
{
	size_t size = scenario->ntasks * sizeof(*seats);
	pid_t children[SIM_VMS];
	int status, bad = 0;

	sim = scenario;
	seats = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seats == MAP_FAILED)
		fail("%zu bytes", size);
	write_file(CGROUPS "/cgroup.subtree_control", "+cpu");
	if (sysconf(_SC_NPROCESSORS_ONLN) < sim->ncpus)
		errno = EINVAL, fail("this machine has fewer than %d CPUs", sim->ncpus);
	pin(0, sim->ncpus - 1);
	for (int i = 0; i < sim->nvms; i++)
		make_cgroup(&sim->vms[i]);
	start_at = wall() + LEAD;
	count_at = start_at + sim->warm_up;
	end_at = start_at + sim->end;
	for (int i = 0; i < sim->nvms; i++) {
		children[i] = fork();
		if (children[i] < 0)
			fail("fork");
		if (!children[i])
			be_vm(&sim->vms[i]);
	}
	for (int i = 0; i < sim->nvms; i++) {
		waitpid(children[i], &status, 0);
		bad |= status;
		remove_cgroup(&sim->vms[i]);
	}
	if (bad)
		exit(1);
	collect();
}

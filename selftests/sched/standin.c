// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "standin.h"
#include "ktap.h"
#include "tinyvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/queztl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* So many threads of a chain have a stack; few of them are there at a time. */
#define LINKS		1024
#define LINK_STACK	8192
#define LINK_NS		2000000

struct plan {
	int threads;
	int chains;
	bool host;		/* without a VM */
	bool pinned;		/* to the first CPU */
	bool tiny;		/* its main thread is a vCPU */
	bool user_mode;		/* and its guest in user mode */
	int vcpus;		/* further ones, each of a VM of its own */
	bool yields;		/* it and a sibling are vCPUs that yield to each other */
	int in, out;		/* eventfds, -1: none */
};

static struct standin_state *state;

/* Busy threads begin when all are there: each would keep the main thread from making the next. */
static pthread_mutex_t spawning = PTHREAD_MUTEX_INITIALIZER;

static __u64 thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void *be_busy(void *arg)
{
	__u64 before = 0, slept = 0, now;

	pthread_mutex_lock(&spawning);
	pthread_mutex_unlock(&spawning);
	while (!state->relax) {
		for (volatile int i = 0; i < 100000; i++)
			;
		now = thread_ns();
		__atomic_fetch_add(&state->busy_ns, now - before, __ATOMIC_RELAXED);
		before = now;
		/* Seldom: a sleep may be longer than that loop. */
		if (state->end_vm && now - slept > 100000000) {
			usleep(1000);
			slept = now;
		}
	}
	return arg;
}

static void *beat(void *arg)
{
	(void)arg;
	for (;;) {
		usleep(10000);
		state->beats++;
	}
	return NULL;
}

static void spawn(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		_exit(1);
}

static int begin_link(void);

static int be_a_link(void *arg)
{
	(void)arg;
	while (thread_ns() < LINK_NS)
		;
	while (begin_link() < 0)
		;
	syscall(SYS_exit, 0);
	return 0;
}

/* Without what pthread_create() waits for: the next one can run at once. */
static int begin_link(void)
{
	static char stacks[LINKS][LINK_STACK] __attribute__((aligned(16)));
	static unsigned int next;
	unsigned int i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % LINKS;

	return clone(be_a_link, stacks[i] + LINK_STACK,
		     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
}

static void *answer(void *arg)
{
	const struct plan *plan = arg;
	__u64 n = 1;

	while (read(plan->in, &n, sizeof(n)) == sizeof(n)) {
		n = 1;
		if (write(plan->out, &n, sizeof(n)) != sizeof(n))
			break;
	}
	return NULL;
}

static int create_vm(void)
{
	int system = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return system < 0 ? -1 : ioctl(system, KVM_CREATE_VM, 0);
}

static void *be_a_vcpu(void *arg)
{
	struct tinyvm tiny;

	(void)arg;
	if (!tinyvm_create(&tiny, 1))
		tinyvm_run(&tiny, -1);
	_exit(1);
}

static void *be_a_sibling(void *tiny)
{
	tinyvm_run(tiny, -1);
	_exit(1);
}

/* The VM that a plan is about. */
static int create_vm_of(const struct plan *plan, struct tinyvm pair[2])
{
	int r;

	if (!plan->tiny && !plan->yields)
		return create_vm();
	r = plan->tiny ? tinyvm_create(&pair[0], 1) : tinyvm_create_pair(pair);
	if (!r && plan->user_mode)
		r = tinyvm_enter_user_mode(&pair[0]);
	return r ? r : pair[0].vm;
}

static void pin_to_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

static void live(struct plan *plan, int ready)
{
	struct tinyvm pair[2];
	int vm = -1;
	char ok;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (plan->pinned)
		pin_to_first_cpu();
	if (!plan->host)
		vm = create_vm_of(plan, pair);
	ok = plan->host || vm >= 0;
	pthread_mutex_lock(&spawning);
	for (int i = 0; i < plan->threads; i++)
		spawn(be_busy, NULL);
	pthread_mutex_unlock(&spawning);
	for (int i = 0; i < plan->vcpus; i++)
		spawn(be_a_vcpu, NULL);
	for (int i = 0; i < plan->chains; i++)
		if (begin_link() < 0)
			_exit(1);
	if (plan->tiny)
		spawn(beat, NULL);
	if (plan->yields && ok)
		spawn(be_a_sibling, &pair[1]);
	if (plan->in >= 0)
		spawn(answer, plan);
	if (write(ready, &ok, 1) != 1)
		_exit(1);
	close(ready);
	if ((plan->tiny || plan->yields) && ok)
		tinyvm_run(&pair[0], -1);
	while (!state->end_vm)
		usleep(10000);
	close(vm);
	for (;;)
		pause();
}

static __u64 vm_of(pid_t pid)
{
	struct queztl_vm_next_args next = { .size = sizeof(next) };
	int device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	__u64 found = 0;

	while (!found && !ioctl(device, QUEZTL_VM_NEXT, &next)) {
		struct queztl_vm_open_args open = { .size = sizeof(open), .id = next.id };
		struct queztl_vm info = { .size = sizeof(info) };

		if (ioctl(device, QUEZTL_VM_OPEN, &open))
			continue;
		if (!ioctl(open.vm_fd, QUEZTL_VM_INFO, &info) && info.pid == pid)
			found = next.id;
		close(open.vm_fd);
	}
	close(device);
	return found;
}

static struct standin start(struct plan plan)
{
	struct standin s = {};
	int ends[2];
	char ok = 0;

	s.state = mmap(NULL, sizeof(*s.state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(s.state != MAP_FAILED);
	ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
	s.pid = fork();
	if (!s.pid) {
		state = s.state;
		live(&plan, ends[1]);
	}
	close(ends[1]);
	ASSERT_EQ(read(ends[0], &ok, 1), 1);
	close(ends[0]);
	if (!ok)
		SKIP("no KVM");
	for (int i = 0; !plan.host && i < 1000 && !s.id; i++) {
		s.id = vm_of(s.pid);
		if (!s.id)
			usleep(10000);
	}
	ASSERT(plan.host || s.id);
	return s;
}

struct standin start_standin(int threads)
{
	return start((struct plan){ .threads = threads, .in = -1, .out = -1 });
}

struct standin start_tiny(int threads)
{
	return start((struct plan){ .threads = threads, .tiny = true, .in = -1, .out = -1 });
}

struct standin start_user_mode(int threads)
{
	return start((struct plan){ .threads = threads, .tiny = true, .user_mode = true, .in = -1, .out = -1 });
}

struct standin start_vcpus(int vcpus)
{
	return start((struct plan){ .tiny = true, .vcpus = vcpus - 1, .in = -1, .out = -1 });
}

struct standin start_yielding(void)
{
	return start((struct plan){ .yields = true, .in = -1, .out = -1 });
}

struct standin start_chains(int threads, int chains)
{
	return start((struct plan){ .threads = threads, .chains = chains, .in = -1, .out = -1 });
}

struct standin start_host(int threads, int chains)
{
	return start((struct plan){ .threads = threads, .chains = chains, .host = true, .in = -1, .out = -1 });
}

struct standin start_pinned(void)
{
	return start((struct plan){ .threads = 1, .pinned = true, .host = true, .in = -1, .out = -1 });
}

void start_pair(struct standin *a, struct standin *b, bool pinned)
{
	int to_a = eventfd(0, 0), to_b = eventfd(0, 0);
	__u64 one = 1;

	ASSERT(to_a >= 0 && to_b >= 0);
	*a = start((struct plan){ .in = to_a, .out = to_b, .pinned = pinned });
	*b = start((struct plan){ .in = to_b, .out = to_a, .pinned = pinned });
	ASSERT_EQ(write(to_a, &one, sizeof(one)), sizeof(one));
}

__u64 standin_beats(const struct standin *s)
{
	return s->state->beats;
}

__u64 standin_busy_ns(const struct standin *s)
{
	return __atomic_load_n(&s->state->busy_ns, __ATOMIC_RELAXED);
}

void standin_relax(struct standin *s)
{
	s->state->relax = true;
}

void standin_end_vm(struct standin *s)
{
	s->state->end_vm = true;
}

void end_standin(struct standin *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->state, sizeof(*s->state));
}

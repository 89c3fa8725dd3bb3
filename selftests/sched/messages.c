// SPDX-License-Identifier: GPL-2.0
/*
 * Messages under the module's scheduler, between two processes that each have a VM and a port of the
 * fabric or a window: they are counted, and who has sent by the fabric gives way to who is to answer.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "world.h"
#include "channel/host.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/queztl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	100
#define ENOUGH	10
#define LENGTH	60

static const struct swg_options options = { .features = F(VIRTIO_RING_F_EVENT_IDX) };
static struct member *m[2];
static int device;

/* Between the two. */
static struct shared {
	volatile bool awaits;	/* a request */
} *shared;

/* ---- the scheduler ---- */

static void stop_scheduler(void)
{
	struct queztl_sched_stop_args arg = { .size = sizeof(arg) };

	ioctl(device, QUEZTL_SCHED_STOP, &arg);
}

static void start_scheduler(void)
{
	struct queztl_sched_start_args arg = { .size = sizeof(arg) };
	struct queztl_info info = { .size = sizeof(info) };

	device = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(ioctl(device, QUEZTL_GET_INFO, &info), 0);
	if (!(info.features & QUEZTL_F_SCHED))
		SKIP("the kernel lets no module bring a scheduler");
	stop_scheduler();
	ASSERT_EQ(ioctl(device, QUEZTL_SCHED_START, &arg), 0);
}

static struct queztl_vm_sched counts_of(__u64 vm)
{
	struct queztl_vm_sched arg = { .size = sizeof(arg), .id = vm };

	ASSERT_EQ(ioctl(device, QUEZTL_VM_SCHED_GET, &arg), 0);
	return arg;
}

static struct queztl_sched_partner partner_of(const struct queztl_vm_sched *counts, __u64 vm)
{
	for (int i = 0; i < QUEZTL_SCHED_PARTNERS; i++)
		if (counts->partners[i].id == vm)
			return counts->partners[i];
	return (struct queztl_sched_partner){ 0 };
}

/* ---- VMs ---- */

static int create_vm(void)
{
	int system = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return system < 0 ? -1 : ioctl(system, KVM_CREATE_VM, 0);
}

static pid_t pid_of(__u64 vm)
{
	struct queztl_vm_open_args open = { .size = sizeof(open), .id = vm };
	struct queztl_vm info = { .size = sizeof(info) };

	if (ioctl(device, QUEZTL_VM_OPEN, &open))
		return 0;
	if (ioctl(open.vm_fd, QUEZTL_VM_INFO, &info))
		info.pid = 0;
	close(open.vm_fd);
	return info.pid;
}

/* It is announced, and found a moment later. */
static __u64 vm_of(pid_t pid)
{
	for (int i = 0; i < SOON; i++) {
		struct queztl_vm_next_args next = { .size = sizeof(next) };

		while (!ioctl(device, QUEZTL_VM_NEXT, &next))
			if (pid_of(next.id) == pid)
				return next.id;
		usleep(1000);
	}
	ASSERT(!"no VM");
	return 0;
}

/* It takes no CPU when it is woken: it has to be given one. */
static void make_batch(__u64 vm)
{
	struct queztl_vm_sched arg = { .size = sizeof(arg), .id = vm, .set = QUEZTL_VM_MODE, .mode = QUEZTL_VM_BATCH };

	ASSERT_EQ(ioctl(device, QUEZTL_VM_SCHED_SET, &arg), 0);
}

/* ---- who answers ---- */

static void allow_cpus(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

enum answerer {
	SLEEPS,		/* until there is a request */
	POLLS,		/* and wants no interrupt */
	MOVES,		/* to the second CPU after each answer, which others want, too */
};

static void answer(enum answerer how)
{
	uint8_t frame[SWG_FRAME];
	uint32_t count = 0;

	if (create_vm() < 0 || swg_open(&m[1]->port, m[1]->name) || swg_start(&m[1]->port, &options))
		_exit(1);
	for (;;) {
		int length;

		if (how == MOVES) {
			allow_cpus(1, 1);
			allow_cpus(0, 1);
		}
		shared->awaits = true;
		while (how == POLLS && !swg_used_any(&m[1]->port, SWG_RX))
			swg_ask_none(&m[1]->port, SWG_RX);
		length = swg_receive(&m[1]->port, frame, sizeof(frame), 1000);
		if (length <= 0)
			continue;
		shared->awaits = false;
		send_to(m[1], m[0]->mac, LENGTH, count++, 0);
		swg_reap(&m[1]->port);
	}
}

static pid_t start_answering(enum answerer how)
{
	pid_t child;

	if (create_vm() < 0)
		SKIP("no KVM");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(shared != MAP_FAILED);
	make_lan(m, 2, &options);
	swg_close(&m[1]->port);
	child = fork();
	if (!child)
		answer(how);
	for (int i = 0; i < SOON && !shared->awaits; i++)
		usleep(1000);
	ASSERT(shared->awaits);
	return child;
}

static pid_t start_computing(void)
{
	pid_t child = fork();

	if (child)
		return child;
	if (create_vm() < 0)
		_exit(1);
	for (;;)
		;
}

/* As ps shows it. */
static char state_of(pid_t pid)
{
	char path[32], text[256] = "", *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text) - 1) < 0)
		*text = 0;
	close(fd);
	state = strrchr(text, ')');
	return state ? state[2] : 0;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* ---- who asks ---- */

static void hear(void)
{
	uint8_t frame[SWG_FRAME];

	ASSERT_EQ(swg_receive(&m[0]->port, frame, sizeof(frame), SOON), LENGTH);
	swg_reap(&m[0]->port);
}

/* Return: was the answer there when the kick returned? */
static bool ask(void)
{
	static uint32_t count;
	bool there;

	ASSERT_EQ(send_to(m[0], m[1]->mac, LENGTH, count++, 0), 0);
	there = swg_used_any(&m[0]->port, SWG_RX);
	hear();
	return there;
}

/* Until the other one is ready, a thread of each is known, and interrupts come without the workers' help. */
static void warm_up(void)
{
	for (int i = 0; i < 10; i++)
		ask();
}

/* ---- tests ---- */

static void expect_each_is_counted(enum answerer how)
{
	struct queztl_vm_sched before[2], after[2];
	struct queztl_sched_partner then, now;
	__u64 vm[2];
	pid_t child;

	start_scheduler();
	child = start_answering(how);
	vm[0] = vm_of(getpid());
	vm[1] = vm_of(child);
	warm_up();
	for (int i = 0; i < 2; i++)
		before[i] = counts_of(vm[i]);
	for (int i = 0; i < ROUNDS; i++)
		ask();
	for (int i = 0; i < 2; i++) {
		after[i] = counts_of(vm[i]);
		EXPECT_EQ(after[i].handovers_sent - before[i].handovers_sent, ROUNDS);
		EXPECT_EQ(after[i].handovers_received - before[i].handovers_received, ROUNDS);
		then = partner_of(&before[i], vm[!i]);
		now = partner_of(&after[i], vm[!i]);
		EXPECT_EQ(now.sent - then.sent, ROUNDS);
		EXPECT_EQ(now.received - then.received, ROUNDS);
	}
	end(child);
	stop_scheduler();
}

TEST_WITHIN(counts_each_message_once, 120)
{
	expect_each_is_counted(SLEEPS);
}

TEST_WITHIN(counts_messages_to_one_that_polls, 120)
{
	expect_each_is_counted(POLLS);
}

/*
 * It was last on another CPU, which somebody else has. Were the sender not to give way, its kick would
 * return before the answer: 9 answers of 1000 were there in time. With it 38 of 100 are, and on a busy
 * host 23 were.
 */
TEST_WITHIN(a_sender_gives_way_to_one_of_another_cpu, 240)
{
	int there = 0, asked = 0;
	pid_t child, other;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one CPU");
	start_scheduler();
	allow_cpus(1, 1);
	other = start_computing();
	allow_cpus(0, 0);
	child = start_answering(MOVES);
	make_batch(vm_of(child));
	warm_up();
	for (; asked < 2 * ROUNDS && there < ENOUGH; asked++) {
		while (!shared->awaits || state_of(child) != 'S')
			usleep(1000);
		there += ask();
	}
	ktap_say("of %d answers %d were there when the kick returned", asked, there);
	EXPECT_EQ(there, ENOUGH);
	end(other);
	end(child);
	stop_scheduler();
}

/* ---- channels ---- */

static struct window windows[2];
static int kicks[2], calls[2];	/* eventfds of slot 0 of each, or -1 */

/* And for so long that who rings may ring itself: on an emulated host that takes more than it has. */
static void wait_asleep(pid_t pid)
{
	do
		usleep(20000 * ktap_factor());
	while (state_of(pid) != 'S');
}

static void ring_peer(int me)
{
	if (kicks[me] >= 0)
		ASSERT_EQ(eventfd_write(kicks[me], 1), 0);
	else
		ASSERT_EQ(channel_ring(windows[me].fd, 0), 0);
}

static void sleep_until_rung(int me)
{
	struct pollfd poller = { .fd = windows[me].fd, .events = POLLIN };
	struct queztl_events events;
	eventfd_t count;

	if (calls[me] >= 0) {
		ASSERT_EQ(eventfd_read(calls[me], &count), 0);
		return;
	}
	do {
		ASSERT_EQ(poll(&poller, 1, -1), 1);
		ASSERT_EQ(window_events(windows[me].fd, &events), 0);
	} while (!events.rung);
}

static void answer_bells(pid_t asker)
{
	if (create_vm() < 0)
		_exit(1);
	for (;;) {
		sleep_until_rung(1);
		wait_asleep(asker);
		ring_peer(1);
	}
}

/* As KVM has them for a VM, or by calls, as a process of the host has it. */
static pid_t start_answering_bells(bool by_eventfd)
{
	pid_t self = getpid(), child;

	if (create_vm() < 0)
		SKIP("no KVM");
	join_windows(&windows[0], &windows[1]);
	for (int i = 0; i < 2; i++) {
		kicks[i] = by_eventfd ? eventfd(0, EFD_CLOEXEC) : -1;
		calls[i] = by_eventfd ? eventfd(0, EFD_CLOEXEC) : -1;
		ASSERT_EQ(window_bell(windows[i].fd, 0, kicks[i], calls[i]), 0);
	}
	child = fork();
	if (!child)
		answer_bells(self);
	return child;
}

/* Each is asleep when it is rung, so somebody is woken each time. */
static void ask_by_bells(pid_t child, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		wait_asleep(child);
		ring_peer(0);
		sleep_until_rung(0);
	}
	wait_asleep(child);
}

/* Of one VM, between two looks at it. */
struct bell_counts {
	__u64 sent, received;
};

static struct bell_counts bells_between(const struct queztl_vm_sched *before, const struct queztl_vm_sched *after)
{
	return (struct bell_counts){ .sent = after->handovers_sent - before->handovers_sent,
				     .received = after->handovers_received - before->handovers_received };
}

/*
 * A bell that a worker rings, because wake-ups take long on this host, is no wake-up by the peer: so
 * fewer may be counted than were sent, but never more, and both VMs count alike.
 */
static void expect_bells_are_counted(bool by_eventfd)
{
	struct queztl_vm_sched before[2], after[2];
	struct bell_counts counts[2] = { 0 };
	pid_t child;
	int rung = 0;
	__u64 vm[2];

	start_scheduler();
	child = start_answering_bells(by_eventfd);
	vm[0] = vm_of(getpid());
	vm[1] = vm_of(child);
	ask_by_bells(child, 10);
	for (int i = 0; i < 2; i++)
		before[i] = counts_of(vm[i]);
	while (rung < 4 * ROUNDS && (counts[0].sent < ENOUGH || counts[1].sent < ENOUGH)) {
		ask_by_bells(child, ENOUGH);
		rung += ENOUGH;
		for (int i = 0; i < 2; i++) {
			after[i] = counts_of(vm[i]);
			counts[i] = bells_between(&before[i], &after[i]);
		}
	}
	for (int i = 0; i < 2; i++) {
		struct queztl_sched_partner then = partner_of(&before[i], vm[!i]), now = partner_of(&after[i], vm[!i]);

		ktap_say("VM %d: %d bells were rung and answered, %llu sent and %llu received", i, rung,
			 (unsigned long long)counts[i].sent, (unsigned long long)counts[i].received);
		EXPECT_GE(counts[i].sent, ENOUGH);
		EXPECT_LE(counts[i].sent, rung);
		EXPECT_EQ(counts[i].received, counts[!i].sent);
		EXPECT_EQ(now.sent - then.sent, counts[i].sent);
		EXPECT_EQ(now.received - then.received, counts[i].received);
	}
	end(child);
	stop_scheduler();
}

/* The peer's thread is woken in an interrupt that the sender has caused. */
TEST_WITHIN(counts_bells_that_eventfds_ring, 120)
{
	expect_bells_are_counted(true);
}

TEST_WITHIN(counts_bells_that_calls_ring, 120)
{
	expect_bells_are_counted(false);
}

static void sweep(void)
{
	fabric_sweep();
	channel_sweep();
}

int main(int argc, char **argv)
{
	sweep();
	return ktap_run(argc, argv, sweep);
}

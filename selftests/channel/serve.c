// SPDX-License-Identifier: GPL-2.0
/* queztl window serve, with programs that are VMs. */
#define _GNU_SOURCE
#include "ktap.h"
#include "cgroup.h"
#include "fabric.h"
#include "vm.h"

#include <sys/stat.h>

#define SLOTS	2
#define VECTORS	(SLOTS + 1)
#define A	"/tmp/" FABRIC_PREFIX "a.sock"
#define B	"/tmp/" FABRIC_PREFIX "b.sock"
#define QUESTIONS	"500"	/* a busy machine takes ms for each */
#define WAIT_MS	(20000 * ktap_factor())

static void serve_both(pid_t servers[2], struct vm *a, struct vm *b)
{
	servers[0] = serve_start("qta", SLOTS, REGION, A);
	servers[1] = serve_start("qtb", SLOTS, REGION, B);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(vm_start(a, A, VECTORS), 0);
	ASSERT_EQ(vm_start(b, B, VECTORS), 0);
}

static void stop_both(const pid_t servers[2], struct vm *a, struct vm *b)
{
	vm_stop(a);
	vm_stop(b);
	EXPECT_EQ(serve_stop(servers[0]), 0);
	EXPECT_EQ(serve_stop(servers[1]), 0);
}

struct end {
	struct vm *vm;
	int slot;
	struct qhp_tx tx;
	struct qhp_rx rx;
};

static void prepare(struct end *end)
{
	struct qhp_ends ends = ends_of(&end->vm->window, end->slot);

	ASSERT_EQ(qhp_region_init(&end->tx, &ends, 0), 0);
}

static void attach(struct end *end)
{
	__u64 features;

	ASSERT_EQ(qhp_rx_attach(&end->rx, &end->tx.ends, &features), 0);
}

static void send_text(struct end *end, const char *text)
{
	void *at;

	ASSERT_EQ(qhp_tx_reserve(&end->tx, strlen(text), &at), 0);
	memcpy(at, text, strlen(text));
	qhp_tx_commit(&end->tx);
	if (qhp_tx_publish(&end->tx))
		vm_kick(end->vm, QHP_VECTOR_SLOT(end->slot));
}

/* It sleeps until the interrupt of the slot. */
static void expect_text(struct end *end, const char *text)
{
	struct qhp_msg msg;
	int r;

	while (!(r = qhp_rx_peek(&end->rx, &msg)))
		if (!qhp_rx_arm(&end->rx))
			ASSERT(vm_wait(end->vm, QHP_VECTOR_SLOT(end->slot), WAIT_MS));
	ASSERT_EQ(r, 1);
	ASSERT_EQ(msg.len, strlen(text));
	EXPECT(!memcmp(msg.data, text, msg.len));
	qhp_rx_release(&end->rx, 1);
}

static void join(struct vm *a, struct vm *b, struct end *end_a, struct end *end_b)
{
	*end_a = (struct end){ .vm = a, .slot = vm_listen(a, "qtc", 0) };
	ASSERT_EQ(end_a->slot, 0);
	*end_b = (struct end){ .vm = b, .slot = vm_connect(b, "qtc") };
	ASSERT_EQ(end_b->slot, 0);
	/* the listener is interrupted, as its slot has changed */
	EXPECT(vm_wait(a, QHP_VECTOR_CONTROL, WAIT_MS));
	EXPECT_EQ(slot_state(&a->window, 0), QHP_SLOT_CONNECTED);
	prepare(end_a);
	prepare(end_b);
	attach(end_a);
	attach(end_b);
}

TEST(two_vms_exchange_messages_by_interrupts)
{
	struct end end_a, end_b;
	pid_t servers[2];
	struct vm a, b;
	pid_t child;
	int status;

	serve_both(servers, &a, &b);
	join(&a, &b, &end_a, &end_b);
	/* b's mapping is not inherited, so a is the child */
	child = fork();
	if (!child) {
		window_map(&a.window);
		end_a.tx.ends = ends_of(&a.window, 0);
		end_a.tx.ring = (__u8 *)(end_a.tx.ends.own + 1);
		end_a.rx.ends = end_a.tx.ends;
		end_a.rx.ring = (const __u8 *)(end_a.tx.ends.peer + 1);
		for (int i = 0; i < 200; i++) {
			expect_text(&end_a, "ping");
			send_text(&end_a, "pong");
		}
		_exit(ktap_shared->failed ? 1 : 0);
	}
	for (int i = 0; i < 200; i++) {
		send_text(&end_b, "ping");
		expect_text(&end_b, "pong");
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	stop_both(servers, &a, &b);
}

TEST(policy_holds_for_guests)
{
	pid_t servers[2];
	struct vm a, b;

	serve_both(servers, &a, &b);
	EXPECT_EQ(vm_connect(&b, "qtc"), -ECONNREFUSED);
	EXPECT_EQ(vm_connect(&a, "qtc"), -EPERM);
	EXPECT_EQ(vm_listen(&b, "qtc", 0), -EPERM);
	EXPECT_EQ(vm_listen(&a, "qtc", 3), -EINVAL);
	EXPECT_EQ(vm_listen(&a, "", 0), -EINVAL);
	EXPECT_EQ(vm_close(&a, 0), -ENOENT);
	EXPECT_EQ(vm_listen(&a, "qtc", 0), 0);
	EXPECT_EQ(vm_connect(&b, "qtc"), 0);
	EXPECT_EQ(vm_close(&b, 0), 0);
	EXPECT(vm_wait(&a, QHP_VECTOR_CONTROL, WAIT_MS));
	EXPECT_EQ(slot_state(&a.window, 0), QHP_SLOT_CLOSED);
	stop_both(servers, &a, &b);
}

static bool becomes(const struct vm *vm, int slot, __u32 state)
{
	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (slot_state(&vm->window, slot) == state)
			return true;
		usleep(10000);
	}
	return false;
}

/* A VM that dies loses its channels, its peer is interrupted, and its successor finds nothing. */
TEST(vm_that_dies_and_starts_again)
{
	struct queztl_window found;
	struct end end_a, end_b;
	pid_t servers[2];
	struct vm a, b;

	serve_both(servers, &a, &b);
	for (int i = 0; i < 5; i++) {
		join(&a, &b, &end_a, &end_b);
		vm_stop(&b);
		EXPECT(vm_wait(&a, QHP_VECTOR_CONTROL, WAIT_MS));
		EXPECT(becomes(&a, 0, QHP_SLOT_CLOSED));
		ASSERT_EQ(vm_start(&b, B, VECTORS), 0);
		ASSERT_EQ(window_find("qtb", &found), 0);
		EXPECT_EQ(found.used, 0);
		EXPECT_EQ(vm_close(&a, 0), 0);
	}
	stop_both(servers, &a, &b);
	EXPECT_EQ(window_find("qtb", &found), -ENOENT);
}

TEST(one_vm_at_a_time)
{
	struct vm a, second;
	pid_t server;

	server = serve_start("qta", SLOTS, REGION, A);
	ASSERT_EQ(vm_start(&a, A, VECTORS), 0);
	EXPECT_EQ(vm_start(&second, A, VECTORS), -ECONNRESET);
	EXPECT_EQ(vm_close(&a, 0), -ENOENT);	/* the first is served as before */
	close(second.socket);
	vm_stop(&a);
	EXPECT_EQ(serve_stop(server), 0);
	EXPECT_FAILS(access(A, F_OK), ENOENT);
}

/* It has to be there to make channels, not to use them. */
TEST(channels_outlive_their_server)
{
	struct end end_a, end_b;
	pid_t servers[2];
	struct vm a, b;

	serve_both(servers, &a, &b);
	join(&a, &b, &end_a, &end_b);
	EXPECT_EQ(serve_stop(servers[0]), 0);
	kill(servers[1], SIGKILL);
	ASSERT_EQ(waitpid(servers[1], NULL, 0), servers[1]);
	ASSERT(!qhp_rx_arm(&end_a.rx));
	send_text(&end_b, "still");
	expect_text(&end_a, "still");
	vm_stop(&a);
	vm_stop(&b);
	unlink(B);
}

static pid_t start_echo(const char *role, const char *window)
{
	char path[BUILT_ROOM];
	pid_t child;

	built_program(path, "examples/channel_echo");
	child = fork();
	if (child)
		return child;
	execl(path, "channel_echo", role, "qtc", window, QUESTIONS, NULL);
	_exit(127);
}

static int wait_for_exit(pid_t child)
{
	int status;

	ASSERT_EQ(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool listens(const char *name)
{
	struct queztl_channel found;

	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (!channel_find(name, &found))
			return true;
		usleep(10000);
	}
	return false;
}

/* Both ends are libqueztl's. */
TEST(library_at_both_ends)
{
	pid_t listener, connecter;

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	listener = start_echo("listen", "qta");
	ASSERT(listens("qtc"));
	connecter = start_echo("connect", "qtb");
	EXPECT_EQ(wait_for_exit(connecter), 0);
	EXPECT_EQ(wait_for_exit(listener), 0);	/* it was told that its peer has gone */
}

struct question {
	__u64 number;
	__u64 square;
};

/* Answers until the peer has gone. */
static int answer_questions(struct end *end)
{
	struct question *answer;
	struct qhp_msg msg;
	int answered = 0, r;

	for (;;) {
		while (!(r = qhp_rx_peek(&end->rx, &msg)) && !qhp_rx_arm(&end->rx)) {
			if (slot_state(&end->vm->window, end->slot) != QHP_SLOT_CONNECTED)
				return answered;
			vm_wait(end->vm, QHP_VECTOR_SLOT(end->slot), 100);
		}
		if (r < 0)
			return answered;
		if (!r)
			continue;
		ASSERT_EQ(msg.len, sizeof(*answer));
		ASSERT_EQ(qhp_tx_reserve(&end->tx, sizeof(*answer), (void **)&answer), 0);
		memcpy(answer, msg.data, sizeof(*answer));
		answer->square = answer->number * answer->number;
		qhp_rx_release(&end->rx, 1);
		qhp_tx_commit(&end->tx);
		if (qhp_tx_publish(&end->tx))
			vm_kick(end->vm, QHP_VECTOR_SLOT(end->slot));
		answered++;
	}
}

/* A process of the host with libqueztl, and a VM that has only the ring. */
TEST(library_on_the_host_talks_to_a_vm)
{
	pid_t server = serve_start("qta", SLOTS, REGION, A), child;
	struct end end;
	struct vm a;

	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	ASSERT_EQ(vm_start(&a, A, VECTORS), 0);
	end = (struct end){ .vm = &a, .slot = vm_listen(&a, "qtc", 0) };
	ASSERT_EQ(end.slot, 0);
	child = start_echo("connect", "qtb");
	EXPECT(vm_wait(&a, QHP_VECTOR_CONTROL, WAIT_MS));
	EXPECT(vm_wait(&a, QHP_VECTOR_SLOT(0), WAIT_MS));	/* its region is prepared */
	prepare(&end);
	attach(&end);
	vm_kick(&a, QHP_VECTOR_SLOT(0));
	EXPECT_EQ(answer_questions(&end), atoi(QUESTIONS));
	EXPECT_EQ(wait_for_exit(child), 0);
	vm_stop(&a);
	EXPECT_EQ(serve_stop(server), 0);
}

#define CGROUP "/sys/fs/cgroup/" FABRIC_PREFIX "vm"
#define THREADED CGROUP "/threads"

/* A cgroup for threads has no memory of its own; that is the cgroup's above. */
static void enter_threaded(const char *pid)
{
	mkdir(THREADED, 0755);
	ASSERT_EQ(write_text(THREADED "/cgroup.type", "threaded"), 0);
	ASSERT_EQ(write_text(THREADED "/cgroup.threads", pid), 0);
}

static void remove_cgroup(const char *path)
{
	for (int i = 0; i < 100 && rmdir(path) && errno != ENOENT; i++)
		usleep(10000);
}

/* In a cgroup of its own: the memory of its channels counts there, and is limited there. */
static void charge_guest(bool threaded)
{
	const __u32 region = 4 * 1024 * 1024;
	long long before;
	pid_t server;
	char pid[16];
	struct vm a;

	if (write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory"))
		SKIP("no memory controller");
	mkdir(CGROUP, 0755);
	ASSERT_EQ(channel_allow("qtc", "qta", "qtb"), 0);
	server = serve_start("qta", SLOTS, region, A);
	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(write_text(CGROUP "/cgroup.procs", pid), 0);
	if (threaded)
		enter_threaded(pid);
	ASSERT_EQ(vm_start(&a, A, VECTORS), 0);
	before = read_number(CGROUP "/memory.current");
	EXPECT_EQ(vm_listen(&a, "qtc", 0), 0);
	EXPECT_GE(read_number(CGROUP "/memory.current") - before, region / 2);	/* it is counted per CPU, in batches */
	ASSERT_EQ(write_text(CGROUP "/memory.swap.max", "0") && errno != ENOENT, 0);
	ASSERT_EQ(write_text(CGROUP "/memory.max", "7M"), 0);
	EXPECT_EQ(vm_listen(&a, "qtc", 0), -ENOMEM);
	EXPECT_EQ(vm_close(&a, 0), 0);
	ASSERT_EQ(write_text("/sys/fs/cgroup/cgroup.procs", pid), 0);
	vm_stop(&a);
	EXPECT_EQ(serve_stop(server), 0);
	remove_cgroup(THREADED);
	remove_cgroup(CGROUP);
}

TEST(memory_of_a_guest_is_charged_to_its_vm)
{
	charge_guest(false);
}

TEST(memory_of_a_guest_of_a_threaded_vm_is_charged)
{
	charge_guest(true);
}

/* Whatever a guest writes into its mailbox, and however often it rings, the other VM is served. */
TEST(guest_that_writes_anything_harms_nobody)
{
	struct qhp_mailbox *mailbox;
	time_t end = time(NULL) + 3;
	pid_t servers[2];
	struct vm a, b;
	int done = 0;

	serve_both(servers, &a, &b);
	mailbox = (struct qhp_mailbox *)(a.window.at + directory_of(&a.window)->mailbox);
	srand(1);
	while (time(NULL) < end) {
		for (int i = 0; i < 20; i++) {
			for (size_t n = 0; n < sizeof(mailbox->request); n++)
				((char *)&mailbox->request)[n] = rand();
			mailbox->request.op = rand() % 6;
			mailbox->request.slot = rand() % 4;
			vm_kick(&a, QHP_VECTOR_CONTROL);
		}
		EXPECT_EQ(vm_connect(&b, "qtc"), -ECONNREFUSED);
		done++;
	}
	ktap_say("%d requests of the other VM", done);
	a.number = mailbox->answer.number;
	EXPECT_EQ(vm_listen(&a, "qtc", 0), 0);
	EXPECT_EQ(vm_connect(&b, "qtc"), 0);
	stop_both(servers, &a, &b);
}

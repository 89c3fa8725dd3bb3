// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for a while: guests that change everything under their own feet (racer.c), killed now and then, their
 * ports deleted and made again; others that list, bind, delete, and say who may send to whom. Beside them a pair that
 * must lose nothing (innocent.c) and one that plays ping-pong by interrupts, each waited for with a bound: a wake-up that
 * is lost ends it.
 *
 *	races [--seed N] [--seconds N]
 *
 * Twice: as it is, and with qz_delays.ko holding the race windows open. Prints KTAP and what was raced how often.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "delays.h"
#include "innocent.h"
#include "mutate.h"
#include "racer.h"
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>

enum { GOOD_A, GOOD_B, PING_A, PING_B, RACER, RACERS = 3, NETDEV = RACER + RACERS, PORTS };
#define RACER_NUMBERS { RACER + 1, RACER + 2, RACER + 3, GOOD_A + 1, PING_A + 1 }
static const char *const names[PORTS] = { "qtg0", "qtg1", "qtp0", "qtp1", "qtr0", "qtr1", "qtr2", "qtn0" };

static struct {
	uint64_t seed;
	int seconds;
} wanted = { .seed = 1, .seconds = 60 };

struct ping_report {
	uint64_t rounds, foreign;
	double longest;			/* seconds a frame and its interrupt took */
	bool ready, stop, done;
	char why[160];
};

static struct shared {
	struct innocent_report innocent;
	struct ping_report ping;
	struct racer_report racer[RACERS];
} *shared;

static struct mutator dice;
static __u64 fabric;
static volatile bool racing;
static struct {
	uint64_t kills, deletions, early_deletions, stops, listings, refused, flights, bindings, rulings;
} did;

#define roll(below) mutate_random(&dice, below)

/* ---- ping-pong ---- */

/* Frames of the racers come in between. */
static int await_ball(struct ping_report *report, struct member *at, struct member *from, uint32_t round)
{
	static uint8_t frame[SWG_FRAME];
	double begun = swg_now();
	int length;

	for (;;) {
		length = swg_receive(&at->port, frame, sizeof(frame), 4 * SOON);
		if (length < 0)
			return length;
		if (length == 100 && frame_check(frame, length, at->mac, from->mac, round))
			break;
		report->foreign++;
		if (swg_now() - begun > 8 * SOON / 1e3)
			return -ETIMEDOUT;
	}
	if (swg_now() - begun > report->longest)
		report->longest = swg_now() - begun;
	return 0;
}

/* A throw is lost when the racers' broadcasts have filled the ring: only then it may be thrown again. */
static bool was_dropped(struct member *at)
{
	struct queztl_port_stats now;

	return !port_stats(at->name, &now) && now.drops[QUEZTL_DROP_FULL] > at->then.drops[QUEZTL_DROP_FULL];
}

static void play(struct ping_report *report)
{
	static struct member side[2];
	static const struct swg_options options = { .num = 1024, .features = F(VIRTIO_RING_F_EVENT_IDX) };
	uint32_t round = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(side[i].name, sizeof(side[i].name), "%s", names[PING_A + i]);
		frame_mac(side[i].mac, PING_A + i + 1);
		if (swg_open(&side[i].port, side[i].name) || swg_start(&side[i].port, &options)) {
			snprintf(report->why, sizeof(report->why), "cannot start");
			return;
		}
		port_stats(side[i].name, &side[i].then);
	}
	report->ready = true;
	while (!report->stop && !report->why[0]) {
		struct member *from = &side[round & 1], *to = &side[!(round & 1)];
		int r = send_to(from, to->mac, 100, round, 0);

		if (!r)
			r = await_ball(report, to, from, round);
		if (r == -ETIMEDOUT && was_dropped(to)) {
			port_stats(to->name, &to->then);
			continue;
		}
		if (r)
			snprintf(report->why, sizeof(report->why), "round %u, %s to %s: %s", round, from->name, to->name,
				 r == -ENOMSG ? "no interrupt" : strerror(-r));
		round++;
		report->rounds = round;
	}
	report->done = true;
}

/* ---- processes ---- */

static pid_t children[PORTS];

static void wait_until(const bool *flag, const char *what)
{
	double end = swg_now() + 4 * SOON / 1e3;

	while (!*(volatile const bool *)flag && swg_now() < end)
		usleep(1000);
	KTAP_CHECK(*(volatile const bool *)flag, true, "%s did not start", what);
}

static void start_racer(int index)
{
	static const int peers[] = RACER_NUMBERS;
	struct racer_report *report = &shared->racer[index];
	uint64_t seed = wanted.seed * 1000 + roll(1 << 30);

	report->ready = false;
	children[RACER + index] = fork();
	if (!children[RACER + index]) {
		racer_run(report, names[RACER + index], RACER + index + 1, peers, sizeof(peers) / sizeof(*peers), seed);
		_exit(0);
	}
	wait_until(&report->ready, names[RACER + index]);
}

static void end_child(int port, int how)
{
	if (how)
		kill(children[port], how);
	waitpid(children[port], NULL, 0);
	children[port] = 0;
}

static void start_good(void)
{
	children[GOOD_A] = fork();
	if (!children[GOOD_A]) {
		innocent_run(&shared->innocent, &names[GOOD_A], (const int[]){ GOOD_A + 1, GOOD_B + 1 });
		_exit(0);
	}
	children[PING_A] = fork();
	if (!children[PING_A]) {
		play(&shared->ping);
		_exit(0);
	}
	wait_until(&shared->innocent.ready, "the innocent pair");
	wait_until(&shared->ping.ready, "ping-pong");
}

/* ---- what happens to racers ---- */

static void add_port(int port)
{
	__u8 mac[6];

	frame_mac(mac, port + 1);
	ASSERT_EQ(port_add(names[port], "qtlan", mac, 0), 0);
}

static void *delete_port(void *name)
{
	return (void *)(intptr_t)port_del(name);
}

/* vDPA waits for the port to be let go of: the one who holds it is killed meanwhile, or just before. */
static void delete_under_racer(int index)
{
	bool early = roll(4);
	pthread_t thread;
	void *result;

	if (early)
		ASSERT_EQ(pthread_create(&thread, NULL, delete_port, (void *)names[RACER + index]), 0);
	usleep(roll(50000));
	end_child(RACER + index, SIGKILL);
	if (!early)
		ASSERT_EQ(pthread_create(&thread, NULL, delete_port, (void *)names[RACER + index]), 0);
	pthread_join(thread, &result);
	EXPECT_EQ((intptr_t)result, 0);
	did.early_deletions += early;
	did.deletions++;
	usleep(roll(5000));
	add_port(RACER + index);
	start_racer(index);
}

static void kill_racer(int index)
{
	end_child(RACER + index, SIGKILL);
	did.kills++;
	start_racer(index);
}

/* Its threads hold what they hold: a run that was put off, a lock of vhost's. */
static void stop_racer(int index)
{
	kill(children[RACER + index], SIGSTOP);
	usleep(roll(100000));
	kill(children[RACER + index], SIGCONT);
	did.stops++;
}

static void happen(void)
{
	int index = roll(RACERS);

	switch (roll(4)) {
	case 0: delete_under_racer(index); break;
	case 1: stop_racer(index); break;
	default: kill_racer(index); break;
	}
}

/* ---- what others do meanwhile ---- */

static void list_vms(void)
{
	struct queztl_vm_next next = { .size = sizeof(next) };

	while (!ioctl(queztl_fd(), QUEZTL_VM_NEXT, &next)) {
		struct queztl_vm_open vm = { .size = sizeof(vm), .id = next.id };
		struct queztl_vm_info info = { .size = sizeof(info) };
		struct queztl_vm_stats stats = { .size = sizeof(stats) };

		if (ioctl(queztl_fd(), QUEZTL_VM_OPEN, &vm))
			continue;
		ioctl(vm.vm_fd, QUEZTL_VM_INFO, &info);
		ioctl(vm.vm_fd, QUEZTL_VM_STATS, &stats);
		close(vm.vm_fd);
	}
	EXPECT_EQ(errno, ENOENT);
}

static void *list(void *unused)
{
	while (racing) {
		struct queztl_port_next port = { .size = sizeof(port) };
		struct queztl_fabric_next next = { .size = sizeof(next) };

		while (!ioctl(queztl_fd(), QUEZTL_PORT_NEXT, &port)) {
			struct queztl_port_stats stats = { .size = sizeof(stats), .id = port.id };

			if (ioctl(queztl_fd(), QUEZTL_PORT_STATS, &stats))
				EXPECT_EQ(errno, ENOENT);
		}
		EXPECT_EQ(errno, ENOENT);
		while (!ioctl(queztl_fd(), QUEZTL_FABRIC_NEXT, &next))
			;
		EXPECT_EQ(errno, ENOENT);
		list_vms();
		did.listings++;
		usleep(5000);
	}
	return unused;
}

/* One fabric that is in use, and one that comes and goes while somebody makes ports of it. */
static void *fly(void *unused)
{
	while (racing) {
		__u64 id;
		int r = fabric_del(fabric);

		EXPECT_EQ(r, -EBUSY);
		did.refused++;
		r = fabric_add("qtfly", &id);
		if (!r) {
			usleep(50000);
			for (int i = 0; i < 1000 && fabric_del(id) == -EBUSY; i++) {
				port_del("qtfp");
				usleep(1000);
			}
			did.flights++;
		}
	}
	return unused;
}

/* The fabric may be gone by now, or just going. */
static void *land(void *unused)
{
	const char *argv[] = { "vdpa", "dev", "add", "name", "qtfp", "mgmtdev", "queztl/qtfly", NULL };

	while (racing) {
		run_program(1, argv);
		usleep(20000);
	}
	return unused;
}

static bool find_netdev(char name[32])
{
	const char *script = "basename /sys/bus/vdpa/devices/qtn0/virtio*/net/*";
	FILE *pipe = popen(script, "r");
	bool found = pipe && fgets(name, 32, pipe) && name[0] != '*';

	if (pipe)
		pclose(pipe);
	name[strcspn(name, "\n")] = 0;
	return found;
}

/* The kernel as driver: its netdev says something as soon as it is up. */
static void *bind_and_unbind(void *unused)
{
	char netdev[32] = "";
	const char *up[] = { "ip", "link", "set", netdev, "up", NULL };

	while (racing) {
		port_bind(names[NETDEV], "virtio_vdpa");
		if (find_netdev(netdev))
			run_program(1, up);
		usleep(100000);
		port_bind(names[NETDEV], "vhost_vdpa");
		did.bindings++;
	}
	return unused;
}

/*
 * The fabric is closed and opened, the racers, which come and go, get and lose peers and addresses. The innocent ones
 * are peers, so a frame of theirs that does not arrive is a fault.
 */
static void *rule(void *unused)
{
	struct mutator own = { .state = wanted.seed + 99 };

	while (racing) {
		const char *racer = names[RACER + mutate_random(&own, RACERS)], *other = names[mutate_random(&own, PORTS)];

		switch (mutate_random(&own, 6)) {
		case 0:
			fabric_set("qtlan", QUEZTL_FABRIC_DENY);
			break;
		case 1:
			fabric_set("qtlan", 0);
			break;
		case 2:
			peer_add(racer, other);
			break;
		case 3:
			peer_del(other, racer);
			break;
		case 4:
			addr_add(racer, "10.0.0.1/32");
			break;
		default:
			addr_del(racer, "10.0.0.1/32");
		}
		did.rulings++;
		usleep(mutate_random(&own, 2000));
	}
	EXPECT_EQ(fabric_set("qtlan", 0), 0);
	for (int i = 0; i < RACERS; i++)
		addr_del(names[RACER + i], "10.0.0.1/32");
	return unused;
}

/* ---- the race ---- */

static void make_ports(void)
{
	ASSERT_EQ(fabric_add("qtlan", &fabric), 0);
	for (int i = 0; i < PORTS; i++)
		add_port(i);
	ASSERT_EQ(peer_add(names[GOOD_A], names[GOOD_B]), 0);
	ASSERT_EQ(peer_add(names[PING_A], names[PING_B]), 0);
}

static void tell(void)
{
	uint64_t kicks = 0, sent = 0, received = 0;

	for (int i = 0; i < RACERS; i++) {
		kicks += shared->racer[i].kicks;
		sent += shared->racer[i].sent;
		received += shared->racer[i].received;
	}
	ktap_say("%llu kills, %llu deletions (%llu while held), %llu stops; racers: %llu kicks, %llu sent, %llu received; "
		 "innocent %llu, ping-pong %llu (longest %.0f ms)", (unsigned long long)did.kills,
		 (unsigned long long)did.deletions, (unsigned long long)did.early_deletions,
		 (unsigned long long)did.stops, (unsigned long long)kicks, (unsigned long long)sent,
		 (unsigned long long)received, (unsigned long long)shared->innocent.received,
		 (unsigned long long)shared->ping.rounds, shared->ping.longest * 1e3);
}

/* So long at least; longer, within reason, where a slow host has not come to the rarest event. */
static bool is_over(double seconds)
{
	return seconds > 10 * wanted.seconds || (seconds > wanted.seconds && did.kills);
}

static void run_race(void)
{
	static void *(*const bystanders[])(void *) = { list, fly, land, bind_and_unbind, rule };
	pthread_t threads[sizeof(bystanders) / sizeof(*bystanders)];
	double begun = swg_now(), told = begun;

	racing = true;
	for (int i = 0; i < RACERS; i++)
		start_racer(i);
	for (size_t i = 0; i < sizeof(bystanders) / sizeof(*bystanders); i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, bystanders[i], NULL), 0);
	while (!is_over(swg_now() - begun) && !shared->ping.why[0] && !shared->innocent.why[0]) {
		usleep(100000 + roll(500000));
		happen();
		if (swg_now() - told > 10) {
			told = swg_now();
			tell();
		}
	}
	racing = false;
	for (size_t i = 0; i < sizeof(bystanders) / sizeof(*bystanders); i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < RACERS; i++) {
		shared->racer[i].stop = true;
		end_child(RACER + i, 0);
		shared->racer[i].stop = false;
	}
}

/* ---- the judgement ---- */

static void judge_innocent(void)
{
	struct innocent_report *report = &shared->innocent;
	uint64_t full = 0, others = 0;

	for (int i = GOOD_A; i <= GOOD_B; i++) {
		struct queztl_port_stats stats;

		ASSERT_EQ(port_stats(names[i], &stats), 0);
		full += stats.drops[QUEZTL_DROP_FULL];
		/* before both were up, and after the first had gone */
		for (int reason = 0; reason < QUEZTL_DROP_ROOM; reason++)
			others += reason == QUEZTL_DROP_FULL || reason == QUEZTL_DROP_DOWN ? 0 : stats.drops[reason];
	}
	ktap_say("innocent pair: sent %llu, received %llu, lost %llu, receiver full %llu, from others %llu",
		 (unsigned long long)report->sent, (unsigned long long)report->received,
		 (unsigned long long)report->gaps, (unsigned long long)full, (unsigned long long)report->foreign);
	KTAP_CHECK(!report->why[0], false, "innocent pair: %s", report->why);
	EXPECT(report->done);
	EXPECT_GE(report->received, 100);
	EXPECT_LE(report->gaps, full);
	EXPECT_EQ(others, 0);
}

static void judge_ping(void)
{
	ktap_say("ping-pong: %llu rounds, %llu frames of others, longest %.1f ms", (unsigned long long)shared->ping.rounds,
		 (unsigned long long)shared->ping.foreign, shared->ping.longest * 1e3);
	KTAP_CHECK(!shared->ping.why[0], false, "ping-pong: %s", shared->ping.why);
	EXPECT(shared->ping.done);
	EXPECT_GE(shared->ping.rounds, 50);
}

/* What was raced: a race that did not take place proves nothing. */
static void judge_racers(void)
{
	struct racer_report sum = { 0 };

	for (int i = 0; i < RACERS; i++) {
		struct racer_report *one = &shared->racer[i];

		KTAP_CHECK(!one->why[0], false, "%s: %s", names[RACER + i], one->why);
		for (int op = 0; op < RACER_OPS; op++) {
			sum.done[op] += one->done[op];
			sum.kicks_during[op] += one->kicks_during[op];
		}
		sum.broken += one->broken;
		sum.confused += one->confused;
	}
	tell();
	ktap_say("%llu listings, %llu deletions of a fabric refused, %llu fabrics come and gone, %llu bindings, %llu rulings, "
		 "%llu broken, %llu confused", (unsigned long long)did.listings, (unsigned long long)did.refused,
		 (unsigned long long)did.flights, (unsigned long long)did.bindings, (unsigned long long)did.rulings,
		 (unsigned long long)sum.broken, (unsigned long long)sum.confused);
	for (int op = RACER_RESET; op < RACER_OPS; op++)
		ktap_say("%-20s %8llu times, %8llu kicks inside", racer_op_names[op], (unsigned long long)sum.done[op],
			 (unsigned long long)sum.kicks_during[op]);
	for (int op = RACER_RESET; op < RACER_VM; op++)
		EXPECT_GE(sum.done[op], 1);
	EXPECT_GE(sum.kicks_during[RACER_RESET] + sum.kicks_during[RACER_RESTART], 1);
	EXPECT_GE(sum.kicks_during[RACER_UNMAP] + sum.kicks_during[RACER_REMAP], 1);
	EXPECT_GE(did.kills, 1);
}

/* Whatever was done to them, the ports work when they are set up again. */
static void expect_ports_work(void)
{
	static struct member racer[RACERS];

	for (int i = 0; i < RACERS; i++) {
		snprintf(racer[i].name, sizeof(racer[i].name), "%s", names[RACER + i]);
		frame_mac(racer[i].mac, RACER + i + 1);
		ASSERT_EQ(swg_open(&racer[i].port, racer[i].name), 0);
		start(&racer[i], NULL);
	}
	for (int i = 0; i < RACERS; i++)
		expect_pair_works(&racer[i], &racer[(i + 1) % RACERS], 2 * i);
	for (int i = 0; i < RACERS; i++)
		swg_close(&racer[i].port);
}

/*
 * KVM switches hooks in the scheduler on with the first VM and off with the last, by patching code: an emulated host of
 * several CPUs survives that a few times, not a few hundred. So one stays, until this process ends.
 */
static void keep_a_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0)
		EXPECT_GE(ioctl(kvm, KVM_CREATE_VM, 0), 0);
}

static void race(void)
{
	keep_a_vm();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	dice.state = wanted.seed + 99;
	make_ports();
	start_good();
	run_race();
	shared->innocent.stop = shared->ping.stop = true;
	end_child(GOOD_A, 0);
	end_child(PING_A, 0);
	judge_innocent();
	judge_ping();
	judge_racers();
	expect_ports_work();
}

TEST_WITHIN(nobody_is_stuck, 1 << 20)
{
	race();
}

/* ---- with delays ---- */

TEST_WITHIN(nobody_is_stuck_when_windows_are_wide, 1 << 20)
{
	if (!delays_load("one_in=40 max_us=400"))
		SKIP("no qz_delays.ko in QZ_USER_TEST_MODULES: make test-modules");
	race();
	EXPECT_GE(delays_tell(), 1000);
	EXPECT_EQ(delays_unload(), 0);
}

static void parse(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			wanted.seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seconds"))
			wanted.seconds = atoi(argv[i + 1]);
	}
}

/* A test that ended early leaves the delays, and ports that somebody may still hold for a moment. */
static void tidy_up(void)
{
	delays_unload();
	fabric_sweep();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (access(QUEZTL_DEVICE, F_OK)) {
		printf("KTAP version 1\n1..0 # SKIP no " QUEZTL_DEVICE "\n");
		return KTAP_SKIP;
	}
	tidy_up();
	return ktap_run(1, argv, tidy_up);
}

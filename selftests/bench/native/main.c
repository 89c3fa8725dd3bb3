// SPDX-License-Identifier: GPL-2.0
/*
 * bench_native - messages between two processes of this machine, side by side
 *
 * Reads turns from its standard input, a line each:
 *	rtt SIDE COUNT LEN BURST ROOM	round trips of messages of LEN bytes
 *	stream SIDE COUNT LEN BURST ROOM	messages one way
 * and prints a line of JSON for each, with its samples in ns: means of TRIPS round trips that follow one another, or of
 * CHUNK messages at the receiver. The receiver reads every byte, and the sum of all has to be right.
 *
 * During a turn both processes are real-time threads, so that nothing else of this machine delays them; they sleep in
 * between. -f: no real-time threads.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

#define LIMIT_S		5		/* a turn takes some ms: one that hangs is killed */

static const struct side *const sides[] = {
	&side_atomics, &side_qhp, &side_qhp_wake, &side_ring, &side_ring_copy, &side_ring_place, &side_ring_buffers, &side_memif,
};
#define SIDES		(sizeof(sides) / sizeof(sides[0]))

struct turn {
	bool stream;
	uint32_t side;
	struct load load;
};

/* Both processes have it. */
struct common {
	uint32_t arrived;
	uint64_t sum;
	struct samples samples;
};

uint8_t payload[LEN_MAX];
static struct common *common;
static int fds[2];
static bool inited[SIDES];
static bool real_time = true;

void die(const char *file, int line, const char *what)
{
	fprintf(stderr, "bench_native: %s:%d: %s\n", file, line, what);
	exit(1);
}

void *shared_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static void make_regions(void)
{
	for (int end = 0; end < 2; end++) {
		fds[end] = memfd_create("region", MFD_CLOEXEC);
		CHECK(fds[end] >= 0 && !ftruncate(fds[end], REGION_BYTES));
	}
}

void map_regions(int end, void **own, const void **peer)
{
	*own = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fds[end], 0);
	*peer = mmap(NULL, REGION_BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fds[!end], 0);
	CHECK(*own != MAP_FAILED && *peer != MAP_FAILED);
}

/* Wait until both ends are here, for the @n-th time. */
static void meet(uint32_t n)
{
	__atomic_fetch_add(&common->arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&common->arrived, __ATOMIC_ACQUIRE) < 2 * n)
		relax();
}

static void become(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	if (real_time)
		CHECK(!sched_setscheduler(0, policy, &param));
}

static void run(int end, const struct turn *turn)
{
	const struct side *side = sides[turn->side];
	static uint32_t met;

	if (!inited[turn->side]) {
		if (!end)
			meet(++met);
		side->init(end);
		if (end)
			meet(++met);
	}
	inited[turn->side] = true;
	meet(++met);
	alarm(LIMIT_S);
	become(SCHED_FIFO);
	side->reset(end, &turn->load);
	meet(++met);
	side->join(end, &turn->load);
	meet(++met);
	if (!turn->stream && !end)
		side->ping(&turn->load, &common->samples);
	else if (!turn->stream)
		side->pong(&turn->load);
	else if (!end)
		side->send(&turn->load);
	else
		common->sum = side->receive(&turn->load, &common->samples);
	meet(++met);
	become(SCHED_OTHER);
	alarm(0);
}

static bool parse(const char *line, struct turn *turn)
{
	char kind[16], name[16];
	struct load *load = &turn->load;
	unsigned long long count;

	if (sscanf(line, "%15s %15s %llu %u %u %u", kind, name, &count, &load->len, &load->burst, &load->room) != 6)
		return false;
	load->count = count;
	turn->stream = !strcmp(kind, "stream");
	for (turn->side = 0; turn->side < SIDES; turn->side++)
		if (!strcmp(name, sides[turn->side]->name))
			break;
	if (turn->side == SIDES || (!turn->stream && strcmp(kind, "rtt")))
		return false;
	return turn->stream ? sides[turn->side]->send && !(load->count % CHUNK) && load->burst && load->burst <= BURST_MAX &&
			      !(CHUNK % load->burst) : sides[turn->side]->ping && !(load->count % TRIPS);
}

static void print(const struct turn *turn)
{
	printf("{\"samples\": [");
	for (uint32_t i = 0; i < common->samples.n; i++)
		printf("%s%.2f", i ? "," : "", common->samples.ns[i]);
	printf("]}\n");
	fflush(stdout);
	if (turn->stream)
		CHECK(common->sum == sum_of_all(turn->load.count, turn->load.len));
}

static void pin(int end)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(end, &cpus);
	CHECK(!sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void serve(int turns)
{
	struct turn turn;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(1);
	while (read(turns, &turn, sizeof(turn)) == sizeof(turn))
		run(1, &turn);
	exit(0);
}

int main(int argc, char **argv)
{
	struct turn turn;
	char line[256];
	int turns[2];

	if (argc > 1 && !strcmp(argv[1], "-f"))
		real_time = false;
	for (int n = 0; n < LEN_MAX; n++)
		payload[n] = n;
	common = shared_memory(sizeof(*common));
	make_regions();
	CHECK(!pipe(turns));
	if (!fork()) {
		close(turns[1]);
		serve(turns[0]);
	}
	pin(0);
	signal(SIGPIPE, SIG_DFL);
	while (fgets(line, sizeof(line), stdin)) {
		if (!parse(line, &turn)) {
			fprintf(stderr, "bench_native: invalid turn '%s'\n", strtok(line, "\n"));
			return 2;
		}
		common->samples.n = 0;
		CHECK(write(turns[1], &turn, sizeof(turn)) == sizeof(turn));
		run(0, &turn);
		print(&turn);
	}
	close(turns[1]);
	return wait(NULL) < 0;
}

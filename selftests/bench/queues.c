// SPDX-License-Identifier: GPL-2.0
/*
 * queues SENDER RECEIVER: streams from one port of several queue pairs to another, with as many pairs in use as asked for.
 *
 * -p PAIRS in use (1), -P PAIRS set up (2), -f FRAMES in all, -l: frames as TSO has them (64 KiB), else of the MTU,
 * -w: keep each worker of the sender to the CPU of its pair, -s: the sender uses one pair, on CPUs that the receiver does not
 * use if there are as many, -t: the receiver reads each frame, as a guest that copies it to a program.
 *
 * Sender and receiver are processes, with a thread for each pair in use, all kept to the CPU with the pair's number. Frames
 * are laid out once, in 16 flows from each queue; without -t no thread touches a payload, and a receiver only counts. As many
 * frames are under way at most as one of the receiver's rings has entries, as with TCP, so none is dropped whatever their
 * queue and however the threads are scheduled. Prints one JSON object.
 */
#define _GNU_SOURCE
#include "fabric.h"
#include "flow.h"
#include "frame.h"
#include "mq.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH		16		/* frames between two looks whether to kick */
#define FLOWS		16
#define CPUS		8
#define THREADS		16
#define LOOK_US		20000		/* where the workers run is sampled so often */

struct thread {
	char name[16];
	double cpu_ms;
	int seen[CPUS];			/* samples on each CPU, of a worker */
};

struct side {
	int threads;
	struct thread thread[THREADS];
};

static struct shared {			/* between the processes */
	struct side sender, receiver;
	bool ready, done;
	double start;
	uint64_t wanted[MQ_PAIRS];	/* by the sender's threads, which sleep until so many have come; 0: nothing */
	struct count {
		uint64_t frames, bytes, sum;
		double last;
	} got[MQ_PAIRS] __attribute__((aligned(64)));
} *shared;

static struct queztl_port_stats then[2];		/* of the ports, before */
static int credit[MQ_PAIRS];		/* eventfds: what a thread of the sender wanted has come */
static uint64_t posted_in_all;		/* by the sender */
static struct mq mq;
static int used_pairs = 1, all_pairs = 2, sending_pairs;
static uint64_t frames = 100000;
static bool large, pin_workers, one_sends, touches;

#define load(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static void die(const char *what, int r)
{
	fprintf(stderr, "queues: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void must(const char *what, int r)
{
	if (r < 0)
		die(what, r);
}

static void keep_to_cpu(pid_t thread, int number)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(number % (int)sysconf(_SC_NPROCESSORS_ONLN), &one);
	if (sched_setaffinity(thread, sizeof(one), &one))
		die("sched_setaffinity", -errno);
}

/* ---- threads of this process, as /proc has them ---- */

static void read_file(const char *format, const char *thread, char *text, size_t room)
{
	char path[64];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), format, thread);
	file = fopen(path, "r");
	if (file) {
		n = fread(text, 1, room - 1, file);
		fclose(file);
	}
	text[n] = 0;
}

static void for_each_thread(struct side *side, void (*look)(struct side *side, const char *id, char *name))
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char name[16];

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		read_file("/proc/self/task/%s/comm", entry->d_name, name, sizeof(name));
		name[strcspn(name, "\n")] = 0;
		look(side, entry->d_name, name);
	}
	closedir(dir);
}

static struct thread *thread_of(struct side *side, const char *name)
{
	int i;

	for (i = 0; i < side->threads; i++)
		if (!strcmp(side->thread[i].name, name))
			return &side->thread[i];
	if (i == THREADS)
		die("threads", -E2BIG);
	strcpy(side->thread[side->threads++].name, name);
	return &side->thread[i];
}

static bool is_worker(const char *name)
{
	return !strncmp(name, "queztl-", 7);
}

static void add_cpu_time(struct side *side, const char *id, char *name)
{
	char text[64];

	read_file("/proc/self/task/%s/schedstat", id, text, sizeof(text));
	thread_of(side, name)->cpu_ms += atof(text) / 1e6;
}

static void sample_worker(struct side *side, const char *id, char *name)
{
	const char *at;
	char text[512];
	int cpu;

	if (!is_worker(name))
		return;
	read_file("/proc/self/task/%s/stat", id, text, sizeof(text));
	at = strrchr(text, ')');
	/* The state is the third field, the CPU the 39th. */
	for (int field = 2; at && field < 39; field++)
		at = strchr(at + 1, ' ');
	cpu = at ? atoi(at) : 0;
	if (at && text[0] && cpu < CPUS && strstr(text, ") R"))
		thread_of(side, name)->seen[cpu]++;
}

static void pin_worker(struct side *side, const char *id, char *name)
{
	const char *number = strchr(name, '/');

	(void)side;
	if (is_worker(name))
		keep_to_cpu(atoi(id), one_sends ? all_pairs + 1 : number ? atoi(number + 1) : 0);
}

/* ---- a side ---- */

static void begin(const char *name, int num, int slot)
{
	uint32_t size;
	uint8_t *memory = mq_memory(all_pairs, num, slot, &size);

	if (!memory)
		die("memory", -ENOMEM);
	must(name, mq_open(&mq, name, all_pairs, num, slot, memory, size));
	must("start", mq_start(&mq));
	must("pairs", mq_use_pairs(&mq, used_pairs));
}

static void start_threads(pthread_t *thread, int count, void *(*run)(void *pair))
{
	for (long i = 0; i < count; i++)
		if (pthread_create(&thread[i], NULL, run, (void *)i))
			die("pthread_create", -EAGAIN);
}

static void join_threads(pthread_t *thread, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
}

static void enter_thread(const char *kind, long pair, int cpu)
{
	char name[16];

	snprintf(name, sizeof(name), "%s%ld", kind, pair);
	pthread_setname_np(pthread_self(), name);
	keep_to_cpu(0, cpu);
}

/* Before the thread ends: then nothing is left of it. */
static void leave_thread(struct side *side)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	char text[64], name[16];

	read_file("/proc/thread-self/%s", "schedstat", text, sizeof(text));
	pthread_getname_np(pthread_self(), name, sizeof(name));
	pthread_mutex_lock(&lock);
	thread_of(side, name)->cpu_ms = atof(text) / 1e6;
	pthread_mutex_unlock(&lock);
}

static uint64_t got_in_all(void)
{
	uint64_t all = 0;

	for (int i = 0; i < used_pairs; i++)
		all += load(&shared->got[i].frames);
	return all;
}

/* Buffers are given back before the sender may count on them. */
static void give_back(struct mq_ring *ring, long pair, uint64_t all)
{
	uint64_t one = 1, wanted;

	mq_flush(ring);
	store(&shared->got[pair].frames, all);
	fence();
	for (int i = 0; i < sending_pairs; i++) {
		wanted = load(&shared->wanted[i]);
		if (!wanted || got_in_all() < wanted || !__atomic_exchange_n(&shared->wanted[i], 0, __ATOMIC_SEQ_CST))
			continue;
		if (write(credit[i], &one, sizeof(one)) < 0)
			die("eventfd", -errno);
	}
}

static void await_credit(long pair, uint64_t wanted)
{
	struct pollfd wait = { .fd = credit[pair], .events = POLLIN };
	double end = swg_now() + 30;
	uint64_t count;

	store(&shared->wanted[pair], wanted);
	fence();
	while (got_in_all() < wanted) {
		if (poll(&wait, 1, 200) > 0 && read(wait.fd, &count, sizeof(count)) < 0)
			die("eventfd", -errno);
		if (swg_now() > end)
			die("frames were lost", -ETIMEDOUT);
	}
}

static uint64_t read_frame(const uint8_t *frame, uint32_t length)
{
	uint64_t word, sum = 0;

	for (uint32_t at = 0; at + 8 <= length; at += 8) {
		memcpy(&word, frame + at, 8);
		sum += word;
	}
	return sum;
}

static void *receive(void *argument)
{
	long pair = (long)argument;
	struct mq_ring *ring = mq_rx(&mq, (int)pair);
	struct count *got = &shared->got[pair];
	uint64_t all = 0;
	uint32_t length;
	int entry;

	enter_thread("receive", pair, (int)pair);
	for (;;) {
		bool some = false;

		while (mq_take(ring, &entry, &length)) {
			got->bytes += length - SWG_HEADER;
			if (touches)
				got->sum += read_frame(mq_buffer(&mq, ring, entry), length);
			mq_give(ring, entry);
			some = true;
			if (++all % BATCH == 0)
				give_back(ring, pair, all);
		}
		give_back(ring, pair, all);
		if (some)
			got->last = swg_now();
		else if (load(&shared->done))
			break;
		mq_wait(ring, 1, 200);
	}
	leave_thread(&shared->receiver);
	return NULL;
}

static void receiver(const char *name, int num, int slot)
{
	pthread_t thread[MQ_PAIRS];

	begin(name, num, slot);
	for (int i = 0; i < all_pairs; i++) {
		struct mq_ring *ring = mq_rx(&mq, i);

		for (int j = 0; j < num; j++) {
			mq_describe(&mq, ring, j, slot, VRING_DESC_F_WRITE);
			mq_give(ring, j);
		}
		mq_flush(ring);
	}
	store(&shared->ready, true);
	start_threads(thread, used_pairs, receive);
	join_threads(thread, used_pairs);
	for_each_thread(&shared->receiver, add_cpu_time);
}

static uint32_t frame_length;

/* Send what is free, a batch at a time; sleep when the ring is full until most of it is done with. */
static void *send_frames(void *argument)
{
	long pair = (long)argument;
	struct mq_ring *ring = mq_tx(&mq, (int)pair);
	uint64_t count = frames / sending_pairs, room = ring->num - (sending_pairs - 1) * BATCH, posted = 0, sent = 0;
	int free_entries = ring->num, entry;
	uint32_t length;

	enter_thread("send", pair, one_sends ? all_pairs : (int)pair);
	while (sent < count) {
		int batch = 0;

		while (mq_take(ring, &entry, &length)) {
			ring->avail->ring[(uint16_t)(ring->next + free_entries++) & (ring->num - 1)] = entry;
			sent++;
		}
		if (posted < count && load(&posted_in_all) + BATCH > got_in_all() + room)
			await_credit(pair, load(&posted_in_all) + BATCH - room / 2);
		while (free_entries && posted < count && batch < BATCH) {
			ring->next++;
			free_entries--;
			posted++;
			batch++;
		}
		__atomic_fetch_add(&posted_in_all, batch, __ATOMIC_SEQ_CST);
		if (batch)
			mq_flush(ring);
		else if (sent < count)
			mq_wait(ring, posted < count ? ring->num * 3 / 4 : (int)(posted - sent), 200);
	}
	leave_thread(&shared->sender);
	return NULL;
}

static void lay_out(const uint8_t to[6], const uint8_t from[6])
{
	static struct flow_frame frame;
	const struct flow flow = { .gso_size = large ? 1448 : 0, .payload = large ? 45 * 1448 : 1448 };

	flow_make(&frame, &flow, to, from, 1);
	frame_length = frame.length;
	for (int i = 0; i < all_pairs; i++) {
		struct mq_ring *ring = mq_tx(&mq, i);

		for (int j = 0; j < ring->num; j++) {
			/* The source port; no one looks at checksums. */
			frame.bytes[14 + 20 + 1] = i * FLOWS + j % FLOWS;
			memcpy(mq_buffer(&mq, ring, j), &frame.header, SWG_HEADER);
			memcpy(mq_buffer(&mq, ring, j) + SWG_HEADER, frame.bytes, frame.length);
			mq_describe(&mq, ring, j, SWG_HEADER + frame.length, 0);
			ring->avail->ring[j] = j;
		}
	}
}

static void print_side(const char *name, const struct side *side)
{
	printf(", \"%s\": {", name);
	for (int i = 0; i < side->threads; i++) {
		const struct thread *thread = &side->thread[i];

		printf("%s\"%s\": {\"cpu_ms\": %.1f", i ? ", " : "", thread->name, thread->cpu_ms);
		if (is_worker(thread->name))
			printf(", \"cpus\": [%d, %d]", thread->seen[0], thread->seen[1]);
		printf("}");
	}
	printf("}");
}

static struct queztl_port_stats stats_of(const char *name)
{
	struct queztl_port_stats stats;

	must(name, port_stats(name, &stats));
	return stats;
}

static void print_stats(char *const names[2])
{
	const struct queztl_port_stats a = stats_of(names[0]), b = stats_of(names[1]);

#define SINCE(port, i, what) (unsigned long long)((port).what - then[i].what)
	printf(", \"direct_runs\": %llu, \"worker_runs\": %llu, \"kicks\": %llu, \"tx_interrupts\": %llu, "
	       "\"tx_waited\": %llu, \"rx_interrupts\": %llu, \"full\": %llu", SINCE(a, 0, direct_runs),
	       SINCE(a, 0, worker_runs), SINCE(a, 0, kicks), SINCE(a, 0, tx_interrupts), SINCE(a, 0, tx_waited),
	       SINCE(b, 1, rx_interrupts), SINCE(b, 1, drops[QUEZTL_DROP_FULL]));
#undef SINCE
}

static void print(char *const names[2])
{
	uint64_t got = 0, bytes = 0;
	double last = 0;

	for (int i = 0; i < all_pairs; i++) {
		got += shared->got[i].frames;
		bytes += shared->got[i].bytes;
		if (shared->got[i].last > last)
			last = shared->got[i].last;
	}
	printf("{\"pairs\": %d, \"frame\": %u, \"sent\": %llu, \"frames\": %llu, \"bytes\": %llu, \"seconds\": %.6f, "
	       "\"by_queue\": [", used_pairs, frame_length, (unsigned long long)frames, (unsigned long long)got,
	       (unsigned long long)bytes, last - shared->start);
	for (int i = 0; i < all_pairs; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)shared->got[i].frames);
	printf("]");
	print_side("sender", &shared->sender);
	print_side("receiver", &shared->receiver);
	print_stats(names);
	printf("}\n");
}

static void finish(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0 || status)
		die("receiver", -ECHILD);
}

static void *end_when_sent(void *threads)
{
	join_threads(threads, sending_pairs);
	store(&shared->done, true);
	return NULL;
}

static void sender(const char *name, const char *peer, int num, int slot)
{
	pthread_t thread[MQ_PAIRS], waiter;
	struct queztl_port self, other;

	begin(name, num, slot);
	must(name, port_find(name, &self));
	must(peer, port_find(peer, &other));
	lay_out(other.mac, self.mac);
	if (pin_workers)
		for_each_thread(&shared->sender, pin_worker);
	while (!load(&shared->ready))
		usleep(1000);
	shared->start = swg_now();
	start_threads(thread, sending_pairs, send_frames);
	pthread_create(&waiter, NULL, end_when_sent, thread);
	while (!load(&shared->done)) {
		for_each_thread(&shared->sender, sample_worker);
		usleep(LOOK_US);
	}
	pthread_join(waiter, NULL);
	for_each_thread(&shared->sender, add_cpu_time);
}

int main(int argc, char **argv)
{
	int option, num, slot;
	pid_t child;

	while ((option = getopt(argc, argv, "p:P:f:lwst")) > 0) {
		switch (option) {
		case 'p': used_pairs = atoi(optarg); break;
		case 'P': all_pairs = atoi(optarg); break;
		case 'f': frames = strtoull(optarg, NULL, 0); break;
		case 'l': large = true; break;
		case 'w': pin_workers = true; break;
		case 's': one_sends = true; break;
		case 't': touches = true; break;
		default: return 2;
		}
	}
	if (argc - optind != 2 || used_pairs < 1 || used_pairs > all_pairs || all_pairs > MQ_PAIRS)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	num = large ? 64 : 256;
	slot = large ? 66 * 1024 : 2048;
	for (int i = 0; i < 2; i++)
		then[i] = stats_of(argv[optind + i]);
	sending_pairs = one_sends ? 1 : used_pairs;
	for (int i = 0; i < sending_pairs; i++)
		credit[i] = eventfd(0, EFD_CLOEXEC);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		receiver(argv[optind + 1], num, slot);
		exit(0);
	}
	sender(argv[optind], argv[optind + 1], num, slot);
	finish(child);
	print(&argv[optind]);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * insns - a plugin of the emulator that counts what an emulated host executes, by address.
 *
 * -plugin insns.so,socket=PATH: whoever connects to PATH is sent a line "CLASS ADDRESS INSTRUCTIONS" for each block of
 * code that has run, since the start, one "cpuN 0 INSTRUCTIONS" for each CPU of the host, and an empty line. Exact, but for
 * blocks left early by an exception.
 *
 * Host (L1) and guests (L2) run on the same emulated CPU and at the same kernel addresses. A host started with nokaslr
 * has its kernel's text at a known place of its memory, a guest has it in some pages of its VMM; only the host has
 * modules. Guests all run the same kernel, which does not move itself. Programs of both are one class.
 *
 * The emulator's plugin interface (versions 2 to 4, docs/devel/tcg-plugins.rst there) comes without a package of its
 * header, so what is used of it is declared here.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct qemu_info {
	const char *target_name;
	/* and more */
};
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*fn)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
						       qemu_plugin_u64 entry, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int vcpu);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
int qemu_plugin_num_vcpus(void);

#define API	__attribute__((visibility("default")))
API int qemu_plugin_version = 2;
API int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

#define BLOCKS		(1u << 19)
#define SLOTS		(2 * BLOCKS)

/* Kernel addresses of an architecture: Documentation/arch/x86/x86_64/mm.rst and arch/arm64/memory.rst of Linux. */
static const struct layout {
	const char *name;		/* the emulator's */
	uint64_t lowest;		/* of all below */
	uint64_t modules, modules_end;
	uint64_t kernel;		/* text and data */
	uint64_t offset;		/* from the beginning of memory, of what is at @kernel */
} layouts[] = {
	{ "x86_64", 0xffffffff80000000, 0xffffffffc0000000, 0xffffffffff000000, 0xffffffff80000000, 0 },
	/* The emulator puts an image that may be anywhere 2 MiB behind its own boot loader. */
	{ "aarch64", 0xffff800000000000, 0xffff800000000000, 0xffff800080000000, 0xffff800080000000, 0x200000 },
}, *layout;

enum { HOST, MODULE, GUEST, USER };
static const char *const names[] = { "host", "module", "guest", "user" };

struct block {
	uint64_t key;			/* address with the class in its lowest bits: no two blocks are so near */
	uint32_t index;			/* of its counter; 0: none */
};

static struct block table[SLOTS];
static uint32_t used = 1;		/* counter 0 is of all that found no room */
static struct qemu_plugin_scoreboard *counters;
static uintptr_t ram;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char path[108];

/* Where the emulated host's memory begins. */
static uintptr_t find_ram(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uintptr_t from = 0;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:memory-backend-memfd") && sscanf(line, "%zx-", &from) == 1)
			break;
	if (maps)
		fclose(maps);
	return from;
}

static int classify(uint64_t at, const void *host)
{
	if (!(at >> 63))
		return USER;
	if (at >= layout->modules && at < layout->modules_end)
		return MODULE;
	return at >= layout->kernel && (uintptr_t)host - ram == at - layout->kernel + layout->offset ? HOST : GUEST;
}

static bool is_kernel(uint64_t at, int class)
{
	return class != USER && at >= layout->lowest;
}

/* Programs are counted whole, and what guests' kernels run elsewhere. */
static uint32_t counter_of(uint64_t at, int class)
{
	uint64_t key = (is_kernel(at, class) ? at << 2 : 4) | class;
	uint32_t slot = key * 0x9e3779b97f4a7c15ULL >> 40;

	for (uint32_t i = 0; i < SLOTS; i++) {
		struct block *block = &table[(slot + i) % SLOTS];

		if (block->index && block->key == key)
			return block->index;
		if (!block->index && used == BLOCKS)
			return 0;
		if (!block->index) {
			block->key = key;
			__atomic_store_n(&block->index, used++, __ATOMIC_RELEASE);
			return block->index;
		}
	}
	return 0;
}

static qemu_plugin_u64 counter(uint32_t index)
{
	return (qemu_plugin_u64){ counters, index * sizeof(uint64_t) };
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	const struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
	uint64_t at = qemu_plugin_insn_vaddr(first);
	uint32_t index;

	(void)id;
	pthread_mutex_lock(&lock);
	if (!ram)
		ram = find_ram();
	index = counter_of(at, classify(at, qemu_plugin_insn_haddr(first)));
	pthread_mutex_unlock(&lock);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, counter(index),
							  qemu_plugin_tb_n_insns(tb));
}

static void tell(FILE *to)
{
	fprintf(to, "lost 0 %lu\n", qemu_plugin_u64_sum(counter(0)));
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t index = __atomic_load_n(&table[i].index, __ATOMIC_ACQUIRE);
		int class = table[i].key & 3;
		uint64_t at = (uint64_t)((int64_t)table[i].key >> 2);

		if (index)
			fprintf(to, "%s %lx %lu\n", names[class], is_kernel(at, class) ? at : 0,
				qemu_plugin_u64_sum(counter(index)));
	}
	for (int cpu = 0; cpu < qemu_plugin_num_vcpus(); cpu++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < __atomic_load_n(&used, __ATOMIC_RELAXED); i++)
			sum += qemu_plugin_u64_get(counter(i), cpu);
		fprintf(to, "cpu%d 0 %lu\n", cpu, sum);
	}
	fprintf(to, "\n");
}

static void *serve(void *unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	strcpy(address.sun_path, path);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 1)) {
		perror(path);
		return NULL;
	}
	for (;;) {
		int fd = accept(server, NULL, NULL);
		FILE *to = fd < 0 ? NULL : fdopen(fd, "w");

		if (to) {
			tell(to);
			fclose(to);
		}
	}
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	pthread_t thread;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (!strcmp(info->target_name, layouts[i].name))
			layout = &layouts[i];
	if (!layout) {
		fprintf(stderr, "insns: knows nothing of %s\n", info->target_name);
		return -1;
	}
	if (argc != 1 || strncmp(argv[0], "socket=", 7) || strlen(argv[0] + 7) >= sizeof(path)) {
		fprintf(stderr, "insns: wants socket=PATH\n");
		return -1;
	}
	strcpy(path, argv[0] + 7);
	counters = qemu_plugin_scoreboard_new(BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return pthread_create(&thread, NULL, serve, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * queztl-sched: load Queztl's scheduler and keep it until a signal comes or the
 * kernel ends it. Then all tasks are the fair class's again; so they are if this
 * process dies. It is not loaded a second time: why it ended is in the file
 * QZ_SCHED_STATE.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>

#include "module/plain.h"
#include "queztl.h"
#include "sched/policy.h"
#include "sync.h"
#include "queztl.skel.h"

#define DIRECTORY	"/run/queztl"
#define LOCK		DIRECTORY "/lock"
#define BPF_FS		"/sys/fs/bpf"
#define LOOK_US		100000	/* so often: has it ended? */
#define LOOKS_PER_SYNC	10

static const char usage[] =
	"Usage: queztl-sched [-c CHECK] [-l SLICE] [-w WEIGHT] [-p] [-r FD] [-v]\n"
	"\n"
	"Schedule this machine's tasks so that a VM is one customer, until SIGINT or\n"
	"SIGTERM. VMs are found by themselves. The cpu.weight and cpu.max of a VM's\n"
	"cgroup count, unless queztl sched set has said otherwise. Queztl starts this\n"
	"by queztl sched start.\n"
	"\n"
	"  -c CHECK   us; look so soon after a wake-up (default 1000; 0: at ticks only)\n"
	"  -l SLICE   us (default 3000)\n"
	"  -w WEIGHT  of all that is no VM together (default 100)\n"
	"  -p         a VM has its weight once for each of its vCPUs\n"
	"  -r FD      write a line to FD when it runs, or why it does not\n"
	"  -v         say what libbpf says\n";

static volatile sig_atomic_t ends;
static bool verbose;
static int ready_fd = -1, state_fd = -1;

static void end(int number)
{
	(void)number;
	ends = 1;
}

static int say(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN || verbose ? vfprintf(stderr, format, args) : 0;
}

/* One line to stderr, to who waits for us, and for who asks later. */
__attribute__((format(printf, 1, 2)))
static void tell(const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	fprintf(stderr, "queztl-sched: %.*s", length, line);
	if (ready_fd >= 0 && write(ready_fd, line, length) != length)
		fprintf(stderr, "queztl-sched: nobody reads %d\n", ready_fd);
	if (ready_fd >= 0)
		close(ready_fd);
	ready_fd = -1;
	if (state_fd < 0)
		return;
	if (ftruncate(state_fd, 0) || pwrite(state_fd, line, length, 0) != length)
		fprintf(stderr, "queztl-sched: %s: %s\n", QZ_SCHED_STATE, strerror(errno));
}

static int fail(const char *what)
{
	tell("off: %s: %s", what, strerror(errno));
	return 1;
}

/*
 * Who can read a file can lock it, so the lock is not that of the file with the
 * state, which everybody can read. What an earlier run has said is void now.
 */
static bool lock_state(void)
{
	int lock;

	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return false;
	lock = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB))
		return false;
	state_fd = open(QZ_SCHED_STATE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return state_fd >= 0;
}

static bool have_bpf_fs(void)
{
	struct statfs fs;

	if (!statfs(BPF_FS, &fs) && fs.f_type == BPF_FS_MAGIC)
		return true;
	return !mount("bpf", BPF_FS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700");
}

static const char *const names[] = { "settings", "vcpus", "stats" };

#define NAMES	(sizeof(names) / sizeof(names[0]))

static void unpin(void)
{
	char path[64];

	for (size_t i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), QZ_SCHED_PINNED "/%s", names[i]);
		unlink(path);
	}
	rmdir(QZ_SCHED_PINNED);
}

/* Where others find them, and without what an earlier run has left. */
static bool pin(const struct bpf_object *object)
{
	char path[64];

	unpin();
	if (!have_bpf_fs() || mkdir(QZ_SCHED_PINNED, 0700))
		return false;
	for (size_t i = 0; i < NAMES; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		snprintf(path, sizeof(path), QZ_SCHED_PINNED "/%s", names[i]);
		if (bpf_map__pin(map, path))
			return false;
	}
	return true;
}

static int run(struct queztl_bpf *bpf)
{
	struct sync sync = {
		.settings = bpf_map__fd(bpf->maps.settings),
		.vcpus = bpf_map__fd(bpf->maps.vcpus),
		.indices = bpf_map__fd(bpf->maps.indices),
	};
	struct bpf_link *link, *release = NULL;

	if (!pin(bpf->obj))
		return fail(QZ_SCHED_PINNED);
	sync_vms(&sync);
	link = bpf_map__attach_struct_ops(bpf->maps.queztl);
	if (!link)
		return fail(errno == EBUSY ? "another scheduler runs" :
			    "the kernel does not take the scheduler");
	if (bpf_program__autoload(bpf->progs.queztl_switch))
		release = bpf_program__attach(bpf->progs.queztl_switch);
	tell("on %d%s", getpid(), bpf->rodata->policy.per_vcpu ? " " QZ_SCHED_PER_VCPU : "");
	for (unsigned int i = 0; !ends && !bpf->bss->ended.kind; i++) {
		if (!(i % LOOKS_PER_SYNC))
			sync_vms(&sync);
		usleep(LOOK_US);
	}
	bpf_link__destroy(release);
	bpf_link__destroy(link);
	tell("off: %s%s%s", bpf->bss->ended.reason, *bpf->bss->ended.message ? ": " : "",
	     bpf->bss->ended.message);
	return !ends;
}

/* Has this kernel a function? */
static bool has_function(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

/* There are two ways to see that a realtime task takes a CPU. */
static void choose_release(struct queztl_bpf *bpf)
{
	if (has_function("scx_bpf_reenqueue_local___v2"))
		bpf->struct_ops.queztl->cpu_release = NULL;
	else
		bpf_program__set_autoload(bpf->progs.queztl_switch, false);
}

static int load(const struct qz_policy *policy, u64 check, u64 weight)
{
	int ret, cpus = libbpf_num_possible_cpus();
	struct queztl_bpf *bpf;

	if (cpus > QZ_SCHED_CPUS) {
		tell("off: %d CPUs are more than the %d that it can use", cpus, QZ_SCHED_CPUS);
		return 1;
	}
	bpf = queztl_bpf__open();
	if (!bpf)
		return fail("open");
	bpf->rodata->nr_cpus = cpus;
	bpf->rodata->check_ns = check;
	bpf->rodata->host_weight = weight;
	memcpy((void *)&bpf->rodata->policy, policy, sizeof(*policy));
	choose_release(bpf);
	if (queztl_bpf__load(bpf)) {
		ret = fail("the kernel does not load the scheduler");
	} else {
		ret = run(bpf);
		unpin();
	}
	queztl_bpf__destroy(bpf);
	return ret;
}

static bool parse(const char *text, u64 least, u64 most, u64 *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number >= least && *number <= most;
}

int main(int argc, char **argv)
{
	struct qz_policy policy = QZ_POLICY_DEFAULT;
	u64 check = 1000, slice = policy.slice / NSEC_PER_USEC, weight = QZ_SCHED_WEIGHT, fd;
	bool good = true;
	int option;

	while ((option = getopt(argc, argv, "c:l:r:w:pvh")) >= 0) {
		switch (option) {
		case 'c':
			good &= parse(optarg, 0, 1000000, &check);
			break;
		case 'l':
			good &= parse(optarg, 100, 100000, &slice);
			break;
		case 'w':
			good &= parse(optarg, 1, 10000, &weight);
			break;
		case 'p':
			policy.per_vcpu = true;
			break;
		case 'r':
			good &= parse(optarg, 0, 1000000, &fd);
			ready_fd = fd;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			good = false;
		}
	}
	if (!good || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	policy.slice = slice * NSEC_PER_USEC;
	signal(SIGINT, end);
	signal(SIGTERM, end);
	signal(SIGPIPE, SIG_IGN);
	libbpf_set_print(say);
	if (!lock_state())
		return fail(errno == EWOULDBLOCK ? "it runs already" : QZ_SCHED_STATE);
	return load(&policy, check * NSEC_PER_USEC, weight);
}

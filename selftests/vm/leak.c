// SPDX-License-Identifier: GPL-2.0
/* A VM that has gone leaves nothing behind, whoever still has a handle to it. */
#define _GNU_SOURCE
#include "ktap.h"
#include "guest.h"
#include "registry.h"

static long meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kilobytes = -1;

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kilobytes = atol(line + strlen(name) + 1);
	fclose(file);
	return kilobytes;
}

/* Free memory that MemAvailable leaves out: what each CPU keeps of what was freed there, which may be half of a small VM. */
static long kept_by_cpus(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	long pages = 0, count;
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* In kB. */
static long free_memory(void)
{
	return meminfo("MemAvailable:") + kept_by_cpus();
}

/* 64 MB of guest memory against a margin of 4: far more than the rest of a small VM. */
TEST(handle_keeps_no_memory)
{
	long before, during, after, margin;
	struct queztl_vm info;
	struct guest guest;
	double end;
	int vm;

	/* KASAN, lockdep and kmemleak keep some of what was freed. */
	margin = ktap_factor() > 1 ? 40960 : 4096;
	open_device();
	before = free_memory();
	guest = start_guest(64, true);
	vm = vm_of(guest.pid);
	ASSERT_GE(vm, 0);
	during = free_memory();
	end_guest(&guest);
	end = now() + 5;
	do {
		usleep(20000);
		after = free_memory();
	} while (after < before - margin && now() < end);
	ktap_say("available: %ld kB before, %ld kB with the VM, %ld kB after it", before, during, after);
	EXPECT_GE(before - during, 49152);
	EXPECT_GE(after, before - margin);
	EXPECT_EQ(get_info(vm, &info), -ENOENT);
}

#define CACHES 400

struct cache {
	char name[64];
	long objects, size;
};

static int read_caches(struct cache *caches)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512];
	int n = 0;

	while (file && n < CACHES && fgets(line, sizeof(line), file))
		n += sscanf(line, "%63s %ld %*d %ld", caches[n].name, &caches[n].objects, &caches[n].size) == 3;
	if (file)
		fclose(file);
	return n;
}

static void drop_caches(void)
{
	FILE *file = fopen("/proc/sys/vm/drop_caches", "w");

	if (file) {
		fputs("3", file);
		fclose(file);
	}
	sleep(1);		/* what RCU still holds is given back */
}

static void cycle(int times)
{
	for (int i = 0; i < times; i++) {
		struct guest guest = start_guest(1, true);

		end_guest(&guest);
	}
	EXPECT(no_vms_soon());
	drop_caches();
}

/* Linux frees address space of vmalloc() in batches of 32 MB and more: what is not there yet is no leak. */
static bool is_freed_later(const struct cache *cache)
{
	return !strcmp(cache->name, "vmap_area");
}

/*
 * Nothing is kept per VM: a cache that gained 9 objects for 10 VMs is a leak. Below that is noise (objects that lie ready
 * for a CPU count as used; small ones come in slabs of hundreds). Together all caches may gain 4 kB a VM, a third of a
 * struct kvm; free memory 4 MB, a 64th of what the VMs had.
 *
 * KASAN keeps what was freed, up to 1/32 of all memory, and makes a VM cost half a second: there it is 200 VMs, and what they
 * leave is kmemleak's to find.
 */
TEST_WITHIN(thousand_vms_leave_nothing, 400)
{
	static struct cache before[CACHES], after[CACHES];
	bool quarantine = ktap_factor() > 1;
	int cycles = quarantine ? 200 : 1000;
	long available, kilobytes, margin = cycles * 9 / 10, kept = quarantine ? meminfo("MemTotal:") / 32 : 0;
	double begun;
	int n;

	open_device();
	cycle(100);
	n = read_caches(before);
	available = free_memory();
	kilobytes = meminfo("SUnreclaim:");
	begun = now();
	cycle(cycles);
	ktap_say("%d VMs in %.1f s; available %ld -> %ld kB, unreclaimable slab %ld -> %ld kB", cycles, now() - begun,
		 available, free_memory(), kilobytes, meminfo("SUnreclaim:"));
	EXPECT_GE(n, 20);
	EXPECT_EQ(read_caches(after), n);
	for (int i = 0; i < n; i++) {
		long gained = after[i].objects - before[i].objects;

		if (gained > margin / 4)
			ktap_say("%s: %ld objects of %ld bytes more", after[i].name, gained, after[i].size);
		if (!quarantine && after[i].size > 32 && !strcmp(before[i].name, after[i].name) && !is_freed_later(&after[i]))
			EXPECT_LE(gained, margin);
	}
	EXPECT_LE(meminfo("SUnreclaim:"), kilobytes + cycles * 4 + kept);
	EXPECT_GE(free_memory(), available - (quarantine ? 16384 : 4096) - kept);
	EXPECT_EQ(count_vms(), 0);
}

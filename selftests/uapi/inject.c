// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "inject.h"
#include "ktap.h"

#include <fcntl.h>
#include <sys/mman.h>

#define DEBUGFS		"/sys/kernel/debug"
#define POINTS		1000	/* more than any call has: a sweep that does not end is a bug of its own */

static int nth_file = -1;

static bool write_setting(const char *attribute, const char *name, const char *value)
{
	char path[128];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", attribute, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) > 0;
	close(fd);
	return ok;
}

/* What is asked for by fail-nth needs no probability. Verbose reports would look like splats. */
static bool set_up(const char *attribute)
{
	return write_setting(attribute, "verbose", "0") && write_setting(attribute, "probability", "0") &&
	       write_setting(attribute, "interval", "1") && write_setting(attribute, "times", "-1") &&
	       write_setting(attribute, "space", "0") && write_setting(attribute, "task-filter", "Y");
}

const char *inject_setup(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fail-nth", getpid(), gettid());
	nth_file = open(path, O_RDWR | O_CLOEXEC);
	if (nth_file < 0)
		return "the kernel has no fault injection";
	if (!set_up("failslab") || !write_setting("failslab", "cache-filter", "N") ||
	    !write_setting("failslab", "ignore-gfp-wait", "N"))
		return "the kernel has no failslab";
	if (!set_up("fail_page_alloc") || !write_setting("fail_page_alloc", "ignore-gfp-wait", "N") ||
	    !write_setting("fail_page_alloc", "ignore-gfp-highmem", "N") ||
	    !write_setting("fail_page_alloc", "min-order", "0"))
		return "the kernel has no fail_page_alloc";
	if (!set_up("fail_usercopy"))
		return "the kernel has no fail_usercopy";
	/* Page faults of our own would be points too. */
	ASSERT_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	return NULL;
}

void inject_or_skip(void)
{
	const char *why = inject_setup();

	if (why)
		SKIP("%s", why);
}

/* Where a function begins, and what comes behind it. */
static bool find_function(const char *function, unsigned long long *start, unsigned long long *end)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	unsigned long long address;
	char line[512], name[256];

	*start = *end = 0;
	for (int pass = 0; symbols && pass < 2; pass++) {
		rewind(symbols);
		while (fgets(line, sizeof(line), symbols)) {
			if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
				continue;
			if (pass == 0 && !strcmp(name, function))
				*start = address;
			if (pass == 1 && address > *start && (!*end || address < *end))
				*end = address;
		}
	}
	if (symbols)
		fclose(symbols);
	return *start && *end;
}

bool inject_within(const char *function)
{
	static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	unsigned long long start = 0, end = ~0ULL;
	char from[32], to[32];
	bool ok = true;

	if (function && !find_function(function, &start, &end))
		return false;
	snprintf(from, sizeof(from), "%#llx", start);
	snprintf(to, sizeof(to), "%#llx", end);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		ok &= write_setting(attributes[i], "require-start", from) &&
		      write_setting(attributes[i], "require-end", to);
	return ok;
}

/* failslab counts those that it lets pass for ever, so which one it is depends on what came before. */
bool inject_anyone_within(const char *function, int nth)
{
	char interval[16];

	snprintf(interval, sizeof(interval), "%d", nth);
	return inject_within(function) && write_setting("failslab", "interval", interval) &&
	       write_setting("failslab", "task-filter", "N") && write_setting("failslab", "times", "1") &&
	       write_setting("failslab", "probability", "100");
}

bool inject_anyone_fired(void)
{
	char left[16] = "";
	int file = open(DEBUGFS "/failslab/times", O_RDONLY);
	bool fired;

	write_setting("failslab", "probability", "0");
	fired = read(file, left, sizeof(left) - 1) > 0 && atoi(left) == 0;
	close(file);
	return set_up("failslab") && inject_within(NULL) && fired;
}

void inject_arm(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	ASSERT_EQ(pwrite(nth_file, text, length, 0), length);
}

/* Reading and writing are copies and may be the point themselves: then it was not reached before. */
bool inject_fired(void)
{
	char text[16] = "";
	bool fired = pread(nth_file, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	if (pwrite(nth_file, "0", 1, 0) != 1) {
		fired = false;
		ASSERT_EQ(pwrite(nth_file, "0", 1, 0), 1);
	}
	return fired;
}

static bool is_known(const struct sweep *sweep, int error)
{
	static const int usual[] = { ENOMEM, EFAULT, 0 };
	const int *known = sweep->errors ? sweep->errors : usual;

	while (*known && *known != error)
		known++;
	return *known;
}

int inject_sweep(const struct sweep *sweep)
{
	int limit = sweep->limit ? sweep->limit : POINTS, failed = 0, tolerated = 0, r;
	bool fired;

	for (int nth = 1; nth <= limit; nth++) {
		if (sweep->prepare)
			sweep->prepare();
		inject_arm(nth);
		r = sweep->call();
		fired = inject_fired();
		if (sweep->result)
			r = sweep->result(r);
		KTAP_CHECK(fired || !r, true, "%s: %s without a failure (point %d was not reached)", sweep->name,
			   strerror(-r), nth);
		KTAP_CHECK(!r || is_known(sweep, -r), false, "%s, point %d: an error it does not document: %s",
			   sweep->name, nth, strerror(-r));
		if (r && sweep->failed)
			sweep->failed();
		if (!r && sweep->succeeded)
			sweep->succeeded();
		KTAP_CHECK(!ktap_shared->failed, true, "%s, point %d: see above; it returned %s", sweep->name, nth,
			   strerror(-r));
		if (!fired) {
			ktap_say("%s: %d points, %d failed, %d tolerated", sweep->name, nth - 1, failed, tolerated);
			return nth - 1;
		}
		failed += !!r;
		tolerated += !r;
	}
	KTAP_CHECK(false, true, "%s: no end after %d points", sweep->name, limit);
	return limit;
}

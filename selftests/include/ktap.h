/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KTAP for C programs: TEST() bodies register themselves, and each runs in a forked child with a time limit, so that
 * a crash or a hang fails one test only. The file with main() defines KTAP_MAIN first.
 * Arguments of a program: names (or parts of names) of the tests to run; -l lists them.
 */
#ifndef QUEZTL_KTAP_H
#define QUEZTL_KTAP_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KTAP_SKIP	4	/* exit code, as kselftest has it */
#define KTAP_SECONDS	60	/* a test's time unless it says more: emulated hosts are slow */
#define KTAP_DEBUG_FACTOR 6	/* how much slower a kernel with sanitizers and lockdep is */

struct ktap_test {
	const char *name;
	void (*run)(void);
	int seconds;
	struct ktap_test *next;
};

struct ktap_shared {		/* between a test's child and the parent */
	int failed;
	char skip[256];
};

extern struct ktap_shared *ktap_shared;
extern const struct ktap_test *ktap_running;	/* in its child */

void ktap_register(struct ktap_test *test);
int ktap_run(int argc, char **argv, void (*between)(void));
/* Every time limit is multiplied by this: QZ_USER_TIME_FACTOR, else by the kernel's name. */
int ktap_factor(void);

#define TEST_WITHIN(name_, seconds_) \
	static void name_(void); \
	static struct ktap_test name_##_test = { #name_, name_, seconds_, NULL }; \
	__attribute__((constructor)) static void name_##_register(void) { ktap_register(&name_##_test); } \
	static void name_(void)
#define TEST(name_) TEST_WITHIN(name_, KTAP_SECONDS)

#define ktap_say(...) (printf("# " __VA_ARGS__), putchar('\n'), (void)fflush(stdout))
#define SKIP(...) (snprintf(ktap_shared->skip, sizeof(ktap_shared->skip), __VA_ARGS__), exit(KTAP_SKIP))

#define KTAP_CHECK(ok_, fatal_, ...) do { \
	if (!(ok_)) { \
		ktap_shared->failed++; \
		printf("# %s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__); \
		putchar('\n'); \
		fflush(stdout); \
		if (fatal_) \
			exit(1); \
	} \
} while (0)
#define KTAP_COMPARE(a_, op_, b_, fatal_) do { \
	long long a__ = (long long)(a_), b__ = (long long)(b_); \
	KTAP_CHECK(a__ op_ b__, fatal_, "expected %s %s %s, got %lld (%#llx) and %lld (%#llx)", \
		   #a_, #op_, #b_, a__, a__, b__, b__); \
} while (0)
#define KTAP_FAILS(call_, errno_, fatal_) do { \
	errno = 0; \
	long long r__ = (long long)(call_); \
	int e__ = errno; \
	KTAP_CHECK(r__ == -1 && e__ == (errno_), fatal_, "expected %s to fail with %s, got %lld, %s", \
		   #call_, strerrorname_np(errno_), r__, r__ == -1 ? strerror(e__) : "no error"); \
} while (0)

#define EXPECT(ok_) KTAP_CHECK(ok_, false, "expected %s", #ok_)
#define ASSERT(ok_) KTAP_CHECK(ok_, true, "expected %s (errno %d)", #ok_, errno)
#define EXPECT_EQ(a_, b_) KTAP_COMPARE(a_, ==, b_, false)
#define ASSERT_EQ(a_, b_) KTAP_COMPARE(a_, ==, b_, true)
#define EXPECT_NE(a_, b_) KTAP_COMPARE(a_, !=, b_, false)
#define EXPECT_GE(a_, b_) KTAP_COMPARE(a_, >=, b_, false)
#define EXPECT_LE(a_, b_) KTAP_COMPARE(a_, <=, b_, false)
#define ASSERT_GE(a_, b_) KTAP_COMPARE(a_, >=, b_, true)
#define EXPECT_FAILS(call_, errno_) KTAP_FAILS(call_, errno_, false)
#define ASSERT_FAILS(call_, errno_) KTAP_FAILS(call_, errno_, true)

#ifdef KTAP_MAIN
struct ktap_shared *ktap_shared;
const struct ktap_test *ktap_running;
static struct ktap_test *ktap_first, **ktap_last = &ktap_first;

void ktap_register(struct ktap_test *test)
{
	*ktap_last = test;
	ktap_last = &test->next;
}

int ktap_factor(void)
{
	static int factor;
	const char *said = getenv("QZ_USER_TIME_FACTOR");
	struct utsname kernel;

	if (!factor && said)
		factor = atoi(said);
	if (factor <= 0)
		factor = !uname(&kernel) && strstr(kernel.release, "debug") ? KTAP_DEBUG_FACTOR : 1;
	return factor;
}

/* The child's wait status, or -1: it used up its time. One that even SIGKILL does not end is left behind. */
static int ktap_wait(pid_t child, int seconds)
{
	int status;

	for (int tick = 0; tick < seconds * 100; tick++) {
		if (waitpid(child, &status, WNOHANG) == child) {
			kill(-child, SIGKILL);		/* what the test left running */
			return status;
		}
		usleep(10000);
	}
	kill(-child, SIGKILL);
	for (int tick = 0; tick < 500 && waitpid(child, &status, WNOHANG) != child; tick++)
		usleep(10000);
	return -1;
}

static int ktap_fork(struct ktap_test *test)
{
	pid_t child;

	memset(ktap_shared, 0, sizeof(*ktap_shared));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		ktap_running = test;
		test->run();
		fflush(stdout);
		_exit(ktap_shared->failed ? 1 : 0);
	}
	setpgid(child, child);
	return ktap_wait(child, test->seconds * ktap_factor());
}

static bool ktap_wanted(struct ktap_test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(test->name, argv[i]))
			return true;
	return argc < 2;
}

int ktap_run(int argc, char **argv, void (*between)(void))
{
	int count = 0, number = 0, sum[3] = { 0 };	/* pass, fail, skip */

	ktap_shared = mmap(NULL, sizeof(*ktap_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (struct ktap_test *test = ktap_first; test; test = test->next)
			puts(test->name);
		return 0;
	}
	for (struct ktap_test *test = ktap_first; test; test = test->next)
		count += ktap_wanted(test, argc, argv);
	printf("KTAP version 1\n1..%d\n", count);
	for (struct ktap_test *test = ktap_first; test; test = test->next) {
		int status, code;

		if (!ktap_wanted(test, argc, argv))
			continue;
		status = ktap_fork(test);
		code = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (status == -1)
			ktap_say("%s: no end within %d s", test->name, test->seconds * ktap_factor());
		else if (WIFSIGNALED(status))
			ktap_say("%s: killed by signal %d", test->name, WTERMSIG(status));
		if (ktap_shared->failed)
			code = 1;		/* a failure before the skip */
		sum[code == 0 ? 0 : code == KTAP_SKIP ? 2 : 1]++;
		printf("%s %d %s%s%s\n", code == 0 || code == KTAP_SKIP ? "ok" : "not ok", ++number, test->name,
		       code == KTAP_SKIP ? " # SKIP " : "", code == KTAP_SKIP ? ktap_shared->skip : "");
		fflush(stdout);
		if (between)
			between();
	}
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:%d error:0\n", sum[0], sum[1], sum[2]);
	return sum[1] || !count ? 1 : sum[0] ? 0 : KTAP_SKIP;
}
#endif /* KTAP_MAIN */

#endif /* QUEZTL_KTAP_H */

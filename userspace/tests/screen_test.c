// SPDX-License-Identifier: GPL-2.0
/* queztl top on a terminal: a child has a pseudo terminal, the test the other end. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "fake.h"
#include "format.h"

#define PATIENCE_MS	60000
#define SHOW_CURSOR	"\033[?25h"
#define DRAWN		"\033[J"	/* ends each page */

static int master;
static pid_t child;
static struct termios before;
static char output[1 << 20];	/* since the last look_for() that found it */
static size_t length;

static int run_in_terminal(const char *words)
{
	struct cli cli = { .out = stdout, .err = stderr, .terminal = true,
			   .width = 80 };
	char text[128], copy[160], *argv[16], *state;
	int argc = 0;

	snprintf(text, sizeof(text), words, getpid(), getppid());
	snprintf(copy, sizeof(copy), "queztl %s", text);
	for (char *word = strtok_r(copy, " ", &state); word;
	     word = strtok_r(NULL, " ", &state))
		argv[argc++] = word;
	argv[argc] = NULL;
	return dispatch(&cli, commands, argc, argv);
}

static bool hangup_ignored;

static int start(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	length = 0;
	child = forkpty(&master, NULL, NULL, &size);
	assert_true(child >= 0);
	if (!child) {
		/* The test is ready when it has read the settings. */
		getchar();
		/* Shells, and nohup(1), run what is in the background without these. */
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		signal(SIGHUP, hangup_ignored ? SIG_IGN : SIG_DFL);
		exit(run_in_terminal("top %d %d -d 0.1"));
	}
	assert_int_equal(tcgetattr(master, &before), 0);
	assert_int_equal(write(master, "\n", 1), 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	close(master);
	return 0;
}

static bool read_more(void)
{
	struct pollfd poll_master = { .fd = master, .events = POLLIN };
	ssize_t got;

	if (length == sizeof(output) - 1 ||
	    poll(&poll_master, 1, PATIENCE_MS) != 1)
		return false;
	got = read(master, output + length, sizeof(output) - 1 - length);
	if (got <= 0)
		return false;
	length += got;
	output[length] = '\0';
	return true;
}

/* Waits for a text, and forgets what came until its end. */
static void look_for(const char *text)
{
	const char *found;

	while (!(found = length ? strstr(output, text) : NULL))
		if (!read_more())
			fail_msg("no %s in %.500s", text, length ? output : "");
	found += strlen(text);
	length -= found - output;
	memmove(output, found, length + 1);
}

static int await_end(void)
{
	int status;

	while (read_more())
		;
	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	return status;
}

static bool is_cooked(void)
{
	struct termios now;

	assert_int_equal(tcgetattr(master, &now), 0);
	return now.c_lflag == before.c_lflag &&
	       !memcmp(now.c_cc, before.c_cc, sizeof(now.c_cc));
}

static void press(const char *keys)
{
	assert_int_equal(write(master, keys, strlen(keys)), strlen(keys));
}

static void q_quits_and_restores_the_terminal(void **state)
{
	int status;

	(void)state;
	look_for(DRAWN);
	look_for(DRAWN);
	assert_false(is_cooked());
	press("q");
	look_for(SHOW_CURSOR);
	status = await_end();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_OK);
	assert_true(is_cooked());
}

static void ends_by(int number)
{
	int status;

	start(NULL);
	look_for(DRAWN);
	assert_false(is_cooked());
	kill(child, number);
	look_for(SHOW_CURSOR);
	status = await_end();
	if (!WIFSIGNALED(status) || WTERMSIG(status) != number)
		fail_msg("signal %d: status %x", number, status);
	assert_true(is_cooked());
	close(master);
}

static void every_signal_restores_the_terminal(void **state)
{
	static const int numbers[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT, SIGPIPE,
		SIGUSR1, SIGALRM, SIGXCPU,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ends_by(numbers[i]);
}

/* As nohup(1) wants it. */
static void ignored_signal_stays_ignored(void **state)
{
	(void)state;
	hangup_ignored = true;
	start(NULL);
	hangup_ignored = false;
	look_for(DRAWN);
	kill(child, SIGHUP);
	press("q");
	assert_true(WIFEXITED(await_end()));
	end(NULL);
}

static void control_c_ends_it(void **state)
{
	(void)state;
	look_for(DRAWN);
	press("\003");
	assert_int_equal(WTERMSIG(await_end()), SIGINT);
	assert_true(is_cooked());
}

static void stopping_gives_the_terminal_back(void **state)
{
	int status;

	(void)state;
	look_for(DRAWN);
	kill(child, SIGTSTP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	look_for(SHOW_CURSOR);
	assert_true(is_cooked());
	kill(child, SIGCONT);
	look_for("\033[?1049h");
	look_for(DRAWN);
	assert_false(is_cooked());
	press("q");
	assert_true(WIFEXITED(await_end()));
	assert_true(is_cooked());
}

static void keys_change_the_order(void **state)
{
	(void)state;
	look_for("by CPU%;");
	press("r");
	look_for("by READY;");
	press("r");
	look_for("by READY inverted;");
	press("<");
	look_for("by OTHER;");
	press("\033[C");
	look_for("by READY;");
	press("i");
	look_for("by READY inverted;");
	press("z");	/* no such key */
	look_for("by READY inverted;");
	press("q");
	await_end();
}

/* The lines of the page that ended last, without what is not shown. */
static void assert_page(unsigned int columns, unsigned int rows)
{
	char page[8192], *line, *state;
	unsigned int lines = 0;
	size_t size;

	look_for(DRAWN);
	while (!strstr(output, DRAWN))
		assert_true(read_more());
	size = strstr(output, DRAWN) - output;
	assert_true(size < sizeof(page));
	memcpy(page, output, size);
	page[size] = '\0';
	for (line = strtok_r(page, "\r\n", &state); line;
	     line = strtok_r(NULL, "\r\n", &state), lines++) {
		for (char *at; (at = strchr(line, '\033'));) {
			size_t escape = 2 + strspn(at + 2, "?;0123456789") + 1;

			memmove(at, at + escape, strlen(at + escape) + 1);
		}
		if (text_width(line) > columns)
			fail_msg("more than %u columns: %s", columns, line);
	}
	assert_in_range(lines, 2, rows);
}

static void pages_fit_the_window(void **state)
{
	struct winsize small = { .ws_row = 3, .ws_col = 30 };

	(void)state;
	assert_page(80, 24);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &small), 0);
	look_for("CPU%; \033[m");	/* 30 columns of the first line */
	assert_page(30, 3);
	press("q");
	await_end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(q_quits_and_restores_the_terminal),
		cmocka_unit_test(every_signal_restores_the_terminal),
		cmocka_unit_test(ignored_signal_stays_ignored),
		TEST(control_c_ends_it),
		TEST(stopping_gives_the_terminal_back),
		TEST(keys_change_the_order),
		TEST(pages_fit_the_window),
	};

	return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "format.h"
#include "screen.h"

#define ENTER	"\033[?1049h\033[?25l"	/* alternate screen, no cursor */
#define LEAVE	"\033[?25h\033[?1049l"

static struct termios before;
static sigset_t waiting;	/* signals that are blocked in screen_wait() */
static bool keys;		/* stdin is a terminal, too */
static volatile sig_atomic_t entered, changed;

static void write_all(const char *text)
{
	ssize_t length = write(STDOUT_FILENO, text, strlen(text));

	(void)length;	/* nothing can be done about a terminal that is gone */
}

/* Called by signal handlers, as leave(): async-signal-safe calls only. */
static void enter(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	write_all(ENTER);
	entered = true;
	changed = true;
}

static void leave(void)
{
	if (!entered)
		return;
	entered = false;
	write_all(LEAVE);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* The signal is delivered again when the handler returns, and then kills. */
static void handle_end(int number)
{
	leave();
	raise(number);
}

static void handle_stop(int number)
{
	(void)number;
	leave();
	raise(SIGSTOP);
}

static void handle_continue(int number)
{
	int error = errno;

	(void)number;
	enter();
	errno = error;
}

static void handle_resize(int number)
{
	(void)number;
	changed = true;
}

/* A signal that is ignored, as SIGHUP by nohup(1), stays so. */
static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	sigfillset(&action.sa_mask);
	if (!sigaction(number, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

static void handle_signals(void)
{
	static const int ends[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
		SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,
		SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGSYS,
	};
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		handle(ends[i], handle_end, SA_RESETHAND);
	handle(SIGTSTP, handle_stop, SA_RESTART);
	handle(SIGCONT, handle_continue, SA_RESTART);
	handle(SIGWINCH, handle_resize, SA_RESTART);
	/* Else one of these could come before ppoll() and not end it. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCONT);
	sigaddset(&blocked, SIGWINCH);
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
}

void screen_open(void)
{
	keys = !tcgetattr(STDIN_FILENO, &before);
	handle_signals();
	atexit(leave);
	enter();
}

void screen_close(void)
{
	leave();
}

void screen_size(unsigned int *columns, unsigned int *lines)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return;
	*columns = size.ws_col;
	*lines = size.ws_row;
}

static int read_key(void)
{
	unsigned char text[3];
	ssize_t length = read(STDIN_FILENO, text, 1);

	if (length != 1)
		return SCREEN_GONE;
	if (text[0] != '\033')
		return text[0];
	if (read(STDIN_FILENO, text, 2) != 2)
		return 0;
	return text[1] == 'C' ? SCREEN_RIGHT : text[1] == 'D' ? SCREEN_LEFT : 0;
}

static struct timespec time_until(const struct timespec *when)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec = when->tv_sec - now.tv_sec;
	now.tv_nsec = when->tv_nsec - now.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now.tv_sec < 0 ? (struct timespec){ 0 } : now;
}

int screen_wait(const struct timespec *when)
{
	struct pollfd poll = { .fd = keys ? STDIN_FILENO : -1,
			       .events = POLLIN };
	struct timespec left = time_until(when);
	int ret = ppoll(&poll, 1, &left, &waiting);

	if (changed) {
		changed = false;
		return SCREEN_CHANGED;
	}
	if (ret < 0)
		return 0;
	return ret ? read_key() : SCREEN_TIME;
}

/* A line that is too long would take two, and scroll the screen. */
static size_t shown_length(const char *text, size_t length, unsigned int columns)
{
	size_t prefix = text_prefix(text, columns);

	return prefix < length ? prefix : length;
}

void screen_draw(FILE *out, const char *text, unsigned int columns,
		 unsigned int title)
{
	fputs("\033[H", out);
	for (unsigned int line = 0; *text; line++) {
		size_t length = strcspn(text, "\n");

		fprintf(out, "%s%s%.*s\033[m\033[K", line ? "\n" : "",
			line == title ? "\033[7m" : "",
			(int)shown_length(text, length, columns), text);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", out);
}

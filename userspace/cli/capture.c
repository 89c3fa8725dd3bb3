// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <queztl.h>

#include "fail.h"
#include "json.h"
#include "lookup.h"
#include "options.h"
#include "pcapng.h"

#define ROOM	(1 << 20)	/* for what is read at a time */

/**
 * struct capture - a capture in progress
 * @path: of @file, "-": standard output; NULL: none
 * @file: where pcapng is written to; NULL: lines of text or JSON
 * @snaplen: bytes of each frame to keep; 0: all
 * @count: stop after so many frames; 0: never
 * @frames: so many were captured
 * @lost: so many were not, because the kernel's buffer was full
 */
struct capture {
	const char *path;
	FILE *file;
	uint64_t snaplen;
	uint64_t count;
	uint64_t frames;
	uint64_t lost;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* read(2) returns when one of them comes. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static const char *direction(const struct queztl_capture_record *record)
{
	return record->flags & QUEZTL_CAPTURE_SENT ? "out" : "in";
}

static const char *drop_of(const struct queztl_capture_record *record)
{
	return record->flags & QUEZTL_CAPTURE_DROPPED ?
		queztl_drop_name(record->drop) : NULL;
}

static void format_mac(char text[18], const uint8_t *mac)
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
}

static void print_line(FILE *to, const struct queztl_capture_record *record,
		       const uint8_t *frame)
{
	time_t seconds = record->time / 1000000000;
	const char *drop = drop_of(record);
	char clock[16], from[18], dest[18];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%T", &tm);
	format_mac(dest, frame);
	format_mac(from, frame + 6);
	fprintf(to, "%s.%06u %-3s %s > %s %02x%02x %6u%s%s\n", clock,
		(unsigned int)(record->time % 1000000000 / 1000),
		direction(record), from, dest, frame[12], frame[13],
		record->bytes, drop ? " dropped: " : "", drop ? drop : "");
}

static void print_object(FILE *to, const struct queztl_capture_record *record,
			 const uint8_t *frame)
{
	json_t *object = json_object();
	char from[18], dest[18];

	format_mac(dest, frame);
	format_mac(from, frame + 6);
	set_count(object, "time_ns", record->time);
	set_text(object, "direction", direction(record));
	set_text(object, "source", from);
	set_text(object, "destination", dest);
	set_count(object, "ethertype", frame[12] << 8 | frame[13]);
	set_count(object, "bytes", record->bytes);
	set_count(object, "lost", record->lost);
	set_text(object, "dropped", drop_of(record));
	print_json(object, to, true);
}

static void show(struct cli *cli, struct capture *c,
		 const struct queztl_capture_record *record)
{
	const uint8_t *frame = (const uint8_t *)(record + 1);

	c->frames++;
	c->lost += record->lost;
	if (c->file)
		pcapng_frame(c->file, record, frame);
	else if (cli->json)
		print_object(cli->out, record, frame);
	else
		print_line(cli->out, record, frame);
}

static bool is_done(const struct capture *c)
{
	return interrupted || (c->count && c->frames == c->count);
}

static void show_all(struct cli *cli, struct capture *c, const char *bytes,
		     ssize_t size)
{
	const struct queztl_capture_record *record;

	for (ssize_t at = 0; at < size && !is_done(c);
	     at += (sizeof(*record) + record->captured + 7) & ~7ul) {
		record = (const void *)(bytes + at);
		show(cli, c, record);
	}
}

static int read_all(struct cli *cli, struct capture *c, int fd,
		    const char *port)
{
	FILE *to = c->file ? c->file : cli->out;
	char *bytes = malloc(ROOM);
	ssize_t size = 1;
	int ret = 0;

	while (bytes && !is_done(c) && size > 0) {
		size = read(fd, bytes, ROOM);
		if (size < 0 && errno != EINTR)
			ret = -errno;
		show_all(cli, c, bytes, size);
		if (fflush(to) || ferror(to))
			break;
	}
	if (!bytes)
		ret = -ENOMEM;
	free(bytes);
	return ret ? fail_errno(cli, ret, "cannot capture port %s", port) :
		     EXIT_OK;
}

static int fail_capture(struct cli *cli, int ret, const char *port)
{
	switch (ret) {
	case -ENOENT:
		return fail_no_port(cli, port);
	case -EBUSY:
		return fail(cli, EXIT_FAILED,
			    "port %s is being captured by somebody else: only one can at a time",
			    port);
	case -ENOTTY:
		return fail(cli, EXIT_UNSUPPORTED,
			    "this module cannot capture: load a newer queztl.ko");
	default:
		return fail_errno(cli, ret, "cannot capture port %s", port);
	}
}

/* What tenants say is for nobody else to read. */
static FILE *create_file(const char *path)
{
	mode_t mask = umask(0077);
	FILE *file = fopen(path, "we");

	umask(mask);
	return file;
}

static int open_file(struct cli *cli, struct capture *c, const char *port)
{
	if (!c->path)
		return EXIT_OK;
	c->file = strcmp(c->path, "-") ? create_file(c->path) : cli->out;
	if (!c->file)
		return fail(cli, EXIT_FAILED, "cannot write to %s: %s", c->path,
			    strerror(errno));
	pcapng_begin(c->file, port, c->snaplen);
	return EXIT_OK;
}

static int close_file(struct cli *cli, struct capture *c, int code)
{
	bool bad;

	if (!c->file)
		return code;
	bad = fflush(c->file) || ferror(c->file);
	if (c->file != cli->out)
		bad |= fclose(c->file) != 0;
	if (bad && !code)
		return fail(cli, EXIT_FAILED, "cannot write to %s", c->path);
	return code;
}

static int capture_port(struct cli *cli, int device,
			const struct snapshot *shot, const struct port *port,
			void *ctx)
{
	const char *name = port->port.name;
	struct capture *c = ctx;
	int fd, code;

	(void)shot;
	fd = queztl_port_capture(device, port->port.id, c->snaplen, 0);
	if (fd < 0)
		return fail_capture(cli, fd, name);
	code = open_file(cli, c, name);
	if (!code) {
		catch_signals();
		code = read_all(cli, c, fd, name);
		code = close_file(cli, c, code);
	}
	close(fd);
	if (!code && (c->file || c->lost))
		fprintf(cli->err, "%" PRIu64 " frames captured, %" PRIu64 " lost\n",
			c->frames, c->lost);
	return code;
}

static int take_option(struct cli *cli, int *argc, char **argv,
		       const char *name, const char *what, const char **value)
{
	if (!take_value(argc, argv, name, false, value) || *value)
		return EXIT_OK;
	return fail(cli, EXIT_USAGE, "%s needs %s", name, what);
}

static int parse_value(struct cli *cli, const char *name, const char *text,
		       uint64_t least, uint64_t most, uint64_t *value)
{
	if (!text || parse_number(text, least, most, value))
		return EXIT_OK;
	return fail(cli, EXIT_USAGE, "invalid %s '%s': use %" PRIu64 " to %" PRIu64,
		    name, text, least, most);
}

int run_capture(struct cli *cli, int argc, char **argv)
{
	const char *snaplen = NULL, *count = NULL;
	struct capture c = { 0 };
	int code;

	code = take_option(cli, &argc, argv, "-w", "a file", &c.path);
	if (!code)
		code = take_option(cli, &argc, argv, "-s", "a number", &snaplen);
	if (!code)
		code = take_option(cli, &argc, argv, "-c", "a number", &count);
	if (!code)
		code = expect_words(cli, argc, argv, 1);
	/* Addresses and the type are shown of every frame. */
	if (!code)
		code = parse_value(cli, "-s", snaplen, 14,
				   QUEZTL_CAPTURE_SNAPLEN_MAX, &c.snaplen);
	if (!code)
		code = parse_value(cli, "-c", count, 1, UINT64_MAX, &c.count);
	return code ? code : with_port(cli, argv[0], capture_port, &c);
}

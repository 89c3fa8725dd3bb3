// SPDX-License-Identifier: GPL-2.0
/* queztl exporter: counters for Prometheus. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporter.h"
#include "fail.h"
#include "memory.h"
#include "metrics.h"
#include "options.h"
#include "wholefile.h"

int render_metrics(struct exporter *exporter, char **text, size_t *size)
{
	struct metrics metrics = { .continuous = exporter->continuous };
	FILE *to;
	int ret = read_metrics(&exporter->reader, &exporter->sample, &metrics);

	if (!ret) {
		to = open_memstream(text, size);
		if (!to)
			out_of_memory();
		print_metrics(to, &metrics);
		if (fclose(to))
			out_of_memory();
		free_sample(&exporter->sample);
		exporter->sample = metrics.sample;
	} else {
		free_sample(&metrics.sample);
	}
	free_metrics(&metrics);
	return ret;
}

static int export_once(struct exporter *exporter, const char *path)
{
	struct cli *cli = exporter->cli;
	char *text;
	size_t size;
	int ret = render_metrics(exporter, &text, &size);

	if (ret)
		return fail_errno(cli, ret, "cannot read the counters");
	if (path)
		ret = write_whole_file(path, text, size);
	else
		fwrite(text, 1, size, cli->out);
	free(text);
	return ret ? fail_errno(cli, ret, "cannot write %s", path) : EXIT_OK;
}

static int fail_listen(struct cli *cli, int ret, const char *text)
{
	if (ret == -EADDRINUSE)
		return fail(cli, EXIT_FAILED,
			    "another process listens at %s: stop it or give another --listen",
			    text);
	if (ret == -EEXIST)
		return fail(cli, EXIT_FAILED,
			    "%s is there and is no socket: give another --listen",
			    text);
	return fail_errno(cli, ret, "cannot listen at %s", text);
}

/* The port may have been chosen by the kernel. */
static void say_address(struct cli *cli, const struct listen_address *address,
			int fd)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t length = sizeof(bound);

	if (!address->length) {
		fprintf(cli->out, "listening at %s\n", address->text);
	} else {
		getsockname(fd, (struct sockaddr *)&bound, &length);
		/* The port of sockaddr_in6 is in the same place. */
		fprintf(cli->out, "listening at http://%.*s:%u/metrics\n",
			(int)(strrchr(address->text, ':') - address->text),
			address->text,
			ntohs(((struct sockaddr_in *)&bound)->sin_port));
	}
	fflush(cli->out);
}

static int export_by_http(struct exporter *exporter, const char *text)
{
	struct cli *cli = exporter->cli;
	struct listen_address address;
	int code, fd;

	if (!parse_listen_address(text, &address))
		return fail(cli, EXIT_USAGE,
			    "invalid --listen address '%s': use a path, 127.0.0.1:PORT or [::1]:PORT; other hosts are not served",
			    text);
	fd = listen_to(&address);
	if (fd < 0)
		return fail_listen(cli, fd, text);
	say_address(cli, &address, fd);
	code = serve_metrics(exporter, fd);
	if (!address.length)
		unlink(text);
	close(fd);
	return code;
}

static int take_options(struct cli *cli, int argc, char **argv,
			const char **path, const char **address)
{
	bool to_file = take_value(&argc, argv, "-o", false, path);
	bool listens = take_value(&argc, argv, "--listen", false, address);

	if (to_file && !*path)
		return fail(cli, EXIT_USAGE, "missing value for -o: give a file");
	if (listens && !*address)
		return fail(cli, EXIT_USAGE,
			    "missing value for --listen: use a path, 127.0.0.1:PORT or [::1]:PORT");
	if (to_file && listens)
		return fail(cli, EXIT_USAGE,
			    "-o and --listen exclude each other");
	if (cli->json)
		return fail(cli, EXIT_USAGE,
			    "exporter has the format of Prometheus only: use queztl stats --json");
	return expect_words(cli, argc, argv, 0);
}

int run_exporter(struct cli *cli, int argc, char **argv)
{
	struct exporter exporter = { .cli = cli };
	const char *path = NULL, *address = NULL;
	int code = take_options(cli, argc, argv, &path, &address);

	if (code)
		return code;
	exporter.continuous = address;
	code = address ? export_by_http(&exporter, address) :
			 export_once(&exporter, path);
	free_sample(&exporter.sample);
	close_reader(&exporter.reader);
	return code;
}

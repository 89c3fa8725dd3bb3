// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"

static void print_failure(struct cli *cli, const char *format, va_list args)
{
	fputs("queztl: ", cli->err);
	vfprintf(cli->err, format, args);
}

int fail(struct cli *cli, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_failure(cli, format, args);
	va_end(args);
	fputc('\n', cli->err);
	return code;
}

int exit_code_of(int error)
{
	switch (-error) {
	case ENOENT:
	case ESRCH:
		return EXIT_NO_OBJECT;
	case EPERM:
	case EACCES:
		return EXIT_NO_PERMISSION;
	case ENOTTY:
	case EOPNOTSUPP:
	case E2BIG:
	case ENODEV:
	case ENXIO:
	case ENOSYS:
		return EXIT_UNSUPPORTED;
	default:
		return EXIT_FAILED;
	}
}

static const char *describe_error(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return "not permitted: use sudo";
	case EOPNOTSUPP:
		return "not supported by this kernel: see queztl info";
	case ENOTTY:
	case E2BIG:
		return "the loaded queztl.ko is older than this program: update and reload it";
	default:
		return strerror(-error);
	}
}

int fail_errno(struct cli *cli, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_failure(cli, format, args);
	va_end(args);
	fprintf(cli->err, ": %s\n", describe_error(error));
	return exit_code_of(error);
}

static int fail_open(struct cli *cli, int error)
{
	switch (-error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fail(cli, EXIT_UNSUPPORTED, "no " QUEZTL_DEVICE
			    ": load the module (modprobe queztl) or run queztl doctor");
	case EACCES:
	case EPERM:
		return fail(cli, EXIT_NO_PERMISSION, "no permission to open "
			    QUEZTL_DEVICE ": use sudo or join group queztl");
	default:
		return fail_errno(cli, error, "cannot open " QUEZTL_DEVICE);
	}
}

int open_device(struct cli *cli, int *code)
{
	int fd = queztl_open();

	if (fd < 0)
		*code = fail_open(cli, fd);
	return fd;
}

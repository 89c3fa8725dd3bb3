/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_FAIL_H
#define QUEZTL_FAIL_H

struct cli;

/*
 * Prints one line to stderr that ends with what to do; returns the exit code.
 */
__attribute__((format(printf, 3, 4)))
int fail(struct cli *cli, int code, const char *format, ...);

/* The same for an -errno, which determines the exit code and the advice. */
__attribute__((format(printf, 3, 4)))
int fail_errno(struct cli *cli, int error, const char *format, ...);

int exit_code_of(int error);

/* A descriptor of /dev/queztl; when negative, *code is the exit code. */
int open_device(struct cli *cli, int *code);

#endif /* QUEZTL_FAIL_H */

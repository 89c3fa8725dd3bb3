/* SPDX-License-Identifier: GPL-2.0 */
/* A call that must fail and have no effect. */
#ifndef QUEZTL_REFUSED_H
#define QUEZTL_REFUSED_H

#include "calls.h"

#include <stddef.h>

/* The call fails with @error, writes nothing into the @room bytes at @at and changes nothing. */
void expect_refused(const struct call *call, int fd, unsigned long number, void *at, size_t room, int error,
		    const char *why, long detail);

#endif

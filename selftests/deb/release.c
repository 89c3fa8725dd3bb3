// SPDX-License-Identifier: GPL-2.0
/* Preloaded: this host runs kernel $QZ_RELEASE. A root of a test has modules of other kernels than the one that runs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int uname(struct utsname *name)
{
	const char *release = getenv("QZ_RELEASE");
	int ret = (int)syscall(SYS_uname, name);

	if (!ret && release)
		snprintf(name->release, sizeof(name->release), "%s", release);
	return ret;
}

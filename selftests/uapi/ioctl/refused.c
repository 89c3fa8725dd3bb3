// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "refused.h"
#include "ktap.h"
#include "snapshot.h"

#include <sys/ioctl.h>

void expect_refused(const struct call *call, int fd, unsigned long number, void *at, size_t room, int error,
		    const char *why, long detail)
{
	static char before[4 * ROOM];
	struct snapshot then = take_snapshot();
	char what[128];
	int r;

	memcpy(before, at, room);
	errno = 0;
	r = ioctl(fd, number, at);
	KTAP_CHECK(r == -1 && errno == error, false, "%s, %s (%ld): expected %s, got %d %s", call->name, why, detail,
		   strerrorname_np(error), r, r ? strerrorname_np(errno) : "");
	KTAP_CHECK(!memcmp(before, at, room), false, "%s, %s (%ld): failed and wrote", call->name, why, detail);
	snprintf(what, sizeof(what), "%s, %s (%ld): failed and changed something", call->name, why, detail);
	expect_unchanged(what, then);
}

// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "delays.h"
#include "ktap.h"

#include <fcntl.h>
#include <sys/syscall.h>

bool delays_load(const char *options)
{
	const char *directory = getenv("QZ_USER_TEST_MODULES");
	char path[256];
	int fd, r;

	snprintf(path, sizeof(path), "%s/qz_delays.ko", directory ? directory : ".");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = syscall(SYS_finit_module, fd, options, 0);
	close(fd);
	KTAP_CHECK(!r, true, "qz_delays.ko does not load: %s", strerror(errno));
	return true;
}

unsigned long long delays_tell(void)
{
	FILE *file = fopen("/sys/kernel/debug/qz_delays", "r");
	unsigned long long hits, delays, sum = 0;
	char line[128], name[64];

	ASSERT(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %llu %llu", name, &hits, &delays) == 3)
			sum += delays;
		line[strcspn(line, "\n")] = 0;
		ktap_say("delays: %s", line);
	}
	fclose(file);
	ktap_say("delays: %llu in all", sum);
	return sum;
}

int delays_unload(void)
{
	return (int)syscall(SYS_delete_module, "qz_delays", O_NONBLOCK);
}

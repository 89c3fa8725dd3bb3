// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "guest.h"
#include "ktap.h"
#include "registry.h"
#include "tinyvm.h"

#include <sys/prctl.h>

static void tell(int pipe, int word)
{
	if (write(pipe, &word, sizeof(word)) != sizeof(word))
		_exit(1);
}

static int hear(struct guest *guest)
{
	int word = -1;

	ASSERT_EQ(read(guest->pipe, &word, sizeof(word)), sizeof(word));
	ASSERT_GE(word, 0);
	return word;
}

static void live(int pipe, int megabytes, bool run)
{
	struct tinyvm tiny;
	int r = tinyvm_create(&tiny, megabytes);

	tell(pipe, r ? r : tiny.vm);
	if (run)
		tell(pipe, tinyvm_run(&tiny, 10) == 10 ? 1 : -1);
	if (run)
		tinyvm_run(&tiny, -1);
	for (;;)
		pause();
}

struct guest start_guest(int megabytes, bool run)
{
	struct guest guest;
	int ends[2];

	ASSERT_EQ(pipe(ends), 0);
	guest.pid = fork();
	if (!guest.pid) {
		prctl(PR_SET_NAME, "tiny guest");
		close(ends[0]);
		close_device();
		live(ends[1], megabytes, run);
	}
	close(ends[1]);
	guest.pipe = ends[0];
	guest.fd = hear(&guest);
	if (run)
		hear(&guest);
	return guest;
}

void end_guest(struct guest *guest)
{
	kill(guest->pid, SIGKILL);
	waitpid(guest->pid, NULL, 0);
	close(guest->pipe);
}

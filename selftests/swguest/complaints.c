// SPDX-License-Identifier: GPL-2.0
/* The kernel's log: what was loaded, and which ports broke and why; not more of it because a guest likes to write there. */
#define _GNU_SOURCE
#include "world.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TIMES		12	/* that a guest breaks its port */
#define MINUTE_LINES	2	/* QZ_COMPLAIN_BURST */

static struct member *m[2];
static int log_fd = -1;

/* From now on, or with SEEK_DATA from the first line that the kernel still has. */
static void open_log(int whence)
{
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_GE(log_fd, 0);
	ASSERT_GE(lseek(log_fd, 0, whence), 0);
}

/* The next record, "PRIORITY,NUMBER,TIME,FLAGS;TEXT"; false if there is none yet. */
static bool read_log(char record[1024])
{
	ssize_t length;

	do {
		length = read(log_fd, record, 1023);
	} while (length < 0 && errno == EPIPE);		/* overwritten */
	record[length > 0 ? length : 0] = '\0';
	return length > 0;
}

static int count_lines_of(const struct member *member, const char *reason)
{
	char record[1024], text[128];
	int count = 0;

	snprintf(text, sizeof(text), ";queztl: port %s broken: %s", member->name, reason);
	while (read_log(record))
		count += !!strstr(record, text);
	return count;
}

static void expect_line(const struct member *member, const char *reason)
{
	for (int i = 0; i < SOON; i++, usleep(1000))
		if (count_lines_of(member, reason))
			return;
	KTAP_CHECK(false, false, "not in the log: port %s broken: %s", member->name, reason);
}

static void post_nonsense(struct member *member, int ring, uint16_t flags)
{
	struct vring_desc piece = { .addr = SWG_BASE + SWG_MEMORY, .len = 2048, .flags = flags };

	ASSERT_EQ(swg_post(&member->port, ring, &piece, 1, 0, false), 0);
	swg_kick(&member->port, ring);
}

static void await_broken(struct member *member)
{
	struct queztl_port port = { 0 };

	for (int i = 0; i < SOON && !(port.state & QUEZTL_PORT_BROKEN); i++, usleep(1000))
		ASSERT_EQ(port_find(member->name, &port), 0);
	ASSERT(port.state & QUEZTL_PORT_BROKEN);
}

static void break_port(struct member *member)
{
	ASSERT_EQ(swg_reset(&member->port), 0);
	start(member, NULL);
	post_nonsense(member, SWG_TX, 0);
	await_broken(member);
}

TEST(load_is_logged_with_version_and_features)
{
	struct queztl_info info = { .size = sizeof(info) };
	char record[1024], text[128];
	int fd = open(QUEZTL_DEVICE, O_RDWR | O_CLOEXEC);
	bool found = false;

	ASSERT_EQ(ioctl(fd, QUEZTL_GET_INFO, &info), 0);
	close(fd);
	snprintf(text, sizeof(text), ";queztl: %s, ABI %u, features fabric%s channel%s policy\n", info.module,
		 info.abi_version, info.features & QUEZTL_F_DIRECT ? " direct" : "",
		 info.features & QUEZTL_F_SCHED ? " sched" : "");
	open_log(SEEK_SET);
	ASSERT(read_log(record));
	if (!strstr(record, ",0,"))
		SKIP("the log no longer begins at the boot");
	while (!found && read_log(record))
		found = strstr(record, text);
	KTAP_CHECK(found, false, "not in the log: %s", text);
}

TEST(broken_port_is_logged_with_its_reason)
{
	struct swg_options empty = { .no_fill = true };

	make_lan(m, 2, NULL);
	open_log(SEEK_END);
	post_nonsense(m[0], SWG_TX, 0);
	expect_line(m[0], "its send ring is malformed");
	ASSERT_EQ(swg_reset(&m[0]->port), 0);
	start(m[0], NULL);
	ASSERT_EQ(swg_reset(&m[1]->port), 0);
	start(m[1], &empty);
	post_nonsense(m[1], SWG_RX, VRING_DESC_F_WRITE);
	ASSERT_EQ(send_to(m[0], m[1]->mac, 100, 1, 0), 0);
	expect_line(m[1], "its receive ring is malformed");
	EXPECT_EQ(count_lines_of(m[0], ""), 0);		/* it only sent the frame */
}

TEST(port_that_breaks_again_and_again_is_logged_twice)
{
	struct timespec begun, ended;
	int lines;

	make_lan(m, 2, NULL);
	open_log(SEEK_END);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (int i = 0; i < TIMES; i++)
		break_port(m[0]);
	ASSERT_EQ(swg_reset(&m[0]->port), 0);		/* what was to be logged has been */
	clock_gettime(CLOCK_MONOTONIC, &ended);
	lines = count_lines_of(m[0], "its send ring is malformed");
	EXPECT_GE(lines, MINUTE_LINES);
	EXPECT_LE(lines, MINUTE_LINES * (1 + (ended.tv_sec - begun.tv_sec + 1) / 60));
	break_port(m[1]);				/* the limit is not this port's */
	expect_line(m[1], "its send ring is malformed");
}

// SPDX-License-Identifier: GPL-2.0
/* What a VM gets from queztl window serve; the test is QEMU and its guest. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <queztl.h>

#include "fake_channel.h"
#include "ivshmem.h"
#include "mailbox.h"
#include "serversocket.h"
#include "windowclient.h"
#include "windowoptions.h"

#define REGION	QHP_REGION_MIN
#define SLOTS	3

static int device, ends[2];
static struct window window;
static struct bells bells;
static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_reset_channels();
	descriptors = count_descriptors();
	device = queztl_open();
	window.fd = queztl_window_create(device, "wa", SLOTS, REGION, NULL);
	window.slots = SLOTS;
	window.bytes = lseek(window.fd, 0, SEEK_END);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    ends), 0);
	return open_bells(&bells, SLOTS + 1);
}

static int teardown(void **state)
{
	(void)state;
	close_bells(&bells);
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	close(window.fd);
	close(device);
	fake_reset_channels();
	return count_descriptors() != descriptors;
}

/* Reads as QEMU does: one number, and the descriptor that came with it. */
static int64_t receive(int *fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	int64_t wire;
	struct iovec data = { &wire, sizeof(wire) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header;

	assert_int_equal(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC),
			 sizeof(wire));
	header = CMSG_FIRSTHDR(&message);
	*fd = -1;
	if (header)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return le64toh(wire);
}

static bool is_same(int a, int b)
{
	const eventfd_t value = 7;
	eventfd_t count = 0;

	/* all eventfds may share an inode, so look at what goes through */
	eventfd_write(a, value);
	return !eventfd_read(b, &count) && count == value;
}

static void expect_bells(int64_t peer, const int *fds, unsigned int vectors)
{
	int fd;

	for (unsigned int i = 0; i < vectors; i++) {
		assert_int_equal(receive(&fd), peer);
		assert_true(fd >= 0);
		assert_true(is_same(fd, fds[i]));
		close(fd);
	}
}

static void client_is_told_what_qemu_expects(void **state)
{
	struct stat a, b;
	int fd;

	(void)state;
	assert_int_equal(greet_client(ends[0], window.fd, &bells), 0);
	assert_int_equal(receive(&fd), 0);	/* version */
	assert_int_equal(fd, -1);
	assert_int_equal(receive(&fd), 1);	/* its own number */
	assert_int_equal(fd, -1);
	assert_int_equal(receive(&fd), -1);	/* the memory */
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(window.fd, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(fd);
	expect_bells(QHP_PEER_HOST, bells.kick, SLOTS + 1);
	expect_bells(1, bells.call, SLOTS + 1);
	/* and nothing else */
	assert_int_equal(recv(ends[1], &fd, 1, MSG_DONTWAIT), -1);
}

static void slots_have_the_bells_of_their_vectors(void **state)
{
	const struct fake_window *fake_window = &fake_windows[0];

	(void)state;
	assert_int_equal(hang_bells(window.fd, SLOTS, &bells), 0);
	assert_int_equal(fake_window->changes, bells.call[0]);
	for (int i = 0; i < SLOTS; i++) {
		assert_int_equal(fake_window->slot[i].kick, bells.kick[1 + i]);
		assert_int_equal(fake_window->slot[i].call, bells.call[1 + i]);
	}
	bells.vectors = 2;	/* the other slots use the common vector */
	assert_int_equal(hang_bells(window.fd, SLOTS, &bells), 0);
	assert_int_equal(fake_window->slot[0].call, bells.call[1]);
	assert_int_equal(fake_window->slot[1].kick, -1);
	assert_int_equal(fake_window->slot[1].call, bells.call[0]);
	bells.vectors = SLOTS + 1;
	assert_int_equal(hang_bells(window.fd, SLOTS, NULL), 0);
	assert_int_equal(fake_window->changes, -1);
	assert_int_equal(fake_window->slot[0].call, -1);
}

/* Number, operation, slot, bytes, name: the answer, or 0 without one. */
static struct qhp_answer ask(struct qhp_mailbox *mailbox, uint32_t *last,
			     struct qhp_request request)
{
	static uint32_t number;

	request.number = ++number;
	mailbox->request = request;
	assert_true(serve_request(window.fd, SLOTS, mailbox, last));
	assert_int_equal(mailbox->answer.number, number);
	return mailbox->answer;
}

static void requests_are_answered(void **state)
{
	struct qhp_mailbox mailbox = { .request = { .number = 0 } };
	struct qhp_answer answer;
	uint32_t last = 0;

	(void)state;
	queztl_channel_allow(device, "chat", "wa", "wb", NULL);
	assert_false(serve_request(window.fd, SLOTS, &mailbox, &last));
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_LISTEN, .name = "chat" });
	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.slot, 0);
	assert_int_equal(answer.bytes, REGION);
	assert_false(serve_request(window.fd, SLOTS, &mailbox, &last));
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_LISTEN, .name = "other" });
	assert_int_equal(answer.error, -EPERM);
	assert_int_equal(answer.bytes, 0);
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_CONNECT, .name = "chat" });
	assert_int_equal(answer.error, -EPERM);
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_CLOSE, .slot = 0 });
	assert_int_equal(answer.error, 0);
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_CLOSE, .slot = 0 });
	assert_int_equal(answer.error, -ENOENT);
	answer = ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_CLOSE, .slot = UINT32_MAX });
	assert_int_equal(answer.error, -ENOENT);
	answer = ask(&mailbox, &last, (struct qhp_request){ .op = 77 });
	assert_int_equal(answer.error, -EOPNOTSUPP);
}

static void reset_closes_all_slots(void **state)
{
	struct qhp_mailbox mailbox = { .request = { .number = 0 } };
	struct queztl_window found = { 0 };
	uint32_t last = 0;

	(void)state;
	queztl_channel_allow(device, "chat", "wa", "wb", NULL);
	for (int i = 0; i < SLOTS; i++)
		ask(&mailbox, &last, (struct qhp_request){
			.op = QHP_OP_LISTEN, .name = "chat" });
	assert_int_equal(queztl_window_next(device, &found), 0);
	assert_int_equal(found.used, SLOTS);
	assert_int_equal(ask(&mailbox, &last, (struct qhp_request){
		.op = QHP_OP_RESET }).error, 0);
	found.id = 0;
	assert_int_equal(queztl_window_next(device, &found), 0);
	assert_int_equal(found.used, 0);
}

/* The guest may write a name that has no end. */
static void names_end_in_the_mailbox(void **state)
{
	struct qhp_mailbox mailbox = { .request = { .number = 0 } };
	struct qhp_request request = { .op = QHP_OP_LISTEN };
	uint32_t last = 0;

	(void)state;
	memset(request.name, 'x', sizeof(request.name));
	memset(request.pad, 'x', sizeof(request.pad));
	assert_int_equal(ask(&mailbox, &last, request).error, -EINVAL);
	request.op = QHP_OP_CONNECT;
	assert_int_equal(ask(&mailbox, &last, request).error, -EINVAL);
}

static void *run_server(void *result)
{
	*(int *)result = serve_client(&window, &bells, ends[0]);
	return NULL;
}

static void wait_for(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	assert_int_equal(poll(&polled, 1, 5000), 1);
	assert_int_equal(eventfd_read(fd, &count), 0);
}

/* The whole life of a client; what its predecessor left does not matter. */
static void client_is_served_until_it_leaves(void **state)
{
	char *memory = fake_windows[0].memory;
	struct qhp_mailbox *mailbox = (struct qhp_mailbox *)(memory +
		((struct qhp_directory *)memory)->mailbox);
	int kick = -1, call = -1, fd, result = 1;
	struct queztl_window found = { 0 };
	pthread_t server;

	(void)state;
	queztl_channel_allow(device, "chat", "wa", "wb", NULL);
	mailbox->request = (struct qhp_request){ .number = 9, .op = QHP_OP_RESET };
	assert_int_equal(pthread_create(&server, NULL, run_server, &result), 0);
	for (int i = 0; i < 3 + 2 * (SLOTS + 1); i++) {
		receive(&fd);
		if (i == 3)
			kick = fd;
		else if (i == 3 + SLOTS + 1)
			call = fd;
		else if (fd >= 0)
			close(fd);
	}
	assert_int_equal(mailbox->request.number, 0);
	mailbox->request = (struct qhp_request){
		.op = QHP_OP_LISTEN, .name = "chat" };
	mailbox->request.number = 9;
	assert_int_equal(eventfd_write(kick, 1), 0);
	wait_for(call);
	assert_int_equal(mailbox->answer.number, 9);
	assert_int_equal(mailbox->answer.error, 0);
	assert_int_equal(fake_windows[0].slot[0].call, bells.call[1]);
	assert_int_equal(write(ends[1], "junk", 4), 4);
	close(ends[1]);
	ends[1] = -1;
	pthread_join(server, NULL);
	assert_int_equal(result, 0);
	assert_int_equal(queztl_window_next(device, &found), 0);
	assert_int_equal(found.used, 0);
	close(kick);
	close(call);
}

/* Also if the guest asks for something at the same time. */
static void slots_without_a_vector_are_rung_by_the_one_for_requests(void **state)
{
	int peer = queztl_window_create(device, "wb", 1, REGION, NULL);
	int call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), result = 1;
	char *memory = fake_windows[0].memory;
	struct qhp_mailbox *mailbox = (struct qhp_mailbox *)(memory +
		((struct qhp_directory *)memory)->mailbox);
	pthread_t server;
	int fd;

	(void)state;
	queztl_channel_allow(device, "chat", "wa", "wb", NULL);
	assert_int_equal(queztl_channel_listen(window.fd, "chat", NULL), 0);
	assert_int_equal(queztl_channel_connect(peer, "chat", NULL), 0);
	assert_int_equal(queztl_window_bell(peer, 0, -1, call), 0);
	bells.vectors = 1;
	assert_int_equal(pthread_create(&server, NULL, run_server, &result), 0);
	for (int i = 0; i < 3 + 2; i++) {
		receive(&fd);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(eventfd_write(bells.kick[0], 1), 0);
	wait_for(call);
	mailbox->request = (struct qhp_request){ .op = 77, .number = 9 };
	assert_int_equal(eventfd_write(bells.kick[0], 1), 0);
	wait_for(call);
	close(ends[1]);
	ends[1] = -1;
	pthread_join(server, NULL);
	assert_int_equal(result, 0);
	bells.vectors = SLOTS + 1;
	close(call);
	close(peer);
}

static void client_that_leaves_at_once_is_no_failure(void **state)
{
	int ret;

	(void)state;
	close(ends[1]);
	ends[1] = -1;
	ret = serve_client(&window, &bells, ends[0]);
	assert_true(!ret || ret == -EPIPE || ret == -ECONNRESET);
}

static void socket_is_private_and_replaces_a_dead_one(void **state)
{
	char directory[] = "/tmp/queztl-test-XXXXXX", path[64];
	struct stat status;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	fd = listen_at(path);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0600);
	assert_int_equal(listen_at(path), -EADDRINUSE);
	close(fd);
	fd = listen_at(path);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(listen_at(path), -EEXIST);
	unlink(path);
	rmdir(directory);
	assert_int_equal(listen_at(path), -ENOENT);
}

static void sizes_have_units(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_true(parse_bytes("65536", &bytes));
	assert_int_equal(bytes, 65536);
	assert_true(parse_bytes("64K", &bytes));
	assert_int_equal(bytes, 65536);
	assert_true(parse_bytes("16M", &bytes));
	assert_int_equal(bytes, 16777216);
	assert_false(parse_bytes("", &bytes));
	assert_false(parse_bytes("K", &bytes));
	assert_false(parse_bytes("1G", &bytes));
	assert_false(parse_bytes("1KB", &bytes));
	assert_false(parse_bytes("-1", &bytes));
	assert_false(parse_bytes("99999999999999999999", &bytes));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_is_told_what_qemu_expects),
		TEST(slots_have_the_bells_of_their_vectors),
		TEST(requests_are_answered),
		TEST(reset_closes_all_slots),
		TEST(names_end_in_the_mailbox),
		TEST(client_is_served_until_it_leaves),
		TEST(slots_without_a_vector_are_rung_by_the_one_for_requests),
		TEST(client_that_leaves_at_once_is_no_failure),
		TEST(socket_is_private_and_replaces_a_dead_one),
		TEST(sizes_have_units),
	};

	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}

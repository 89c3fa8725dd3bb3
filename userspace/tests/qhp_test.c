// SPDX-License-Identifier: GPL-2.0
/* Ends of channels, on simulated windows. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <qhp.h>

#include "fake_channel.h"

#define REGION	QHP_REGION_MIN

static int device, fd_a, fd_b;
static struct qhp_window a, b;
static struct qhp listener, connecter;
static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_reset_channels();
	descriptors = count_descriptors();
	device = queztl_open();
	fd_a = queztl_window_create(device, "wa", 2, REGION, NULL);
	fd_b = queztl_window_create(device, "wb", 2, REGION, NULL);
	assert_int_equal(qhp_window_map(&a, fd_a), 0);
	assert_int_equal(qhp_window_map(&b, fd_b), 0);
	assert_int_equal(queztl_channel_allow(device, "chat", "wa", "wb", NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(qhp_window_unmap(&a), 0);
	assert_int_equal(qhp_window_unmap(&b), 0);
	close(fd_a);
	close(fd_b);
	close(device);
	fake_reset_channels();
	return count_descriptors() != descriptors;
}

static void join(void)
{
	assert_int_equal(qhp_listen(&listener, &a, "chat", 0), 0);
	assert_int_equal(qhp_connect(&connecter, &b, "chat"), 0);
}

static void expect_message(struct qhp *end, const char *text)
{
	struct qhp_msg msg;

	assert_int_equal(qhp_wait(end, QHP_MESSAGE, 1000), QHP_MESSAGE);
	assert_int_equal(qhp_peek(end, &msg), 1);
	assert_int_equal(msg.len, strlen(text));
	assert_memory_equal(msg.data, text, msg.len);
	assert_int_equal(qhp_release(end, 1), 0);
}

static int send_text(struct qhp *end, const char *text, unsigned int flags)
{
	return qhp_send(end, text, strlen(text), flags);
}

static void messages_arrive_at_both_ends(void **state)
{
	(void)state;
	join();
	assert_int_equal(qhp_wait(&listener, QHP_PEER, 1000), QHP_PEER);
	assert_int_equal(send_text(&connecter, "ping", 0), 0);
	expect_message(&listener, "ping");
	assert_int_equal(send_text(&listener, "pong", 0), 0);
	expect_message(&connecter, "pong");
	assert_int_equal(qhp_close(&connecter), 0);
	assert_int_equal(qhp_close(&listener), 0);
}

static void listener_may_send_before_its_peer_comes(void **state)
{
	struct qhp_msg msg;

	(void)state;
	assert_int_equal(qhp_listen(&listener, &a, "chat", 0), 0);
	assert_int_equal(qhp_state(&listener), QHP_SLOT_LISTENING);
	assert_int_equal(send_text(&listener, "early", 0), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 0);
	assert_int_equal(qhp_wait(&listener, QHP_PEER | QHP_MESSAGE, 1), 0);
	assert_int_equal(qhp_connect(&connecter, &b, "chat"), 0);
	assert_int_equal(qhp_state(&listener), QHP_SLOT_CONNECTED);
	expect_message(&connecter, "early");
}

static void errors_of_the_kernel_are_passed_on(void **state)
{
	(void)state;
	assert_int_equal(qhp_connect(&connecter, &b, "chat"), -ECONNREFUSED);
	assert_int_equal(qhp_connect(&connecter, &a, "chat"), -EPERM);
	assert_int_equal(qhp_listen(&listener, &a, "none", 0), -EPERM);
	assert_int_equal(qhp_listen(&listener, &a, "exactly-32-bytes-for-the-name-xy", 0),
			 -EINVAL);
	fake.call_error = EMFILE;
	fake.failing = QUEZTL_WINDOW_BELL;
	assert_int_equal(qhp_listen(&listener, &a, "chat", 0), -EMFILE);
	fake.call_error = 0;
	join();		/* the slot was given back */
	assert_int_equal(listener.slot, 0);
}

static bool is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, 0) == 1;
}

static void descriptor_is_readable_when_the_peer_rang(void **state)
{
	int fd;

	(void)state;
	join();
	fd = qhp_fd(&listener);
	assert_true(fd >= 0);
	assert_int_equal(qhp_fd(&listener), fd);
	assert_int_equal(qhp_arm(&listener, QHP_MESSAGE), 0);
	assert_false(is_readable(fd));
	assert_int_equal(send_text(&connecter, "one", 0), 0);
	assert_true(is_readable(fd));
	assert_int_equal(qhp_arm(&listener, QHP_MESSAGE), QHP_MESSAGE);
	assert_false(is_readable(fd));
	/* nobody waits: the peer need not ring */
	assert_int_equal(send_text(&connecter, "two", 0), 0);
	assert_false(is_readable(fd));
	expect_message(&listener, "one");
	expect_message(&listener, "two");
	qhp_close(&connecter);
	assert_true(is_readable(fd));
	assert_int_equal(qhp_arm(&listener, QHP_MESSAGE), -ECONNRESET);
	assert_int_equal(qhp_close(&listener), 0);
}

/* The first of the ends to look sees that some slot has changed. */
static void a_change_is_passed_on_to_the_other_ends(void **state)
{
	struct qhp other;

	(void)state;
	assert_int_equal(queztl_channel_allow(device, "more", "wa", "wb", NULL), 0);
	join();
	assert_int_equal(qhp_listen(&other, &a, "more", 0), 0);
	assert_int_equal(qhp_arm(&listener, QHP_MESSAGE), 0);
	assert_int_equal(qhp_arm(&other, QHP_MESSAGE), 0);
	qhp_close(&connecter);
	assert_int_equal(qhp_arm(&other, QHP_MESSAGE), 0);
	assert_true(is_readable(qhp_fd(&listener)));
	assert_int_equal(qhp_arm(&listener, QHP_MESSAGE), -ECONNRESET);
	qhp_close(&listener);
	qhp_close(&other);
}

static void a_peer_that_closed_is_an_error_everywhere(void **state)
{
	struct qhp_msg msg;
	void *at;

	(void)state;
	join();
	assert_int_equal(send_text(&connecter, "lost", 0), 0);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE, 1000), QHP_MESSAGE);
	assert_int_equal(qhp_close(&connecter), 0);
	assert_int_equal(qhp_peek(&listener, &msg), -ECONNRESET);
	assert_int_equal(send_text(&listener, "x", 0), -ECONNRESET);
	assert_int_equal(qhp_reserve(&listener, 1, &at), 0);
	assert_int_equal(qhp_commit(&listener, 0), -ECONNRESET);
	assert_int_equal(qhp_release(&listener, 1), -ECONNRESET);
	assert_true(qhp_wait(&listener, QHP_PEER, 0) != 0);
	assert_int_equal(qhp_drain(&listener, 1000), -ECONNRESET);
	assert_int_equal(qhp_state(&listener), QHP_SLOT_CLOSED);
	assert_int_equal(qhp_close(&listener), 0);
}

/* Also if it had not been looked at before. */
static void a_peer_that_came_and_went_is_an_error(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	qhp_close(&connecter);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE, -1), -ECONNRESET);
	assert_int_equal(qhp_peek(&listener, &msg), -ECONNRESET);
	qhp_close(&listener);
}

static void what_was_read_of_a_peer_that_goes_does_not_count(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	assert_int_equal(send_text(&connecter, "half", 0), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 1);
	qhp_close(&connecter);
	assert_int_equal(qhp_release(&listener, 1), -ECONNRESET);
	qhp_close(&listener);
}

static void revoked_is_told_from_closed(void **state)
{
	struct queztl_channel channel = { 0 };
	struct qhp_msg msg;

	(void)state;
	join();
	assert_int_equal(send_text(&connecter, "x", 0), 0);
	assert_int_equal(queztl_channel_next(device, &channel), 0);
	assert_int_equal(queztl_channel_revoke(device, channel.id), 0);
	assert_int_equal(qhp_peek(&listener, &msg), -ECONNABORTED);
	assert_int_equal(qhp_wait(&connecter, QHP_MESSAGE, -1), -ECONNABORTED);
	assert_int_equal(qhp_state(&connecter), QHP_SLOT_REVOKED);
}

/* More than fit: the sender waits until the receiver has released some. */
static void a_full_ring_has_room_when_messages_are_released(void **state)
{
	struct qhp_msg msg;
	int sent = 0, ret;

	(void)state;
	join();
	while (!(ret = send_text(&connecter, "fill", 0)))
		sent++;
	assert_int_equal(ret, -EAGAIN);
	assert_true(sent >= 16);
	assert_int_equal(qhp_wait(&connecter, QHP_ROOM, 1), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 1);
	assert_int_equal(qhp_release(&listener, 1), 0);
	assert_int_equal(qhp_wait(&connecter, QHP_ROOM, -1), QHP_ROOM);
	assert_int_equal(send_text(&connecter, "fill", 0), 0);
	assert_int_equal(qhp_wait(&connecter, QHP_ROOM, 0), QHP_ROOM);
}

static void more_to_come_is_told_at_the_end_or_before_a_wait(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	assert_int_equal(send_text(&connecter, "1", QHP_MORE), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 0);
	assert_int_equal(send_text(&connecter, "2", 0), 0);
	expect_message(&listener, "1");
	expect_message(&listener, "2");
	assert_int_equal(send_text(&connecter, "3", QHP_MORE), 0);
	assert_int_equal(qhp_wait(&connecter, QHP_MESSAGE, 0), 0);
	expect_message(&listener, "3");
	/* nor does a ring stay full of what nobody was told of */
	while (!send_text(&connecter, "4", QHP_MORE))
		;
	assert_int_equal(qhp_peek(&listener, &msg), 1);
}

static void large_messages_are_written_and_read_in_place(void **state)
{
	uint32_t size;
	struct qhp_msg msg;
	void *at;

	(void)state;
	join();
	size = qhp_max(&connecter);
	assert_true(size > REGION / 2 - 1024);
	assert_int_equal(qhp_reserve(&connecter, size + 1, &at), -EMSGSIZE);
	assert_int_equal(qhp_reserve(&connecter, size, &at), 0);
	memset(at, 'x', size);
	assert_int_equal(qhp_commit(&connecter, 0), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 1);
	assert_int_equal(msg.len, size);
	assert_int_equal(((const char *)msg.data)[size - 1], 'x');
	assert_true((const char *)msg.data > (const char *)a.at);
	assert_true((const char *)msg.data + size <= (const char *)a.at + a.bytes);
}

static void drained_is_what_was_released(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	assert_int_equal(qhp_drain(&connecter, 0), 0);
	assert_int_equal(send_text(&connecter, "x", QHP_MORE), 0);
	assert_int_equal(qhp_drain(&connecter, 1), -ETIMEDOUT);
	assert_int_equal(qhp_peek(&listener, &msg), 1);
	assert_int_equal(qhp_drain(&connecter, 1), -ETIMEDOUT);
	assert_int_equal(qhp_release(&listener, 1), 0);
	assert_int_equal(qhp_drain(&connecter, -1), 0);
	assert_int_equal(qhp_wait(&connecter, QHP_ROOM, 0), QHP_ROOM);
}

/* It writes an entry of no kind, and more than the ring has. */
static void a_peer_that_lies_is_broken_for_ever(void **state)
{
	struct qhp_entry *lies;
	struct qhp_msg msg;

	(void)state;
	join();
	lies = (struct qhp_entry *)(connecter.tx.ends.own + 1);
	lies->what = 1;
	assert_int_equal(qhp_peek(&listener, &msg), -EPROTO);
	lies->what = 0;
	assert_int_equal(qhp_peek(&listener, &msg), -EPROTO);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE, -1), -EPROTO);
	assert_int_equal(qhp_release(&listener, 1), -EPROTO);
	assert_int_equal(qhp_wait(&listener, QHP_ROOM, -1), QHP_ROOM);
	connecter.tx.ends.own->tail = 1000000;
	while (!send_text(&listener, "x", 0))
		;
	assert_int_equal(send_text(&listener, "x", 0), -EPROTO);
	connecter.tx.ends.own->tail = 0;
	assert_int_equal(send_text(&listener, "x", 0), -EPROTO);
	assert_int_equal(qhp_wait(&listener, QHP_ROOM, -1), -EPROTO);
	assert_int_equal(qhp_drain(&listener, -1), -EPROTO);
}

/* Whoever waits for a message in a loop is not told that there is one, for ever. */
static void a_peer_that_has_gone_sends_nothing(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	assert_int_equal(send_text(&connecter, "x", 0), 0);
	assert_int_equal(qhp_peek(&listener, &msg), 1);
	assert_int_equal(qhp_release(&listener, 1), 0);
	qhp_close(&connecter);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE, -1), -ECONNRESET);
	assert_int_equal(qhp_peek(&listener, &msg), -ECONNRESET);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE, -1), -ECONNRESET);
	assert_int_equal(qhp_wait(&listener, QHP_MESSAGE | QHP_ROOM, -1), -ECONNRESET);
}

static void a_peer_of_another_version_is_refused(void **state)
{
	struct qhp_msg msg;

	(void)state;
	join();
	connecter.tx.ends.own->version = QHP_VERSION + 1;
	assert_int_equal(qhp_peek(&listener, &msg), -EPROTO);
	assert_int_equal(qhp_wait(&listener, QHP_PEER, -1), -EPROTO);
}

static void a_window_of_another_layout_is_refused(void **state)
{
	struct qhp_window window;

	(void)state;
	((struct qhp_directory *)fake_windows[0].memory)->version++;
	assert_int_equal(qhp_window_map(&window, fd_a), -EPROTONOSUPPORT);
	((struct qhp_directory *)fake_windows[0].memory)->version--;
	fake_windows[0].at = a.at;
}

static void without_a_driver_there_is_no_channel(void **state)
{
	(void)state;
	if (!access("/dev/qhp", F_OK))
		skip();
	assert_int_equal(qhp_listen(&listener, NULL, "chat", 0), -ENOENT);
	assert_int_equal(qhp_connect(&connecter, NULL, "chat"), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_arrive_at_both_ends),
		TEST(listener_may_send_before_its_peer_comes),
		TEST(errors_of_the_kernel_are_passed_on),
		TEST(descriptor_is_readable_when_the_peer_rang),
		TEST(a_change_is_passed_on_to_the_other_ends),
		TEST(a_peer_that_closed_is_an_error_everywhere),
		TEST(a_peer_that_came_and_went_is_an_error),
		TEST(what_was_read_of_a_peer_that_goes_does_not_count),
		TEST(revoked_is_told_from_closed),
		TEST(a_full_ring_has_room_when_messages_are_released),
		TEST(more_to_come_is_told_at_the_end_or_before_a_wait),
		TEST(large_messages_are_written_and_read_in_place),
		TEST(drained_is_what_was_released),
		TEST(a_peer_that_lies_is_broken_for_ever),
		TEST(a_peer_that_has_gone_sends_nothing),
		TEST(a_peer_of_another_version_is_refused),
		TEST(a_window_of_another_layout_is_refused),
		TEST(without_a_driver_there_is_no_channel),
	};

	return cmocka_run_group_tests_name("qhp", tests, NULL, NULL);
}

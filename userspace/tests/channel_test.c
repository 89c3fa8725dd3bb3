// SPDX-License-Identifier: GPL-2.0
/* Windows and channels, through the library and the command. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli.h"
#include "fake_channel.h"
#include "run.h"

#define REGION	QHP_REGION_MIN

static int device, a, b;
static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_reset_channels();
	descriptors = count_descriptors();
	device = queztl_open();
	a = queztl_window_create(device, "web0", 2, REGION, NULL);
	b = queztl_window_create(device, "db0", 2, REGION, NULL);
	return a < 0 || b < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(a);
	close(b);
	close(device);
	fake_reset_channels();
	return count_descriptors() != descriptors;
}

static void join(void)
{
	assert_int_equal(queztl_channel_allow(device, "chat", "web0", "db0", NULL), 0);
	assert_int_equal(queztl_channel_listen(a, "chat", NULL), 0);
	assert_int_equal(queztl_channel_connect(b, "chat", NULL), 0);
}

static void assert_text(json_t *object, const char *key, const char *text)
{
	const char *found = json_string_value(json_object_get(object, key));

	if (!found || strcmp(found, text))
		fail_msg("%s is %s, not %s", key, found ? found : "no text",
			 text);
}

static int number_at(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void assert_says(const char *words, const char *text)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	if (!strstr(r->out, text))
		fail_msg("%s is not in %s", text, r->out);
	assert_true(longest_line(r->out) <= LINE_MAX_TEXT);
}

static void windows_have_names_and_ids(void **state)
{
	struct queztl_window window = { .memory = 1 };
	uint64_t id = 0;
	int fd;

	(void)state;
	assert_int_equal(queztl_window_create(device, "web0", 1, REGION, &id), -EEXIST);
	assert_int_equal(queztl_window_create(device,
		"exactly-32-bytes-for-the-name-xy", 1, REGION, &id), -EINVAL);
	assert_int_equal(id, 0);
	fd = queztl_window_create(device, "new", 1, REGION, &id);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(queztl_window_next(device, &window), 0);
	assert_string_equal(window.name, "web0");
	assert_int_equal(queztl_window_next(device, &window), 0);
	assert_int_equal(queztl_window_next(device, &window), 0);
	assert_int_equal(window.id, id);
	assert_int_equal(queztl_window_next(device, &window), -ENOENT);
}

static void channel_has_a_size_and_two_slots(void **state)
{
	struct queztl_channel channel = { 0 };
	uint32_t bytes = REGION;

	(void)state;
	assert_int_equal(queztl_channel_listen(a, "chat", &bytes), -EPERM);
	assert_int_equal(queztl_channel_allow(device, "chat", "web0", "db0", NULL), 0);
	assert_int_equal(queztl_channel_listen(a, "chat", &bytes), 0);
	bytes = 0;
	assert_int_equal(queztl_channel_connect(b, "chat", &bytes), 0);
	assert_int_equal(bytes, REGION);
	assert_int_equal(queztl_channel_next(device, &channel), 0);
	assert_string_equal(channel.listener, "web0");
	assert_string_equal(channel.connecter, "db0");
	assert_int_equal(queztl_channel_close(b, 0), 0);
	assert_int_equal(queztl_channel_ring(a, 0), -ENOTCONN);
	assert_int_equal(queztl_channel_close(b, 0), -ENOENT);
}

static void bells_are_signalled(void **state)
{
	int call = eventfd(0, EFD_NONBLOCK), changes = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;

	(void)state;
	assert_int_equal(queztl_window_bell(a, 0, -1, call), 0);
	assert_int_equal(queztl_window_bell(a, 9, -1, call), -ENOENT);
	assert_int_equal(queztl_window_bell(a, QUEZTL_BELL_CHANGES, call, -1), -EINVAL);
	assert_int_equal(queztl_window_bell(a, QUEZTL_BELL_CHANGES, -1, changes), 0);
	join();
	assert_int_equal(eventfd_read(changes, &count), 0);
	assert_int_equal(queztl_channel_ring(b, 0), 0);
	assert_int_equal(eventfd_read(call, &count), 0);
	close(call);
	close(changes);
}

static void windows_are_listed(void **state)
{
	json_t *list, *window;

	(void)state;
	join();
	assert_says("window list", "web0");
	assert_int_equal(count_lines(run("window list")->out), 3);
	list = run_json("window list --json");
	window = json_array_get(list, 0);
	assert_text(window, "name", "web0");
	assert_int_equal(number_at(window, "slots"), 2);
	assert_int_equal(number_at(window, "used"), 1);
	assert_int_equal(number_at(window, "region"), REGION);
	assert_int_equal(number_at(window, "pid"), getpid());
	json_decref(list);
	fake_reset_channels();
	assert_says("window list", "queztl window serve NAME");
}

static void rules_are_made_and_taken_back(void **state)
{
	json_t *list;

	(void)state;
	assert_says("channel rules", "queztl channel allow");
	assert_string_equal(run("channel allow chat web0 db0")->out, "");
	assert_fails("channel allow chat web0 db0", EXIT_FAILED, "already allowed");
	assert_fails("channel allow chat web0 a/b", EXIT_USAGE, "invalid name");
	assert_says("channel rules", "chat     web0      db0");
	list = run_json("channel rules --json");
	assert_text(json_array_get(list, 0), "name", "chat");
	assert_text(json_array_get(list, 0), "listener", "web0");
	assert_text(json_array_get(list, 0), "connecter", "db0");
	json_decref(list);
	json_decref(run_json("channel deny chat web0 db0 --json"));
	assert_fails("channel deny chat web0 db0", EXIT_NO_OBJECT, "no rule allows");
}

static void channels_are_listed_and_shown(void **state)
{
	json_t *list, *channel;

	(void)state;
	assert_says("channel list", "queztl channel rules");
	assert_int_equal(queztl_channel_allow(device, "chat", "web0", "db0", NULL), 0);
	assert_int_equal(queztl_channel_listen(a, "chat", NULL), 0);
	assert_says("channel list", "web0      -");
	assert_says("channel show chat", "listening");
	list = run_json("channel list --json");
	assert_true(json_is_null(json_object_get(json_array_get(list, 0),
						 "connecter")));
	json_decref(list);
	assert_int_equal(queztl_channel_connect(b, "chat", NULL), 0);
	assert_says("channel list", "64K  web0      db0");
	assert_says("channel show chat", "connected");
	channel = run_json("channel show chat --json");
	assert_int_equal(number_at(channel, "region"), REGION);
	assert_text(json_object_get(channel, "listener_end"), "window", "web0");
	assert_text(json_object_get(channel, "connecter_end"), "window", "db0");
	json_decref(channel);
	assert_fails("channel show x", EXIT_NO_OBJECT, "no channel x: see queztl channel list");
	assert_fails("channel show 1", EXIT_NO_OBJECT, "no channel 1");
}

static void channel_is_revoked_by_name_or_id(void **state)
{
	struct queztl_channel channel = { 0 };
	char words[64];

	(void)state;
	join();
	assert_says("channel revoke chat", "queztl channel deny chat web0 db0");
	assert_fails("channel revoke chat", EXIT_NO_OBJECT, "no channel chat");
	queztl_channel_close(a, 0);
	queztl_channel_close(b, 0);
	assert_int_equal(queztl_channel_listen(a, "chat", NULL), 0);
	assert_int_equal(queztl_channel_listen(a, "chat", NULL), 1);
	assert_fails("channel revoke chat", EXIT_USAGE, "2 channels have the name chat: give an id");
	assert_int_equal(queztl_channel_next(device, &channel), 0);
	snprintf(words, sizeof(words), "channel revoke %llu",
		 (unsigned long long)channel.id);
	assert_int_equal(run(words)->code, EXIT_OK);
	assert_says("channel list", "chat");
	assert_int_equal(run("channel revoke chat")->code, EXIT_OK);
}

static void wrong_options_of_serve_are_code_2(void **state)
{
	(void)state;
	assert_fails("window serve", EXIT_USAGE, "missing argument");
	assert_fails("window serve x --slots 0", EXIT_USAGE, "invalid --slots '0': use 1 to 64");
	assert_fails("window serve x --slots 65", EXIT_USAGE, "invalid --slots");
	assert_fails("window serve x --slots", EXIT_USAGE, "invalid --slots");
	assert_fails("window serve x --vectors 10", EXIT_USAGE, "invalid --vectors '10': use 1 to 9");
	assert_fails("window serve x --region 65K", EXIT_USAGE, "invalid --region '65K': use a power of two");
	assert_fails("window serve x --region 32M", EXIT_USAGE, "invalid --region");
	assert_fails("window serve x --socket a,b", EXIT_USAGE, "invalid --socket");
	assert_fails("window serve web0 --slots 1", EXIT_FAILED, "window web0 already exists");
	assert_fails("window serve a/b --slots 1", EXIT_USAGE, "invalid window name 'a/b'");
	assert_fails("window serve x --slots 1 --socket /nowhere/at/all", EXIT_NO_OBJECT, "cannot listen at");
	fake.call_error = EPERM;
	assert_fails("window serve x", EXIT_NO_PERMISSION, "not permitted: use sudo");
	assert_fails("window list", EXIT_NO_PERMISSION, "cannot list the windows");
	assert_fails("channel allow a b c", EXIT_NO_PERMISSION, "cannot allow channel a");
}

static void missing_device_is_told(void **state)
{
	static const char *const words[] = {
		"window list", "window serve x", "channel list", "channel rules",
		"channel show x", "channel revoke x", "channel allow x y z",
		"channel deny x y z",
	};

	(void)state;
	fake.open_error = ENOENT;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_fails(words[i], EXIT_UNSUPPORTED, "modprobe queztl");
	fake.open_error = 0;
	fake.version_1 = true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_fails(words[i], EXIT_UNSUPPORTED, "older than this program");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(windows_have_names_and_ids),
		TEST(channel_has_a_size_and_two_slots),
		TEST(bells_are_signalled),
		TEST(windows_are_listed),
		TEST(rules_are_made_and_taken_back),
		TEST(channels_are_listed_and_shown),
		TEST(channel_is_revoked_by_name_or_id),
		TEST(wrong_options_of_serve_are_code_2),
		TEST(missing_device_is_told),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * vhost-vdpa's own races (patches/0004 to 0006): a device signals a ring's call or the config call while the VMM replaces
 * it, and an open that fails while the port is unbound. KASAN and the hung task detector say what went wrong.
 *
 *	vhost [TEST...]
 *
 * A kernel without the patches uses freed memory or hangs here, so others are skipped unless QZ_USER_VHOST is set.
 */
#define _GNU_SOURCE
#define KTAP_MAIN
#include "ktap.h"
#include "../uapi/inject.h"
#include "delays.h"
#include "world.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#ifndef VHOST_VDPA_RESUME
#define VHOST_VDPA_RESUME	_IO(VHOST_VIRTIO, 0x7E)
#endif

#define SECONDS		20	/* of each race */
#define SIMULATOR	"qtsim"

static volatile bool stop;

/* ---- the VMM's side: it replaces what the device signals ---- */

struct rewiring {
	struct swg *port;
	int ring;		/* -1: the config call */
	uint64_t rounds;
};

static void set_call(const struct rewiring *what, int fd)
{
	struct vhost_vring_file file = { .index = what->ring, .fd = fd };

	if (what->ring < 0)
		ASSERT_EQ(ioctl(what->port->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd), 0);
	else
		ASSERT_EQ(ioctl(what->port->fd, VHOST_SET_VRING_CALL, &file), 0);
}

/* The only reference to each eventfd is vhost's: the next call frees it. */
static void *rewire(void *argument)
{
	struct rewiring *what = argument;

	while (!stop) {
		int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		ASSERT_GE(call, 0);
		set_call(what, call);
		close(call);
		what->rounds++;
	}
	return NULL;
}

/* Replaces all of @what while @signal() makes the device signal it. */
static void race(struct rewiring *what, int count, void (*signal)(void *), void *argument)
{
	pthread_t threads[4];
	double end = swg_now() + SECONDS;
	uint64_t signals = 0;

	for (int i = 0; i < count; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, rewire, &what[i]), 0);
	for (; swg_now() < end; signals++)
		signal(argument);
	stop = true;
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		KTAP_CHECK(what[i].rounds > 100, false, "only %llu calls were set", (unsigned long long)what[i].rounds);
		ktap_say("%s %d: %llu eventfds", what[i].ring < 0 ? "config" : "ring", what[i].ring,
			 (unsigned long long)what[i].rounds);
	}
	ktap_say("%llu rounds of signals", (unsigned long long)signals);
}

/* What is set last is what is signalled. */
static void expect_signal(const struct rewiring *what, void (*signal)(void *), void *argument)
{
	struct pollfd call = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .events = POLLIN };

	set_call(what, call.fd);
	signal(argument);
	EXPECT_EQ(poll(&call, 1, SOON), 1);
}

/* ---- a simulated device: it sends to nobody, and each frame is answered by an interrupt ---- */

static void send_many(void *argument)
{
	static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 1 };	/* not its own address: dropped */
	struct swg *port = argument;

	while (!swg_send(port, NULL, frame, sizeof(frame), SWG_QUIET))
		;
	swg_kick(port, SWG_TX);
	ASSERT_EQ(swg_wait_sent(port, SOON), 0);
}

static void open_simulator(struct swg *port)
{
	/* use_va: only files can be mapped */
	static const char *const load[] = { "modprobe", "-q", "vdpa_sim", "use_va=0", NULL };
	static const char *const load_net[] = { "modprobe", "-q", "vdpa_sim_net", NULL };
	static const char *const add[] = { "vdpa", "dev", "add", "name", SIMULATOR, "mgmtdev", "vdpasim_net", NULL };
	struct swg_options options = { .num = 64 };

	if (run_program(1, load) || run_program(1, load_net) || run_program(1, add))
		SKIP("the kernel has no vdpa_sim_net");
	ASSERT_EQ(port_bind(SIMULATOR, "vhost_vdpa"), 0);
	ASSERT_EQ(swg_open(port, SIMULATOR), 0);
	ASSERT_EQ(swg_start(port, &options), 0);
	swg_ask(port, SWG_TX, 1);
}

TEST_WITHIN(the_call_of_a_simulator_is_replaced, 120)
{
	struct swg port;
	struct rewiring what = { .port = &port, .ring = SWG_TX };

	open_simulator(&port);
	race(&what, 1, send_many, &port);
	expect_signal(&what, send_many, &port);
	swg_close(&port);
}

/* ---- two ports ---- */

static struct member *pair[2];

static void make_pair(void)
{
	struct swg_options options = { .features = F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_GUEST_ANNOUNCE) };

	if (access(QUEZTL_DEVICE, F_OK))
		SKIP("no " QUEZTL_DEVICE);
	make_lan(pair, 2, &options);
}

static void send_across(void *unused)
{
	uint8_t frame[SWG_FRAME];

	(void)unused;
	swg_ask(&pair[0]->port, SWG_TX, 1);
	for (int i = 0; i < 8; i++)
		if (send_to(pair[0], pair[1]->mac, 100, i, 0))
			break;
	while (swg_used_any(&pair[1]->port, SWG_RX))
		ASSERT_GE(swg_receive(&pair[1]->port, frame, sizeof(frame), 0), 0);
}

TEST_WITHIN(the_calls_of_two_ports_are_replaced, 120)
{
	struct rewiring what[2];

	make_pair();
	what[0] = (struct rewiring){ .port = &pair[0]->port, .ring = SWG_TX };
	what[1] = (struct rewiring){ .port = &pair[1]->port, .ring = SWG_RX };
	race(what, 2, send_across, NULL);
	expect_signal(&what[1], send_across, NULL);
}

/* A driver that can announce itself is asked to when it is resumed: its configuration has changed. */
static void suspend_and_resume(void *unused)
{
	(void)unused;
	ASSERT_EQ(ioctl(pair[0]->port.fd, VHOST_VDPA_SUSPEND), 0);
	ASSERT_EQ(ioctl(pair[0]->port.fd, VHOST_VDPA_RESUME), 0);
}

TEST_WITHIN(the_config_call_of_a_port_is_replaced, 120)
{
	struct rewiring what;

	make_pair();
	what = (struct rewiring){ .port = &pair[0]->port, .ring = -1 };
	race(&what, 1, suspend_and_resume, NULL);
	expect_signal(&what, suspend_and_resume, NULL);
}

/* ---- an open that fails ---- */

static volatile int node;

/* It changes when the port is bound anew. */
static void find_node(const struct member *member)
{
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/vdpa/devices/%s/vhost-vdpa-*", member->name);
	ASSERT_EQ(glob(pattern, 0, NULL, &found), 0);
	node = atoi(strrchr(found.gl_pathv[0], '-') + 1);
	globfree(&found);
}

/* Its own memory is short; the port's reset() before that is slow. */
static void *open_in_vain(void *argument)
{
	const char *why = inject_setup();
	uint64_t *failures = argument;
	char path[64];
	int fd, error;

	KTAP_CHECK(!why, true, "%s", why);
	while (!stop) {
		snprintf(path, sizeof(path), "/dev/vhost-vdpa-%d", node);
		inject_arm(1);
		fd = open(path, O_RDWR | O_CLOEXEC);
		error = errno;
		inject_fired();
		if (fd >= 0)
			close(fd);
		*failures += fd < 0 && error == ENOMEM;
	}
	return NULL;
}

/* An unbind waits until nobody has the port open: for ever, if whoever had it does not say when he is done. */
TEST_WITHIN(an_open_that_fails_lets_the_port_be_unbound, 60)
{
	uint64_t failures = 0;
	struct member *member;
	char unbind[128];
	pthread_t thread;

	inject_or_skip();
	if (access(QUEZTL_DEVICE, F_OK))
		SKIP("no " QUEZTL_DEVICE);
	if (!inject_within("vhost_vdpa_open"))
		SKIP("the kernel cannot tell what calls an allocation");
	make_fabric("qtlan");
	member = make_member("qtlan", 1, 0);
	snprintf(unbind, sizeof(unbind), "/sys/bus/vdpa/devices/%s/driver/unbind", member->name);
	if (!delays_load("max_us=10000 one_in=1"))
		SKIP("no qz_delays.ko");
	find_node(member);
	ASSERT_EQ(pthread_create(&thread, NULL, open_in_vain, &failures), 0);
	for (int round = 0; round < 40; round++) {
		usleep(5000 + 500 * round);
		ASSERT_EQ(write_text(unbind, member->name), 0);
		ASSERT_EQ(port_bind(member->name, "vhost_vdpa"), 0);
		find_node(member);
	}
	stop = true;
	pthread_join(thread, NULL);
	KTAP_CHECK(failures > 40, false, "only %llu opens failed", (unsigned long long)failures);
	ktap_say("%llu opens failed", (unsigned long long)failures);
}

/* ---- */

static void tidy_up(void)
{
	static const char *const del[] = { "vdpa", "dev", "del", SIMULATOR, NULL };

	delays_unload();
	run_program(1, del);
	if (!access(QUEZTL_DEVICE, F_OK))
		fabric_sweep();
}

static bool is_patched(void)
{
	struct utsname kernel;

	return !uname(&kernel) && strstr(kernel.release, "-queztl") && !strstr(kernel.release, "-queztl-base");
}

int main(int argc, char **argv)
{
	if (!is_patched() && !getenv("QZ_USER_VHOST")) {
		printf("KTAP version 1\n1..0 # SKIP this kernel has not the patches to vhost-vdpa\n");
		return KTAP_SKIP;
	}
	tidy_up();
	return ktap_run(argc, argv, tidy_up);
}

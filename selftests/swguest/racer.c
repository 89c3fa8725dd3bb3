// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "racer.h"
#include "frame.h"
#include "mutate.h"
#include "swguest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef VHOST_VDPA_RESUME	/* newer than Debian 12's headers */
#define VHOST_VDPA_RESUME _IO(VHOST_VIRTIO, 0x7E)
#endif

#define KICKERS	2
#define PAGE	4096

const char *const racer_op_names[RACER_OPS] = {
	"nothing", "reset", "restart", "unmap", "remap", "suspend", "resume", "disable", "enable", "call fd off",
	"call fd on", "kick fd off", "kick fd on", "config, base, status", "VM",
};

static struct racer_report *report;
static struct swg port;
static int own;
static const int *others;
static int nothers, kvm = -1;
static uint64_t wanted_seed;

/* What the control threads are in: the one that changes the map, the one that changes the rest, the owner. */
enum { MAPPER, CONTROLLER, OWNER, CONTROLS };
static volatile int under_way[CONTROLS];

#define count(counter) __atomic_fetch_add(&(counter), 1, __ATOMIC_RELAXED)

static void note(const char *what, long detail)
{
	if (!report->why[0])
		snprintf(report->why, sizeof(report->why), "%s (%ld)", what, detail);
}

static void begin(int who, enum racer_op op)
{
	under_way[who] = op;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void end(int who)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	count(report->done[under_way[who]]);
	under_way[who] = RACER_NOTHING;
}

/* ---- kicks ---- */

static void kick_once(int ring)
{
	int before[CONTROLS];
	uint64_t one = 1;

	if (port.ring[ring].kick < 0)
		return;		/* the control queue's, not negotiated so far */
	for (int i = 0; i < CONTROLS; i++)
		before[i] = under_way[i];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (write(port.ring[ring].kick, &one, sizeof(one)) < 0 && errno != EAGAIN)
		note("a kick failed", errno);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	count(report->kicks);
	for (int i = 0; i < CONTROLS; i++)
		if (before[i] && before[i] == under_way[i])
			count(report->kicks_during[before[i]]);
}

static void *kick(void *argument)
{
	struct mutator random = { .state = wanted_seed + 11 + (uintptr_t)argument };

	while (!report->stop) {
		kick_once(mutate_random(&random, 8) ? SWG_TX : mutate_random(&random, 2) ? SWG_RX : SWG_CTRL);
		if (!mutate_random(&random, 3))
			usleep(mutate_random(&random, 300));
	}
	return NULL;
}

/* ---- the map ---- */

static void *change_map(void *argument)
{
	struct mutator random = { .state = wanted_seed + 22 };

	(void)argument;
	while (!report->stop) {
		bool batch = mutate_random(&random, 2);

		usleep(mutate_random(&random, 3000));
		begin(MAPPER, RACER_UNMAP);
		swg_iotlb(&port, VHOST_IOTLB_INVALIDATE, 0, NULL, ~0ULL, 0);
		end(MAPPER);
		if (mutate_random(&random, 2))
			usleep(mutate_random(&random, 1000));
		begin(MAPPER, RACER_REMAP);
		if (swg_map_all(&port, batch))
			swg_map_all(&port, true);
		end(MAPPER);
	}
	return NULL;
}

/* ---- the rest ---- */

static void set_eventfd(unsigned long number, int ring, int fd)
{
	struct vhost_vring_file file = { .index = ring, .fd = fd };

	ioctl(port.fd, number, &file);
}

static void make_vm(void)
{
	int fd = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (fd >= 0)
		close(fd);
}

static void ask_things(void)
{
	uint8_t mac[6];

	swg_get_config(&port, 0, mac, sizeof(mac));
	swg_set_config(&port, 0, mac, sizeof(mac));
	swg_get_base(&port, SWG_TX);
	swg_get_status(&port);
}

static void do_op(enum racer_op op, int ring)
{
	switch (op) {
	case RACER_RESET: swg_reset(&port); break;
	case RACER_SUSPEND: ioctl(port.fd, VHOST_VDPA_SUSPEND); break;
	case RACER_RESUME: ioctl(port.fd, VHOST_VDPA_RESUME); break;
	case RACER_DISABLE: swg_enable(&port, ring, 0); break;
	case RACER_ENABLE: swg_enable(&port, ring, 1); break;
	case RACER_CALL_OFF: set_eventfd(VHOST_SET_VRING_CALL, ring, -1); break;
	case RACER_CALL_ON: set_eventfd(VHOST_SET_VRING_CALL, ring, port.ring[ring].call); break;
	case RACER_KICK_OFF: set_eventfd(VHOST_SET_VRING_KICK, ring, -1); break;
	case RACER_KICK_ON: set_eventfd(VHOST_SET_VRING_KICK, ring, port.ring[ring].kick); break;
	case RACER_ASK: ask_things(); break;
	case RACER_VM: make_vm(); break;
	default: break;
	}
}

/* What takes something away is given back a little later, but for a reset: that is for the owner to notice. */
static void *control(void *argument)
{
	static const struct {
		enum racer_op first, then;
	} ops[] = {
		{ RACER_RESET, RACER_NOTHING }, { RACER_SUSPEND, RACER_RESUME }, { RACER_DISABLE, RACER_ENABLE },
		{ RACER_CALL_OFF, RACER_CALL_ON }, { RACER_KICK_OFF, RACER_KICK_ON }, { RACER_ASK, RACER_NOTHING },
		{ RACER_VM, RACER_NOTHING },
	};
	struct mutator random = { .state = wanted_seed + 33 };

	(void)argument;
	while (!report->stop) {
		int which = mutate_random(&random, sizeof(ops) / sizeof(*ops)), ring = mutate_random(&random, 2);

		usleep(mutate_random(&random, 2000));
		begin(CONTROLLER, ops[which].first);
		do_op(ops[which].first, ring);
		end(CONTROLLER);
		if (ops[which].then == RACER_NOTHING)
			continue;
		usleep(mutate_random(&random, 500));
		begin(CONTROLLER, ops[which].then);
		do_op(ops[which].then, ring);
		end(CONTROLLER);
	}
	return NULL;
}

/* ---- the owner of the rings ---- */

static void restart(struct mutator *random)
{
	struct swg_options options = { .num = 64 << mutate_random(random, 5), .map_first = mutate_random(random, 2),
				       .no_batch = !mutate_random(random, 4) };

	if (mutate_random(random, 2))
		options.features |= F(VIRTIO_RING_F_EVENT_IDX);
	if (mutate_random(random, 2))
		options.features |= F(VIRTIO_RING_F_INDIRECT_DESC);
	if (mutate_random(random, 2))
		options.features |= F(VIRTIO_NET_F_MRG_RXBUF);
	if (mutate_random(random, 2))
		options.features |= F(VIRTIO_NET_F_CTRL_VQ);
	begin(OWNER, RACER_RESTART);
	swg_reset(&port);
	swg_start(&port, &options);	/* others interfere: it may well fail */
	end(OWNER);
}

static void send_some(struct mutator *random)
{
	uint8_t frame[1514], from[6], to[6];
	int many = mutate_random(random, 32), r = 0;

	frame_mac(from, own);
	frame_mac(to, others[mutate_random(random, nothers)]);
	for (int i = 0; !r && i < many; i++) {
		int length = 60 + mutate_random(random, 1400);

		frame_make(frame, length, mutate_random(random, 64) ? to : frame_broadcast, from, i);
		r = swg_send(&port, NULL, frame, length, mutate_random(random, 2) ? SWG_QUIET : 0);
		report->sent += !r;
	}
	swg_kick(&port, SWG_TX);
}

static void receive_some(void)
{
	static uint8_t frame[SWG_FRAME];
	int length;

	for (int i = 0; i < 64 && swg_used_any(&port, SWG_RX); i++) {
		length = swg_receive(&port, frame, sizeof(frame), 0);
		if (length == -EPROTO || length == -EMSGSIZE)
			report->confused++;	/* a reset came while the rings were set up */
		if (length < 0)
			return;
		report->received++;
	}
}

static bool needs_restart(struct mutator *random)
{
	int status = swg_get_status(&port);

	report->broken += status > 0 && status & VIRTIO_CONFIG_S_NEEDS_RESET;
	return status < 0 || !(status & VIRTIO_CONFIG_S_DRIVER_OK) || status & VIRTIO_CONFIG_S_NEEDS_RESET ||
	       !mutate_random(random, 200);
}

void racer_run(struct racer_report *to, const char *name, int number, const int peers[], int npeers, uint64_t seed)
{
	struct mutator random = { .state = seed + 1 };
	pthread_t threads[KICKERS + 2];
	int r;

	report = to;
	own = number;
	others = peers;
	nothers = npeers;
	wanted_seed = seed;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	r = swg_open(&port, name);
	if (r) {
		note("cannot open the port", r);
		return;
	}
	restart(&random);
	report->ready = true;
	for (uintptr_t i = 0; i < KICKERS; i++)
		pthread_create(&threads[i], NULL, kick, (void *)i);
	pthread_create(&threads[KICKERS], NULL, change_map, NULL);
	pthread_create(&threads[KICKERS + 1], NULL, control, NULL);
	while (!report->stop) {
		if (needs_restart(&random))
			restart(&random);
		send_some(&random);
		receive_some();
		usleep(mutate_random(&random, 500));
	}
	for (int i = 0; i < KICKERS + 2; i++)
		pthread_join(threads[i], NULL);
	swg_close(&port);
}

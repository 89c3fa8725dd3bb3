// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "cli.h"
#include "doctor.h"
#include "migratable.h"

#define BIT(n)	(1ULL << (n))

/*
 * While a VM migrates, QEMU sits between its rings and the port ("shadow
 * virtqueues"), which it does for a port that offers only what it knows. These
 * features are QEMU 10.0's. It offers VIRTIO_NET_F_GUEST_ANNOUNCE to the guest by
 * itself. It knows VIRTIO_NET_F_CTRL_VLAN, but begins with all VLANs in its filter:
 * whenever a guest starts, continues or arrives it would add 4096 of them, for
 * nothing.
 */
#define NEEDED		(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM))
#define SHADOWED							\
	(NEEDED | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_NET_F_MAC) |	\
	 BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS) |		\
	 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CSUM) |		\
	 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |	\
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) |	\
	 BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |	\
	 BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_CTRL_VQ) |	\
	 BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |	\
	 BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |				\
	 BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | BIT(VIRTIO_NET_F_MQ))

bool choose_migratable(uint64_t *features)
{
	*features &= SHADOWED;
	return (*features & NEEDED) == NEEDED;
}

bool is_migratable(uint64_t features)
{
	return !(features & ~SHADOWED);
}

void warn_map_entries(struct cli *cli, unsigned long long entries,
		      unsigned long long ram_mib)
{
	unsigned long long wanted = want_map_entries(ram_mib);

	if (!entries || entries >= wanted)
		return;
	fprintf(cli->err,
		"queztl: warning: vhost_vdpa accepts %llu map entries: a VM above %llu MiB that migrates to this host may be left without a network; put 'options vhost_vdpa max_iotlb_entries=%llu' in a file in /etc/modprobe.d and reload vhost_vdpa\n",
		entries, entries / (1024 / 4), wanted);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libqueztl: one function for each ioctl of /dev/queztl.
 *
 * Inputs are arguments; outputs are filled in only on success. Every call
 * returns 0 (or a descriptor, or a slot) on success and -errno on failure. The library
 * allocates no memory, starts no thread and prints nothing. Every call may be
 * made from any thread. linux/queztl.h documents the members.
 */
#ifndef QUEZTL_H
#define QUEZTL_H

#include <stdint.h>

#include <linux/queztl.h>

#define LIBQUEZTL_VERSION	"0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* A descriptor of /dev/queztl, close-on-exec. */
int queztl_open(void);
int queztl_get_info(int fd, struct queztl_info *info);

/*
 * The calls named next iterate: start with id 0, then call again with the
 * returned id until the result is -ENOENT.
 */
int queztl_vm_next(int fd, uint64_t *id);

/* A VM descriptor, close-on-exec; id may be NULL. */
int queztl_vm_attach(int fd, int kvm_fd, uint64_t *id);
int queztl_vm_open(int fd, uint64_t id);

int queztl_vm_info(int vm_fd, struct queztl_vm *info);
int queztl_vm_vcpu(int vm_fd, uint32_t index, struct queztl_vcpu *vcpu);
int queztl_vm_stats_get(int vm_fd, struct queztl_vm_stats *stats);
int queztl_vm_detach(int vm_fd);

/* id may be NULL. */
int queztl_fabric_add(int fd, const char *name, uint64_t *id);
int queztl_fabric_del(int fd, uint64_t id);
int queztl_fabric_set(int fd, uint64_t id, uint32_t mode);
int queztl_fabric_next(int fd, struct queztl_fabric *fabric);

/* By name; -ENOENT: there is none. Calls queztl_fabric_next() for each fabric. */
int queztl_fabric_find(int fd, const char *name,
		       struct queztl_fabric *fabric);

int queztl_port_next(int fd, struct queztl_port *port);

/*
 * By name; -ENOENT: there is none. A port that was deleted and is still open is
 * found only if no other one has its name.
 */
int queztl_port_find(int fd, const char *name, struct queztl_port *port);
int queztl_port_stats_get(int fd, uint64_t id, struct queztl_port_stats *stats);

/* Makes a port the uplink of its fabric (QUEZTL_PORT_UPLINK), or no longer (0). */
int queztl_port_set(int fd, uint64_t id, uint32_t mode);

/*
 * A descriptor to read captured frames from, close-on-exec: see struct
 * queztl_capture_record. snaplen, bytes: 0: the usual ones.
 */
int queztl_port_capture(int fd, uint64_t id, uint32_t snaplen, uint32_t bytes);

/* The port that gets copies of the frames of port id; 0: none. */
int queztl_port_mirror_set(int fd, uint64_t id, uint64_t mirror);
int queztl_port_mirror_get(int fd, uint64_t id, uint64_t *mirror);

/* Changes those bits of the mode of a port that change has. */
int queztl_port_change(int fd, uint64_t id, uint32_t change, uint32_t mode);

/* Replaces the VLANs of port vlan->id. */
int queztl_port_vlan_set(int fd, const struct queztl_port_vlan *vlan);
int queztl_port_vlan_get(int fd, uint64_t id, struct queztl_port_vlan *vlan);

/*
 * The addresses that a port may use beside its own. mode: enum queztl_macs_mode.
 * queztl_mac_next() begins with a mac of zeros.
 */
int queztl_port_macs_set(int fd, uint64_t id, uint32_t mode,
			 const struct queztl_mac *macs, uint32_t n);
int queztl_port_macs_get(int fd, uint64_t id, struct queztl_port_macs *macs);
int queztl_mac_next(int fd, uint64_t id, struct queztl_mac *mac);

/* Changes those rates of port rates->id that rates->set names. */
int queztl_rates_set(int fd, const struct queztl_port_rates *rates);
int queztl_rates_get(int fd, uint64_t id, struct queztl_port_rates *rates);

/* Times in microseconds; 0: the usual one. mode: enum queztl_sched_mode. */
int queztl_sched_start(int fd, uint32_t slice_us, uint32_t check_us,
		       uint64_t mode);
int queztl_sched_stop(int fd);
int queztl_sched_info(int fd, struct queztl_sched *info);

/* Changes those settings of VM vm->id that vm->set names. */
int queztl_vm_sched_set(int fd, const struct queztl_vm_sched *vm);
int queztl_vm_sched_get(int fd, uint64_t id, struct queztl_vm_sched *vm);

int queztl_peer_add(int fd, uint64_t port, uint64_t peer);
int queztl_peer_del(int fd, uint64_t port, uint64_t peer);
int queztl_peer_next(int fd, uint64_t port, uint64_t *peer);

/* All n of peers, or on failure none. */
int queztl_peers_add(int fd, uint64_t port, const uint64_t *peers, uint32_t n);

/*
 * addr has the form that inet_pton() stores for family: 4 bytes for AF_INET, 16
 * for AF_INET6.
 */
int queztl_addr_add(int fd, uint64_t port, int family, const void *addr,
		    unsigned int prefix);
int queztl_addr_del(int fd, uint64_t port, int family, const void *addr,
		    unsigned int prefix);

/* Iterates over the addresses of addr->port. */
int queztl_addr_next(int fd, struct queztl_addr *addr);

/* A descriptor of the window, close-on-exec; id may be NULL. */
int queztl_window_create(int fd, const char *name, uint32_t slots,
			 uint32_t region, uint64_t *id);
int queztl_window_next(int fd, struct queztl_window *window);

/* id may be NULL. */
int queztl_channel_allow(int fd, const char *name, const char *listener,
			 const char *connecter, uint64_t *id);
int queztl_channel_deny(int fd, const char *name, const char *listener,
			const char *connecter);
int queztl_channel_rule_next(int fd, struct queztl_channel_rule *rule);
int queztl_channel_next(int fd, struct queztl_channel *channel);
int queztl_channel_revoke(int fd, uint64_t id);

/*
 * A slot of the window. *bytes is the size of each region: in and out to listen
 * (0: as large as the window has room for), out to connect; NULL: 0, and not
 * told. qhp.h has what is usually called instead.
 */
int queztl_channel_listen(int window_fd, const char *name, uint32_t *bytes);
int queztl_channel_connect(int window_fd, const char *name, uint32_t *bytes);
int queztl_channel_close(int window_fd, uint32_t slot);
int queztl_channel_ring(int window_fd, uint32_t slot);

int queztl_window_events(int window_fd, struct queztl_events *events);

/* kick and call are eventfds, or -1. */
int queztl_window_bell(int window_fd, uint32_t slot, int kick, int call);

/* Of the library that is used; LIBQUEZTL_VERSION is that of this header. */
const char *queztl_version(void);

/*
 * Names in lower case with '_', which never change; NULL if this version of the
 * library does not know the argument. feature and state are a single bit each,
 * mode is a single bit or 0.
 */
const char *queztl_feature_name(uint64_t feature);
const char *queztl_fabric_mode_name(uint32_t mode);
const char *queztl_port_state_name(uint32_t state);
const char *queztl_drop_name(unsigned int drop);

/* A short description of a drop reason; NULL if unknown. */
const char *queztl_drop_text(unsigned int drop);

#ifdef __cplusplus
}
#endif

#endif /* QUEZTL_H */

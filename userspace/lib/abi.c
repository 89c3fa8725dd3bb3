// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The layout of ABI version 2, which is the same on 32 and 64 bit. If a line
 * fails, the ABI is broken, or a structure has grown: see queztl.c for the
 * latter.
 */
#include <assert.h>
#include <stddef.h>

#include <linux/queztl.h>
#include <linux/queztl_qhp.h>

#define SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), "size of " #type)
#define AT(type, member, offset) \
	static_assert(offsetof(struct type, member) == (offset), \
		      "offset of " #type "." #member)
#define HEAD(type) AT(type, size, 0); AT(type, flags, 4)

static_assert(QUEZTL_NAME_MAX == 32, "QUEZTL_NAME_MAX");
static_assert(QUEZTL_DROP_ROOM == 16, "QUEZTL_DROP_ROOM");
static_assert((int)QUEZTL_DROP_REASONS <= QUEZTL_DROP_ROOM, "too many drops");

SIZE(queztl_info, 128);
HEAD(queztl_info);
AT(queztl_info, abi_version, 8);
AT(queztl_info, reserved, 12);
AT(queztl_info, features, 16);
AT(queztl_info, vms, 24);
AT(queztl_info, fabrics, 28);
AT(queztl_info, module, 32);
AT(queztl_info, kernel, 64);

SIZE(queztl_vm_next, 16);
HEAD(queztl_vm_next);
AT(queztl_vm_next, id, 8);

SIZE(queztl_vm_attach, 24);
HEAD(queztl_vm_attach);
AT(queztl_vm_attach, kvm_fd, 8);
AT(queztl_vm_attach, vm_fd, 12);
AT(queztl_vm_attach, id, 16);

SIZE(queztl_vm_open, 24);
HEAD(queztl_vm_open);
AT(queztl_vm_open, id, 8);
AT(queztl_vm_open, vm_fd, 16);
AT(queztl_vm_open, reserved, 20);

SIZE(queztl_vm_info, 56);
HEAD(queztl_vm_info);
AT(queztl_vm_info, id, 8);
AT(queztl_vm_info, pid, 16);
AT(queztl_vm_info, uid, 20);
AT(queztl_vm_info, vcpus, 24);
AT(queztl_vm_info, reserved, 28);
AT(queztl_vm_info, seen_ns, 32);
AT(queztl_vm_info, comm, 40);

SIZE(queztl_vm_vcpu, 16);
HEAD(queztl_vm_vcpu);
AT(queztl_vm_vcpu, index, 8);
AT(queztl_vm_vcpu, tid, 12);

SIZE(queztl_vm_stats, 64);
HEAD(queztl_vm_stats);
AT(queztl_vm_stats, exits, 8);
AT(queztl_vm_stats, halt_exits, 16);
AT(queztl_vm_stats, mmio_exits, 24);
AT(queztl_vm_stats, io_exits, 32);
AT(queztl_vm_stats, irq_injections, 40);
AT(queztl_vm_stats, insn_emulations, 48);
AT(queztl_vm_stats, signal_exits, 56);

SIZE(queztl_vm_detach, 8);
HEAD(queztl_vm_detach);

SIZE(queztl_fabric_add, 48);
HEAD(queztl_fabric_add);
AT(queztl_fabric_add, id, 8);
AT(queztl_fabric_add, name, 16);

SIZE(queztl_fabric_del, 16);
HEAD(queztl_fabric_del);
AT(queztl_fabric_del, id, 8);

SIZE(queztl_fabric_set, 24);
HEAD(queztl_fabric_set);
AT(queztl_fabric_set, id, 8);
AT(queztl_fabric_set, mode, 16);
AT(queztl_fabric_set, reserved, 20);

SIZE(queztl_fabric_next, 56);
HEAD(queztl_fabric_next);
AT(queztl_fabric_next, id, 8);
AT(queztl_fabric_next, ports, 16);
AT(queztl_fabric_next, mode, 20);
AT(queztl_fabric_next, name, 24);

SIZE(queztl_port_next, 80);
HEAD(queztl_port_next);
AT(queztl_port_next, id, 8);
AT(queztl_port_next, fabric_id, 16);
AT(queztl_port_next, name, 24);
AT(queztl_port_next, mac, 56);
AT(queztl_port_next, mtu, 62);
AT(queztl_port_next, state, 64);
AT(queztl_port_next, pid, 68);
AT(queztl_port_next, max_vqp, 72);
AT(queztl_port_next, mode, 74);
AT(queztl_port_next, reserved, 76);

SIZE(queztl_port_set, 24);
HEAD(queztl_port_set);
AT(queztl_port_set, id, 8);
AT(queztl_port_set, mode, 16);
AT(queztl_port_set, change, 20);

SIZE(queztl_port_vlan, 536);
HEAD(queztl_port_vlan);
AT(queztl_port_vlan, id, 8);
AT(queztl_port_vlan, mode, 16);
AT(queztl_port_vlan, native, 18);
AT(queztl_port_vlan, reserved, 20);
AT(queztl_port_vlan, ids, 24);

SIZE(queztl_mac, 8);
SIZE(queztl_port_macs, 32);
HEAD(queztl_port_macs);
AT(queztl_port_macs, id, 8);
AT(queztl_port_macs, mode, 16);
AT(queztl_port_macs, n, 20);
AT(queztl_port_macs, macs, 24);

SIZE(queztl_mac_next, 24);
HEAD(queztl_mac_next);
AT(queztl_mac_next, port, 8);
AT(queztl_mac_next, mac, 16);

SIZE(queztl_port_capture, 32);
HEAD(queztl_port_capture);
AT(queztl_port_capture, id, 8);
AT(queztl_port_capture, snaplen, 16);
AT(queztl_port_capture, bytes, 20);
AT(queztl_port_capture, fd, 24);
AT(queztl_port_capture, reserved, 28);

SIZE(queztl_port_mirror, 24);
HEAD(queztl_port_mirror);
AT(queztl_port_mirror, id, 8);
AT(queztl_port_mirror, mirror, 16);

_Static_assert(sizeof(struct queztl_capture_record) == 32, "record");

SIZE(queztl_port_stats, 240);
HEAD(queztl_port_stats);
AT(queztl_port_stats, id, 8);
AT(queztl_port_stats, tx_packets, 16);
AT(queztl_port_stats, tx_bytes, 24);
AT(queztl_port_stats, rx_packets, 32);
AT(queztl_port_stats, rx_bytes, 40);
AT(queztl_port_stats, kicks, 48);
AT(queztl_port_stats, rx_interrupts, 56);
AT(queztl_port_stats, tx_interrupts, 64);
AT(queztl_port_stats, tx_held, 72);
AT(queztl_port_stats, direct_runs, 80);
AT(queztl_port_stats, worker_runs, 88);
AT(queztl_port_stats, drops, 96);
AT(queztl_port_stats, tx_paced, 224);
AT(queztl_port_stats, tx_waited, 232);

SIZE(queztl_peer, 24);
HEAD(queztl_peer);
AT(queztl_peer, port, 8);
AT(queztl_peer, peer, 16);

SIZE(queztl_peers, 32);
HEAD(queztl_peers);
AT(queztl_peers, port, 8);
AT(queztl_peers, peers, 16);
AT(queztl_peers, n, 24);
AT(queztl_peers, reserved, 28);

SIZE(queztl_addr, 40);
HEAD(queztl_addr);
AT(queztl_addr, port, 8);
AT(queztl_addr, id, 16);
AT(queztl_addr, family, 20);
AT(queztl_addr, prefix, 22);
AT(queztl_addr, reserved, 23);
AT(queztl_addr, addr, 24);

SIZE(queztl_port_rates, 40);
HEAD(queztl_port_rates);
AT(queztl_port_rates, id, 8);
AT(queztl_port_rates, set, 16);
AT(queztl_port_rates, flood, 20);
AT(queztl_port_rates, tx_bytes, 24);
AT(queztl_port_rates, tx_packets, 32);

SIZE(queztl_sched_start, 24);
HEAD(queztl_sched_start);
AT(queztl_sched_start, slice_us, 8);
AT(queztl_sched_start, check_us, 12);
AT(queztl_sched_start, mode, 16);

SIZE(queztl_sched_stop, 8);
HEAD(queztl_sched_stop);

SIZE(queztl_sched_info, 232);
HEAD(queztl_sched_info);
AT(queztl_sched_info, state, 8);
AT(queztl_sched_info, kind, 12);
AT(queztl_sched_info, since_ns, 16);
AT(queztl_sched_info, slice_us, 24);
AT(queztl_sched_info, check_us, 28);
AT(queztl_sched_info, reserved, 32);
AT(queztl_sched_info, handovers, 40);
AT(queztl_sched_info, preemptions, 48);
AT(queztl_sched_info, yields, 56);
AT(queztl_sched_info, directed_yields, 64);
AT(queztl_sched_info, checks, 72);
AT(queztl_sched_info, starved, 80);
AT(queztl_sched_info, reason, 88);
AT(queztl_sched_info, message, 128);
AT(queztl_sched_info, mode, 224);

SIZE(queztl_vm_sched, 432);
HEAD(queztl_vm_sched);
AT(queztl_vm_sched, id, 8);
AT(queztl_vm_sched, set, 16);
AT(queztl_vm_sched, weight, 20);
AT(queztl_vm_sched, limit, 24);
AT(queztl_vm_sched, mode, 28);
AT(queztl_vm_sched, reserved, 32);
AT(queztl_vm_sched, used_ns, 40);
AT(queztl_vm_sched, throttled_ns, 48);
AT(queztl_vm_sched, handovers_sent, 56);
AT(queztl_vm_sched, handovers_received, 64);
AT(queztl_vm_sched, preemptions, 72);
AT(queztl_vm_sched, yields, 80);
AT(queztl_vm_sched, waits, 88);
AT(queztl_vm_sched, vcpus, 216);
AT(queztl_vm_sched, preempted, 224);
AT(queztl_vm_sched, preempted_kernel, 232);
AT(queztl_vm_sched, partners, 240);

SIZE(queztl_sched_partner, 24);
AT(queztl_sched_partner, id, 0);
AT(queztl_sched_partner, sent, 8);
AT(queztl_sched_partner, received, 16);

SIZE(queztl_window_create, 72);
HEAD(queztl_window_create);
AT(queztl_window_create, name, 8);
AT(queztl_window_create, slots, 40);
AT(queztl_window_create, region, 44);
AT(queztl_window_create, id, 48);
AT(queztl_window_create, fd, 56);
AT(queztl_window_create, reserved, 60);
AT(queztl_window_create, bytes, 64);

SIZE(queztl_window_next, 80);
HEAD(queztl_window_next);
AT(queztl_window_next, id, 8);
AT(queztl_window_next, name, 16);
AT(queztl_window_next, slots, 48);
AT(queztl_window_next, used, 52);
AT(queztl_window_next, region, 56);
AT(queztl_window_next, pid, 60);
AT(queztl_window_next, memory, 64);
AT(queztl_window_next, diverted, 72);

SIZE(queztl_channel_rule, 112);
HEAD(queztl_channel_rule);
AT(queztl_channel_rule, id, 8);
AT(queztl_channel_rule, name, 16);
AT(queztl_channel_rule, listener, 48);
AT(queztl_channel_rule, connecter, 80);

SIZE(queztl_channel_next, 120);
HEAD(queztl_channel_next);
AT(queztl_channel_next, id, 8);
AT(queztl_channel_next, name, 16);
AT(queztl_channel_next, listener, 48);
AT(queztl_channel_next, connecter, 80);
AT(queztl_channel_next, bytes, 112);
AT(queztl_channel_next, reserved, 116);

SIZE(queztl_channel_revoke, 16);
HEAD(queztl_channel_revoke);
AT(queztl_channel_revoke, id, 8);

SIZE(queztl_channel_listen, 48);
HEAD(queztl_channel_listen);
AT(queztl_channel_listen, name, 8);
AT(queztl_channel_listen, bytes, 40);
AT(queztl_channel_listen, slot, 44);

SIZE(queztl_channel_connect, 48);
HEAD(queztl_channel_connect);
AT(queztl_channel_connect, name, 8);
AT(queztl_channel_connect, bytes, 40);
AT(queztl_channel_connect, slot, 44);

SIZE(queztl_channel_slot, 16);
HEAD(queztl_channel_slot);
AT(queztl_channel_slot, slot, 8);
AT(queztl_channel_slot, reserved, 12);

SIZE(queztl_window_events, 24);
HEAD(queztl_window_events);
AT(queztl_window_events, rung, 8);
AT(queztl_window_events, changed, 16);

SIZE(queztl_window_bell, 24);
HEAD(queztl_window_bell);
AT(queztl_window_bell, slot, 8);
AT(queztl_window_bell, kick, 12);
AT(queztl_window_bell, call, 16);
AT(queztl_window_bell, reserved, 20);

/* Those of a guest's /dev/qhp. */
SIZE(qhp_open, 48);
HEAD(qhp_open);
AT(qhp_open, name, 8);
AT(qhp_open, bytes, 40);
AT(qhp_open, slot, 44);

SIZE(qhp_events, 16);
HEAD(qhp_events);
AT(qhp_events, state, 8);
AT(qhp_events, rung, 12);

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

SIZE(queztl_vm_next_args, 16);
HEAD(queztl_vm_next_args);
AT(queztl_vm_next_args, id, 8);

SIZE(queztl_vm_attach_args, 24);
HEAD(queztl_vm_attach_args);
AT(queztl_vm_attach_args, kvm_fd, 8);
AT(queztl_vm_attach_args, vm_fd, 12);
AT(queztl_vm_attach_args, id, 16);

SIZE(queztl_vm_open_args, 24);
HEAD(queztl_vm_open_args);
AT(queztl_vm_open_args, id, 8);
AT(queztl_vm_open_args, vm_fd, 16);
AT(queztl_vm_open_args, reserved, 20);

SIZE(queztl_vm, 56);
HEAD(queztl_vm);
AT(queztl_vm, id, 8);
AT(queztl_vm, pid, 16);
AT(queztl_vm, uid, 20);
AT(queztl_vm, vcpus, 24);
AT(queztl_vm, reserved, 28);
AT(queztl_vm, seen_ns, 32);
AT(queztl_vm, comm, 40);

SIZE(queztl_vcpu, 16);
HEAD(queztl_vcpu);
AT(queztl_vcpu, index, 8);
AT(queztl_vcpu, tid, 12);

SIZE(queztl_vm_stats, 64);
HEAD(queztl_vm_stats);
AT(queztl_vm_stats, exits, 8);
AT(queztl_vm_stats, halt_exits, 16);
AT(queztl_vm_stats, mmio_exits, 24);
AT(queztl_vm_stats, io_exits, 32);
AT(queztl_vm_stats, irq_injections, 40);
AT(queztl_vm_stats, insn_emulations, 48);
AT(queztl_vm_stats, signal_exits, 56);

SIZE(queztl_vm_detach_args, 8);
HEAD(queztl_vm_detach_args);

SIZE(queztl_fabric_add_args, 48);
HEAD(queztl_fabric_add_args);
AT(queztl_fabric_add_args, id, 8);
AT(queztl_fabric_add_args, name, 16);

SIZE(queztl_fabric_del_args, 16);
HEAD(queztl_fabric_del_args);
AT(queztl_fabric_del_args, id, 8);

SIZE(queztl_fabric_set_args, 24);
HEAD(queztl_fabric_set_args);
AT(queztl_fabric_set_args, id, 8);
AT(queztl_fabric_set_args, mode, 16);
AT(queztl_fabric_set_args, reserved, 20);

SIZE(queztl_fabric, 56);
HEAD(queztl_fabric);
AT(queztl_fabric, id, 8);
AT(queztl_fabric, ports, 16);
AT(queztl_fabric, mode, 20);
AT(queztl_fabric, name, 24);

SIZE(queztl_port, 80);
HEAD(queztl_port);
AT(queztl_port, id, 8);
AT(queztl_port, fabric_id, 16);
AT(queztl_port, name, 24);
AT(queztl_port, mac, 56);
AT(queztl_port, mtu, 62);
AT(queztl_port, state, 64);
AT(queztl_port, pid, 68);
AT(queztl_port, max_vqp, 72);
AT(queztl_port, mode, 74);
AT(queztl_port, reserved, 76);

SIZE(queztl_port_set_args, 24);
HEAD(queztl_port_set_args);
AT(queztl_port_set_args, id, 8);
AT(queztl_port_set_args, mode, 16);
AT(queztl_port_set_args, change, 20);

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

SIZE(queztl_mac_next_args, 24);
HEAD(queztl_mac_next_args);
AT(queztl_mac_next_args, port, 8);
AT(queztl_mac_next_args, mac, 16);

SIZE(queztl_port_capture_args, 32);
HEAD(queztl_port_capture_args);
AT(queztl_port_capture_args, id, 8);
AT(queztl_port_capture_args, snaplen, 16);
AT(queztl_port_capture_args, bytes, 20);
AT(queztl_port_capture_args, fd, 24);
AT(queztl_port_capture_args, reserved, 28);

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

SIZE(queztl_sched_start_args, 24);
HEAD(queztl_sched_start_args);
AT(queztl_sched_start_args, slice_us, 8);
AT(queztl_sched_start_args, check_us, 12);
AT(queztl_sched_start_args, mode, 16);

SIZE(queztl_sched_stop_args, 8);
HEAD(queztl_sched_stop_args);

SIZE(queztl_sched, 232);
HEAD(queztl_sched);
AT(queztl_sched, state, 8);
AT(queztl_sched, kind, 12);
AT(queztl_sched, since_ns, 16);
AT(queztl_sched, slice_us, 24);
AT(queztl_sched, check_us, 28);
AT(queztl_sched, reserved, 32);
AT(queztl_sched, handovers, 40);
AT(queztl_sched, preemptions, 48);
AT(queztl_sched, yields, 56);
AT(queztl_sched, directed_yields, 64);
AT(queztl_sched, checks, 72);
AT(queztl_sched, starved, 80);
AT(queztl_sched, reason, 88);
AT(queztl_sched, message, 128);
AT(queztl_sched, mode, 224);

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

SIZE(queztl_window_create_args, 72);
HEAD(queztl_window_create_args);
AT(queztl_window_create_args, name, 8);
AT(queztl_window_create_args, slots, 40);
AT(queztl_window_create_args, region, 44);
AT(queztl_window_create_args, id, 48);
AT(queztl_window_create_args, fd, 56);
AT(queztl_window_create_args, reserved, 60);
AT(queztl_window_create_args, bytes, 64);

SIZE(queztl_window, 80);
HEAD(queztl_window);
AT(queztl_window, id, 8);
AT(queztl_window, name, 16);
AT(queztl_window, slots, 48);
AT(queztl_window, used, 52);
AT(queztl_window, region, 56);
AT(queztl_window, pid, 60);
AT(queztl_window, memory, 64);
AT(queztl_window, diverted, 72);

SIZE(queztl_channel_rule, 112);
HEAD(queztl_channel_rule);
AT(queztl_channel_rule, id, 8);
AT(queztl_channel_rule, name, 16);
AT(queztl_channel_rule, listener, 48);
AT(queztl_channel_rule, connecter, 80);

SIZE(queztl_channel, 120);
HEAD(queztl_channel);
AT(queztl_channel, id, 8);
AT(queztl_channel, name, 16);
AT(queztl_channel, listener, 48);
AT(queztl_channel, connecter, 80);
AT(queztl_channel, bytes, 112);
AT(queztl_channel, reserved, 116);

SIZE(queztl_channel_revoke_args, 16);
HEAD(queztl_channel_revoke_args);
AT(queztl_channel_revoke_args, id, 8);

SIZE(queztl_channel_listen_args, 48);
HEAD(queztl_channel_listen_args);
AT(queztl_channel_listen_args, name, 8);
AT(queztl_channel_listen_args, bytes, 40);
AT(queztl_channel_listen_args, slot, 44);

SIZE(queztl_channel_connect_args, 48);
HEAD(queztl_channel_connect_args);
AT(queztl_channel_connect_args, name, 8);
AT(queztl_channel_connect_args, bytes, 40);
AT(queztl_channel_connect_args, slot, 44);

SIZE(queztl_channel_slot, 16);
HEAD(queztl_channel_slot);
AT(queztl_channel_slot, slot, 8);
AT(queztl_channel_slot, reserved, 12);

SIZE(queztl_events, 24);
HEAD(queztl_events);
AT(queztl_events, rung, 8);
AT(queztl_events, changed, 16);

SIZE(queztl_window_bell_args, 24);
HEAD(queztl_window_bell_args);
AT(queztl_window_bell_args, slot, 8);
AT(queztl_window_bell_args, kick, 12);
AT(queztl_window_bell_args, call, 16);
AT(queztl_window_bell_args, reserved, 20);

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

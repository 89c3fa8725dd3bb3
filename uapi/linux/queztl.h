/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Queztl: the ioctl interface to virtual machines, fabrics and ports.
 *
 * This header is the manual of the ioctl ABI. Documentation/uapi.rst is built
 * from its comments.
 */
#ifndef _UAPI_LINUX_QUEZTL_H
#define _UAPI_LINUX_QUEZTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General rules
 *
 * Calls are made on a descriptor of ``/dev/queztl`` (mode 0660, group queztl).
 * QUEZTL_VM_INFO, QUEZTL_VM_VCPU, QUEZTL_VM_STATS and QUEZTL_VM_DETACH are made
 * on a VM descriptor; QUEZTL_CHANNEL_LISTEN, QUEZTL_CHANNEL_CONNECT,
 * QUEZTL_CHANNEL_CLOSE, QUEZTL_CHANNEL_RING, QUEZTL_WINDOW_EVENTS and
 * QUEZTL_WINDOW_BELL on a window.
 *
 * Every argument is a pointer to a structure that starts with its own size in
 * bytes, as known to the caller at compile time. If the caller's structure is
 * shorter than the kernel's, the missing members are taken as zero; it must
 * contain every member of ABI version 1. If it is longer, the part that the
 * kernel does not know must be zero. The kernel writes nothing beyond @size. If
 * a call fails, nothing has changed and nothing is written.
 *
 * Input flags must be zero unless a flag is documented. Reserved members must
 * be zero on input and are zero on output. Members marked "out" are ignored on
 * input. Names are NUL terminated. Process IDs are those of the caller's PID
 * namespace, or 0 if the process is not visible there. User IDs are those of
 * the caller's user namespace.
 *
 * Errors that every call may return:
 *
 * ========== ==============================================================
 * ENOTTY     unknown call
 * E2BIG      @size is larger than the kernel's structure and the unknown
 *            bytes are not zero
 * EINVAL     malformed: @size is too small, unknown flags or a reserved member
 *            are set
 * EFAULT     the pointer refers to memory that is not readable, or not writable
 *            where a member is marked out
 * EOPNOTSUPP known call, not supported by this kernel (see
 *            &queztl_info.features)
 * ENOMEM     out of memory
 * ========== ==============================================================
 */

/** define QUEZTL_ABI_VERSION - version of this header; it only increases. */
#define QUEZTL_ABI_VERSION	11

/** define QUEZTL_DEVICE - path of the character device. */
#define QUEZTL_DEVICE		"/dev/queztl"

/** define QUEZTL_NAME_MAX - bytes of a name, including its terminating NUL. */
#define QUEZTL_NAME_MAX		32

/* Free in Documentation/userspace-api/ioctl/ioctl-number.rst up to Linux 7.3. */
#define QUEZTL_IOC_MAGIC	'Y'

/**
 * enum queztl_feature - features of this kernel, bits of &queztl_info.features
 * @QUEZTL_F_FABRIC: fabrics and their ports
 * @QUEZTL_F_DIRECT: packets are delivered in the sender's own thread; without
 *	this bit (the kernel does not export task_work_add) a worker delivers
 * @QUEZTL_F_CHANNEL: windows and zero-copy channels between them (ABI version 9)
 * @QUEZTL_F_SCHED: the native VM-aware scheduler (ABI version 5)
 * @QUEZTL_F_POLICY: peers, addresses and rates: the destinations, source
 *	addresses and amount of what a port may send (ABI version 2)
 */
enum queztl_feature {
	QUEZTL_F_FABRIC		= 1ULL << 0,
	QUEZTL_F_DIRECT		= 1ULL << 1,
	QUEZTL_F_CHANNEL	= 1ULL << 2,
	QUEZTL_F_SCHED		= 1ULL << 3,
	QUEZTL_F_POLICY		= 1ULL << 4,
};

/**
 * struct queztl_info - argument of QUEZTL_GET_INFO
 * @size: in: sizeof(struct queztl_info)
 * @flags: in: 0
 * @abi_version: out: QUEZTL_ABI_VERSION of the kernel
 * @reserved: 0
 * @features: out: bits of &enum queztl_feature
 * @vms: out: current number of VMs
 * @fabrics: out: current number of fabrics
 * @module: out: version of queztl.ko
 * @kernel: out: release of the running kernel
 */
struct queztl_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 reserved;
	__u64 features;
	__u32 vms;
	__u32 fabrics;
	char module[QUEZTL_NAME_MAX];
	char kernel[64];
};

/**
 * DOC: Virtual machines
 *
 * A VM is a KVM VM. VMs that are created later or already run are detected
 * automatically. QUEZTL_VM_ATTACH registers one that was not, for example
 * because its descriptor is in another process. Ids are not reused while the
 * module is loaded. A VM descriptor does not keep the VM alive: once the VM no
 * longer exists, calls on its descriptor return ENOENT. A VM belongs to the
 * caller if the caller's effective user is that of the VM
 * (&queztl_vm.uid).
 */

/**
 * struct queztl_vm_next_args - argument of QUEZTL_VM_NEXT: iterate over VMs
 * @size: in: sizeof(struct queztl_vm_next_args)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to start; out: the next larger id of a VM
 *
 * Errors: ENOENT there is no VM with a larger id.
 */
struct queztl_vm_next_args {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * struct queztl_vm_attach_args - argument of QUEZTL_VM_ATTACH
 * @size: in: sizeof(struct queztl_vm_attach_args)
 * @flags: in: 0
 * @kvm_fd: in: a KVM VM descriptor of the caller (KVM_CREATE_VM)
 * @vm_fd: out: a VM descriptor, close-on-exec
 * @id: out: the VM's id
 *
 * A VM that is registered already keeps its id. A VM that was detached is
 * registered again.
 *
 * Errors: EBADF @kvm_fd is not open; EINVAL @kvm_fd is not a KVM VM; EMFILE no
 * free descriptor; ENOSPC too many VMs.
 */
struct queztl_vm_attach_args {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__s32 vm_fd;
	__u64 id;
};

/**
 * struct queztl_vm_open_args - argument of QUEZTL_VM_OPEN
 * @size: in: sizeof(struct queztl_vm_open_args)
 * @flags: in: 0
 * @id: in: the VM's id
 * @vm_fd: out: a VM descriptor, close-on-exec
 * @reserved: 0
 *
 * Errors: ENOENT no such VM; EPERM the VM does not belong to the caller, who
 * lacks CAP_SYS_PTRACE; EMFILE no free descriptor.
 */
struct queztl_vm_open_args {
	__u32 size;
	__u32 flags;
	__u64 id;
	__s32 vm_fd;
	__u32 reserved;
};

/**
 * struct queztl_vm - argument of QUEZTL_VM_INFO, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm)
 * @flags: in: 0
 * @id: out: the VM's id
 * @pid: out: the process that holds the VM (the VMM)
 * @uid: out: effective user of that process when the VM was detected
 * @vcpus: out: number of vCPUs
 * @reserved: 0
 * @seen_ns: out: CLOCK_BOOTTIME when the VM was detected, in nanoseconds
 * @comm: out: name of the process
 *
 * Errors: ENOENT the VM no longer exists or is detached.
 */
struct queztl_vm {
	__u32 size;
	__u32 flags;
	__u64 id;
	__s32 pid;
	__u32 uid;
	__u32 vcpus;
	__u32 reserved;
	__u64 seen_ns;
	char comm[16];
};

/**
 * struct queztl_vcpu - argument of QUEZTL_VM_VCPU, on a VM descriptor
 * @size: in: sizeof(struct queztl_vcpu)
 * @flags: in: 0
 * @index: in: 0 .. &queztl_vm.vcpus - 1
 * @tid: out: the thread that last ran the vCPU, 0 if it never ran
 *
 * Errors: ENOENT no such vCPU, or the VM no longer exists or is detached.
 */
struct queztl_vcpu {
	__u32 size;
	__u32 flags;
	__u32 index;
	__s32 tid;
};

/**
 * struct queztl_vm_stats - argument of QUEZTL_VM_STATS, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm_stats)
 * @flags: in: 0
 * @exits: out: VM exits
 * @halt_exits: out: exits because a vCPU halted
 * @mmio_exits: out: exits to the VMM for memory-mapped I/O
 * @io_exits: out: port I/O exits; 0 on ARM64
 * @irq_injections: out: interrupts injected
 * @insn_emulations: out: guest instructions emulated by the host
 * @signal_exits: out: exits because the vCPU thread had a pending signal
 *
 * Each counter is the sum over all vCPUs since their creation. The counters are
 * KVM's own.
 *
 * Errors: ENOENT the VM no longer exists or is detached.
 */
struct queztl_vm_stats {
	__u32 size;
	__u32 flags;
	__u64 exits;
	__u64 halt_exits;
	__u64 mmio_exits;
	__u64 io_exits;
	__u64 irq_injections;
	__u64 insn_emulations;
	__u64 signal_exits;
};

/**
 * struct queztl_vm_detach_args - argument of QUEZTL_VM_DETACH, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm_detach_args)
 * @flags: in: 0
 *
 * The VM keeps running. Queztl does not list it until it is attached again.
 *
 * Errors: ENOENT the VM no longer exists or is detached; EPERM the VM does not
 * belong to the caller, who lacks CAP_SYS_PTRACE.
 */
struct queztl_vm_detach_args {
	__u32 size;
	__u32 flags;
};

/**
 * DOC: Fabrics and ports
 *
 * A fabric is an isolated layer 2 network. Each fabric is a vDPA management
 * device, ``queztl/NAME``. ``vdpa dev add name web0 mgmtdev queztl/NAME``
 * creates a port of it.
 */

/**
 * struct queztl_fabric_add_args - argument of QUEZTL_FABRIC_ADD
 * @size: in: sizeof(struct queztl_fabric_add_args)
 * @flags: in: 0
 * @id: out: the fabric's id, not reused while the module is loaded
 * @name: in: letters, digits, '-', '_' and '.', starting with a letter or
 *	digit
 *
 * Errors: EPERM no CAP_NET_ADMIN; EEXIST the name is in use; EINVAL invalid
 * name; ENOSPC too many fabrics.
 */
struct queztl_fabric_add_args {
	__u32 size;
	__u32 flags;
	__u64 id;
	char name[QUEZTL_NAME_MAX];
};

/**
 * struct queztl_fabric_del_args - argument of QUEZTL_FABRIC_DEL
 * @size: in: sizeof(struct queztl_fabric_del_args)
 * @flags: in: 0
 * @id: in: the fabric's id
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such fabric; EBUSY the fabric has
 * ports.
 */
struct queztl_fabric_del_args {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * enum queztl_fabric_mode - bits of &queztl_fabric_set_args.mode
 * @QUEZTL_FABRIC_DENY: the frames of a port, including broadcasts, reach only
 *	its peers (QUEZTL_PEER_ADD); a new port has no peers
 * @QUEZTL_FABRIC_RESERVED: frames to the groups 01:80:c2:00:00:00 to 0f, which no
 *	bridge forwards (IEEE 802.1D), are frames to any group, except for those to
 *	01:80:c2:00:00:01 (flow control) (ABI version 11)
 */
enum queztl_fabric_mode {
	QUEZTL_FABRIC_DENY	= 1 << 0,
	QUEZTL_FABRIC_RESERVED	= 1 << 1,
};

/**
 * struct queztl_fabric_set_args - argument of QUEZTL_FABRIC_SET
 * @size: in: sizeof(struct queztl_fabric_set_args)
 * @flags: in: 0
 * @id: in: the fabric's id
 * @mode: in: bits of &enum queztl_fabric_mode; 0, the initial mode: every port
 *	reaches every other port, and reserved groups are dropped
 * @reserved: 0
 *
 * Once the call has returned, no frame is delivered under the old mode. Peers
 * are kept in both modes, so the peers of a fabric in use can be set up before
 * the mode is changed to QUEZTL_FABRIC_DENY.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such fabric; EINVAL unknown bits in
 * @mode.
 */
struct queztl_fabric_set_args {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 mode;
	__u32 reserved;
};

/**
 * struct queztl_fabric - argument of QUEZTL_FABRIC_NEXT: iterate
 * @size: in: sizeof(struct queztl_fabric)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to start; out: the next larger id
 * @ports: out: number of ports
 * @mode: out: bits of &enum queztl_fabric_mode (ABI version 1: reserved, 0 on
 *	input)
 * @name: out: name of the fabric
 *
 * Errors: ENOENT there is no fabric with a larger id.
 */
struct queztl_fabric {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 ports;
	__u32 mode;
	char name[QUEZTL_NAME_MAX];
};

/**
 * enum queztl_port_state - bits of &queztl_port.state
 * @QUEZTL_PORT_OPEN: a driver uses the port
 * @QUEZTL_PORT_UP: the driver is ready (DRIVER_OK)
 * @QUEZTL_PORT_BROKEN: the driver wrote invalid data into a ring; the port is
 *	stopped, and no longer up, until the driver resets it
 * @QUEZTL_PORT_NO_WORKER: the VMM could give the port no thread for its rings
 *	(RLIMIT_NPROC, or it was being killed), so it is not up until the driver
 *	starts it anew (ABI version 4)
 * @QUEZTL_PORT_DELETED: the port was deleted, sends and receives nothing, and is
 *	gone as soon as &queztl_port.pid closes it; but for QUEZTL_PORT_STATS
 *	calls do not find it (ABI version 4)
 */
enum queztl_port_state {
	QUEZTL_PORT_OPEN	= 1 << 0,
	QUEZTL_PORT_UP		= 1 << 1,
	QUEZTL_PORT_BROKEN	= 1 << 2,
	QUEZTL_PORT_NO_WORKER	= 1 << 3,
	QUEZTL_PORT_DELETED	= 1 << 4,
};

/**
 * enum queztl_port_mode - bits of &queztl_port_set_args.mode and .change
 * @QUEZTL_PORT_UPLINK: the port is the uplink of its fabric: it receives the
 *	frames to addresses that no port has, and may send from such addresses. A
 *	fabric has at most one uplink. Bound to virtio_vdpa the port is a network
 *	device of the host, which can be added to a bridge.
 * @QUEZTL_PORT_LINK_DOWN: the link of the port is down: the port neither sends
 *	nor receives, and its driver is told so as by a network card whose cable
 *	is unplugged (ABI version 10)
 */
enum queztl_port_mode {
	QUEZTL_PORT_UPLINK	= 1 << 0,
	QUEZTL_PORT_LINK_DOWN	= 1 << 1,
};

/**
 * struct queztl_port_set_args - argument of QUEZTL_PORT_SET
 * @size: in: sizeof(struct queztl_port_set_args)
 * @flags: in: 0
 * @id: in: the port's id
 * @mode: in: bits of &enum queztl_port_mode; 0 is the initial mode
 * @change: in: the bits of the mode to change; 0 means QUEZTL_PORT_UPLINK (before
 *	ABI version 10: reserved, 0)
 *
 * Once the call has returned, no frame is delivered under the old mode. The mode
 * stays when the driver of the port resets it, or another one opens it.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such port; EINVAL unknown bits in
 * @change, or bits in @mode that are not in @change; EBUSY the fabric has another
 * uplink.
 */
struct queztl_port_set_args {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 mode;
	__u32 change;
};

/**
 * struct queztl_port - argument of QUEZTL_PORT_NEXT: iterate over ports
 * @size: in: sizeof(struct queztl_port)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to start; out: the next larger id
 * @fabric_id: out: id of the fabric that the port belongs to
 * @name: out: name of the vDPA device (adding a port with a longer name fails)
 * @mac: out: Ethernet address of the port
 * @mtu: out: largest payload of a frame, in bytes
 * @state: out: bits of &enum queztl_port_state
 * @pid: out: process that opened the port, 0 if there is none or the port is
 *	bound to the kernel's own virtio_vdpa
 * @max_vqp: out: number of queue pairs
 * @mode: out: bits of &enum queztl_port_mode (ABI version 1: reserved, 0 on
 *	input)
 * @reserved: 0
 *
 * Errors: ENOENT there is no port with a larger id.
 */
struct queztl_port {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 fabric_id;
	char name[QUEZTL_NAME_MAX];
	__u8 mac[6];
	__u16 mtu;
	__u32 state;
	__s32 pid;
	__u16 max_vqp;
	__u16 mode;
	__u16 reserved[2];
};

/**
 * enum queztl_drop - why a frame was not delivered
 * @QUEZTL_DROP_RUNT: shorter than an Ethernet header
 * @QUEZTL_DROP_TOO_BIG: longer than the port's MTU allows
 * @QUEZTL_DROP_BAD_HEADER: virtio_net_hdr asks for an offload that was not
 *	negotiated, or does not match the frame
 * @QUEZTL_DROP_SPOOFED: the source MAC address is not one that the port may use
 *	(QUEZTL_PORT_MACS_SET) or, for an uplink, belongs to another port
 * @QUEZTL_DROP_NO_PORT: no port of the fabric has the destination address, or it
 *	is one of the groups that no bridge forwards, 01:80:c2:00:00:00 to 0f
 * @QUEZTL_DROP_RATE: the sender exceeded its broadcast and multicast rate; ports
 *	that have joined the group may have got the frame all the same. Or the frame
 *	waited for more than a second because of the port's other rates
 * @QUEZTL_DROP_BAD_RING: the sender's ring is malformed
 * @QUEZTL_DROP_DOWN: the receiver's driver is not ready
 * @QUEZTL_DROP_FULL: the receiver has no free buffers, and had none while the
 *	frame waited (backpressure); broadcasts, multicasts and frames from an
 *	uplink do not wait
 * @QUEZTL_DROP_NO_SPACE: the receiver's buffer is too small for the frame
 * @QUEZTL_DROP_RX_BROKEN: the receiver's ring is malformed
 * @QUEZTL_DROP_DENIED: the destination is not a peer of the sender
 * @QUEZTL_DROP_FOREIGN: anti-spoofing: the source address in IP, ARP or
 *	neighbour discovery is not an address of the port (QUEZTL_ADDR_ADD), or
 *	the protocol of the frame cannot be checked
 * @QUEZTL_DROP_LINK_DOWN: the link of the port is down (QUEZTL_PORT_LINK_DOWN)
 * @QUEZTL_DROP_VLAN: VLANs: the sender is not in the VLAN of the frame, or may not
 *	send tagged frames, or untagged ones; or the destination is not in that VLAN
 * @QUEZTL_DROP_REASONS: number of drop reasons; space is reserved for 16
 *
 * The first seven reasons, QUEZTL_DROP_DENIED, QUEZTL_DROP_FOREIGN and
 * QUEZTL_DROP_VLAN are counted at the sending port, QUEZTL_DROP_LINK_DOWN at the
 * port whose link is down, the others at the receiving port.
 */
enum queztl_drop {
	QUEZTL_DROP_RUNT,
	QUEZTL_DROP_TOO_BIG,
	QUEZTL_DROP_BAD_HEADER,
	QUEZTL_DROP_SPOOFED,
	QUEZTL_DROP_NO_PORT,
	QUEZTL_DROP_RATE,
	QUEZTL_DROP_BAD_RING,
	QUEZTL_DROP_DOWN,
	QUEZTL_DROP_FULL,
	QUEZTL_DROP_NO_SPACE,
	QUEZTL_DROP_RX_BROKEN,
	QUEZTL_DROP_DENIED,
	QUEZTL_DROP_FOREIGN,
	QUEZTL_DROP_LINK_DOWN,
	QUEZTL_DROP_VLAN,
	QUEZTL_DROP_REASONS,
};

/** define QUEZTL_DROP_ROOM - number of entries of &queztl_port_stats.drops. */
#define QUEZTL_DROP_ROOM	16

/**
 * struct queztl_port_stats - argument of QUEZTL_PORT_STATS
 * @size: in: sizeof(struct queztl_port_stats)
 * @flags: in: 0
 * @id: in: the port's id
 * @tx_packets: out: frames sent by the port and not dropped on the sending side
 * @tx_bytes: out: bytes of these frames, without virtio_net_hdr
 * @rx_packets: out: frames delivered to the port
 * @rx_bytes: out: bytes of these frames
 * @kicks: out: notifications by the driver
 * @rx_interrupts: out: interrupts for received frames
 * @tx_interrupts: out: interrupts for sent frames
 * @tx_held: out: times tx coalescing deferred the interrupt for sent frames;
 *	many of these interrupts are never needed
 * @direct_runs: out: times the send ring was served in the sender's thread
 * @worker_runs: out: times a worker served the send ring
 * @drops: out: frames not delivered, by &enum queztl_drop; an entry that this
 *	header does not name is 0 or belongs to a newer reason
 * @tx_paced: out: times sending waited because of the port's rates (ABI
 *	version 2)
 * @tx_waited: out: times sending waited for free buffers at a receiver,
 *	backpressure (ABI version 3)
 *
 * The counters start at 0 when the port is created, and keep their values when
 * its driver resets it.
 *
 * Errors: ENOENT no such port.
 */
struct queztl_port_stats {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 kicks;
	__u64 rx_interrupts;
	__u64 tx_interrupts;
	__u64 tx_held;
	__u64 direct_runs;
	__u64 worker_runs;
	__u64 drops[QUEZTL_DROP_ROOM];
	__u64 tx_paced;
	__u64 tx_waited;
};

/**
 * DOC: Policy
 *
 * The destinations, source addresses and amount of what a port may send. The
 * policy belongs to the port and is deleted with it. A change applies to every
 * frame that is delivered after the call has returned. No driver is restarted.
 */

/**
 * struct queztl_peer - argument of QUEZTL_PEER_ADD, _DEL and _NEXT
 * @size: in: sizeof(struct queztl_peer)
 * @flags: in: 0
 * @port: in: id of a port
 * @peer: in: id of another port of the same fabric; for QUEZTL_PEER_NEXT: in:
 *	the last id seen, 0 to start; out: the next larger id of a peer of @port
 *
 * Being peers is mutual: each port may send to the other.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _NEXT); ENOENT no such port, for _DEL
 * also: the ports are not peers, for _NEXT also: no peer has a larger id;
 * EEXIST (_ADD) the ports are peers already; EXDEV (_ADD) the ports belong to
 * different fabrics; EINVAL (_ADD) @port and @peer are the same.
 */
struct queztl_peer {
	__u32 size;
	__u32 flags;
	__u64 port;
	__u64 peer;
};

/** define QUEZTL_PEERS_MAX - peers that one QUEZTL_PEERS_ADD may name. */
#define QUEZTL_PEERS_MAX	1024

/**
 * struct queztl_peers - argument of QUEZTL_PEERS_ADD
 * @size: in: sizeof(struct queztl_peers)
 * @flags: in: 0
 * @port: in: a port's id
 * @peers: in: pointer to the ids, each a __u64, of others of the same fabric
 * @n: in: how many ids there are, 1 to QUEZTL_PEERS_MAX
 * @reserved: 0
 *
 * ABI version 4. Makes each of them a peer of @port, as QUEZTL_PEER_ADD does with
 * one, or, on failure, none. Those that are peers already stay so, and an id may be named
 * more than once. A fabric's full mesh takes one call for each port.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such port; EXDEV ports of different
 * fabrics; EINVAL @n out of range, or @port is among the peers; EFAULT @peers is
 * not readable memory.
 */
struct queztl_peers {
	__u32 size;
	__u32 flags;
	__u64 port;
	__u64 peers;
	__u32 n;
	__u32 reserved;
};

/** define QUEZTL_ADDR_MAX - maximum number of addresses of a port. */
#define QUEZTL_ADDR_MAX		16

/**
 * struct queztl_addr - argument of QUEZTL_ADDR_ADD, _DEL and _NEXT
 * @size: in: sizeof(struct queztl_addr)
 * @flags: in: 0
 * @port: in: id of a port
 * @id: for _ADD and _NEXT: out: id of the address, which the port does not
 *	reuse; for _NEXT: in: the last id seen, 0 to start; for _DEL: ignored
 * @family: in: AF_INET or AF_INET6; for _NEXT: out
 * @prefix: in: prefix length in bits, 0 to 32 (AF_INET) or 128 (AF_INET6); for
 *	_NEXT: out
 * @reserved: 0
 * @addr: in: the address in network byte order, in the first 4 bytes for
 *	AF_INET; the remaining bytes and the host bits must be 0; for _NEXT: out
 *
 * A port without addresses may send from any address. A port with addresses
 * may send only IPv4, IPv6 and ARP, untagged or with one VLAN tag, and only
 * from its addresses. In addition it may send from 0.0.0.0 what DHCP and ARP
 * probes need, from :: duplicate address detection, router solicitations and
 * MLD reports, and from the link-local address derived from its MAC. It may not
 * send router advertisements.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _NEXT); ENOENT no such port, for _DEL
 * also: no such address, for _NEXT also: no address has a larger id; EEXIST
 * (_ADD) the port has this address already; ENOSPC (_ADD) the port has
 * QUEZTL_ADDR_MAX addresses; EAFNOSUPPORT @family is another family; EINVAL
 * @prefix is invalid, host bits are set, or the address is not unicast.
 */
struct queztl_addr {
	__u32 size;
	__u32 flags;
	__u64 port;
	__u32 id;
	__u16 family;
	__u8 prefix;
	__u8 reserved;
	__u8 addr[16];
};

/** define QUEZTL_CAPTURE_BYTES - the usual buffer of a capture, 4 MiB. */
#define QUEZTL_CAPTURE_BYTES		0x400000u

/** define QUEZTL_CAPTURE_BYTES_MIN - its smallest buffer, 256 KiB. */
#define QUEZTL_CAPTURE_BYTES_MIN	0x40000u

/** define QUEZTL_CAPTURE_BYTES_MAX - its largest buffer, 64 MiB. */
#define QUEZTL_CAPTURE_BYTES_MAX	0x4000000u

/** define QUEZTL_CAPTURE_SNAPLEN_MAX - as many bytes as any frame may have, or more. */
#define QUEZTL_CAPTURE_SNAPLEN_MAX	0x10100u

/**
 * struct queztl_port_capture_args - argument of QUEZTL_PORT_CAPTURE
 * @size: in: sizeof(struct queztl_port_capture_args)
 * @flags: in: 0
 * @id: in: the port's id
 * @snaplen: in: number of each frame's first bytes to keep, up to
 *	QUEZTL_CAPTURE_SNAPLEN_MAX; 0: that many; out: the number
 * @bytes: in: size of the buffer, a power of two from QUEZTL_CAPTURE_BYTES_MIN to
 *	QUEZTL_CAPTURE_BYTES_MAX; 0: QUEZTL_CAPTURE_BYTES; out: the size
 * @fd: out: descriptor to read from (O_CLOEXEC); closing it ends the capture
 * @reserved: 0
 *
 * Copies the frames that a port sends and receives (ABI version 10). read() returns
 * as many records as fit: each is a &struct queztl_capture_record with @captured bytes
 * of the frame behind it, and the next one begins at the next multiple of 8. It blocks
 * while there is none unless O_NONBLOCK is set, and fails with EMSGSIZE if the first
 * does not fit; 66 KiB are always enough. When the port is deleted, what is left can be
 * read, poll() reports POLLHUP, and then read() returns 0. Frames that find no room in
 * the buffer are counted and lost; nobody waits for the reader. Copying takes time of
 * the thread that delivers, as another receiver would.
 *
 * Frames are recorded as the fabric sees them: large ones that receivers segment are
 * one record, and checksums may not be finished. A frame is recorded at its sender when
 * that is done with it, also if it is dropped there, and at a receiver when it has been
 * delivered. The bytes are copied a moment later: a guest that changes a buffer while it
 * is sent can show other payload here, but no other headers than those that were checked.
 *
 * Errors: EPERM no CAP_NET_ADMIN and CAP_NET_RAW; ENOENT no such port; EBUSY the port is
 * being captured; EINVAL @snaplen or @bytes out of range; EMFILE, ENFILE.
 */
struct queztl_port_capture_args {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 snaplen;
	__u32 bytes;
	__s32 fd;
	__u32 reserved;
};

/**
 * enum queztl_capture_flag - bits of &queztl_capture_record.flags
 * @QUEZTL_CAPTURE_SENT: the port has sent the frame; else it has received it
 * @QUEZTL_CAPTURE_DROPPED: the frame was dropped, see &queztl_capture_record.drop
 * @QUEZTL_CAPTURE_NEEDS_CSUM: the sum in its transport header is not finished
 */
enum queztl_capture_flag {
	QUEZTL_CAPTURE_SENT		= 1 << 0,
	QUEZTL_CAPTURE_DROPPED		= 1 << 1,
	QUEZTL_CAPTURE_NEEDS_CSUM	= 1 << 2,
};

/**
 * struct queztl_capture_record - what precedes a captured frame
 * @time: when it was recorded, ns since the epoch (CLOCK_REALTIME)
 * @bytes: length of the frame, without virtio_net_hdr
 * @captured: number of its first bytes that follow
 * @lost: frames that were lost since the record before, because the buffer was full
 * @flags: bits of &enum queztl_capture_flag
 * @drop: &enum queztl_drop, with QUEZTL_CAPTURE_DROPPED
 * @gso_size: payload of each segment that it is to be cut into; 0: it is not
 * @reserved: 0
 */
struct queztl_capture_record {
	__u64 time;
	__u32 bytes;
	__u32 captured;
	__u32 lost;
	__u16 flags;
	__u16 drop;
	__u16 gso_size;
	__u16 reserved[3];
};

/**
 * enum queztl_port_rate - bits of &queztl_port_rates.set
 * @QUEZTL_PORT_TX_BYTES: &queztl_port_rates.tx_bytes
 * @QUEZTL_PORT_TX_PACKETS: &queztl_port_rates.tx_packets
 * @QUEZTL_PORT_FLOOD: &queztl_port_rates.flood
 */
enum queztl_port_rate {
	QUEZTL_PORT_TX_BYTES	= 1 << 0,
	QUEZTL_PORT_TX_PACKETS	= 1 << 1,
	QUEZTL_PORT_FLOOD	= 1 << 2,
};

/**
 * struct queztl_port_rates - argument of QUEZTL_RATES_SET and QUEZTL_RATES_GET
 * @size: in: sizeof(struct queztl_port_rates)
 * @flags: in: 0
 * @id: in: the port's id
 * @set: in: bits of &enum queztl_port_rate, the rates to change; for
 *	QUEZTL_RATES_GET: out: all rates that this kernel knows
 * @flood: frames to group addresses that the port may send per second, 1 to
 *	1000000; initially 2000; frames above the rate are dropped. Frames that
 *	only go to a few ports that have joined the group do not count
 * @tx_bytes: bytes that the port may send per second, 1000 to 10^15, without
 *	virtio_net_hdr; 0, the initial value: no limit
 * @tx_packets: packets that the port may send per second, up to 10^9; a frame
 *	to be segmented counts as the number of its segments; 0, the initial
 *	value: no limit
 *
 * The rates are in for QUEZTL_RATES_SET and out for QUEZTL_RATES_GET. A frame
 * above @tx_bytes or @tx_packets waits in the sender's ring; if it has waited for
 * more than a second it may be dropped, and after two seconds it is. The burst
 * size is what the port may send in 10 ms, and at least one frame.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _GET); ENOENT no such port; EINVAL
 * unknown bits in @set, or a rate out of range.
 */
struct queztl_port_rates {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 set;
	__u32 flood;
	__u64 tx_bytes;
	__u64 tx_packets;
};

/**
 * enum queztl_vlan_mode - &queztl_port_vlan.mode
 * @QUEZTL_VLAN_NONE: the port was given no VLAN: tags are part of its frames, and
 *	it exchanges frames only with other ports that were given none
 * @QUEZTL_VLAN_ACCESS: the port is in one VLAN; its frames have no tag
 * @QUEZTL_VLAN_TRUNK: the port is in any number of VLANs; its frames have a tag,
 *	except for those of the native VLAN
 */
enum queztl_vlan_mode {
	QUEZTL_VLAN_NONE	= 0,
	QUEZTL_VLAN_ACCESS	= 1,
	QUEZTL_VLAN_TRUNK	= 2,
};

/**
 * struct queztl_port_vlan - argument of QUEZTL_PORT_VLAN_SET and _GET
 * @size: in: sizeof(struct queztl_port_vlan)
 * @flags: in: 0
 * @id: in: the port's id
 * @mode: &enum queztl_vlan_mode
 * @native: the VLAN of untagged frames; of an access port its only VLAN; of a
 *	trunk one of @ids, or 0: untagged frames are dropped
 * @reserved: 0
 * @ids: the VLANs of the port, 1 to 4094: bit n % 64 of word n / 64
 *
 * These members are in for QUEZTL_PORT_VLAN_SET and out for
 * QUEZTL_PORT_VLAN_GET. For QUEZTL_VLAN_NONE, the initial mode, all of them are 0.
 * A tag with the id 0 counts as none. Once the call has returned, no frame is
 * delivered under the old VLANs. An Ethernet address is that of one port of the
 * fabric, whatever the VLANs. Since ABI version 10.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _GET); ENOENT no such port; EINVAL
 * an unknown @mode, or VLANs that do not suit it.
 */
struct queztl_port_vlan {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u16 mode;
	__u16 native;
	__u32 reserved;
	__u64 ids[64];
};

/** define QUEZTL_MACS_MAX - addresses that a port may use beside its own. */
#define QUEZTL_MACS_MAX		256

/**
 * struct queztl_mac - an Ethernet address
 * @addr: the address
 * @reserved: 0
 */
struct queztl_mac {
	__u8 addr[6];
	__u16 reserved;
};

/**
 * enum queztl_macs_mode - &queztl_port_macs.mode
 * @QUEZTL_MACS_NONE: the port uses its own address only
 * @QUEZTL_MACS_LIST: also those that it was given. Several ports may have the same
 *	one: its frames go to the one that sent from it last
 * @QUEZTL_MACS_ANY: also those from which it sends, as long as no other port uses
 *	them: up to QUEZTL_MACS_MAX, each until the port has not sent from it for 300
 *	seconds, or for longer than from others of which there are too many
 */
enum queztl_macs_mode {
	QUEZTL_MACS_NONE	= 0,
	QUEZTL_MACS_LIST	= 1,
	QUEZTL_MACS_ANY		= 2,
};

/**
 * struct queztl_port_macs - argument of QUEZTL_PORT_MACS_SET and _GET
 * @size: in: sizeof(struct queztl_port_macs)
 * @flags: in: 0
 * @id: in: the port's id
 * @mode: &enum queztl_macs_mode; initially QUEZTL_MACS_NONE
 * @n: number of addresses: of QUEZTL_MACS_LIST 1 to QUEZTL_MACS_MAX, else 0;
 *	for QUEZTL_PORT_MACS_GET: out: those that the port has now
 * @macs: in: pointer to an array of @n &struct queztl_mac; for
 *	QUEZTL_PORT_MACS_GET: out: 0, see QUEZTL_MAC_NEXT
 *
 * The addresses that a port uses beside its own: it may send from them, and gets
 * the frames to them. No port uses the own address of another one. Up to 64 ports
 * of a fabric may have a mode other than QUEZTL_MACS_NONE. What was learnt under
 * the old mode is forgotten. Since ABI version 10.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _GET); ENOENT no such port; EINVAL
 * an unknown @mode, an @n that does not suit it, or an address that is no unicast
 * address or occurs twice; EEXIST an address is a port's own; ENOSPC too many
 * ports have such addresses.
 */
struct queztl_port_macs {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 mode;
	__u32 n;
	__u64 macs;
};

/**
 * struct queztl_mac_next_args - argument of QUEZTL_MAC_NEXT: iterate over MACs
 * @size: in: sizeof(struct queztl_mac_next_args)
 * @flags: in: 0
 * @port: in: the port's id
 * @mac: in: the last one seen, 0 to start; out: the next larger one that the
 *	port has beside its own
 *
 * Since ABI version 10.
 *
 * Errors: ENOENT no such port, or it has no larger address.
 */
struct queztl_mac_next_args {
	__u32 size;
	__u32 flags;
	__u64 port;
	struct queztl_mac mac;
};

/**
 * struct queztl_port_mirror - argument of QUEZTL_PORT_MIRROR_SET and _GET
 * @size: in: sizeof(struct queztl_port_mirror)
 * @flags: in: 0
 * @id: in: the port's id
 * @mirror: in: id of another port of the fabric, which gets copies of the frames
 *	that the port sends and receives; 0, the initial value: none; for _GET: out
 *
 * ABI version 11. A port has one mirror at most; a port may be the mirror of
 * several. Frames are copied that the fabric has forwarded, and those that were
 * delivered to the port, as the port sent them or got them, with its VLAN tags. A
 * frame between two ports with the same mirror is copied twice, and what the mirror
 * itself sends not at all. The VLANs of the mirror and its driver's filters do not
 * apply to copies.
 *
 * In a fabric that denies, the mirror has to be a peer of the port, and gets copies
 * only as long as it is. Nobody waits for a mirror: copies that it cannot take are
 * dropped, and counted at the mirror as for any receiver. A mirror whose driver
 * takes no large frames (VIRTIO_NET_F_GUEST_TSO4 and others) gets them in segments,
 * but not more than a bounded amount of them: the rest of such a frame is dropped
 * (QUEZTL_DROP_NO_SPACE). The copies take time of the thread that delivers, as
 * another receiver would.
 *
 * Once the call has returned, nothing is copied to the old mirror. When one of the
 * ports is deleted, the other has no mirror, or is none any more.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _GET); ENOENT no such port; EXDEV the ports
 * belong to different fabrics; EINVAL they are the same; ELOOP @mirror has a mirror,
 * or the port is one; EACCES the fabric denies, and they are no peers.
 */
struct queztl_port_mirror {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 mirror;
};

/**
 * DOC: Scheduler
 *
 * With QUEZTL_F_SCHED the module contains a sched_ext scheduler that divides CPU
 * time between VMs, whatever the number of their vCPUs, or with
 * QUEZTL_SCHED_PER_VCPU according to it. It schedules every task of the host:
 * each process that holds a VM is one customer, all other tasks together are one
 * more. A process that holds several VMs is one customer with
 * the settings of any of them. If the scheduler fails, the kernel returns all
 * tasks to its own scheduler; VMs keep running. Without QUEZTL_F_SCHED each of
 * these calls returns EOPNOTSUPP. All of them are of ABI version 5.
 */

/**
 * enum queztl_sched_mode - bits of &queztl_sched_start_args.mode
 * @QUEZTL_SCHED_PER_VCPU: a VM has its weight once for each of its vCPUs (see
 *	&queztl_vm_sched.vcpus), at most 1000000 in all; the host's other tasks
 *	have theirs once. Without it the number of vCPUs does not matter
 */
enum queztl_sched_mode {
	QUEZTL_SCHED_PER_VCPU	= 1 << 0,
};

/**
 * struct queztl_sched_start_args - argument of QUEZTL_SCHED_START
 * @size: in: sizeof(struct queztl_sched_start_args)
 * @flags: in: 0
 * @slice_us: in: how long a thread runs before others are asked, 500 to 20000
 *	microseconds; 0: 3000
 * @check_us: in: how long after a thread has woken up and got no CPU the
 *	scheduler checks whether it should preempt another, 250 to 20000
 *	microseconds; 0: 1000. It also checks whenever a slice ends, and every
 *	250 microseconds while a thread waits that usually blocks soon
 * @mode: in: bits of &enum queztl_sched_mode (ABI version 7)
 *
 * Errors: EPERM no CAP_SYS_NICE; EBUSY a sched_ext scheduler is active, this one
 * or another; EIO it failed while it was started, see QUEZTL_SCHED_INFO;
 * EINVAL a time is out of range or @mode has unknown bits; EOPNOTSUPP also if a
 * task has a core scheduling cookie.
 */
struct queztl_sched_start_args {
	__u32 size;
	__u32 flags;
	__u32 slice_us;
	__u32 check_us;
	__u64 mode;
};

/**
 * struct queztl_sched_stop_args - argument of QUEZTL_SCHED_STOP
 * @size: in: sizeof(struct queztl_sched_stop_args)
 * @flags: in: 0
 *
 * All tasks return to the kernel's own scheduler. After a failure the call
 * clears the state QUEZTL_SCHED_FAILED.
 *
 * Errors: EPERM no CAP_SYS_NICE; ENOENT the scheduler was not started.
 */
struct queztl_sched_stop_args {
	__u32 size;
	__u32 flags;
};

/**
 * enum queztl_sched_state - values of &queztl_sched.state
 * @QUEZTL_SCHED_OFF: not started, or stopped
 * @QUEZTL_SCHED_ON: it schedules this host
 * @QUEZTL_SCHED_FAILED: it ended although nobody called QUEZTL_SCHED_STOP
 */
enum queztl_sched_state {
	QUEZTL_SCHED_OFF,
	QUEZTL_SCHED_ON,
	QUEZTL_SCHED_FAILED,
};

/**
 * struct queztl_sched - argument of QUEZTL_SCHED_INFO
 * @size: in: sizeof(struct queztl_sched)
 * @flags: in: 0
 * @state: out: a value of &enum queztl_sched_state
 * @kind: out: if it failed: the kernel's enum scx_exit_kind: 67 SysRq-S, 1024 an
 *	error, 1026 a stall
 * @since_ns: out: CLOCK_BOOTTIME when it was started or failed, in nanoseconds;
 *	0 if it is off
 * @slice_us: out: as it was started with
 * @check_us: out: as it was started with
 * @reserved: 0
 * @handovers: out: messages between VMs, see &queztl_vm_sched.handovers_sent
 * @preemptions: out: preemptions by threads that woke up
 * @yields: out: calls of sched_yield()
 * @directed_yields: out: yields of a vCPU to a certain other one
 * @checks: out: checks, see &queztl_sched_start_args.check_us
 * @starved: out: slices given to threads that waited for too long, whatever the
 *	weights are: a second, the host's own tasks 100 ms
 * @reason: out: if it failed: @kind as a text
 * @message: out: if it failed: details, or empty
 * @mode: out: as it was started with (ABI version 7)
 *
 * The counters start with the scheduler.
 */
struct queztl_sched {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 kind;
	__u64 since_ns;
	__u32 slice_us;
	__u32 check_us;
	__u64 reserved;
	__u64 handovers;
	__u64 preemptions;
	__u64 yields;
	__u64 directed_yields;
	__u64 checks;
	__u64 starved;
	char reason[40];
	char message[96];
	__u64 mode;
};

/**
 * enum queztl_vm_setting - bits of &queztl_vm_sched.set
 * @QUEZTL_VM_WEIGHT: weight
 * @QUEZTL_VM_LIMIT: limit
 * @QUEZTL_VM_MODE: mode
 */
enum queztl_vm_setting {
	QUEZTL_VM_WEIGHT	= 1 << 0,
	QUEZTL_VM_LIMIT		= 1 << 1,
	QUEZTL_VM_MODE		= 1 << 2,
};

/**
 * enum queztl_vm_mode - bits of &queztl_vm_sched.mode
 * @QUEZTL_VM_BATCH: latency does not matter to the VM: it preempts nobody when
 *	it wakes up, and is not ahead of others because it has slept
 */
enum queztl_vm_mode {
	QUEZTL_VM_BATCH		= 1 << 0,
};

/** define QUEZTL_SCHED_WAITS - buckets of &queztl_vm_sched.waits */
#define QUEZTL_SCHED_WAITS	16

/** define QUEZTL_SCHED_PARTNERS - entries of &queztl_vm_sched.partners */
#define QUEZTL_SCHED_PARTNERS	8

/**
 * struct queztl_sched_partner - messages that a VM exchanges with another one
 * @id: of that VM; if its process holds several, of the first; 0: unused entry
 * @sent: messages to it
 * @received: messages from it
 *
 * They are counted from when it came into the table: a new partner takes the
 * place of the one with the fewest messages.
 */
struct queztl_sched_partner {
	__u64 id;
	__u64 sent;
	__u64 received;
};

/**
 * struct queztl_vm_sched - argument of QUEZTL_VM_SCHED_SET and QUEZTL_VM_SCHED_GET
 * @size: in: sizeof(struct queztl_vm_sched)
 * @flags: in: 0
 * @id: in: the VM's id
 * @set: in: bits of &enum queztl_vm_setting, the settings to change; for
 *	QUEZTL_VM_SCHED_GET: out: all settings that this kernel knows
 * @weight: share of CPU time relative to others', 1 to 10000; initially 100; the
 *	host's own tasks have 100 together
 * @limit: CPU time of the vCPUs in 1/1000 of a CPU, 10 to 1000000; 0, the
 *	initial value: no limit. Only vCPUs are held back, not the other threads
 *	of the process, whose time counts all the same
 * @mode: bits of &enum queztl_vm_mode; initially 0
 * @reserved: 0
 * @used_ns: out: CPU time of the process
 * @throttled_ns: out: time for which vCPUs waited because of @limit, the sum
 *	over all vCPUs
 * @handovers_sent: out: messages to other VMs: what a fabric put into a ring of
 *	theirs at a time, and wake-ups of their threads by threads of this one for
 *	another reason (before ABI version 8: wake-ups only)
 * @handovers_received: out: messages from other VMs
 * @preemptions: out: threads of others that a thread of this VM preempted when
 *	it woke up
 * @yields: out: calls of sched_yield() and directed yields
 * @waits: out: wake-ups of threads of the process by how long it took until the
 *	thread ran: waits[i] took less than 2^i us, and not less than 2^(i-1);
 *	the last one has all that took 2^14 us (16.4 ms) or more (ABI version 6)
 * @vcpus: out: threads of the process that the scheduler knows to be vCPUs: they
 *	stopped running, or were given a new slice, inside KVM (ABI version 7)
 * @preempted: out: how often a vCPU lost the CPU although it could run on (ABI
 *	version 7)
 * @preempted_kernel: out: of these, while its guest was in kernel mode, where it
 *	may hold locks; of an encrypted guest nobody knows, and all count (ABI
 *	version 7)
 * @partners: out: the VMs with which this one exchanges most messages, in no
 *	order; each with more than 1/8 of them is there (ABI version 8)
 *
 * The settings are in for QUEZTL_VM_SCHED_SET and out for QUEZTL_VM_SCHED_GET.
 * They stay with the VM, whether or not the scheduler runs. Times and numbers
 * count while it runs, and are ignored by QUEZTL_VM_SCHED_SET.
 *
 * Errors: EPERM no CAP_SYS_NICE (not for _GET); ENOENT no such VM; EINVAL unknown
 * bits in @set or @mode, or a value out of range.
 */
struct queztl_vm_sched {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 set;
	__u32 weight;
	__u32 limit;
	__u32 mode;
	__u64 reserved;
	__u64 used_ns;
	__u64 throttled_ns;
	__u64 handovers_sent;
	__u64 handovers_received;
	__u64 preemptions;
	__u64 yields;
	__u64 waits[QUEZTL_SCHED_WAITS];
	__u64 vcpus;
	__u64 preempted;
	__u64 preempted_kernel;
	struct queztl_sched_partner partners[QUEZTL_SCHED_PARTNERS];
};

/**
 * DOC: Windows and channels
 *
 * A window is a file that a VM or a process maps, as a whole and shared. What is
 * where in it, and the rings that programs use in it, is laid out in
 * ``linux/queztl_qhp.h``. A channel joins a slot of one window to a slot of
 * another. In its slot each end has a region of its own, which it writes, and
 * reads the region of the other end. Page tables enforce that: a write to any
 * other page of the window goes to a page that nobody else sees.
 *
 * A descriptor of a window is the right to use the window's name: to listen to and
 * to connect to the channels that the administrator allows to that name. poll()
 * reports POLLIN while QUEZTL_WINDOW_EVENTS has something to tell. When the last
 * descriptor is closed and the last mapping gone, the window's channels close.
 */

/**
 * struct queztl_window_create_args - argument of QUEZTL_WINDOW_CREATE
 * @size: in: sizeof(struct queztl_window_create_args)
 * @flags: in: 0
 * @name: in: name of the window, formed like that of a fabric
 * @slots: in: how many ends of channels it has at most: 1 to 64
 * @region: in: room for the region of an end, in bytes: a power of two from 64 KiB
 *	to 16 MiB
 * @id: out: the window's id, not reused while the module is loaded
 * @fd: out: a descriptor of the window, close-on-exec
 * @reserved: 0
 * @bytes: out: size of the window; it takes memory only for regions in use
 *
 * Errors: EPERM no CAP_NET_ADMIN; EEXIST a window has that name; EINVAL invalid
 * name, or a value out of range; EMFILE no free descriptor; ENOSPC too many
 * windows.
 */
struct queztl_window_create_args {
	__u32 size;
	__u32 flags;
	char name[QUEZTL_NAME_MAX];
	__u32 slots;
	__u32 region;
	__u64 id;
	__s32 fd;
	__u32 reserved;
	__u64 bytes;
};

/**
 * struct queztl_window - argument of QUEZTL_WINDOW_NEXT: iterate over windows
 * @size: in: sizeof(struct queztl_window)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to start; out: the next larger id
 * @name: out: name of the window
 * @slots: out: number of slots
 * @used: out: number of slots that are not free
 * @region: out: room for a region, in bytes
 * @pid: out: the process that created the window
 * @memory: out: bytes of its own regions
 * @diverted: out: page faults by writes to pages that the owner may not write
 *
 * Errors: ENOENT there is no window with a larger id.
 */
struct queztl_window {
	__u32 size;
	__u32 flags;
	__u64 id;
	char name[QUEZTL_NAME_MAX];
	__u32 slots;
	__u32 used;
	__u32 region;
	__s32 pid;
	__u64 memory;
	__u64 diverted;
};

/**
 * struct queztl_channel_rule - argument of QUEZTL_CHANNEL_ALLOW, _DENY and _RULE_NEXT
 * @size: in: sizeof(struct queztl_channel_rule)
 * @flags: in: 0
 * @id: _ALLOW: out: the rule's id; _RULE_NEXT: in: the last id seen, 0 to start;
 *	out: the next larger id
 * @name: name of channels; out for _RULE_NEXT, in otherwise, as the next two
 * @listener: name of the window that may listen to them
 * @connecter: name of the window that may connect to them
 *
 * Without a rule nobody may listen or connect. A rule may be made before the
 * windows are. When QUEZTL_CHANNEL_DENY returns, each channel that no other rule
 * allows is revoked.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not for _RULE_NEXT); EINVAL invalid name; EEXIST
 * there is such a rule already; ENOENT there is none, or none with a larger id;
 * ENOSPC too many rules.
 */
struct queztl_channel_rule {
	__u32 size;
	__u32 flags;
	__u64 id;
	char name[QUEZTL_NAME_MAX];
	char listener[QUEZTL_NAME_MAX];
	char connecter[QUEZTL_NAME_MAX];
};

/**
 * struct queztl_channel - argument of QUEZTL_CHANNEL_NEXT: iterate over channels
 * @size: in: sizeof(struct queztl_channel)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to start; out: the next larger id
 * @name: out: name of the channel
 * @listener: out: name of the window that listens
 * @connecter: out: name of the window that has connected; empty: none has
 * @bytes: out: size of each region
 * @reserved: 0
 *
 * Errors: ENOENT there is no channel with a larger id.
 */
struct queztl_channel {
	__u32 size;
	__u32 flags;
	__u64 id;
	char name[QUEZTL_NAME_MAX];
	char listener[QUEZTL_NAME_MAX];
	char connecter[QUEZTL_NAME_MAX];
	__u32 bytes;
	__u32 reserved;
};

/**
 * struct queztl_channel_revoke_args - argument of QUEZTL_CHANNEL_REVOKE
 * @size: in: sizeof(struct queztl_channel_revoke_args)
 * @flags: in: 0
 * @id: in: the channel's id
 *
 * When the call returns, the region of the other end reads as zeros at both ends.
 * Each end keeps its own region until it closes the slot. Deny the channel first,
 * or it can be made again at once.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such channel.
 */
struct queztl_channel_revoke_args {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * struct queztl_channel_listen_args - argument of QUEZTL_CHANNEL_LISTEN, on a window
 * @size: in: sizeof(struct queztl_channel_listen_args)
 * @flags: in: 0
 * @name: in: name of the channel, formed like that of a fabric
 * @bytes: in: size of each region: a power of two from 64 KiB to what the window
 *	has room for; 0: as much as that; out: the size
 * @slot: out: the slot of this end, with a zeroed region of its own
 *
 * The first window that connects gets the channel. To accept another one, listen
 * again. The memory of the region is charged to the caller's memory cgroup.
 *
 * Errors: EPERM no rule allows this window to listen to the name; EADDRINUSE
 * somebody listens to it; EINVAL invalid name or size; ENOSPC no free slot, or too
 * many channels; ENOMEM also: the memory cgroup has no room.
 */
struct queztl_channel_listen_args {
	__u32 size;
	__u32 flags;
	char name[QUEZTL_NAME_MAX];
	__u32 bytes;
	__u32 slot;
};

/**
 * struct queztl_channel_connect_args - argument of QUEZTL_CHANNEL_CONNECT, on a window
 * @size: in: sizeof(struct queztl_channel_connect_args)
 * @flags: in: 0
 * @name: in: name of the channel
 * @bytes: out: size of each region, as the listener chose it
 * @slot: out: the slot of this end, with a zeroed region of its own
 *
 * The memory of the region is charged to the caller's memory cgroup.
 *
 * Errors: EPERM no rule allows this window to connect to the name; ECONNREFUSED
 * nobody listens whom a rule allows; EMSGSIZE the window has no room for a region
 * of that size; EINVAL invalid name; ENOSPC no free slot; ENOMEM also: the memory
 * cgroup has no room; EINTR a signal came while listeners changed.
 */
struct queztl_channel_connect_args {
	__u32 size;
	__u32 flags;
	char name[QUEZTL_NAME_MAX];
	__u32 bytes;
	__u32 slot;
};

/**
 * struct queztl_channel_slot - argument of QUEZTL_CHANNEL_CLOSE and _RING, on a window
 * @size: in: sizeof(struct queztl_channel_slot)
 * @flags: in: 0
 * @slot: in: the slot
 * @reserved: 0
 *
 * QUEZTL_CHANNEL_CLOSE frees the slot and the region of this end, which reads as
 * zeros at the peer when the call returns: close when the peer has released the
 * last message. QUEZTL_CHANNEL_RING wakes the peer: &queztl_events.rung of
 * its window.
 *
 * Errors: ENOENT there is no such slot, or (_CLOSE) it is free; ENOTCONN (_RING)
 * the slot has no peer.
 */
struct queztl_channel_slot {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
};

/**
 * struct queztl_events - argument of QUEZTL_WINDOW_EVENTS, on a window
 * @size: in: sizeof(struct queztl_events)
 * @flags: in: 0
 * @rung: out: bit i: the peer of slot i rang
 * @changed: out: bit i: somebody else changed the state of slot i (see
 *	``struct qhp_slot``): a peer connected or closed, or the channel was revoked
 *
 * What is told is forgotten: poll() waits for the next event.
 */
struct queztl_events {
	__u32 size;
	__u32 flags;
	__u64 rung;
	__u64 changed;
};

/** define QUEZTL_BELL_CHANGES - as &queztl_window_bell_args.slot: changes of any slot */
#define QUEZTL_BELL_CHANGES	0xffffffffu

/**
 * struct queztl_window_bell_args - argument of QUEZTL_WINDOW_BELL, on a window
 * @size: in: sizeof(struct queztl_window_bell_args)
 * @flags: in: 0
 * @slot: in: the slot, or QUEZTL_BELL_CHANGES
 * @kick: in: an eventfd, or -1: none. Whenever it is signalled the peer of the slot is
 *	woken, as by QUEZTL_CHANNEL_RING. -1 for QUEZTL_BELL_CHANGES
 * @call: in: an eventfd, or -1: none. It is signalled when the peer rings the slot;
 *	for QUEZTL_BELL_CHANGES, when somebody else changes the state of a slot
 * @reserved: 0
 *
 * This is how a VM is woken, and wakes, without a system call: KVM signals @kick
 * (KVM_IOEVENTFD) in the thread of the virtual CPU that writes to a doorbell, and
 * injects an interrupt when @call is signalled (KVM_IRQFD). What is set replaces what
 * was set before, and lasts until the last descriptor of the window is closed and
 * the last mapping gone. A slot's bells stay when its channel closes, for the next
 * one.
 *
 * A window with @call for a slot still reports the slot in QUEZTL_WINDOW_EVENTS.
 *
 * Errors: ENOENT there is no such slot; EBADF a descriptor is not open; EINVAL a
 * descriptor is not an eventfd, or @kick is given for QUEZTL_BELL_CHANGES.
 */
struct queztl_window_bell_args {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__s32 kick;
	__s32 call;
	__u32 reserved;
};

/*
 * The call numbers encode neither direction nor size: the size is in the
 * structure, so a call keeps its number when its structure grows.
 */
#define QUEZTL_GET_INFO		_IO(QUEZTL_IOC_MAGIC, 0x00)

#define QUEZTL_VM_NEXT		_IO(QUEZTL_IOC_MAGIC, 0x10)
#define QUEZTL_VM_ATTACH	_IO(QUEZTL_IOC_MAGIC, 0x11)
#define QUEZTL_VM_OPEN		_IO(QUEZTL_IOC_MAGIC, 0x12)
/* On a VM descriptor: */
#define QUEZTL_VM_INFO		_IO(QUEZTL_IOC_MAGIC, 0x18)
#define QUEZTL_VM_VCPU		_IO(QUEZTL_IOC_MAGIC, 0x19)
#define QUEZTL_VM_STATS		_IO(QUEZTL_IOC_MAGIC, 0x1a)
#define QUEZTL_VM_DETACH	_IO(QUEZTL_IOC_MAGIC, 0x1b)

#define QUEZTL_FABRIC_ADD	_IO(QUEZTL_IOC_MAGIC, 0x20)
#define QUEZTL_FABRIC_DEL	_IO(QUEZTL_IOC_MAGIC, 0x21)
#define QUEZTL_FABRIC_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x22)
#define QUEZTL_FABRIC_SET	_IO(QUEZTL_IOC_MAGIC, 0x23)

#define QUEZTL_PORT_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x30)
#define QUEZTL_PORT_STATS	_IO(QUEZTL_IOC_MAGIC, 0x31)
#define QUEZTL_RATES_SET	_IO(QUEZTL_IOC_MAGIC, 0x32)
#define QUEZTL_RATES_GET	_IO(QUEZTL_IOC_MAGIC, 0x33)
#define QUEZTL_PORT_SET		_IO(QUEZTL_IOC_MAGIC, 0x34)
#define QUEZTL_PORT_VLAN_SET	_IO(QUEZTL_IOC_MAGIC, 0x35)
#define QUEZTL_PORT_VLAN_GET	_IO(QUEZTL_IOC_MAGIC, 0x36)
#define QUEZTL_PORT_MACS_SET	_IO(QUEZTL_IOC_MAGIC, 0x37)
#define QUEZTL_PORT_MACS_GET	_IO(QUEZTL_IOC_MAGIC, 0x38)
#define QUEZTL_MAC_NEXT		_IO(QUEZTL_IOC_MAGIC, 0x39)
#define QUEZTL_PORT_CAPTURE	_IO(QUEZTL_IOC_MAGIC, 0x3a)
#define QUEZTL_PORT_MIRROR_SET	_IO(QUEZTL_IOC_MAGIC, 0x3b)
#define QUEZTL_PORT_MIRROR_GET	_IO(QUEZTL_IOC_MAGIC, 0x3c)

#define QUEZTL_PEER_ADD		_IO(QUEZTL_IOC_MAGIC, 0x40)
#define QUEZTL_PEER_DEL		_IO(QUEZTL_IOC_MAGIC, 0x41)
#define QUEZTL_PEER_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x42)
#define QUEZTL_PEERS_ADD	_IO(QUEZTL_IOC_MAGIC, 0x43)

#define QUEZTL_ADDR_ADD		_IO(QUEZTL_IOC_MAGIC, 0x48)
#define QUEZTL_ADDR_DEL		_IO(QUEZTL_IOC_MAGIC, 0x49)
#define QUEZTL_ADDR_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x4a)

#define QUEZTL_SCHED_START	_IO(QUEZTL_IOC_MAGIC, 0x50)
#define QUEZTL_SCHED_STOP	_IO(QUEZTL_IOC_MAGIC, 0x51)
#define QUEZTL_SCHED_INFO	_IO(QUEZTL_IOC_MAGIC, 0x52)
#define QUEZTL_VM_SCHED_SET	_IO(QUEZTL_IOC_MAGIC, 0x53)
#define QUEZTL_VM_SCHED_GET	_IO(QUEZTL_IOC_MAGIC, 0x54)

#define QUEZTL_WINDOW_CREATE	_IO(QUEZTL_IOC_MAGIC, 0x60)
#define QUEZTL_WINDOW_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x61)
#define QUEZTL_CHANNEL_ALLOW	_IO(QUEZTL_IOC_MAGIC, 0x62)
#define QUEZTL_CHANNEL_DENY	_IO(QUEZTL_IOC_MAGIC, 0x63)
#define QUEZTL_CHANNEL_RULE_NEXT _IO(QUEZTL_IOC_MAGIC, 0x64)
#define QUEZTL_CHANNEL_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x65)
#define QUEZTL_CHANNEL_REVOKE	_IO(QUEZTL_IOC_MAGIC, 0x66)
/* On a window: */
#define QUEZTL_CHANNEL_LISTEN	_IO(QUEZTL_IOC_MAGIC, 0x68)
#define QUEZTL_CHANNEL_CONNECT	_IO(QUEZTL_IOC_MAGIC, 0x69)
#define QUEZTL_CHANNEL_CLOSE	_IO(QUEZTL_IOC_MAGIC, 0x6a)
#define QUEZTL_CHANNEL_RING	_IO(QUEZTL_IOC_MAGIC, 0x6b)
#define QUEZTL_WINDOW_EVENTS	_IO(QUEZTL_IOC_MAGIC, 0x6c)
#define QUEZTL_WINDOW_BELL	_IO(QUEZTL_IOC_MAGIC, 0x6d)

#endif /* _UAPI_LINUX_QUEZTL_H */

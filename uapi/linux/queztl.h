/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Queztl: virtual machines, fabrics and ports, as seen from user space.
 *
 * This header is the manual of the ioctl ABI; Documentation/uapi.rst is built
 * from its comments.
 */
#ifndef _UAPI_LINUX_QUEZTL_H
#define _UAPI_LINUX_QUEZTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General rules
 *
 * Calls are made on a descriptor of ``/dev/queztl`` (0660, group queztl), but
 * for those named ``QUEZTL_VM_*`` on a VM descriptor.
 *
 * Every argument is a pointer to a structure that starts with its own size in
 * bytes, as the caller was compiled. A shorter structure than the kernel's is
 * taken as if the rest were zero, as long as it holds every member of ABI
 * version 1. A longer one is taken when what the kernel does not know is zero.
 * What the kernel fills in beyond @size is not written. On failure nothing has
 * changed and nothing is written.
 *
 * Input flags must be zero unless a flag is documented; reserved members must
 * be zero on input and are zero on output; members marked out are ignored on
 * input. Names are NUL terminated. Process ids are those of the caller's pid
 * namespace, 0 if not visible there; user ids those of its user namespace.
 *
 * Errors every call may return:
 *
 * ========== ==============================================================
 * ENOTTY     unknown call
 * E2BIG      @size is larger than the kernel's structure and the unknown
 *            bytes are not zero
 * EINVAL     malformed: @size too small, unknown flags, a reserved member set
 * EFAULT     the pointer is not readable memory, or not writable where a
 *            member is marked out
 * EOPNOTSUPP known, but not in this kernel (see &queztl_info.features)
 * ENOMEM     no memory
 * ========== ==============================================================
 */

/** define QUEZTL_ABI_VERSION - version of this header; grows, never shrinks. */
#define QUEZTL_ABI_VERSION	3

/** define QUEZTL_DEVICE - the character device. */
#define QUEZTL_DEVICE		"/dev/queztl"

/** define QUEZTL_NAME_MAX - bytes of a name, with its terminating NUL. */
#define QUEZTL_NAME_MAX		32

/* Free in Documentation/userspace-api/ioctl/ioctl-number.rst up to Linux 7.3. */
#define QUEZTL_IOC_MAGIC	'Y'

/**
 * enum queztl_feature - what this kernel offers, bits of &queztl_info.features
 * @QUEZTL_F_FABRIC: fabrics and their ports
 * @QUEZTL_F_DIRECT: a packet is delivered in its sender's own thread; without
 *	it (a kernel that does not export task_work_add) a worker delivers
 * @QUEZTL_F_CHANNEL: QHP zero-copy channels
 * @QUEZTL_F_SCHED: the native VM-aware scheduler
 * @QUEZTL_F_POLICY: peers, addresses and rates: what a port may send, to whom,
 *	as whom, and how much (ABI version 2)
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
 * @vms: out: number of VMs known now
 * @fabrics: out: number of fabrics
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
 * A VM is a KVM VM. One that is created or already running appears by itself;
 * QUEZTL_VM_ATTACH adds one that did not (its descriptor lives in another
 * process, say). Ids are not reused while the module is loaded. A VM
 * descriptor does not keep the VM alive: once the VM is gone its calls return
 * ENOENT. A VM is the caller's when the caller's effective user is the VM's
 * (&queztl_vm_info.uid).
 */

/**
 * struct queztl_vm_next - argument of QUEZTL_VM_NEXT: iterate over VMs
 * @size: in: sizeof(struct queztl_vm_next)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to begin; out: the next larger id of a VM
 *
 * Errors: ENOENT when there is no VM with a larger id.
 */
struct queztl_vm_next {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * struct queztl_vm_attach - argument of QUEZTL_VM_ATTACH
 * @size: in: sizeof(struct queztl_vm_attach)
 * @flags: in: 0
 * @kvm_fd: in: a KVM VM descriptor of the caller (KVM_CREATE_VM)
 * @vm_fd: out: a VM descriptor, close-on-exec
 * @id: out: the VM's id
 *
 * A VM that is known already keeps its id; one that was detached appears
 * again.
 *
 * Errors: EBADF @kvm_fd is not open; EINVAL it is no KVM VM; EMFILE no free
 * descriptor; ENOSPC too many VMs.
 */
struct queztl_vm_attach {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__s32 vm_fd;
	__u64 id;
};

/**
 * struct queztl_vm_open - argument of QUEZTL_VM_OPEN
 * @size: in: sizeof(struct queztl_vm_open)
 * @flags: in: 0
 * @id: in: the VM's id
 * @vm_fd: out: a VM descriptor, close-on-exec
 * @reserved: 0
 *
 * Errors: ENOENT no such VM; EPERM neither the caller's VM nor
 * CAP_SYS_PTRACE; EMFILE no free descriptor.
 */
struct queztl_vm_open {
	__u32 size;
	__u32 flags;
	__u64 id;
	__s32 vm_fd;
	__u32 reserved;
};

/**
 * struct queztl_vm_info - argument of QUEZTL_VM_INFO, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm_info)
 * @flags: in: 0
 * @id: out: the VM's id
 * @pid: out: process that holds the VM (the VMM)
 * @uid: out: effective user of that process when the VM was found
 * @vcpus: out: number of vCPUs
 * @reserved: 0
 * @seen_ns: out: CLOCK_BOOTTIME when the VM was found, nanoseconds
 * @comm: out: name of the process
 *
 * Errors: ENOENT the VM is gone or detached.
 */
struct queztl_vm_info {
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
 * struct queztl_vm_vcpu - argument of QUEZTL_VM_VCPU, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm_vcpu)
 * @flags: in: 0
 * @index: in: 0 .. &queztl_vm_info.vcpus - 1
 * @tid: out: thread that last ran the vCPU, 0 if it never ran
 *
 * Errors: ENOENT no such vCPU, or the VM is gone.
 */
struct queztl_vm_vcpu {
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
 * @mmio_exits: out: exits to the VMM for memory mapped I/O
 * @io_exits: out: port I/O exits
 * @irq_injections: out: interrupts injected
 * @insn_emulations: out: guest instructions emulated by the host
 * @signal_exits: out: exits because the vCPU thread had a signal
 *
 * Each is a sum over all vCPUs since they were created; KVM keeps the counts.
 *
 * Errors: ENOENT the VM is gone or detached.
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
 * struct queztl_vm_detach - argument of QUEZTL_VM_DETACH, on a VM descriptor
 * @size: in: sizeof(struct queztl_vm_detach)
 * @flags: in: 0
 *
 * Queztl forgets the VM until somebody attaches it again; the VM runs on.
 *
 * Errors: ENOENT the VM is gone or detached; EPERM neither the caller's VM nor
 * CAP_SYS_PTRACE.
 */
struct queztl_vm_detach {
	__u32 size;
	__u32 flags;
};

/**
 * DOC: Fabrics and ports
 *
 * A fabric is an isolated layer 2 network. Each is a vDPA management device,
 * ``queztl/NAME``; ``vdpa dev add name web0 mgmtdev queztl/NAME`` makes a
 * port of it.
 */

/**
 * struct queztl_fabric_add - argument of QUEZTL_FABRIC_ADD
 * @size: in: sizeof(struct queztl_fabric_add)
 * @flags: in: 0
 * @id: out: the fabric's id, not reused while the module is loaded
 * @name: in: letters, digits, '-', '_' and '.', beginning with a letter or
 *	digit
 *
 * Errors: EPERM no CAP_NET_ADMIN; EEXIST the name is taken; EINVAL bad name;
 * ENOSPC too many fabrics.
 */
struct queztl_fabric_add {
	__u32 size;
	__u32 flags;
	__u64 id;
	char name[QUEZTL_NAME_MAX];
};

/**
 * struct queztl_fabric_del - argument of QUEZTL_FABRIC_DEL
 * @size: in: sizeof(struct queztl_fabric_del)
 * @flags: in: 0
 * @id: in: the fabric's id
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such fabric; EBUSY it has ports.
 */
struct queztl_fabric_del {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/**
 * enum queztl_fabric_mode - bits of &queztl_fabric_set.mode
 * @QUEZTL_FABRIC_DENY: a port's frames reach its peers only (QUEZTL_PEER_ADD),
 *	broadcasts included; a new port has none
 */
enum queztl_fabric_mode {
	QUEZTL_FABRIC_DENY	= 1 << 0,
};

/**
 * struct queztl_fabric_set - argument of QUEZTL_FABRIC_SET
 * @size: in: sizeof(struct queztl_fabric_set)
 * @flags: in: 0
 * @id: in: the fabric's id
 * @mode: in: bits of &enum queztl_fabric_mode; 0, as a fabric begins: every port
 *	reaches every other
 * @reserved: 0
 *
 * When the call returns no frame is delivered by the old mode any more. Peers
 * are kept in either mode, so a fabric in use can be given its peers before it
 * is closed.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such fabric; EINVAL unknown bits.
 */
struct queztl_fabric_set {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 mode;
	__u32 reserved;
};

/**
 * struct queztl_fabric_next - argument of QUEZTL_FABRIC_NEXT: iterate
 * @size: in: sizeof(struct queztl_fabric_next)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to begin; out: the next larger id
 * @ports: out: number of ports
 * @mode: out: bits of &enum queztl_fabric_mode (ABI version 1: reserved, 0 on
 *	input)
 * @name: out: its name
 *
 * Errors: ENOENT when there is no fabric with a larger id.
 */
struct queztl_fabric_next {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 ports;
	__u32 mode;
	char name[QUEZTL_NAME_MAX];
};

/**
 * enum queztl_port_state - bits of &queztl_port_next.state
 * @QUEZTL_PORT_OPEN: a driver has taken the port
 * @QUEZTL_PORT_UP: the driver is ready (DRIVER_OK)
 * @QUEZTL_PORT_BROKEN: the driver wrote nonsense into a ring; the port is
 *	dead, no longer up, until the driver resets it
 */
enum queztl_port_state {
	QUEZTL_PORT_OPEN	= 1 << 0,
	QUEZTL_PORT_UP		= 1 << 1,
	QUEZTL_PORT_BROKEN	= 1 << 2,
};

/**
 * enum queztl_port_mode - bits of &queztl_port_set.mode
 * @QUEZTL_PORT_UPLINK: the port leads out of the fabric: it gets the frames to
 *	addresses that no port has, and may send as the source of such addresses;
 *	one port of a fabric. Bound to virtio_vdpa it is a network device of the
 *	host, which can be put into a bridge.
 */
enum queztl_port_mode {
	QUEZTL_PORT_UPLINK	= 1 << 0,
};

/**
 * struct queztl_port_set - argument of QUEZTL_PORT_SET
 * @size: in: sizeof(struct queztl_port_set)
 * @flags: in: 0
 * @id: in: the port's id
 * @mode: in: bits of &enum queztl_port_mode; 0, as a port begins
 * @reserved: 0
 *
 * When the call returns no frame is delivered by the old mode any more.
 *
 * Errors: EPERM no CAP_NET_ADMIN; ENOENT no such port; EINVAL unknown bits;
 * EBUSY the fabric has another uplink.
 */
struct queztl_port_set {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 mode;
	__u32 reserved;
};

/**
 * struct queztl_port_next - argument of QUEZTL_PORT_NEXT: iterate over ports
 * @size: in: sizeof(struct queztl_port_next)
 * @flags: in: 0
 * @id: in: the last id seen, 0 to begin; out: the next larger id
 * @fabric_id: out: the fabric it belongs to
 * @name: out: name of the vDPA device (a longer one is refused when the port
 *	is added)
 * @mac: out: its Ethernet address
 * @mtu: out: largest payload of a frame, bytes
 * @state: out: bits of &enum queztl_port_state
 * @pid: out: process that opened it, 0 when none or the kernel's own
 *	virtio_vdpa
 * @max_vqp: out: number of queue pairs
 * @mode: out: bits of &enum queztl_port_mode (ABI version 1: reserved, 0 on
 *	input)
 * @reserved: 0
 *
 * Errors: ENOENT when there is no port with a larger id.
 */
struct queztl_port_next {
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
 * @QUEZTL_DROP_BAD_HEADER: virtio_net_hdr asks for what was not negotiated
 * @QUEZTL_DROP_SPOOFED: the source address is not the port's own, or, of an
 *	uplink, another port's
 * @QUEZTL_DROP_NO_PORT: no port of the fabric has the destination address
 * @QUEZTL_DROP_RATE: the sender's broadcast and multicast rate is used up
 * @QUEZTL_DROP_BAD_RING: the ring the frame was to be read from is malformed
 * @QUEZTL_DROP_DOWN: the receiver's driver is not ready
 * @QUEZTL_DROP_FULL: the receiver has no free buffers, and the frame has waited
 *	in vain, or does not wait: broadcast, multicast, or from an uplink
 * @QUEZTL_DROP_NO_SPACE: the receiver's buffer is too small for the frame
 * @QUEZTL_DROP_RX_BROKEN: the receiver's ring is malformed
 * @QUEZTL_DROP_DENIED: the destination is no peer of the sender
 * @QUEZTL_DROP_FOREIGN: the sender's IP, ARP or neighbour discovery address is
 *	not one of the port's (QUEZTL_ADDR_ADD), or the frame is of a protocol that
 *	cannot be checked
 * @QUEZTL_DROP_REASONS: how many there are; room is kept for 16
 *
 * The first seven and the last two are counted at the sending port, the others
 * at the receiving one.
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
	QUEZTL_DROP_REASONS,
};

/** define QUEZTL_DROP_ROOM - entries of &queztl_port_stats.drops. */
#define QUEZTL_DROP_ROOM	16

/**
 * struct queztl_port_stats - argument of QUEZTL_PORT_STATS
 * @size: in: sizeof(struct queztl_port_stats)
 * @flags: in: 0
 * @id: in: the port's id
 * @tx_packets: out: frames the port sent that were not dropped on its side
 * @tx_bytes: out: their bytes, without virtio_net_hdr
 * @rx_packets: out: frames delivered to the port
 * @rx_bytes: out: their bytes
 * @kicks: out: notifications by the driver
 * @rx_interrupts: out: interrupts for received frames
 * @tx_interrupts: out: interrupts for sent frames
 * @tx_held: out: times the interrupt for sent frames was held back; many are
 *	never needed
 * @direct_runs: out: times the send ring was served in the sender's thread
 * @worker_runs: out: times a worker served it
 * @drops: out: frames not delivered, by &enum queztl_drop; an entry beyond
 *	those this header names is 0 or a newer reason's
 * @tx_paced: out: times sending waited for the port's rates (ABI version 2)
 * @tx_waited: out: times sending waited for room at a receiver (ABI version 3)
 *
 * Counts begin with the port and survive a reset of its driver.
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
 * What a port may send, to whom, as whom, and how much. All of it belongs to
 * the port and goes with it. A change holds for every frame that is delivered
 * after the call returned; no driver is restarted.
 */

/**
 * struct queztl_peer - argument of QUEZTL_PEER_ADD, _DEL and _NEXT
 * @size: in: sizeof(struct queztl_peer)
 * @flags: in: 0
 * @port: in: a port's id
 * @peer: in: another's, of the same fabric; of QUEZTL_PEER_NEXT: in: the last
 *	peer's id seen, 0 to begin; out: the next larger id of a peer of @port
 *
 * Peers are mutual: each may send to the other.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not _NEXT); ENOENT no such port, of _DEL also
 * no peers, of _NEXT also no peer with a larger id; EEXIST of _ADD: they are
 * peers already; EXDEV of _ADD: ports of different fabrics; EINVAL of _ADD:
 * @port and @peer are the same.
 */
struct queztl_peer {
	__u32 size;
	__u32 flags;
	__u64 port;
	__u64 peer;
};

/** define QUEZTL_ADDR_MAX - addresses of a port. */
#define QUEZTL_ADDR_MAX		16

/**
 * struct queztl_addr - argument of QUEZTL_ADDR_ADD, _DEL and _NEXT
 * @size: in: sizeof(struct queztl_addr)
 * @flags: in: 0
 * @port: in: a port's id
 * @id: out: of _ADD and _NEXT: the address's id, not reused by the port; in: of
 *	_NEXT: the last id seen, 0 to begin; of _DEL: ignored
 * @family: in: AF_INET or AF_INET6; of _NEXT: out
 * @prefix: in: length of the prefix in bits, 0 to 32 or 128; of _NEXT: out
 * @reserved: 0
 * @addr: in: the address in network byte order, the first 4 bytes of it for
 *	AF_INET, the rest and all bits behind the prefix 0; of _NEXT: out
 *
 * A port without addresses may use any. One that has some may send IPv4, IPv6
 * and ARP only, untagged or with one VLAN tag, and only as the sender of one of
 * its addresses; besides as 0.0.0.0 what DHCP and ARP probes need, as :: what
 * duplicate address detection needs, and as the link-local address of its MAC.
 * It may not advertise routers.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not _NEXT); ENOENT no such port, of _DEL also
 * no such address, of _NEXT also no address with a larger id; EEXIST of _ADD:
 * the port has it; ENOSPC of _ADD: the port has QUEZTL_ADDR_MAX; EAFNOSUPPORT
 * another family; EINVAL bad prefix or set bits behind it, or no unicast
 * address.
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
 * @set: in: bits of &enum queztl_port_rate, what is to be changed; of
 *	QUEZTL_RATES_GET: out: all of them that this kernel knows
 * @flood: frames to a group address the port may send per second, 1 to 1000000;
 *	2000 at first; more are dropped
 * @tx_bytes: bytes the port may send per second, 1000 to 10^15, without
 *	virtio_net_hdr; 0, as at first: no limit
 * @tx_packets: packets the port may send per second, up to 10^9, a frame that is
 *	to be cut counting for all its segments; 0, as at first: no limit
 *
 * The rates are in for QUEZTL_RATES_SET and out for QUEZTL_RATES_GET. What is
 * over @tx_bytes or @tx_packets waits in the sender's ring, nothing is lost; a
 * port may be ahead by what it may send in 10 ms, at least by one frame.
 *
 * Errors: EPERM no CAP_NET_ADMIN (not _GET); ENOENT no such port; EINVAL
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

/*
 * The numbers carry no direction and no size: the size is in the structure,
 * so a call keeps its number when its structure grows.
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

#define QUEZTL_PEER_ADD		_IO(QUEZTL_IOC_MAGIC, 0x40)
#define QUEZTL_PEER_DEL		_IO(QUEZTL_IOC_MAGIC, 0x41)
#define QUEZTL_PEER_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x42)

#define QUEZTL_ADDR_ADD		_IO(QUEZTL_IOC_MAGIC, 0x48)
#define QUEZTL_ADDR_DEL		_IO(QUEZTL_IOC_MAGIC, 0x49)
#define QUEZTL_ADDR_NEXT	_IO(QUEZTL_IOC_MAGIC, 0x4a)

#endif /* _UAPI_LINUX_QUEZTL_H */

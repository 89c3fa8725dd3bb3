/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window, as a guest has it: memory and doorbells of an ivshmem-doorbell PCI
 * device.
 *
 * Locks, in the order in which they are taken:
 *	window.live	read: the device is used; write: it goes
 *	window.asking	a request to the host is under way
 *	window.ends_lock, in interrupts too: who has which slot
 */
#ifndef QG_WINDOW_H
#define QG_WINDOW_H

#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/queztl_qhp.h>

struct qg_end;

/**
 * struct qg_layout - what the directory says, read once and checked
 * @slots: number of slots
 * @region: room for a region
 * @first: offset of slot 0
 * @mailbox: offset of the mailbox
 */
struct qg_layout {
	u32 slots;
	u32 region;
	u32 first;
	u32 mailbox;
};

/**
 * struct qg_vector - one interrupt of the device
 * @window: the device
 * @number: its number in the MSI-X table
 * @irq: its number in the kernel
 * @name: for /proc/interrupts
 */
struct qg_vector {
	struct qg_window *window;
	unsigned int number;
	int irq;
	char name[24];
};

/**
 * struct qg_window - a window
 * @ref: the device has one, and each open file
 * @pdev: the device; valid while it is not gone
 * @id: of several
 * @live: held for reading by everybody who uses the device
 * @gone: the device is; written with @live held for writing
 * @going: will be gone soon: whoever waits gives up
 * @registers: BAR 0
 * @memory: BAR 2: the directory, the mailbox and the regions
 * @phys: its physical address
 * @layout: what is where in it
 * @asking: one request at a time; protects the next six
 * @number: of the last request
 * @abandoned: number of a request that nobody waits for any more, or 0
 * @abandoned_op: what it was
 * @silent: the host did not answer the last one
 * @closing: slots to be closed as soon as the host answers
 * @left: this kernel ends: nothing is asked for any more
 * @answered: who waits for the host
 * @ends_lock: protects @ends
 * @ends: who has which slot
 * @changed: looks after what the host answers late
 * @poll: looks after slots without an interrupt
 * @vectors: number of interrupts that we have
 * @doorbells: number of vectors that the host has, as many as the device
 * @vector: them
 * @files_lock: protects @files
 * @files: open ones
 * @nets: its network devices; protected by RTNL
 * @misc: /dev/qhp
 * @misc_name: its name
 */
struct qg_window {
	struct kref ref;
	struct pci_dev *pdev;
	int id;

	struct rw_semaphore live;
	bool gone;
	bool going;

	void __iomem *registers;
	void *memory;
	phys_addr_t phys;
	struct qg_layout layout;

	struct mutex asking;	/* of the host; the next six belong to it */
	u32 number;
	u32 abandoned;
	u32 abandoned_op;
	bool silent;
	u64 closing;
	bool left;
	wait_queue_head_t answered;

	spinlock_t ends_lock;	/* of ends */
	struct qg_end *ends[QHP_SLOTS_MAX];
	struct work_struct changed;
	struct delayed_work poll;
	unsigned int vectors;
	unsigned int doorbells;
	struct qg_vector vector[1 + QHP_SLOTS_MAX];

	struct mutex files_lock;	/* of files */
	struct list_head files;
	struct list_head nets;
	struct miscdevice misc;
	char misc_name[8];
};

/* The registers of an ivshmem device. */
#define QG_REG_DOORBELL		12

static inline void qg_ring(struct qg_window *window, unsigned int vector)
{
	writel(QHP_PEER_HOST << 16 | vector, window->registers + QG_REG_DOORBELL);
}

static inline const struct qhp_slot *qg_slot(struct qg_window *window, u32 slot)
{
	const struct qhp_directory *directory = window->memory;

	return &directory->slot[slot];
}

/* Offset of the own region of a slot; the peer's is @layout.region behind it. */
static inline u64 qg_region_offset(struct qg_window *window, u32 slot)
{
	return window->layout.first + 2ull * slot * window->layout.region;
}

/**
 * qg_window_enter - use the device
 * @window: the window
 *
 * Return: whether it is there; then qg_window_leave() follows.
 */
static inline bool qg_window_enter(struct qg_window *window)
{
	down_read(&window->live);
	if (likely(!window->gone))
		return true;
	up_read(&window->live);
	return false;
}

static inline void qg_window_leave(struct qg_window *window)
{
	up_read(&window->live);
}

void qg_window_put(struct qg_window *window);

#endif /* QG_WINDOW_H */

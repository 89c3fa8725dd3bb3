/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows and channels.
 *
 * A window is a file whose pages the kernel chooses: those of its owner's own
 * regions can be written, those of a peer's only be read. A channel joins a slot
 * of one window to a slot of another.
 *
 * Lock order: mmap_lock of a process that maps a window comes before its lock, and
 * qz_channels_lock before every window's lock, of which one is held at a time. Both
 * spin: a thread of a VM that has one cannot lose its CPU, so an administrator's call
 * does not wait here for a VM to be scheduled. It may when pages are unmapped, for
 * i_mmap_rwsem (Documentation/channel.rst, "What a peer can do").
 *
 * No lock is held while pages are unmapped or allocated, or while a thread is woken:
 * the owner of a window decides how long that takes. Only bell->lock is, which nobody
 * waits for but the owner of that window.
 */
#ifndef QZ_CHANNEL_H
#define QZ_CHANNEL_H

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "uapi/linux/queztl.h"
#include "uapi/linux/queztl_qhp.h"
#include "module/limits.h"
#include "qhp/fabric/pure/bucket.h"

struct eventfd_ctx;
struct file;
struct inode;
struct page;
struct pid;
struct poll_table_struct;
struct vm_area_struct;

/**
 * struct qz_region - memory of one end of a channel
 * @ref: held by the slot of the owner and that of its peer
 * @npages: number of pages
 * @pages: the pages; each is one allocation of its own, as KVM maps no other
 */
struct qz_region {
	refcount_t ref;
	u32 npages;
	struct page *pages[];
};

/**
 * struct qz_bell - how the end of a channel rings its peer, and is rung by it
 * @window: of which window
 * @slot: of which slot; QHP_SLOTS_MAX: it tells of changes of all slots
 * @peer: the bell of the other end, or NULL; RCU; written under qz_channels_lock
 * @kick: the eventfd that rings the peer, with a reference, or NULL; this and the
 *	next three are under window->bells
 * @queue: who waits on @kick
 * @waiter: we do
 * @ring: rings the peer after a signal of @kick
 * @kicker: the thread that signalled @kick last, NULL: an interrupt did; only compared
 * @lock: of @call; leaf, with IRQs off
 * @call: the eventfd that is signalled when the peer rings, with a reference, or NULL
 */
struct qz_bell {
	struct qz_window *window;
	u32 slot;
	struct qz_bell __rcu *peer;
	struct file *kick;
	wait_queue_head_t *queue;
	wait_queue_entry_t waiter;
	struct irq_work ring;
	const void *kicker;
	spinlock_t lock;	/* of call */
	struct eventfd_ctx *call;
};

/**
 * struct qz_slot - where a window has one end of a channel
 * @state: as in the directory; under qz_channels_lock
 * @channel: what it belongs to, or NULL; under qz_channels_lock. A free slot with
 *	a channel is reserved by a call that connects
 * @own: its memory, or NULL; written under qz_channels_lock and lock
 * @peer: the memory of the other end, or NULL; likewise
 * @bell: wakes the other end, and is rung by it
 */
struct qz_slot {
	enum qhp_slot_state state;
	struct qz_channel *channel;
	struct qz_region *own;
	struct qz_region *peer;
	struct qz_bell bell;
};

/**
 * struct qz_window - memory that a VM, or a process, shares
 * @ref: references: one by the file, others by ends of channels and for a moment
 * @node: in the list of windows, under qz_channels_lock
 * @id: its id, never reused
 * @name: its name, by which policy knows it
 * @creator: the process that created it, with a reference
 * @inode: of the file, with a reference: its mapping has all page tables
 * @bytes: size of the file
 * @region: room for a region, in bytes
 * @first: offset of slot 0, in bytes
 * @lock: what page is where; spins, so that nobody who has it waits for a CPU
 * @maps: how often it is mapped
 * @diverted: writes to pages that its owner may not write
 * @directory: the first page
 * @mailbox: the page for requests, which only its owner and who serves it write
 * @scratch: where such writes go
 * @wait: who polls the file
 * @rung: slots whose peers rang
 * @changed: slots that the owner did not change itself
 * @changes: is rung when somebody else has changed a slot
 * @bells: serialises the owner's calls that set eventfds
 * @patience: of those who wake the owner, see bell.c
 * @late_patience: of the worker that wakes it
 * @late: bells that the worker is to ring
 * @wake: rings them; has no reference
 * @free: frees the window, when nobody can be ringing it
 * @nslots: number of slots
 * @slots: the slots
 */
struct qz_window {
	refcount_t ref;
	struct list_head node;
	u64 id;
	char name[QUEZTL_NAME_MAX];
	struct pid *creator;
	struct inode *inode;
	u64 bytes;
	u32 region;
	u32 first;
	rwlock_t lock;
	atomic_t maps;
	atomic64_t diverted;
	struct page *directory;
	struct page *mailbox;
	struct page *scratch;
	wait_queue_head_t wait;
	atomic64_t rung;
	atomic64_t changed;
	struct qz_bell changes;
	struct mutex bells;	/* what the owner sets of bells */
	struct qz_bucket patience;
	struct qz_bucket late_patience;
	DECLARE_BITMAP(late, QHP_SLOTS_MAX + 1);
	struct delayed_work wake;
	struct rcu_work free;
	u32 nslots;
	struct qz_slot slots[] __counted_by(nslots);
};

/* The ends of a channel: of @end[]. */
enum {
	QZ_LISTENER,
	QZ_CONNECTER,
	QZ_ENDS,
};

/**
 * struct qz_channel - what joins two slots; under qz_channels_lock
 * @node: in the list of channels, or of those that were cut, or in none
 * @listening: among those to which somebody may connect
 * @id: its id, never reused
 * @name: its name
 * @bytes: size of each region
 * @end: the windows, each with a reference, and their slots; the connecter's is
 *	NULL while nobody has connected
 * @lost: of a channel that was cut: the regions that the ends do not see any more;
 *	like @by, of the one who took it off the list
 * @by: likewise: whose call it was: it need not be told; or NULL; only compared
 * @cut: likewise: how many were cut before it, and itself
 * @users: likewise: how many are changing page tables because of it
 */
struct qz_channel {
	struct list_head node;
	struct hlist_node listening;
	u64 id;
	char name[QUEZTL_NAME_MAX];
	u32 bytes;
	struct {
		struct qz_window *window;
		u32 slot;
	} end[QZ_ENDS];
	struct qz_region *lost[QZ_ENDS];
	const struct qz_window *by;
	u64 cut;
	unsigned int users;
};

/* Where the mailbox is in a window. */
#define QZ_MAILBOX	QHP_UNIT

extern spinlock_t qz_channels_lock;

/* region.c: memory */
struct qz_region *qz_region_alloc(u32 bytes);
void qz_region_put(struct qz_region *region);
int qz_region_init(void);
void qz_region_exit(void);
extern struct page *qz_zero_page;

/* window.c: windows, their list and their directory */
extern const struct file_operations qz_window_fops;
struct qz_window *qz_window_alloc(const char *name, u32 slots, u32 region);
int qz_window_add(struct qz_window *window, struct file *file);
void qz_window_remove(struct qz_window *window);
void qz_window_put(struct qz_window *window);
int qz_window_next(struct queztl_window *next);
int qz_window_free_slot(const struct qz_window *window);
u32 qz_window_slot_offset(const struct qz_window *window, u32 slot);
void qz_window_show(struct qz_window *window, u32 slot,
		    const struct qz_channel *channel);
void qz_window_set_state(struct qz_window *window, u32 slot,
			 enum qhp_slot_state state);

/* map.c: page tables */
int qz_window_mmap(struct file *file, struct vm_area_struct *vma);
void qz_window_unmap(struct qz_window *window, u32 offset, u32 bytes);

/* rule.c: who may connect to whom */
bool qz_rule_listens(const char *name, const char *listener);
bool qz_rule_connects(const char *name, const char *listener,
		      const char *connecter);
bool qz_rule_knows(const char *name, const char *connecter);
int qz_rule_add(struct queztl_channel_rule *rule);
int qz_rule_del(const struct queztl_channel_rule *rule);
int qz_rule_next(struct queztl_channel_rule *next);
void qz_rule_exit(void);

/* channel.c: what joins windows */
int qz_channel_listen(struct qz_window *window,
		      struct queztl_channel_listen_args *listen);
int qz_channel_reserve(struct qz_window *window,
		       struct queztl_channel_connect_args *connect);
void qz_channel_join(struct qz_window *window, u32 slot);
void qz_channel_unreserve(struct qz_window *window, u32 slot);
int qz_channel_close(struct qz_window *window, u32 slot);
void qz_channel_close_all(struct qz_window *window);
int qz_channel_revoke(u64 id);
void qz_channel_enforce(const struct queztl_channel_rule *gone);
int qz_channel_next(struct queztl_channel *next);

/* bell.c: who is woken when */
void qz_bells_init(struct qz_window *window);
void qz_bells_end(struct qz_window *window);
int qz_bell_ring(struct qz_window *window, u32 slot);
bool qz_bell_ring_peer(const struct qz_bell *bell);
void qz_bell_changed(struct qz_window *window, u32 slot);
void qz_bell_take(struct qz_window *window, struct queztl_events *events);
void qz_bell_put_back(struct qz_window *window,
		      const struct queztl_events *events);
__poll_t qz_bell_poll(struct file *file, struct poll_table_struct *table);
int qz_bell_init(void);
void qz_bell_exit(void);
extern struct workqueue_struct *qz_bell_wq;

/* doorbell.c: eventfds, by which a VM rings and is rung without a call */
void qz_doorbell_init(struct qz_bell *bell);
int qz_doorbell_set(struct qz_window *window,
		    const struct queztl_window_bell_args *set);
bool qz_doorbell_signal(struct qz_bell *bell);
void qz_doorbells_release(struct qz_window *window);

#endif /* QZ_CHANNEL_H */

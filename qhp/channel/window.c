// SPDX-License-Identifier: GPL-2.0
/* Windows: the file, their list, and the directory that their owners read. */

#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "channel.h"
#include "module/ioctl.h"

/* Windows, rules, channels and what joins them: see channel.h. */
DEFINE_SPINLOCK(qz_channels_lock);
static LIST_HEAD(qz_windows);	/* in the order of their ids */
static u64 qz_window_last_id;
static unsigned int qz_nwindows;

static struct qhp_directory *directory_of(const struct qz_window *window)
{
	return page_address(window->directory);
}

static void free_window(struct qz_window *window)
{
	qz_bells_end(window);
	if (window->inode)
		iput(window->inode);
	if (window->directory)
		__free_page(window->directory);
	if (window->mailbox)
		__free_page(window->mailbox);
	if (window->scratch)
		__free_page(window->scratch);
	put_pid(window->creator);
	kvfree(window);
}

static void free_in_worker(struct work_struct *work)
{
	free_window(container_of(to_rcu_work(work), struct qz_window, free));
}

/* Context: any. A peer may be ringing until a grace period has passed. */
void qz_window_put(struct qz_window *window)
{
	if (refcount_dec_and_test(&window->ref))
		queue_rcu_work(qz_bell_wq, &window->free);
}

/* A file's size has to be a power of two to be a BAR of a PCI device. */
static void lay_out(struct qz_window *window, u32 region)
{
	window->region = region;
	window->first = max(2 * QHP_UNIT, region);
	window->bytes = roundup_pow_of_two(window->first +
					   2 * (u64)region * window->nslots);
}

static void init_directory(struct qz_window *window)
{
	struct qhp_directory *directory = directory_of(window);

	directory->magic = QHP_WINDOW_MAGIC;
	directory->version = QHP_VERSION;
	directory->slots = window->nslots;
	directory->region = window->region;
	directory->first = window->first;
	directory->mailbox = QZ_MAILBOX;
}

/**
 * qz_window_alloc - a window that nobody finds yet
 * @name: its name
 * @slots: number of slots
 * @region: room for a region, in bytes: a power of two
 *
 * Return: the window, with one reference, or NULL.
 */
struct qz_window *qz_window_alloc(const char *name, u32 slots, u32 region)
{
	struct qz_window *window;

	window = kvzalloc(struct_size(window, slots, slots),
			  GFP_KERNEL_ACCOUNT);
	if (!window)
		return NULL;
	window->nslots = slots;
	refcount_set(&window->ref, 1);
	INIT_LIST_HEAD(&window->node);
	rwlock_init(&window->lock);
	INIT_RCU_WORK(&window->free, free_in_worker);
	qz_bells_init(window);
	window->creator = get_pid(task_tgid(current));
	strscpy_pad(window->name, name);
	window->directory = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	window->scratch = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	window->mailbox = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!window->directory || !window->scratch || !window->mailbox) {
		free_window(window);
		return NULL;
	}
	lay_out(window, region);
	init_directory(window);
	return window;
}

static bool is_taken(const char *name)
{
	const struct qz_window *window;

	list_for_each_entry(window, &qz_windows, node)
		if (!strcmp(window->name, name))
			return true;
	return false;
}

/* The file, not yet installed, gets the form that QEMU expects of shared memory. */
static void shape_file(struct qz_window *window, struct file *file)
{
	struct inode *inode = file_inode(file);

	inode->i_mode = S_IFREG | 0600;
	i_size_write(inode, window->bytes);
	file->f_mode |= FMODE_LSEEK;
	ihold(inode);
	window->inode = inode;
}

int qz_window_add(struct qz_window *window, struct file *file)
{
	int err = 0;

	shape_file(window, file);
	spin_lock(&qz_channels_lock);
	if (is_taken(window->name)) {
		err = -EEXIST;
	} else if (qz_nwindows == QZ_MAX_WINDOWS) {
		err = -ENOSPC;
	} else {
		window->id = ++qz_window_last_id;
		list_add_tail(&window->node, &qz_windows);
		qz_nwindows++;
	}
	spin_unlock(&qz_channels_lock);
	return err;
}

/* Also of one that was not added. */
void qz_window_remove(struct qz_window *window)
{
	spin_lock(&qz_channels_lock);
	if (!list_empty(&window->node)) {
		list_del_init(&window->node);
		qz_nwindows--;
	}
	spin_unlock(&qz_channels_lock);
}

static void describe(struct queztl_window *next,
		     const struct qz_window *window)
{
	u32 i;

	next->id = window->id;
	strscpy_pad(next->name, window->name);
	next->slots = window->nslots;
	next->region = window->region;
	next->pid = pid_vnr(window->creator);
	next->diverted = atomic64_read(&window->diverted);
	next->used = 0;
	next->memory = 0;
	for (i = 0; i < window->nslots; i++) {
		const struct qz_region *own = window->slots[i].own;

		next->used += window->slots[i].state != QHP_SLOT_FREE;
		next->memory += own ? (u64)own->npages << PAGE_SHIFT : 0;
	}
}

int qz_window_next(struct queztl_window *next)
{
	const struct qz_window *window;
	int err = -ENOENT;

	spin_lock(&qz_channels_lock);
	list_for_each_entry(window, &qz_windows, node) {
		if (window->id <= next->id)
			continue;
		describe(next, window);
		err = 0;
		break;
	}
	spin_unlock(&qz_channels_lock);
	return err;
}

/* Called with qz_channels_lock held. Return: a slot, or a negative error. */
int qz_window_free_slot(const struct qz_window *window)
{
	u32 i;

	lockdep_assert_held(&qz_channels_lock);
	for (i = 0; i < window->nslots; i++)
		if (window->slots[i].state == QHP_SLOT_FREE &&
		    !window->slots[i].channel)
			return i;
	return -ENOSPC;
}

u32 qz_window_slot_offset(const struct qz_window *window, u32 slot)
{
	return window->first + 2 * slot * window->region;
}

void qz_window_set_state(struct qz_window *window, u32 slot,
			 enum qhp_slot_state state)
{
	lockdep_assert_held(&qz_channels_lock);
	window->slots[slot].state = state;
	/* Its owner may read what else there is once it has seen the state. */
	smp_store_release(&directory_of(window)->slot[slot].state, state);
}

/* Fill a slot's entry of the directory, all but the state. */
void qz_window_show(struct qz_window *window, u32 slot,
		    const struct qz_channel *channel)
{
	struct qhp_slot *entry = &directory_of(window)->slot[slot];

	lockdep_assert_held(&qz_channels_lock);
	entry->bytes = channel->bytes;
	entry->generation++;
	memcpy(entry->name, channel->name, sizeof(entry->name));
}

/* A descriptor of the window is in no table, and nothing maps it. */
static int window_release(struct inode *inode, struct file *file)
{
	struct qz_window *window = file->private_data;

	qz_window_remove(window);
	qz_doorbells_release(window);
	qz_channel_close_all(window);
	qz_window_put(window);
	return 0;
}

const struct file_operations qz_window_fops = {
	.owner		= THIS_MODULE,
	.release	= window_release,
	.unlocked_ioctl	= qz_window_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= qz_window_mmap,
	.poll		= qz_bell_poll,
	.llseek		= generic_file_llseek,
};

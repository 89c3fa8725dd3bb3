/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_CHARDEV_H
#define QG_CHARDEV_H

#include <linux/fs.h>

#include "end.h"

/**
 * struct qg_file - an open /dev/qhp
 * @window: the window
 * @lock: protects @is_open and @told
 * @is_open: there is a channel; then @end does not change any more
 * @end: its end
 * @told: the state that QHP_EVENTS told last
 * @rung: the peer rang since then
 * @wait: who polls
 * @file: the file
 * @node: of the window's files
 */
struct qg_file {
	struct qg_window *window;
	struct mutex lock;	/* of is_open and told */
	bool is_open;
	struct qg_end end;
	u32 told;
	bool rung;
	wait_queue_head_t wait;
	struct file *file;
	struct list_head node;
};

int qg_chardev_register(struct qg_window *window);
void qg_chardev_deregister(struct qg_window *window);
void qg_files_forsake(struct qg_window *window);

int qg_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* QG_CHARDEV_H */

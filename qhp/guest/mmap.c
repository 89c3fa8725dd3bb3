// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a channel in a program. Pages appear when they are touched, and only
 * while the device is there: it can go under a program's feet.
 */

#include <linux/mm.h>

#include "chardev.h"
#include "compat.h"

/* A fault brings so much, aligned: the pages of a channel are used together. */
#define QG_AROUND		QHP_UNIT

static unsigned long offset_of(const struct vm_area_struct *vma,
			       unsigned long address)
{
	return (vma->vm_pgoff << PAGE_SHIFT) + (address - vma->vm_start);
}

/* Offset in the window, from that in the file. */
static u64 place_of(const struct qg_file *file, u64 offset)
{
	u64 own = qg_region_offset(file->window, file->end.slot);

	if (offset < QHP_MMAP_PEER)
		return own + offset;
	return own + file->window->layout.region + (offset - QHP_MMAP_PEER);
}

static vm_fault_t insert(struct vm_fault *vmf, const struct qg_file *file,
			 unsigned long address)
{
	u64 place = place_of(file, offset_of(vmf->vma, address));

	return vmf_insert_pfn(vmf->vma, address,
			      (file->window->phys + place) >> PAGE_SHIFT);
}

static vm_fault_t insert_around(struct vm_fault *vmf, const struct qg_file *file)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long offset = offset_of(vma, vmf->address & PAGE_MASK);
	unsigned long before = offset % QG_AROUND, after = QG_AROUND - before;
	unsigned long here = vmf->address & PAGE_MASK, from, to, at;
	vm_fault_t ret = insert(vmf, file, here);

	if (ret != VM_FAULT_NOPAGE)
		return ret;
	from = here - min(before, here - vma->vm_start);
	to = here + min(after, vma->vm_end - here);
	for (at = from; at < to; at += PAGE_SIZE)
		if (at != here && insert(vmf, file, at) != VM_FAULT_NOPAGE)
			break;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct qg_file *file = vmf->vma->vm_file->private_data;
	vm_fault_t ret;

	if (!qg_window_enter(file->window))
		return VM_FAULT_SIGBUS;
	ret = insert_around(vmf, file);
	qg_window_leave(file->window);
	return ret;
}

static const struct vm_operations_struct operations = {
	.fault = fault,
};

/* In one of the two regions, and the peer's one not to be written, ever. */
static int check_place(const struct qg_file *file,
		       const struct vm_area_struct *vma, bool *is_peer)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 length = vma->vm_end - vma->vm_start;

	if (vma->vm_pgoff > 2 * QHP_MMAP_PEER >> PAGE_SHIFT)
		return -EINVAL;
	*is_peer = offset >= QHP_MMAP_PEER;
	if (*is_peer)
		offset -= QHP_MMAP_PEER;
	if (offset > file->end.bytes || length > file->end.bytes - offset)
		return -EINVAL;
	return *is_peer && vma->vm_flags & VM_WRITE ? -EACCES : 0;
}

int qg_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct qg_file *file = filp->private_data;
	bool is_peer;
	int err;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	/* Pairs with open_locked(). */
	if (!smp_load_acquire(&file->is_open))
		return -ENOTCONN;
	err = check_place(file, vma, &is_peer);
	if (err)
		return err;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC | (is_peer ? VM_MAYWRITE : 0));
	vma->vm_ops = &operations;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Which page is where in a window, and who may write it.
 *
 * The pages are mapped as PFNs. So no get_user_pages() holds one after it is
 * unmapped, and the page tables are the only way to it. Only the owner's regions
 * are ever mapped writable. A write to any other page goes to the window's
 * scratch page, which is then mapped there: a signal would kill the VMM, an error
 * its VM, but a VM whose driver is wrong, or compromised, harms nobody else.
 *
 * A window is mapped only as a whole, cannot be split, grown or inherited, and
 * not often. So unmapping takes a limited time, whatever its owner does, and a
 * peer that closes its end can do it.
 */

#include <linux/mm.h>

#include "channel.h"

/**
 * struct backing - what is at an offset of a window
 * @page: the page
 * @writable: its owner may write it
 * @header: of a page of a peer that is not there: where its region begins, else 0
 */
struct backing {
	struct page *page;
	bool writable;
	u32 header;
};

static struct page *page_of(const struct qz_region *region, u32 offset)
{
	u32 i = offset >> PAGE_SHIFT;

	return region && i < region->npages ? region->pages[i] : qz_zero_page;
}

/* Called with window->lock held. */
static struct backing find_backing(const struct qz_window *window, u64 offset)
{
	struct backing backing = { .page = qz_zero_page };
	const struct qz_slot *slot;
	u32 rest, nr;

	lockdep_assert_held(&window->lock);
	if (offset < PAGE_SIZE) {
		backing.page = window->directory;
	} else if (offset >= QZ_MAILBOX && offset < QZ_MAILBOX + PAGE_SIZE) {
		backing.page = window->mailbox;
		backing.writable = true;
	}
	if (offset < window->first)
		return backing;
	offset -= window->first;
	nr = offset / (2 * window->region);
	rest = offset % (2 * window->region);
	if (nr >= window->nslots)
		return backing;
	slot = &window->slots[nr];
	if (rest >= window->region) {
		rest -= window->region;
		backing.page = page_of(slot->peer, rest);
		if (!slot->peer && rest >= PAGE_SIZE)
			backing.header = window->first + offset - rest;
	} else {
		backing.page = page_of(slot->own, rest);
		backing.writable = backing.page != qz_zero_page;
	}
	return backing;
}

static vm_fault_t insert(struct vm_fault *vmf, struct page *page,
			 vm_flags_t flags)
{
	return vmf_insert_pfn_prot(vmf->vma, vmf->address & PAGE_MASK,
				   page_to_pfn(page), vm_get_page_prot(flags));
}

/* Without VM_SHARED nothing makes a page writable later. */
static vm_fault_t insert_read_only(struct vm_fault *vmf, struct page *page)
{
	return insert(vmf, page, vmf->vma->vm_flags & ~(VM_WRITE | VM_SHARED));
}

static void zap_page(const struct vm_fault *vmf)
{
	unmap_mapping_range(vmf->vma->vm_file->f_mapping,
			    (loff_t)vmf->pgoff << PAGE_SHIFT, PAGE_SIZE, 1);
}

static int leave(pte_t *pte, unsigned long address, void *unused)
{
	return 0;
}

/*
 * Inserting a page may allocate a page table, which takes as long as the memory
 * cgroup of the caller likes. So do that before window->lock is taken. Nothing is
 * mapped by it: another thread would read that, and not what is there.
 */
static vm_fault_t make_page_table(struct vm_fault *vmf)
{
	if (pmd_none(*vmf->pmd) &&
	    apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK,
				PAGE_SIZE, leave, NULL))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}

/*
 * When KVM has had a fault served it looks at the page table once more, and stops the
 * VM if the page is not there. But a peer may take it away in between: whoever unmaps
 * does not wait for mmap_lock, which a VM may hold as long as it likes. If the fault is
 * to be tried again KVM does not look, but begins anew. VM_FAULT_NOPAGE stays in the
 * answer, because of VM_FAULT_RETRY alone the caller of pfn_mkwrite() takes no notice.
 */
static vm_fault_t done(struct vm_fault *vmf, vm_fault_t ret)
{
	if (ret != VM_FAULT_NOPAGE || vmf->flags & FAULT_FLAG_USER ||
	    vmf->flags & FAULT_FLAG_RETRY_NOWAIT ||
	    !fault_flag_allow_retry_first(vmf->flags))
		return ret;
	release_fault_lock(vmf);
	return ret | VM_FAULT_RETRY;
}

/*
 * Look up what is at an offset, and return with the window locked.
 *
 * A channel that ends first loses its peer's region, and then the mappings of it are
 * removed. A fault in between finds zeros. A guest recognizes a dead channel by the
 * header of the region, so a stale mapping of the header is removed first.
 *
 * Context: page fault, with mmap_lock or the VMA's lock held for reading; sleeps on
 * i_mmap_rwsem.
 */
static struct backing lock_backing(struct qz_window *window, u64 offset)
	__acquires(&window->lock)
{
	struct backing backing;

	read_lock(&window->lock);
	backing = find_backing(window, offset);
	if (!backing.header)
		return backing;
	read_unlock(&window->lock);
	qz_window_unmap(window, backing.header, PAGE_SIZE);
	read_lock(&window->lock);
	return find_backing(window, offset);
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct qz_window *window = vmf->vma->vm_private_data;
	struct backing backing;
	vm_fault_t ret;

	ret = make_page_table(vmf);
	if (ret != VM_FAULT_NOPAGE)
		return ret;
	/* What is inserted under the lock is unmapped by whoever changes it. */
	backing = lock_backing(window, (u64)vmf->pgoff << PAGE_SHIFT);
	if (backing.writable) {
		ret = insert(vmf, backing.page, vmf->vma->vm_flags);
	} else if (vmf->flags & FAULT_FLAG_WRITE) {
		atomic64_inc(&window->diverted);
		ret = insert(vmf, window->scratch, vmf->vma->vm_flags);
	} else {
		ret = insert_read_only(vmf, backing.page);
	}
	read_unlock(&window->lock);
	return done(vmf, ret);
}

/*
 * A write to a page that is mapped read-only. Inserting over it would change
 * nothing, so take it away: the write faults again, see window_fault().
 */
static vm_fault_t window_pfn_mkwrite(struct vm_fault *vmf)
{
	zap_page(vmf);
	return done(vmf, VM_FAULT_NOPAGE);
}

/* Only by mremap(), which closes the old one afterwards. */
static void window_vma_open(struct vm_area_struct *vma)
{
	struct qz_window *window = vma->vm_private_data;

	atomic_inc(&window->maps);
}

static void window_vma_close(struct vm_area_struct *vma)
{
	struct qz_window *window = vma->vm_private_data;

	atomic_dec(&window->maps);
}

static int window_may_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static const struct vm_operations_struct window_vm_ops = {
	.open		= window_vma_open,
	.close		= window_vma_close,
	.may_split	= window_may_split,
	.fault		= window_fault,
	.pfn_mkwrite	= window_pfn_mkwrite,
};

int qz_window_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct qz_window *window = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC ||
	    vma->vm_pgoff || vma->vm_end - vma->vm_start != window->bytes)
		return -EINVAL;
	if (atomic_inc_return(&window->maps) > QZ_WINDOW_MAPS) {
		atomic_dec(&window->maps);
		return -EMFILE;
	}
	/* With VM_IO, MADV_DOFORK cannot take VM_DONTCOPY back. */
	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
		     VM_DONTCOPY, VM_MAYEXEC);
	vma->vm_private_data = window;
	vma->vm_ops = &window_vm_ops;
	return 0;
}

/**
 * qz_window_unmap - what was mapped before is not mapped any more
 * @window: the window, with a reference
 * @offset: from where
 * @bytes: how much
 *
 * Call it after a change under window->lock. Faults that come later see the
 * change.
 *
 * Context: process, without locks.
 */
void qz_window_unmap(struct qz_window *window, u32 offset, u32 bytes)
{
	unmap_mapping_range(window->inode->i_mapping, offset, bytes, 1);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What the oldest kernels that this driver supports (6.1) do not have. */
#ifndef QG_COMPAT_H
#define QG_COMPAT_H

#include <linux/mm.h>

#ifndef QG_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif /* QG_COMPAT_H */

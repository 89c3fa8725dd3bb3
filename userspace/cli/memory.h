/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_MEMORY_H
#define QUEZTL_MEMORY_H

#include <stddef.h>

_Noreturn void out_of_memory(void);

/* realloc() that exits the program if there is no memory. */
void *grow(void *memory, size_t bytes);

#endif /* QUEZTL_MEMORY_H */

// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "memory.h"

void out_of_memory(void)
{
	fputs("queztl: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

void *grow(void *memory, size_t bytes)
{
	memory = realloc(memory, bytes);
	if (!memory)
		out_of_memory();
	return memory;
}

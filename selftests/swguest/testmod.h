/* SPDX-License-Identifier: GPL-2.0 */
/* Modules that only tests load (selftests/kmod). */
#ifndef QUEZTL_TESTMOD_H
#define QUEZTL_TESTMOD_H

#include <stdbool.h>

/* False when it was not built, or this kernel lacks what it hangs on to; any other failure is the test's. */
bool testmod_load(const char *name, const char *options);
int testmod_unload(const char *name);

#endif

// SPDX-License-Identifier: GPL-2.0
/* queztl_kunit.ko: all KUnit suites in one module. */

#include <linux/module.h>

MODULE_DESCRIPTION("KUnit tests of Queztl");
MODULE_AUTHOR("The Queztl maintainers");
MODULE_LICENSE("GPL");

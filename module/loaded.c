// SPDX-License-Identifier: GPL-2.0
/* The line in the kernel's log that says what was loaded. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/array_size.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include "loaded.h"
#include "version.h"
#include "uapi/linux/queztl.h"

static const struct {
	u64 bit;
	const char *name;
} features_known[] = {
	{ QUEZTL_F_FABRIC, "fabric" },
	{ QUEZTL_F_DIRECT, "direct" },
	{ QUEZTL_F_CHANNEL, "channel" },
	{ QUEZTL_F_SCHED, "sched" },
	{ QUEZTL_F_POLICY, "policy" },
};

/**
 * qz_log_loaded - log version and features
 * @features: bits of &enum queztl_feature
 *
 * Context: process, once.
 */
void __init qz_log_loaded(u64 features)
{
	char names[64] = "";
	size_t i, at = 0;

	for (i = 0; i < ARRAY_SIZE(features_known); i++)
		if (features & features_known[i].bit)
			at += scnprintf(names + at, sizeof(names) - at, " %s",
					features_known[i].name);
	pr_info("%s, ABI %u, features%s\n", QZ_VERSION, QUEZTL_ABI_VERSION,
		names);
}

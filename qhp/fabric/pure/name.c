// SPDX-License-Identifier: GPL-2.0
/* Valid names of fabrics: see name.h. */

#include "uapi/linux/queztl.h"
#include "name.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/*
 * A name becomes a device's, so a file's in sysfs. @name has QUEZTL_NAME_MAX
 * bytes, possibly without a NUL.
 */
bool qz_name_is_good(const char *name)
{
	if (strnlen(name, QUEZTL_NAME_MAX) == QUEZTL_NAME_MAX)
		return false;
	if (!is_alnum(*name))
		return false;
	for (; *name; name++)
		if (!is_alnum(*name) && !strchr("-_.", *name))
			return false;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* The module that QZ_USER_KO names, which a test unloads. */
#ifndef QUEZTL_MODULE_H
#define QUEZTL_MODULE_H

void module_find(void);
void module_restore(void);	/* when it is not loaded, or only in part */

#endif

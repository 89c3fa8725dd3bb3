/* SPDX-License-Identifier: GPL-2.0 */
/* Of the program that runs the tests: a test of poison.c that is killed leaves a module loaded. */
#ifndef QUEZTL_POISON_H
#define QUEZTL_POISON_H

void end_poison(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The fake's fabric modes, rates, peers and addresses. */
#ifndef QUEZTL_FAKE_POLICY_H
#define QUEZTL_FAKE_POLICY_H

#include "fake.h"

/* After fake_populate(): db0, a second good port of blue, and lone0 of green. */
void fake_add_ports(void);

/* Bytes of the argument of a call that came with ABI version 2, else 0. */
uint32_t size_of_policy_argument(unsigned long request);

int policy_call(unsigned long request, void *arg);

#endif /* QUEZTL_FAKE_POLICY_H */

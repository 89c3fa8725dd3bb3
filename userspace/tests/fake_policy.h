/* SPDX-License-Identifier: GPL-2.0 */
/* Simulates fabric modes, rates, peers and addresses. */
#ifndef QUEZTL_FAKE_POLICY_H
#define QUEZTL_FAKE_POLICY_H

#include "fake.h"

/*
 * After fake_populate(): adds db0, a second working port of blue, and lone0 of
 * green.
 */
void fake_add_ports(void);

/* Size of the argument of a call that is new in ABI version 2, else 0. */
uint32_t size_of_policy_argument(unsigned long request);

int policy_call(unsigned long request, void *arg);

#endif /* QUEZTL_FAKE_POLICY_H */

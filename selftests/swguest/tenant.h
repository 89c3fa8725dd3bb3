/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants in processes of their own, which may be stopped, killed or stuck in the kernel while the test goes on. Nothing
 * here waits without a limit.
 */
#ifndef QUEZTL_TENANT_H
#define QUEZTL_TENANT_H

#include "world.h"

#include <sys/types.h>

#define NOBODY	65534	/* an ordinary user */

/* Zeroed memory that a test and its tenants share. */
void *share(size_t size);
/* Assert that a process sets *@flag soon. */
void await(const volatile int *flag);
/* In a tenant: until the test sets *@order, which is cleared. A tenant dies with its test. */
void await_order(volatile int *order);

/* Run @run in a child that dies with the test. A check that fails there fails the test. */
pid_t fork_tenant(void (*run)(void));
/* SIGSTOP, and wait until each thread has stopped, the ports' workers included. */
void stop_tenant(pid_t tenant);
void resume_tenant(pid_t tenant);
/* 0, or -ETIMEDOUT: the process is still there. */
int wait_gone(pid_t process, int ms);
int kill_tenant(pid_t tenant);			/* SIGKILL, and as wait_gone() */
char state_of(pid_t process);			/* as ps has it; '-': gone */

/* What @call returns in a child, or -ETIMEDOUT. A child that is stuck is killed and left to wait_left_behind(). */
int call_within(int ms, int (*call)(void));
int wait_left_behind(int ms);
/* fabric_sweep(), in such a child: who got stuck may hold ports for a while. 0, or -ETIMEDOUT: some are left. */
int sweep_within(int ms);

/*
 * Delete a port that somebody may hold open. Returns when the command has returned, or when it has had its time and the
 * port is not listed any more: @deletion then still waits. A test ends with end_deletion(), after it closed the port.
 */
struct deletion {
	pid_t command;
	bool returned;
	double seconds;
};

struct deletion delete_port(struct member *member);
void end_deletion(struct deletion *deletion);

/* Rings with their eventfds, neither enabled nor mapped: a test may change them before bring_up(). @first may be NULL. */
void set_up(struct swg *port, uint64_t features, int num, const uint16_t *first);
void bring_up(struct swg *port);		/* up to DRIVER_OK */
void set_addresses(struct swg *port, int ring, uint64_t desc, uint64_t avail, uint64_t used);
void set_call(struct swg *port, int ring, int eventfd);
void set_kick(struct swg *port, int ring, int eventfd);

#endif

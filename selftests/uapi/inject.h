/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Errors on demand: the kernel's fault injection makes the nth allocation or copy of one thread fail, whatever it is.
 * A sweep makes a call again and again, and lets it fail at one point more each time, until it ends before that point.
 */
#ifndef QUEZTL_INJECT_H
#define QUEZTL_INJECT_H

#include <stdbool.h>

/* NULL when ready, else why not. */
const char *inject_setup(void);
void inject_or_skip(void);	/* for a test that cannot do without */

/*
 * From now on only what is called from within this function of the kernel fails; NULL: everything again. Warnings of the
 * kernel's own about a lack of memory are left out so. False: the kernel cannot tell.
 */
bool inject_within(const char *function);

/*
 * Whatever thread it is: of the allocations of slab memory within a function of the kernel one fails, within the next
 * @nth. After inject_setup(). False: the kernel cannot tell.
 */
bool inject_anyone_within(const char *function, int nth);
/* No more of that. True when one failed. */
bool inject_anyone_fired(void);

/* The calling thread's nth point from now fails. */
void inject_arm(int nth);
/* No more of that. True when the point was reached. */
bool inject_fired(void);

struct sweep {
	const char *name;
	void (*prepare)(void);		/* makes it good for one successful call */
	int (*call)(void);		/* with a point of it failing: 0 or -errno */
	int (*result)(int r);		/* when the outcome has to be asked for; none fails here */
	void (*failed)(void);		/* after a call that failed: check that nothing has changed */
	void (*succeeded)(void);	/* after one that did not: check, and take its effect back */
	const int *errors;		/* that the call may return, 0 ends; NULL: ENOMEM, EFAULT */
	int limit;			/* points at most, 0: 1000 */
};

/* It asserts that the call succeeds in the end. Prints and returns how many points were reached. */
int inject_sweep(const struct sweep *sweep);

#endif

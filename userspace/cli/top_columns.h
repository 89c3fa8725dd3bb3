/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_TOP_COLUMNS_H
#define QUEZTL_TOP_COLUMNS_H

#include "usage.h"

enum top_format { TOP_INTEGER, TOP_PERCENT, TOP_COUNT, TOP_NAME };

/* On a narrow line the columns of the highest rank are left out first. */
struct top_column {
	const char *title;
	const char *name;	/* for -s, and in JSON where it is a percentage */
	char key;
	int rank;		/* 0: always shown */
	enum top_format format;
	double (*value)(const struct vm_usage *vm);	/* NaN: unknown */
};

extern const struct top_column top_columns[];	/* end with a NULL title */

#define TOP_COLUMNS	14

const char *vm_title(const struct vm_usage *vm);

#endif /* QUEZTL_TOP_COLUMNS_H */

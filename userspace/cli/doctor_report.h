/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_DOCTOR_REPORT_H
#define QUEZTL_DOCTOR_REPORT_H

#include <jansson.h>

#include "doctor.h"

struct cli;

/* Text is printed as it comes, JSON at the end. */
struct report {
	struct cli *cli;
	json_t *list;
	int numbers[3];		/* of verdicts, by status */
};

void add_verdict(struct report *report, const char *name, struct verdict *v);
void end_report(struct report *report);

#endif /* QUEZTL_DOCTOR_REPORT_H */

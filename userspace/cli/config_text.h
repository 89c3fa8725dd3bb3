/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_CONFIG_TEXT_H
#define QUEZTL_CONFIG_TEXT_H

#include <stdio.h>

/* what: NULL if nothing is wrong */
struct text_fault {
	const char *what;
	int line;
};

/*
 * The text of a file without its comments, whose lines libconfuse 3.3 counts three
 * times. libconfuse also takes a file that ends within a string, a comment or a
 * section, as one does that was cut off: that is a fault, and so are variables. To be
 * freed; NULL if it is no text at all.
 */
char *read_config_text(FILE *file, struct text_fault *fault);

#endif /* QUEZTL_CONFIG_TEXT_H */

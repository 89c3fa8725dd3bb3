// SPDX-License-Identifier: GPL-2.0
/*
 * The program on the simulated host, for tests that need it as a process. The
 * words after "--" are not for it: they only are on its command line, where the
 * name of a VM is looked for, since it is the VMM as well.
 */
#include <string.h>

#include "fake.h"

int queztl_main(int argc, char **argv);

int main(int argc, char **argv)
{
	int words = 0;

	while (words < argc && strcmp(argv[words], "--"))
		words++;
	fake_populate();
	argv[words] = NULL;
	return queztl_main(words, argv);
}

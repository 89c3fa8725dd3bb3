/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_DIRECTORY_H
#define QG_DIRECTORY_H

#include <linux/pci.h>

#include "window.h"

int qg_directory_read(struct pci_dev *pdev, const void *memory,
		      resource_size_t bytes, struct qg_layout *layout);

#endif /* QG_DIRECTORY_H */

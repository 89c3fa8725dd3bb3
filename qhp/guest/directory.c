// SPDX-License-Identifier: GPL-2.0
/*
 * The directory of a window. The host can do to a guest what it wants, but a device
 * that is no window, or one of another version, must not make this driver touch
 * what is not there.
 */

#include <linux/log2.h>

#include "directory.h"

static bool fits(const struct qg_layout *layout, resource_size_t bytes)
{
	u64 slots = 2ull * layout->slots * layout->region;
	u32 room = sizeof(struct qhp_mailbox);

	return layout->slots && layout->slots <= QHP_SLOTS_MAX &&
	       layout->region >= QHP_REGION_MIN &&
	       layout->region <= QHP_REGION_MAX &&
	       is_power_of_2(layout->region) &&
	       layout->first && !(layout->first % QHP_UNIT) &&
	       layout->first <= bytes && slots <= bytes - layout->first &&
	       layout->mailbox >= sizeof(struct qhp_directory) &&
	       !(layout->mailbox % sizeof(u64)) &&
	       layout->mailbox <= layout->first &&
	       room <= layout->first - layout->mailbox;
}

/**
 * qg_directory_read - find out what is where in a window
 * @pdev: the device
 * @memory: at least QHP_UNIT of its memory
 * @bytes: how much it has
 * @layout: out
 *
 * Return: 0, or -ENODEV: it is no window that this driver knows. Then the log says
 * why.
 */
int qg_directory_read(struct pci_dev *pdev, const void *memory,
		      resource_size_t bytes, struct qg_layout *layout)
{
	const struct qhp_directory *directory = memory;
	u16 version = READ_ONCE(directory->version);

	if (READ_ONCE(directory->magic) != QHP_WINDOW_MAGIC) {
		pci_info(pdev, "not a QHP window: left alone\n");
		return -ENODEV;
	}
	if (version != QHP_VERSION) {
		pci_info(pdev, "QHP window of version %u: this driver knows %u\n",
			 version, QHP_VERSION);
		return -ENODEV;
	}
	layout->slots = READ_ONCE(directory->slots);
	layout->region = READ_ONCE(directory->region);
	layout->first = READ_ONCE(directory->first);
	layout->mailbox = READ_ONCE(directory->mailbox);
	if (fits(layout, bytes))
		return 0;
	pci_info(pdev, "QHP window with an invalid directory: %u slots, region 0x%x, first 0x%x, mailbox 0x%x, of 0x%llx bytes\n",
		 layout->slots, layout->region, layout->first, layout->mailbox,
		 (u64)bytes);
	return -ENODEV;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_PCI_H
#define QG_PCI_H

int qg_pci_register(void);
void qg_pci_unregister(void);

#endif /* QG_PCI_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of a window: one for answers and changes of slots, one for each slot.
 * If the device has fewer, the first one is also for the slots that have none. If
 * the device has more than we get, those slots are polled (end.c).
 */

#include <linux/interrupt.h>

#include "end.h"
#include "irq.h"

static irqreturn_t rung(int irq, void *data)
{
	struct qg_vector *vector = data;

	qg_ends_notify(vector->window, vector->number - 1);
	return IRQ_HANDLED;
}

static irqreturn_t told(int irq, void *data)
{
	struct qg_vector *vector = data;
	struct qg_window *window = vector->window;

	wake_up_all(&window->answered);
	qg_ends_told(window);
	/* Nobody may be waiting for this answer any more. */
	if (READ_ONCE(window->abandoned) || READ_ONCE(window->closing))
		schedule_work(&window->changed);
	return IRQ_HANDLED;
}

static int request(struct qg_window *window, unsigned int number)
{
	struct qg_vector *vector = &window->vector[number];

	vector->window = window;
	vector->number = number;
	vector->irq = pci_irq_vector(window->pdev, number);
	if (number)
		snprintf(vector->name, sizeof(vector->name), "qhp%d-slot%u",
			 window->id, number - 1);
	else
		snprintf(vector->name, sizeof(vector->name), "qhp%d-control",
			 window->id);
	return request_irq(vector->irq, number ? rung : told, 0, vector->name,
			   vector);
}

static void free_first(struct qg_window *window, unsigned int n)
{
	while (n--)
		free_irq(window->vector[n].irq, &window->vector[n]);
	pci_free_irq_vectors(window->pdev);
}

/* Afterwards no handler runs. */
void qg_irqs_free(struct qg_window *window)
{
	free_first(window, window->vectors);
}

int qg_irqs_request(struct qg_window *window)
{
	int n = pci_alloc_irq_vectors(window->pdev, 1, 1 + window->layout.slots,
				      PCI_IRQ_MSIX);
	int i, err;

	if (n < 0) {
		pci_err(window->pdev, "no MSI-X interrupt: %d\n", n);
		return n;
	}
	for (i = 0; i < n; i++) {
		err = request(window, i);
		if (err) {
			free_first(window, i);
			return err;
		}
	}
	window->vectors = n;
	window->doorbells = pci_msix_vec_count(window->pdev);
	if (n < 1 + window->layout.slots)
		pci_info(window->pdev, "%d interrupts for %u slots: the last ones share one; give the device vectors=%u\n",
			 n, window->layout.slots, 1 + window->layout.slots);
	return 0;
}

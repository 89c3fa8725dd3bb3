/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QG_IRQ_H
#define QG_IRQ_H

#include "window.h"

int qg_irqs_request(struct qg_window *window);
void qg_irqs_free(struct qg_window *window);

#endif /* QG_IRQ_H */

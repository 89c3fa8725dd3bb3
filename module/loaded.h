/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QZ_LOADED_H
#define QZ_LOADED_H

#include <linux/types.h>

void qz_log_loaded(u64 features);

#endif /* QZ_LOADED_H */

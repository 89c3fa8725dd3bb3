/* SPDX-License-Identifier: GPL-2.0 */
/* Valid names of fabrics; pure. */
#ifndef QZ_NAME_H
#define QZ_NAME_H

#include "module/plain.h"

bool qz_name_is_good(const char *name);

#endif /* QZ_NAME_H */

// SPDX-License-Identifier: GPL-2.0
/* The gate: see gate.h. */

#include "path/gate.h"

DEFINE_SRCU(qz_gate);

// SPDX-License-Identifier: GPL-2.0
#include "module/waking.h"

DEFINE_PER_CPU(bool, qz_waking);
DEFINE_PER_CPU(bool, qz_ringing);

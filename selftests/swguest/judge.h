/* SPDX-License-Identifier: GPL-2.0 */
/* What a race must not have done to those who took part, and what must have taken place in it. */
#ifndef QUEZTL_JUDGE_H
#define QUEZTL_JUDGE_H

#include "innocent.h"
#include "pingpong.h"
#include "racer.h"

void judge_innocent(const struct innocent_report *report);
void judge_ping(const struct ping_report *report);
/* A race that did not take place proves nothing. */
void judge_racers(const struct racer_report *reports);
/* Whatever was done to them, the racers' ports work when they are set up again. */
void judge_ports(void);

#endif

// SPDX-License-Identifier: GPL-2.0
/* Are VMs scheduled as customers, and if not, could they be? */
#include <string.h>

#include "doctor.h"

/* By queztl sched stop, and not by a fault. */
static bool was_stopped(const struct sched_state *state)
{
	return strstr(state->ended, "unregistered");
}

void judge_scheduler(const struct sched_state *state, enum tier best,
		     struct verdict *v)
{
	if (state->on)
		judge(v, VERDICT_OK, "on (%s): %s", NULL, tier_name(state->tier),
		      share_text(state->per_vcpu));
	else if (*state->other)
		judge(v, VERDICT_WARN, "'%s' runs, and only one can",
		      "stop it, then sudo queztl sched start", state->other);
	else if (*state->ended && !was_stopped(state))
		judge(v, VERDICT_WARN, "it ended: %.150s",
		      "read sudo dmesg, then sudo queztl sched start", state->ended);
	else if (best == TIER_CGROUP)
		judge(v, VERDICT_OK, "by cgroups only; queztl sched status says why", NULL);
	else
		judge(v, VERDICT_OK, "off; this host could run it (%s)", NULL,
		      tier_name(best));
}

void check_scheduler(struct verdict *v)
{
	char missing[REASON_ROOM];
	struct sched_state state;
	enum tier best = best_tier(missing);

	read_sched_state(&state);
	judge_scheduler(&state, best, v);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/plan.h"

void plan_add(struct plan *plan, struct step step)
{
	if (plan->len == plan->cap) {
		plan->cap = plan->cap ? 2 * plan->cap : 64;
		plan->steps = sn_realloc(plan->steps, plan->cap, sizeof(*plan->steps));
	}
	step.order = plan->len;
	plan->steps[plan->len++] = step;
}

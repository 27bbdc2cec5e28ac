// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/session.h"

#include "core/kinds/plan.h"

#include <sys/syscall.h>

/* First of all: a controlling terminal needs its session leader. */
static int plan_session(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
			struct sn_err *err)
{
	(void)err;
	if (have->sid != want->sid || have->pgid != want->pgid)
		plan_add(plan, (struct step){.stage = STAGE_RELEASE, .verb = VERB_CORRECT,
					     .kind = &kind_session, .have = &have->base,
					     .want = &want->base});
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Task *have = (const Sn__Task *)step->have;
	const Sn__Task *want = (const Sn__Task *)step->want;

	if (want->sid == want->pid && have->sid != want->pid) {
		remote_call(a->remote, "become a session leader", SYS_setsid, 0);
		return applying_run(a, err);
	}
	if (have->sid != want->sid)
		applying_note(a, "session %u is another process's: it is in session %u now",
			      want->sid, have->sid);
	if (have->pgid != want->pgid && want->pgid == want->pid) {
		remote_call(a->remote, "become a process group leader", SYS_setpgid, 0, 0);
		return applying_run(a, err);
	}
	if (have->pgid != want->pgid && have->sid == want->sid) {
		remote_try(a->remote, "join a process group", SYS_setpgid, 0, want->pgid);
		return applying_run(a, err);
	}
	return 0;
}

const struct kind kind_session = {
	.name = "session",
	.level = KIND_TASK,
	.plan = plan_session,
	.apply = apply,
};

// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/signal_actions.h"

#include "core/base/mem.h"
#include "core/task/proc.h"

#include <signal.h>
#include <sys/syscall.h>

enum { SIGNALS = 64, MASK_BYTES = 8 };

/* struct kernel_sigaction of x86-64: not that of the C library. */
struct action {
	uint64_t handler, flags, restorer, mask;
};

static uint64_t bit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;
	int sig;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, SIGNALS * sizeof(struct action), &addr);
	for (sig = 1; sig <= SIGNALS; sig++)
		/* all of them: a default action may have flags, which no file shows */
		if (sig != SIGKILL && sig != SIGSTOP)
			remote_call(r->remote, "read a signal action", SYS_rt_sigaction,
				    (uint64_t)sig, 0,
				    addr + (uint64_t)(sig - 1) * sizeof(struct action), MASK_BYTES);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct action *actions = r->keep[0];
	Sn__SignalActions *model = message;
	int sig;

	(void)err;
	for (sig = 1; sig <= SIGNALS; sig++) {
		const struct action *action = &actions[sig - 1];
		Sn__SignalAction *to;

		if (!action->handler && !action->flags && !action->mask)
			continue;
		to = kind_append(model, actions, sn__signal_action);
		to->signal = (uint32_t)sig;
		to->handler = action->handler;
		to->flags = action->flags;
		to->restorer = action->restorer;
		to->mask = action->mask;
	}
	return 0;
}

static int to_table(const Sn__SignalActions *model, struct action table[SIGNALS],
		    struct sn_err *err)
{
	size_t i;

	memset(table, 0, SIGNALS * sizeof(*table));
	for (i = 0; model && i < model->n_actions; i++) {
		const Sn__SignalAction *from = model->actions[i];

		if (from->signal < 1 || from->signal > SIGNALS)
			return sn_fail(err, "action of signal %u: no such signal", from->signal);
		table[from->signal - 1] = (struct action){from->handler, from->flags,
							  from->restorer, from->mask};
	}
	return 0;
}

/* Whether the signal is nothing to a program with this action. */
static bool is_ignored(int sig, const struct action *action)
{
	if (action->handler == (uint64_t)(uintptr_t)SIG_IGN)
		return true;
	return action->handler == (uint64_t)(uintptr_t)SIG_DFL &&
	       (sig == SIGURG || sig == SIGWINCH || sig == SIGCHLD);
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	struct action old[SIGNALS], new[SIGNALS];
	int sig;

	if (to_table(have, old, err) < 0 || to_table(want, new, err) < 0)
		return -1;
	for (sig = 1; sig <= SIGNALS; sig++) {
		const struct action *action = &new[sig - 1];

		if (sig == SIGKILL || sig == SIGSTOP ||
		    (have && memcmp(action, &old[sig - 1], sizeof(*action)) == 0))
			continue;
		if (!is_ignored(sig, action))
			remote_hold_signals(a->remote, bit(sig));
		remote_call(a->remote, "set a signal action", SYS_rt_sigaction, (uint64_t)sig,
			    remote_data(a->remote, action, sizeof(*action)), 0, MASK_BYTES);
	}
	return 0;
}

const struct kind kind_signal_actions = {
	.name = "signal actions",
	.level = KIND_TASK,
	.field = 21,
	.stage = STAGE_TASK,
	.ask = ask,
	.take = take,
	.correct = correct,
};

// SPDX-License-Identifier: Apache-2.0
// refuse: child|tree
// dry: harm
/* A process with a child: trees are not handled yet. */
#include "victim.h"
#include <signal.h>
#include <sys/prctl.h>

static void verify(struct victim *v, void *state)
{
	pid_t child = *(pid_t *)state;

	if (v->harm)
		kill(child, SIGKILL), child = -1;
	CHECK(v, child > 0 && kill(child, 0) == 0, "the child is gone");
}

int main(int argc, char **argv)
{
	struct victim v;
	pid_t child;

	victim_start(&v, argc, argv);
	child = fork();
	NEED(&v, child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			victim_sleep_ms(1000);
	}
	victim_serve(&v, NULL, verify, &child);
}

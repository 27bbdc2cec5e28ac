// SPDX-License-Identifier: Apache-2.0
/* Not dumpable: /proc/PID belongs to root then, and only root may look. */
#include "victim.h"
#include <sys/prctl.h>

static void change(struct victim *v, void *state)
{
	(void)state;
	prctl(PR_SET_DUMPABLE, v->generation % 2);
}

static void verify(struct victim *v, void *state)
{
	(void)state;
	CHECK(v, prctl(PR_GET_DUMPABLE) == (int)v->generation % 2, "dumpable is %d",
	      prctl(PR_GET_DUMPABLE));
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	if (geteuid() != 0)
		victim_skip(&v, "nobody but root may trace it");
	change(&v, NULL);
	victim_serve(&v, change, verify, NULL);
}

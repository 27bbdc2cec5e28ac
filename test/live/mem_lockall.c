// SPDX-License-Identifier: Apache-2.0
/* mlockall(MCL_FUTURE | MCL_ONFAULT): new mappings are locked, in every generation but
 * the odd ones. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>
#include <sys/resource.h>

static void change(struct victim *v, void *state)
{
	(void)state;
	munlockall();
	if (v->generation % 2 == 0)
		CHECK(v, mlockall(MCL_FUTURE | MCL_ONFAULT) == 0, "mlockall: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	char *fresh = mmap(NULL, VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	int locked;

	(void)state;
	CHECK(v, fresh != MAP_FAILED, "mmap: %s", strerror(errno));
	locked = smaps_flag(fresh, " lo");
	munmap(fresh, VICTIM_PAGE);
	CHECK(v, locked == (v->generation % 2 == 0), "a new mapping is %slocked",
	      locked ? "" : "not ");
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	if (mlockall(MCL_FUTURE | MCL_ONFAULT) < 0)
		victim_skip(&v, "mlockall: %s", strerror(errno));
	change(&v, NULL);
	victim_serve(&v, change, verify, NULL);
}

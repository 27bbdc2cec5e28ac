/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/internal.h"
#include "core/base/interrupt.h"

#include <errno.h>

void catalog_watch(struct catalog *cat, catalog_watch_fn *fn, void *arg)
{
	cat->watch = fn;
	cat->watch_arg = arg;
}

void catalog_tell(const struct catalog *cat, uint64_t done, uint64_t total)
{
	if (cat->watch)
		cat->watch(cat->watch_arg, done, total);
}

int catalog_step(const struct catalog *cat, uint64_t done, uint64_t total, struct sn_err *err)
{
	catalog_tell(cat, done, total);
	if (!sn_interrupted())
		return 0;
	sn_fail(err, "interrupted");
	err->code = EINTR;
	return -1;
}

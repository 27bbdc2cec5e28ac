/* SPDX-License-Identifier: Apache-2.0 */
/* One test under each tracker that knows what was written. Internal to core/track's tests. */
#ifndef CORE_TRACK_TEST_EACH_H
#define CORE_TRACK_TEST_EACH_H

#include "core/track/test_rig.h"

static inline int setup_uffd(void **state)
{
	return rig_setup(state, "uffd");
}

static inline int setup_soft_dirty(void **state)
{
	return rig_setup(state, "soft-dirty");
}

/* The first scan calls all changed, the second nothing. */
static inline void settle(struct rig *rig)
{
	scan(rig);
	scan(rig);
}

static inline void needs_tracker(const struct rig *rig)
{
	char why[64];

	snprintf(why, sizeof(why), "the kernel cannot track by %s", rig->name);
	skip_unless(rig->tracker, why);
}

#define UFFD(test)                                               \
	{                                                        \
#test "/uffd", test, setup_uffd, rig_teardown, 0 \
	}
#define SOFT_DIRTY(test)                                                     \
	{                                                                    \
#test "/soft-dirty", test, setup_soft_dirty, rig_teardown, 0 \
	}
#define EACH(test) UFFD(test), SOFT_DIRTY(test)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CATALOG_CLOCK_H
#define CATALOG_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/lately.h"

#include "core/base/mem.h"
#include "core/base/pagemap.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 16 };

struct lately {
	struct {
		uint64_t sum, loc;
	} slots[SLOTS];
};

struct lately *lately_new(void)
{
	return sn_calloc(1, sizeof(struct lately));
}

void lately_free(struct lately *lately)
{
	free(lately);
}

uint64_t lately_find(const struct lately *lately, uint64_t sum)
{
	size_t slot = sum % SLOTS;

	return lately->slots[slot].sum == sum ? lately->slots[slot].loc : PAGE_LOC_ZERO;
}

void lately_add(struct lately *lately, uint64_t sum, uint64_t loc)
{
	size_t slot = sum % SLOTS;

	lately->slots[slot].sum = sum;
	lately->slots[slot].loc = loc;
}

void lately_clear(struct lately *lately)
{
	memset(lately, 0, sizeof(*lately));
}

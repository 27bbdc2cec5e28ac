/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/pageset.h"

#include "catalog/pack.h"
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

void pageset_release(struct pageset *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->packs[i].bits);
	free(set->packs);
	*set = (struct pageset){0};
}

/* Index of the first pack that is not below `number`. */
static size_t seek(const struct pageset *set, uint32_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (set->packs[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t bytes_for(uint64_t pages)
{
	return pages / 8 + 1;
}

void pageset_widen(struct pageset *set, uint32_t number, uint64_t pages)
{
	size_t at = seek(set, number);
	struct pageset_pack *pack;
	size_t before;

	if (at == set->count || set->packs[at].number != number) {
		set->packs = sn_realloc(set->packs, set->count + 1, sizeof(*set->packs));
		memmove(&set->packs[at + 1], &set->packs[at],
			(set->count++ - at) * sizeof(*set->packs));
		set->packs[at] = (struct pageset_pack){.number = number};
	}
	pack = &set->packs[at];
	if (pack->bits && pages <= pack->pages)
		return;
	before = pack->bits ? bytes_for(pack->pages) : 0;
	pack->bits = sn_realloc(pack->bits, bytes_for(pages), 1);
	memset(pack->bits + before, 0, bytes_for(pages) - before);
	pack->pages = pages;
}

/* The pack that has the page, NULL: none. */
static struct pageset_pack *pack_of(const struct pageset *set, uint64_t loc)
{
	size_t at = seek(set, pack_loc_number(loc));

	if (at == set->count || set->packs[at].number != pack_loc_number(loc) ||
	    pack_loc_page(loc) >= set->packs[at].pages)
		return NULL;
	return &set->packs[at];
}

bool pageset_add(struct pageset *set, uint64_t loc)
{
	struct pageset_pack *pack = pack_of(set, loc);
	uint64_t page = pack_loc_page(loc);

	if (!pack || pack->bits[page / 8] >> (page % 8) & 1)
		return false;
	pack->bits[page / 8] |= (uint8_t)(1 << page % 8);
	return true;
}

bool pageset_has(const struct pageset *set, uint64_t loc)
{
	const struct pageset_pack *pack = pack_of(set, loc);
	uint64_t page = pack_loc_page(loc);

	return pack && pack->bits[page / 8] >> (page % 8) & 1;
}

bool pageset_knows(const struct pageset *set, uint64_t loc)
{
	return pack_of(set, loc) != NULL;
}

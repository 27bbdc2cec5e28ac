// SPDX-License-Identifier: Apache-2.0
/* Two pages, byte by byte. */
#include "snap/inspect/compare_internal.h"

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

void rseqs_find(struct compare *compare)
{
	const struct inspect *in = compare->from;
	uint64_t *list = sn_calloc(in->task->n_threads, sizeof(*list));

	for (size_t i = 0; i < in->task->n_threads; i++) {
		const Sn__Rseq *rseq = in->task->threads[i]->rseq;

		if (rseq && rseq->pointer)
			list[compare->rseq_count++] = rseq->pointer;
	}
	if (compare->rseq_count)
		qsort(list, compare->rseq_count, sizeof(*list), compare_addresses);
	compare->rseqs = list;
}

/*
 * On which processor a thread ran last the kernel writes into its struct rseq whenever that
 * changes: cpu_id_start, cpu_id, node_id and mm_cid (<linux/rseq.h>). It is no difference.
 */
static void forget_processor(const struct compare *compare, uint64_t page, uint8_t *from,
			     uint8_t *to)
{
	enum { IDS = 0, IDS_BYTES = 8, MORE = 20, MORE_BYTES = 8 };
	size_t low = 0, high = compare->rseq_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare->rseqs[mid] < page)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < compare->rseq_count; low++) {
		uint64_t at = compare->rseqs[low] - page;

		if (at + MORE + MORE_BYTES > PAGE_BYTES)
			break;
		memcpy(to + at + IDS, from + at + IDS, IDS_BYTES);
		memcpy(to + at + MORE, from + at + MORE, MORE_BYTES);
	}
}

bool page_differs(const struct compare *compare, struct changed_page *page, uint8_t *from,
		  uint8_t *to)
{
	if (!compare->moved)
		forget_processor(compare, page->from, from, to);
	for (size_t g = 0; g < PAGE_BYTES / GRANULE_BYTES; g++) {
		const uint8_t *a = from + g * GRANULE_BYTES, *b = to + g * GRANULE_BYTES;

		if (memcmp(a, b, GRANULE_BYTES) == 0)
			continue;
		page->mask |= UINT64_C(1) << g;
		for (size_t k = 0; k < GRANULE_BYTES; k++)
			page->bytes += a[k] != b[k];
	}
	return page->mask != 0;
}

// SPDX-License-Identifier: Apache-2.0
/* The tracker that knows nothing: every page may have changed, and is compared when stored. */
#include "core/track/internal.h"

struct filling {
	uint32_t space;
	struct tracked *found;
};

static bool works(const struct kernel_caps *caps)
{
	(void)caps;
	return true;
}

static int add(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct filling *f = arg;

	(void)err;
	if (state->own)
		pagemap_append(&f->found->present, page_key(f->space, state->start),
			       (state->end - state->start) / PAGE_BYTES, PAGE_LOC_ZERO);
	return 0;
}

static int scan(struct tracker *t, const Sn__Task *model, struct tracked *found,
		struct sn_err *err)
{
	struct filling f = {model->space, found};
	size_t i;

	for (i = 0; i < model->n_mappings; i++) {
		const Sn__Mapping *m = model->mappings[i];

		if (!m->shared && m->type != SN__MAPPING_TYPE__MAPPING_SPECIAL &&
		    scan_mapping(t, m, SCAN_LOOK, add, &f, err) < 0)
			return -1;
	}
	pagemap_copy(&found->dirty, &found->present);
	return 0;
}

const struct tracker_ops tracker_compare = {
	.name = "compare",
	.works = works,
	.scan = scan,
};

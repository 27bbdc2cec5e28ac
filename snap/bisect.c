// SPDX-License-Identifier: Apache-2.0
#include "snap/bisect.h"

#include "core/base/guard.h"
#include "core/base/interrupt.h"
#include "core/base/mem.h"

#include <errno.h>

/* The snapshots from the oldest ancestor to the one that is asked about. */
struct way {
	int64_t *ids;
	size_t count;
};

struct search {
	struct series *series;
	struct way way;
	const struct outcome **outcomes; /* by place on the way; NULL: not looked at */
	struct bisection *found;
	size_t wrong;
};

static int by_id(const void *a, const void *b)
{
	const struct catalog_snapshot *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int find_way(struct way *way, struct catalog *cat, int64_t app_id, int64_t id,
		    struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct catalog_snapshot wanted = {.id = id}, *at;
	size_t count, first;

	if (catalog_snapshot_list(cat, app_id, &snaps, &count, err) < 0)
		return -1;
	way->ids = sn_calloc(count, sizeof(*way->ids));
	first = count;
	/* a parent is older than its child: no more than `count` of them */
	while (wanted.id && first > 0 &&
	       (at = bsearch(&wanted, snaps, count, sizeof(*snaps), by_id))) {
		way->ids[--first] = at->id;
		wanted.id = at->parent;
	}
	way->count = count - first;
	memmove(way->ids, way->ids + first, way->count * sizeof(*way->ids));
	return way->count ? 0 : sn_fail(err, "snapshot %ld is gone", (long)id);
}

/* The nearest outcome in a direction; NULL: none was looked at. */
static const struct outcome *nearest(const struct search *search, size_t i, bool newer)
{
	while (newer ? ++i < search->way.count : i-- > 0) {
		if (search->outcomes[i])
			return search->outcomes[i];
	}
	return NULL;
}

/* 1 true, 0 not, -1 failed. */
static int look(struct search *search, size_t i, struct sn_err *err)
{
	struct bisection *found = search->found;
	struct bisect_look *seen;
	struct sample sample;

	if (sn_interrupted()) {
		sn_fail(err, "Quit"); /* as gdb says it */
		err->code = EINTR;
		return -1;
	}
	series_at(search->series, search->way.ids[i], nearest(search, i, false),
		  nearest(search, i, true), &sample);
	search->outcomes[i] = sample.outcome;
	if (sample.outcome->no_truth)
		return sn_fail(err, "it is no condition: %s", sample.outcome->no_truth);
	found->looks = sn_realloc(found->looks, found->look_count + 1, sizeof(*found->looks));
	seen = &found->looks[found->look_count++];
	*seen = (struct bisect_look){
		.id = search->way.ids[i],
		.truth = sample.outcome->truth == 1,
		.read = sample.read,
	};
	if (sample.outcome->kind != OUTCOME_VALUE)
		seen->error = sn_strdup(sample.outcome->text);
	search->wrong += sample.outcome->kind == OUTCOME_WRONG;
	if (seen->truth && (!found->first || seen->id < found->first))
		found->first = seen->id;
	return seen->truth;
}

static void add_turn(struct search *search, size_t to, bool truth)
{
	struct bisection *found = search->found;

	found->turns = sn_realloc(found->turns, found->turn_count + 1, sizeof(*found->turns));
	found->turns[found->turn_count++] =
		(struct bisect_turn){search->way.ids[to - 1], search->way.ids[to], truth};
}

static int find_turn(struct search *search, struct sn_err *err)
{
	size_t low = 0, high = search->way.count - 1;
	int newest = look(search, high, err), truth;

	/* one that is wrong at the newest may be wrong everywhere: the oldest tells */
	if (newest < 0 || (newest == 0 && !search->wrong) || high == 0)
		return newest < 0 ? -1 : 0;
	truth = look(search, low, err);
	if (truth < 0 || truth || !newest)
		return truth < 0 ? -1 : 0;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		truth = look(search, middle, err);
		if (truth < 0)
			return -1;
		if (truth)
			high = middle;
		else
			low = middle;
	}
	add_turn(search, high, true);
	return 0;
}

static int find_all_turns(struct search *search, struct sn_err *err)
{
	int before = 0;

	for (size_t i = 0; i < search->way.count; i++) {
		int truth = look(search, i, err);

		if (truth < 0)
			return -1;
		if (i > 0 && truth != before)
			add_turn(search, i, truth);
		before = truth;
	}
	return 0;
}

static int find(struct search *search, bool all, struct sn_err *err)
{
	struct bisection *found = search->found;
	int rc = all ? find_all_turns(search, err) : find_turn(search, err);

	if (rc == 0 && search->wrong == found->look_count)
		rc = sn_fail(err, "%s", found->looks[0].error);
	found->note_count = series_note_count(search->series);
	found->notes = sn_calloc(found->note_count, sizeof(*found->notes));
	for (size_t i = 0; i < found->note_count; i++)
		found->notes[i] = sn_strdup(series_note(search->series, i));
	return rc;
}

int snap_bisect(struct catalog *cat, int64_t app_id, int64_t id, const struct series_query *query,
		bool all, struct bisection *bisection, struct sn_err *err)
{
	struct search search = {.found = bisection};
	int rc = -1;

	*bisection = (struct bisection){0};
	if (series_open(&search.series, cat, app_id, query, err) < 0)
		return -1;
	if (find_way(&search.way, cat, app_id, id, err) == 0) {
		bisection->oldest = search.way.ids[0];
		bisection->newest = search.way.ids[search.way.count - 1];
		search.outcomes = sn_calloc(search.way.count, sizeof(*search.outcomes));
		rc = find(&search, all, err);
	}
	free(search.outcomes);
	free(search.way.ids);
	series_close(search.series);
	return rc;
}

void bisection_release(struct bisection *bisection)
{
	for (size_t i = 0; i < bisection->look_count; i++)
		free(bisection->looks[i].error);
	for (size_t i = 0; i < bisection->note_count; i++)
		free(bisection->notes[i]);
	free(bisection->looks);
	free(bisection->turns);
	free(bisection->notes);
	*bisection = (struct bisection){0};
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Two snapshots, or one and the living application: the structure by the generic
 * differ, of the memory how many pages differ (between snapshots only: to know it of
 * the living one all of it would have to be read).
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/diff.h"
#include "proto/json.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/wire.h"
#include "snap/snap.h"

enum { SUMS_AT_ONCE = 4096 };

/* One side: a snapshot, or with id 0 the living application. */
struct side {
	struct catalog_app app;
	struct catalog_snapshot snap;
	Sn__Image *image;
};

static void side_release(struct side *side)
{
	if (side->image)
		sn__image__free_unpacked(side->image, NULL);
}

/* When it was taken is no difference. */
static void forget_time(Sn__Image *image)
{
	if (!image->host)
		return;
	image->host->monotonic_ns = 0;
	image->host->boottime_ns = 0;
	image->host->realtime_ns = 0;
}

static int load_snapshot(struct request *rq, const char *ref, struct side *side, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	if (!cat || snap_ref(cat, ref, shell_selected(rq->shell), &side->app, &side->snap, err) < 0)
		return -1;
	if (snap_image_load(cat, side->app.id, side->snap.id, &side->image, err) < 0)
		return -1;
	forget_time(side->image);
	return 0;
}

static int load_living(struct request *rq, struct side *side, struct sn_err *err)
{
	sn_auto_free char *packed = NULL;
	json_t *result = NULL;
	size_t len = 0;

	if (client_call(rq->shell, &side->app, "image", json_object(), &result, err) < 0)
		return -1;
	packed = wire_unbytes(json_object_get(result, "image"), &len);
	json_decref(result);
	if (packed)
		side->image = sn__image__unpack(NULL, len, (uint8_t *)packed);
	if (!side->image)
		return sn_fail(err, "%s: its keeper's answer is no image", side->app.name);
	forget_time(side->image);
	return 0;
}

/* ---- memory ---- */

/* Of `count` pages at two places, how many differ. */
static int compare_sums(struct catalog *cat, uint64_t a, uint64_t b, size_t count, uint64_t *differ,
			struct sn_err *err)
{
	sn_auto_free uint64_t *sums = sn_calloc(2 * SUMS_AT_ONCE, sizeof(*sums));

	for (size_t done = 0; done < count; done += SUMS_AT_ONCE) {
		size_t n = count - done < SUMS_AT_ONCE ? count - done : SUMS_AT_ONCE;

		if (catalog_pages_sums(cat, a + done, n, sums, err) < 0 ||
		    catalog_pages_sums(cat, b + done, n, sums + SUMS_AT_ONCE, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			*differ += sums[i] != sums[SUMS_AT_ONCE + i];
	}
	return 0;
}

/* One run of `b` that is not in `a` as it is: piece by piece with a's runs under it. */
static int compare_run(struct catalog *cat, const struct page_run *run, const struct pagemap *a,
		       uint64_t *differ, struct sn_err *err)
{
	uint64_t key = run->key, end = run->key + run->count;
	size_t i = pagemap_seek(a, key);

	while (key < end) {
		const struct page_run *other = i < a->len ? &a->runs[i] : NULL;
		uint64_t loc = run->loc ? run->loc + (key - run->key) : PAGE_LOC_ZERO;
		uint64_t stop = end, other_loc;

		if (!other || other->key > key) {
			/* Absent there: as good as zeros. */
			if (other && other->key < end)
				stop = other->key;
			*differ += loc == PAGE_LOC_ZERO ? 0 : stop - key;
			key = stop;
			continue;
		}
		if (other->key + other->count < end)
			stop = other->key + other->count;
		other_loc = other->loc ? other->loc + (key - other->key) : PAGE_LOC_ZERO;
		if (loc == PAGE_LOC_ZERO || other_loc == PAGE_LOC_ZERO)
			*differ += loc == other_loc ? 0 : stop - key;
		else if (loc != other_loc &&
			 compare_sums(cat, other_loc, loc, stop - key, differ, err) < 0)
			return -1;
		key = stop;
		i++;
	}
	return 0;
}

/* Pages of `map` that are not zeros and that `other` does not have. */
static void count_only_here(const struct pagemap *map, const struct pagemap *other,
			    uint64_t *differ)
{
	sn_auto(pagemap_release) struct pagemap only = {0};

	pagemap_subtract(&only, map, other);
	for (size_t i = 0; i < only.len; i++)
		*differ += only.runs[i].loc == PAGE_LOC_ZERO ? 0 : only.runs[i].count;
}

static int count_pages(struct catalog *cat, const struct side *a, const struct side *b,
		       uint64_t *differ, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map_a = {0};
	sn_auto(pagemap_release) struct pagemap map_b = {0};
	sn_auto(pagemap_release) struct pagemap changed = {0};

	*differ = 0;
	if (catalog_map_load(cat, a->app.id, a->snap.id, &map_a, err) < 0 ||
	    catalog_map_load(cat, b->app.id, b->snap.id, &map_b, err) < 0)
		return -1;
	pagemap_changed(&changed, &map_b, &map_a);
	for (size_t i = 0; i < changed.len; i++) {
		if (compare_run(cat, &changed.runs[i], &map_a, differ, err) < 0)
			return -1;
	}
	count_only_here(&map_a, &map_b, differ);
	return 0;
}

/* ---- the command ---- */

static int add_difference(void *list, const struct diff_entry *entry)
{
	static const char *const names[] = {
		[DIFF_CHANGED] = "changed",
		[DIFF_ADDED] = "added",
		[DIFF_REMOVED] = "removed",
	};
	json_t *row =
		json_pack("{s:s, s:o}", "what", names[entry->what], "path", json_text(entry->path));

	json_object_set_new(row, "from", entry->have ? json_text(entry->have) : json_null());
	json_object_set_new(row, "to", entry->want ? json_text(entry->want) : json_null());
	json_array_append_new(list, row);
	return 0;
}

static json_t *side_json(const struct side *side)
{
	sn_auto_free char *ref = NULL;

	if (!side->snap.id)
		return json_string(side->app.name);
	ref = sn_asprintf("%s@%lld", side->app.name, (long long)side->snap.id);
	return json_string(ref);
}

int cmd_diff(struct request *rq, struct sn_err *err)
{
	sn_auto(side_release) struct side a = {0};
	sn_auto(side_release) struct side b = {0};
	json_t *differences, *pages = NULL;
	uint64_t differ = 0;

	if (load_snapshot(rq, rq->words[0], &a, err) < 0)
		return -1;
	b.app = a.app;
	if (request_word(rq, 1)) {
		if (load_snapshot(rq, rq->words[1], &b, err) < 0 ||
		    count_pages(rq->shell->catalog, &a, &b, &differ, err) < 0)
			return -1;
		pages = json_integer((json_int_t)differ);
	} else if (load_living(rq, &b, err) < 0) {
		return -1;
	}
	differences = json_array();
	message_diff(&a.image->base, &b.image->base, add_difference, differences);
	rq->status = differ || json_array_size(differences) ? 1 : 0;
	rq->result = json_pack("{s:o, s:o, s:b, s:o, s:o}", "from", side_json(&a), "to",
			       side_json(&b), "same", rq->status == 0, "pages",
			       pages ? pages : json_null(), "differences", differences);
	return 0;
}

static void render_difference(FILE *out, const json_t *row)
{
	const char *from = wire_string(row, "from"), *to = wire_string(row, "to");

	if (from && to)
		fprintf(out, "%s: %s -> %s\n", wire_string(row, "path"), from, to);
	else if (to)
		fprintf(out, "%s: added: %s\n", wire_string(row, "path"), to);
	else
		fprintf(out, "%s: removed: %s\n", wire_string(row, "path"), from);
}

void render_diff(FILE *out, const struct request *rq)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(rq->result, "differences"), i, row)
		render_difference(out, row);
	if (wire_number(rq->result, "pages"))
		fprintf(out, "memory: %lld pages differ\n", wire_number(rq->result, "pages"));
	if (json_is_true(json_object_get(rq->result, "same")))
		fprintf(out, "%s and %s are the same\n", wire_string(rq->result, "from"),
			wire_string(rq->result, "to"));
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Two snapshots, or one and the living application, by sections. How it is shown to people is in
 * diff_render.c.
 */
#include "core/base/guard.h"
#include "core/base/interrupt.h"
#include "core/base/mem.h"
#include "proto/diff.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/diff.h"
#include "shell/progress.h"
#include "shell/wire.h"

#include <errno.h>

enum { PER_VARIABLE = 8, EXAMINE_BYTES = 64 };

struct asked {
	bool sections[DIFF_SECTIONS];
	bool only;
	const char *expression;
	bool dump;
	bool examine;
	uint64_t addr, len;
	size_t max; /* of one variable */
	struct spot spot;
	bool memory; /* pages have to be compared */
};

struct diff {
	struct request *rq;
	struct asked asked;
	struct diff_side from, to;
	int hold;
	struct compare *compare;
	json_t *result;
	size_t found; /* in what was asked for */
};

static void diff_release(struct diff *diff)
{
	compare_close(diff->compare);
	diff_side_release(&diff->from);
	diff_side_release(&diff->to);
	sn_guard_fd(&diff->hold);
	json_decref(diff->result);
}

/* ---- what is asked ---- */

static int parse_section(struct request *rq, const char *name, size_t len, struct asked *asked,
			 struct sn_err *err)
{
	for (size_t i = 0; i < DIFF_SECTIONS; i++) {
		const char *section = diff_section_name(i);

		if (strlen(section) == len && strncmp(section, name, len) == 0) {
			asked->sections[i] = true;
			return 0;
		}
	}
	return request_usage(rq, err, "diff --only: there is no section \"%.*s\"", (int)len, name);
}

static int parse_only(struct request *rq, struct asked *asked, struct sn_err *err)
{
	const char *at = request_option(rq, "only");

	asked->only = at != NULL;
	for (size_t i = 0; i < DIFF_SECTIONS; i++)
		asked->sections[i] = !at;
	while (at) {
		size_t len = strcspn(at, ",");

		if (parse_section(rq, at, len, asked, err) < 0)
			return -1;
		at = at[len] ? at + len + 1 : NULL;
	}
	return 0;
}

static int parse_number(struct request *rq, const char *option, size_t *number, struct sn_err *err)
{
	const char *text = request_option(rq, option);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*number = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		return request_usage(rq, err, "diff --%s: \"%s\" is not a number", option, text);
	return 0;
}

/* ADDR[,LEN] */
static int parse_place(struct request *rq, struct asked *asked, struct sn_err *err)
{
	const char *text = request_option(rq, "examine");
	char *end;

	asked->examine = text != NULL;
	if (!text)
		return 0;
	asked->len = EXAMINE_BYTES;
	errno = 0;
	asked->addr = strtoul(text, &end, 0);
	if (end != text && *end == ',' && end[1])
		asked->len = strtoul(end + 1, &end, 0);
	if (errno || end == text || *end || !asked->len)
		return request_usage(rq, err, "diff -x: \"%s\" is not ADDR[,LEN]", text);
	return 0;
}

static bool needs_memory(const struct asked *asked)
{
	return asked->expression || asked->dump || asked->examine || asked->sections[DIFF_MEMORY] ||
	       asked->sections[DIFF_VARIABLES] || asked->sections[DIFF_STACKS] ||
	       asked->sections[DIFF_THREADS];
}

static int parse(struct request *rq, struct asked *asked, struct sn_err *err)
{
	size_t thread = 1;

	*asked = (struct asked){.max = PER_VARIABLE};
	asked->expression = request_option(rq, "var");
	asked->dump = request_option(rq, "mem") != NULL;
	if (asked->expression)
		asked->max = 0;
	if (parse_only(rq, asked, err) < 0 || parse_place(rq, asked, err) < 0 ||
	    parse_number(rq, "max", &asked->max, err) < 0 ||
	    parse_number(rq, "thread", &thread, err) < 0 ||
	    parse_number(rq, "frame", &asked->spot.frame, err) < 0)
		return -1;
	if (thread == 0)
		return request_usage(rq, err, "diff --thread: threads count from 1");
	asked->spot.thread = thread - 1;
	if (asked->expression || asked->dump || asked->examine)
		memset(asked->sections, 0, sizeof(asked->sections));
	asked->memory = needs_memory(asked);
	return 0;
}

/* ---- the sides ---- */

static int open_side(struct diff *diff, struct diff_side *side, struct sn_err *err)
{
	if (!side->snap.id)
		return diff_side_living(diff->rq, diff->asked.memory, side, err);
	if (inspect_open(&side->in, diff->rq->shell->catalog, diff->rq->shell->debug, side->app.id,
			 side->snap.id, err) < 0)
		return sn_ctx(err, "look into %s@%ld", side->app.name, (long)side->snap.id);
	return 0;
}

static void warn(const struct diff *diff, const struct diff_side *side)
{
	for (size_t i = 0; i < inspect_note_count(side->in) && !diff->rq->json; i++)
		fprintf(stderr, "warning: %s\n", inspect_note(side->in, i));
}

static json_t *side_json(const struct diff_side *side)
{
	sn_auto_free char *ref = NULL;

	if (!side->snap.id)
		return json_string(side->app.name);
	ref = sn_asprintf("%s@%lld", side->app.name, (long long)side->snap.id);
	return json_string(ref);
}

static bool is_one(const struct diff *diff)
{
	return diff->from.snap.id && diff->from.app.id == diff->to.app.id &&
	       diff->from.snap.id == diff->to.snap.id;
}

/* ---- the whole ---- */

static int add_difference(void *list, const struct diff_entry *entry)
{
	static const char *const names[] = {
		[DIFF_CHANGED] = "changed",
		[DIFF_ADDED] = "added",
		[DIFF_REMOVED] = "removed",
	};
	json_t *row;

	if (diff_is_clock(entry->path))
		return 0;
	row = json_pack("{s:s, s:o}", "what", names[entry->what], "path", json_text(entry->path));
	json_object_set_new(row, "from", entry->have ? json_text(entry->have) : json_null());
	json_object_set_new(row, "to", entry->want ? json_text(entry->want) : json_null());
	json_array_append_new(list, row);
	return 0;
}

/* Taken; NULL: failed. */
static int set(struct diff *diff, const char *key, json_t *rows)
{
	if (!rows)
		return -1;
	diff->found += json_array_size(rows);
	json_object_set_new(diff->result, key, rows);
	return 0;
}

static bool is_wanted(const void *arg, enum diff_section section)
{
	const struct asked *asked = arg;

	return asked->sections[section];
}

static int add_sections(struct diff *diff, struct sn_err *err)
{
	const struct asked *asked = &diff->asked;
	const struct inspect *from = diff->from.in, *to = diff->to.in;

	if (asked->sections[DIFF_THREADS] &&
	    set(diff, "threads", diff_json_threads(diff->compare, from, to, err)) < 0)
		return -1;
	if (asked->sections[DIFF_STACKS] &&
	    set(diff, "frames", diff_json_frames(diff->compare, from, asked->max, err)) < 0)
		return -1;
	if (asked->sections[DIFF_VARIABLES] &&
	    set(diff, "variables", diff_json_variables(diff->compare, asked->max, err)) < 0)
		return -1;
	if (asked->sections[DIFF_MEMORY])
		set(diff, "memory", diff_json_memory(diff->compare));
	if (asked->sections[DIFF_MAPPINGS])
		set(diff, "mappings", diff_json_mappings(diff->compare));
	return set(diff, "structure",
		   diff_json_structure(inspect_image(from), inspect_image(to),
				       compare_is_moved(diff->compare), is_wanted, asked));
}

static int add_expression(struct diff *diff, struct sn_err *err)
{
	struct value_changes changes;
	json_t *row;

	if (compare_expression(diff->compare, diff->asked.spot, diff->asked.expression,
			       diff->asked.max, &changes, err) < 0)
		return -1;
	row = json_pack("{s:s, s:o, s:I}", "name", diff->asked.expression, "changes",
			diff_json_changes(&changes), "more", (json_int_t)changes.more);
	diff->found += changes.count;
	value_changes_release(&changes);
	json_object_set_new(diff->result, "variables", json_pack("[o]", row));
	return 0;
}

static bool rows_differ(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (!json_equal(json_object_get(row, "from"), json_object_get(row, "to")))
			return true;
	}
	return false;
}

static int add_dump(struct diff *diff, struct sn_err *err)
{
	const struct asked *asked = &diff->asked;
	json_t *rows = json_array();
	int rc = asked->examine ? compare_dump_at(diff->compare, asked->addr, asked->len,
						  diff_json_row, rows, err)
				: compare_dump(diff->compare, diff_json_row, rows, err);

	diff->found += rows_differ(rows);
	json_object_set_new(diff->result, "dump", rows);
	return rc;
}

static int compare_sides(struct diff *diff, struct sn_err *err)
{
	const struct asked *asked = &diff->asked;
	json_t *differences = json_array();
	uint64_t pages;

	json_object_set_new(diff->result, "differences", differences);
	if (compare_open(&diff->compare, diff->from.in, diff->to.in, asked->memory, err) < 0)
		return -1;
	message_diff(&inspect_image(diff->from.in)->base, &inspect_image(diff->to.in)->base,
		     add_difference, differences);
	pages = compare_pages(diff->compare);
	json_object_set_new(diff->result, "pages",
			    asked->memory ? json_integer((json_int_t)pages) : json_null());
	if (diff->to.stop_ns)
		json_object_set_new(diff->result, "stop_ns", json_integer(diff->to.stop_ns));
	json_object_set_new(diff->result, "moved", json_boolean(compare_is_moved(diff->compare)));
	if (asked->expression)
		return add_expression(diff, err);
	if (asked->dump || asked->examine)
		return add_dump(diff, err);
	if (add_sections(diff, err) < 0)
		return -1;
	if (!asked->only) /* of what no section tells it is to be said, too */
		diff->found += pages || json_array_size(differences) ? 1 : 0;
	return 0;
}

/* One and the same snapshot: nothing needs to be looked at. */
static void same_sides(struct diff *diff)
{
	json_object_set_new(diff->result, "pages", json_integer(0));
	json_object_set_new(diff->result, "differences", json_array());
	json_object_set_new(diff->result, "read_pages", json_integer(0));
}

static int open_sides(struct diff *diff, struct sn_err *err)
{
	struct request *rq = diff->rq;

	if (diff_side_snapshot(rq, rq->words[0], &diff->from, err) < 0)
		return -1;
	diff->to.app = diff->from.app;
	if (request_word(rq, 1) && diff_side_snapshot(rq, rq->words[1], &diff->to, err) < 0)
		return -1;
	diff->result = json_pack("{s:o, s:o, s:b}", "from", side_json(&diff->from), "to",
				 side_json(&diff->to), "same", true);
	if (is_one(diff) && !diff->asked.examine)
		return 0;
	/* their pages stay where they are meanwhile, whoever drops them */
	diff->hold = catalog_hold(rq->shell->catalog, err);
	if (diff->hold < 0 || open_side(diff, &diff->from, err) < 0 ||
	    open_side(diff, &diff->to, err) < 0)
		return -1;
	warn(diff, &diff->from);
	warn(diff, &diff->to);
	return 0;
}

/* All that takes long. */
static int look(struct diff *diff, struct sn_err *err)
{
	struct progress *progress;
	int rc;

	if (open_sides(diff, err) < 0)
		return -1;
	if (!diff->from.in) {
		same_sides(diff);
		return 0;
	}
	progress = progress_begin("diff", diff->rq->shell->catalog);
	rc = compare_sides(diff, err);
	progress_end(progress);
	if (rc == 0)
		json_object_set_new(diff->result, "read_pages",
				    json_integer((json_int_t)(inspect_pages_read(diff->from.in) +
							      inspect_pages_read(diff->to.in))));
	return rc;
}

int cmd_diff(struct request *rq, struct sn_err *err)
{
	sn_auto(diff_release) struct diff diff = {.rq = rq, .hold = -1};
	int rc;

	if (parse(rq, &diff.asked, err) < 0)
		return -1;
	rc = look(&diff, err);
	if (sn_interrupted()) /* what was read by then is no comparison */
		return sn_fail(err, "diff: interrupted");
	if (rc < 0)
		return -1;
	json_object_set_new(diff.result, "same", json_boolean(diff.found == 0));
	rq->status = diff.found ? 1 : 0;
	rq->result = sn_steal_ptr(&diff.result);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* info changed [REF]: what moved most since the parent, or another snapshot. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/info.h"
#include "shell/wire.h"
#include "snap/inspect/compare.h"
#include "snap/snap.h"

enum { ROWS = 20 };

/* What is looked at, and what it is held against. */
struct since {
	struct catalog_app app;
	struct catalog_snapshot snap;
	struct inspect *from;
	struct compare *compare;
	int hold;
};

static void since_release(struct since *since)
{
	compare_close(since->compare);
	inspect_close(since->from);
	sn_guard_fd(&since->hold);
}

static int find_snapshot(struct info *info, struct catalog *cat, struct since *since,
			 struct sn_err *err)
{
	const struct looking *looking = info->looking;
	int found;

	if (*info->words)
		return snap_ref(cat, info->words, looking->app.name, &since->app, &since->snap,
				err);
	if (!looking->snap.parent)
		return sn_fail(err, "%s@%ld has no parent; say which snapshot it is to be held "
			       "against", looking->app.name, (long)looking->snap.id);
	since->app = looking->app;
	found = catalog_snapshot_find(cat, looking->app.id, looking->snap.parent, &since->snap,
				      err);
	return found == 1 ? 0
	       : found < 0 ? -1
			     : sn_fail(err, "%s@%ld, the parent, is not there any more",
				       looking->app.name, (long)looking->snap.parent);
}

static int open_since(struct info *info, struct since *since, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(info->rq->shell, err);

	if (!cat)
		return -1;
	since->hold = catalog_hold(cat, err);
	if (since->hold < 0 || find_snapshot(info, cat, since, err) < 0)
		return -1;
	if (inspect_open(&since->from, cat, info->rq->shell->debug, since->app.id, since->snap.id,
			 err) < 0)
		return sn_ctx(err, "look into %s@%ld", since->app.name, (long)since->snap.id);
	return compare_open(&since->compare, since->from, info->looking->in, true, err);
}

static json_t *rows_json(const struct change_row *list, size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct change_row *row = &list[i];

		json_array_append_new(
			rows, json_pack("{s:o, s:o, s:o, s:I, s:I, s:I}", "symbol",
					row->symbol ? json_text(row->symbol) : json_null(),
					"mapping", json_text(row->where), "address",
					wire_address(row->address), "size_bytes",
					(json_int_t)row->size, "changed_bytes",
					(json_int_t)row->bytes, "pages", (json_int_t)row->pages));
	}
	return rows;
}

static void print_rows(FILE *out, const json_t *rows)
{
	const json_t *row;
	size_t i;

	fprintf(out, "%10s  %7s  %s\n", "Bytes", "Pages", "What");
	json_array_foreach(rows, i, row) {
		const char *symbol = wire_string(row, "symbol"), *where;

		where = wire_string(row, "mapping");
		fprintf(out, "%10lld  %7lld  ", wire_number(row, "changed_bytes"),
			wire_number(row, "pages"));
		if (symbol)
			fprintf(out, "%s, of %lld bytes, in %s\n", symbol,
				wire_number(row, "size_bytes"), where);
		else
			fprintf(out, "%s\n", where);
	}
}

/* `more`: rows that are not shown. */
static char *changed_text(const json_t *result, size_t more)
{
	const json_t *rows = json_object_get(result, "rows");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	long long pages = wire_number(result, "pages");

	if (!out)
		abort();
	fprintf(out, "%s to %s: %lld page%s differ%s\n", wire_string(result, "from"),
		wire_string(result, "to"), pages, pages == 1 ? "" : "s", pages == 1 ? "s" : "");
	if (json_array_size(rows))
		print_rows(out, rows);
	if (more)
		fprintf(out, "and %zu more; --max N shows N\n", more);
	fclose(out);
	return text;
}

int info_changed(struct info *info, struct sn_err *err)
{
	sn_auto(since_release) struct since since = {.hold = -1};
	sn_auto_free char *to = looking_name(info->looking), *from = NULL, *text = NULL;
	struct change_row *list;
	size_t max, count, shown;

	if (request_max(info->rq, &max, err) < 0 || open_since(info, &since, err) < 0)
		return -1;
	compare_changes(since.compare, &list, &count);
	max = max ? max : ROWS;
	shown = count < max ? count : max;
	from = sn_asprintf("%s@%ld", since.app.name, (long)since.snap.id);
	info->result = json_pack("{s:o, s:o, s:I, s:o}", "from", json_text(from), "to",
				 json_text(to), "pages",
				 (json_int_t)compare_pages(since.compare), "rows",
				 rows_json(list, shown));
	text = changed_text(info->result, count - shown);
	json_object_set_new(info->result, "text", json_text(text));
	change_rows_free(list, count);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Names for completion: out of the catalog, out of a snapshot, of programs. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/client.h"
#include "shell/complete.h"
#include "shell/looking.h"

#include <ctype.h>
#include <string.h>

/* ---- applications, references ---- */

/* The catalog if there is one: to look for names makes none. */
static struct catalog *existing_catalog(struct complete *complete)
{
	struct shell *shell = complete->shell;
	struct sn_err ignored;

	if (!shell->catalog && access(shell->catalog_dir, F_OK) < 0)
		return NULL;
	return shell_catalog(shell, &ignored);
}

void complete_apps(struct complete *complete, const char *prefix)
{
	struct sn_err ignored;
	struct catalog *cat = existing_catalog(complete);
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (!cat || catalog_app_list(cat, &apps, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		complete_add(complete, prefix, apps[i].name);
}

/* Of the application that is meant without a name, or of `name`. */
static void add_snapshots(struct complete *complete, const char *name, const char *prefix)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct catalog_app app;
	struct sn_err ignored;
	size_t count;

	if (client_app(complete->shell, name, &app, &ignored) < 0 ||
	    catalog_snapshot_list(complete->shell->catalog, app.id, &snaps, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		sn_auto_free char *id = sn_asprintf("%lld", (long long)snaps[i].id);

		complete_add(complete, prefix, id);
		if (*snaps[i].tag)
			complete_add(complete, prefix, snaps[i].tag);
	}
	if (count)
		complete_add(complete, prefix, "latest");
}

void complete_refs(struct complete *complete, const char *prefix)
{
	const char *at = strchr(prefix, '@');
	size_t before;

	if (at) {
		sn_auto_free char *name = sn_strndup(prefix, (size_t)(at - prefix));

		complete->len = strlen(at + 1);
		add_snapshots(complete, name, at + 1);
		return;
	}
	add_snapshots(complete, NULL, prefix);
	before = complete->count;
	complete_apps(complete, prefix);
	complete->open = complete->count > before && before == 0;
	for (size_t i = before; i < complete->count; i++) {
		sn_auto_free char *name = complete->words[i];

		complete->words[i] = sn_asprintf("%s@", name);
	}
}

/* ---- programs ---- */

static void add_programs_of(struct complete *complete, const char *dir, const char *prefix)
{
	sn_auto_dir DIR *entries = opendir(dir);

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (e->d_name[0] != '.' && faccessat(dirfd(entries), e->d_name, X_OK, 0) == 0)
			complete_add(complete, prefix, e->d_name);
	}
}

void complete_programs(struct complete *complete, const char *prefix)
{
	const char *path = getenv("PATH");
	sn_auto_free char *copy = sn_strdup(path ? path : "");
	char *save = NULL;

	complete->files = COMPLETE_FILES;
	if (!*prefix || strchr(prefix, '/'))
		return;
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
		add_programs_of(complete, dir, prefix);
}

/* ---- expressions ---- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Where the name begins that ends at `end`. */
static size_t name_start(const char *text, size_t end)
{
	while (end > 0 && is_name(text[end - 1]))
		end--;
	return end;
}

/* The partner of the bracket that ends at `end`; `end` when it has none. */
static size_t bracket_start(const char *text, size_t end)
{
	size_t depth = 0;

	for (size_t i = end; i > 0; i--) {
		if (text[i - 1] == ')' || text[i - 1] == ']')
			depth++;
		else if ((text[i - 1] == '(' || text[i - 1] == '[') && --depth == 0)
			return i - 1;
	}
	return end;
}

size_t complete_operand(const char *text, size_t end)
{
	for (;;) {
		size_t start = end;

		while (start > 0 && text[start - 1] == ']')
			start = bracket_start(text, start) < start ? bracket_start(text, start) : 0;
		if (start > 0 && text[start - 1] == ')')
			start = bracket_start(text, start);
		start = name_start(text, start);
		if (start >= 2 && memcmp(text + start - 2, "::", 2) == 0)
			start = name_start(text, start - 2);
		if (start > 0 && text[start - 1] == '.')
			end = start - 1;
		else if (start >= 2 && memcmp(text + start - 2, "->", 2) == 0)
			end = start - 2;
		else
			return start;
	}
}

static void add_name(void *arg, const char *name)
{
	struct complete *complete = arg;

	complete_add(complete, "", name);
}

/* The word before the one that begins at `start` is one of struct, union, enum. */
static bool behind_keyword(const char *text, size_t start)
{
	static const char *const keywords[] = {"struct", "union", "enum"};
	size_t end = start, len;

	while (end > 0 && isblank((unsigned char)text[end - 1]))
		end--;
	len = end - name_start(text, end);
	for (size_t i = 0; i < sn_countof(keywords); i++) {
		if (end < start && len == strlen(keywords[i]) &&
		    strncmp(text + end - len, keywords[i], len) == 0)
			return true;
	}
	return false;
}

void complete_expression(struct complete *complete, struct request *rq, const char *text)
{
	size_t end = strlen(text), start = name_start(text, end), dot = start;
	const char *prefix = text + start;
	struct looking *looking;
	struct sn_err ignored;
	struct spot spot;

	complete->len = end - start;
	if (isdigit((unsigned char)*prefix))
		return;
	looking = looking_get(rq, &spot, &ignored);
	if (!looking)
		return;
	if (dot > 0 && text[dot - 1] == '.')
		dot--;
	else if (dot >= 2 && memcmp(text + dot - 2, "->", 2) == 0)
		dot -= 2;
	if (dot < start) {
		size_t from = complete_operand(text, dot);
		sn_auto_free char *operand = sn_strndup(text + from, dot - from);

		inspect_members(looking->in, spot, operand, prefix, add_name, complete, &ignored);
	} else if (behind_keyword(text, start)) {
		inspect_tags(looking->in, spot, prefix, add_name, complete, &ignored);
	} else {
		inspect_names(looking->in, spot, prefix, add_name, complete, &ignored);
	}
}

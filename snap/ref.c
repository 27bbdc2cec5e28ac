// SPDX-License-Identifier: Apache-2.0
/* References: NAME@3, NAME@tag, NAME@latest, NAME@~2; or without NAME@. */
#include "core/base/guard.h"
#include "snap/snap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MAX = 6 };

/* "which of 2 applications, game or web? name one" */
static int fail_which(const struct catalog_app *apps, size_t count, struct sn_err *err)
{
	sn_auto_free char *names = NULL;
	size_t len, named = count < NAMED_MAX ? count : NAMED_MAX;
	FILE *out = open_memstream(&names, &len);

	if (!out)
		abort();
	for (size_t i = 0; i < named; i++)
		fprintf(out, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", apps[i].name);
	fclose(out);
	return sn_fail(err, "which of %zu applications, %s%s? name one: `snapsh apps` lists them",
		       count, names, named < count ? ", ..." : "");
}

int snap_app(struct catalog *cat, const char *name, const char *selected,
	     struct catalog_app *app, struct sn_err *err)
{
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;
	int found;

	if (!name || !name[0])
		name = selected;
	if (name && name[0]) {
		found = catalog_app_find(cat, name, app, err);
		if (found == 0)
			return sn_fail(err, "there is no application %s in the catalog %s: "
				       "`snapsh apps` lists them", name, catalog_dir(cat));
		return found < 0 ? -1 : 0;
	}
	if (catalog_app_list(cat, &apps, &count, err) < 0)
		return -1;
	if (count == 0)
		return sn_fail(err, "there is no application yet in the catalog %s: "
			       "`snapsh run` or `snapsh attach`", catalog_dir(cat));
	if (count > 1)
		return fail_which(apps, count, err);
	*app = apps[0];
	return 0;
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 18 && !text[digits];
}

/* The n-th newest, 0 the newest. */
static int from_newest(struct catalog *cat, const struct catalog_app *app, size_t n,
		       struct catalog_snapshot *snap, struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	size_t count;

	if (catalog_snapshot_list(cat, app->id, &snaps, &count, err) < 0)
		return -1;
	if (n >= count)
		return sn_fail(err, "%s has %zu snapshot%s", app->name, count,
			       count == 1 ? "" : "s");
	*snap = snaps[count - 1 - n];
	return 0;
}

static int by_text(struct catalog *cat, const struct catalog_app *app, const char *text,
		   struct catalog_snapshot *snap, struct sn_err *err)
{
	int found;

	if (strcmp(text, "latest") == 0)
		return from_newest(cat, app, 0, snap, err);
	if (text[0] == '~' && is_number(text + 1))
		return from_newest(cat, app, strtoul(text + 1, NULL, 10), snap, err);
	found = is_number(text)
			? catalog_snapshot_find(cat, app->id, strtol(text, NULL, 10), snap, err)
			: catalog_snapshot_by_tag(cat, app->id, text, snap, err);
	if (found == 0)
		return sn_fail(err, "%s has no snapshot %s: `snapsh list %s` shows them", app->name,
			       text, app->name);
	return found < 0 ? -1 : 0;
}

int snap_ref(struct catalog *cat, const char *ref, const char *selected, struct catalog_app *app,
	     struct catalog_snapshot *snap, struct sn_err *err)
{
	sn_auto_free char *name = NULL;
	const char *at = strchr(ref, '@');

	if (at == ref)
		return sn_fail(err, "%s names no application: NAME%s, or %s without the @", ref,
			       ref, ref + 1);
	if (at)
		name = strndup(ref, (size_t)(at - ref));
	if (snap_app(cat, name, selected, app, err) < 0)
		return -1;
	return by_text(cat, app, at ? at + 1 : ref, snap, err);
}

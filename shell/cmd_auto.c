// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"

#include <string.h>

enum { INTERVAL_MIN_NS = 10000000 };

static const struct {
	const char *unit;
	int64_t ns;
} units[] = {{"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000}, {"ms", 1000000}};

/* "500ms", "2s", "10m", "1h" */
static int parse_interval(struct request *rq, const char *text, int64_t *ns, struct sn_err *err)
{
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; digits && digits < 7 && i < sn_countof(units); i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		*ns = strtol(text, NULL, 10) * units[i].ns;
		if (*ns < INTERVAL_MIN_NS)
			return request_usage(rq, err, "auto: the shortest interval is 10ms");
		return 0;
	}
	return request_usage(rq, err, "auto: \"%s\" is no interval: 500ms, 2s, 10m, 1h, or off",
			     text);
}

static int parse_keep(struct request *rq, json_t *args, struct sn_err *err)
{
	const char *text = request_option(rq, "keep");

	if (!text)
		return 0;
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9 ||
	    !strtol(text, NULL, 10))
		return request_usage(rq, err, "auto: --keep takes a number, not \"%s\"", text);
	json_object_set_new(args, "keep", json_integer(strtol(text, NULL, 10)));
	return 0;
}

static int parse(struct request *rq, const char *interval, json_t *args, struct sn_err *err)
{
	int64_t ns = 0;

	if (!interval)
		return 0;
	if (strcmp(interval, "off") != 0 && parse_interval(rq, interval, &ns, err) < 0)
		return -1;
	json_object_set_new(args, "interval_ns", json_integer(ns));
	return parse_keep(rq, args, err);
}

/* `auto NAME 2s`, and `auto 2s` where the application is clear: only one of them can be one. */
int cmd_auto(struct request *rq, struct sn_err *err)
{
	const char *name = request_word(rq, 0), *interval = request_word(rq, 1);
	json_t *args = json_object();
	struct catalog_app app;
	int64_t ns;

	if (name && !interval &&
	    (strcmp(name, "off") == 0 || parse_interval(rq, name, &ns, err) == 0)) {
		interval = name;
		name = NULL;
	}
	rq->status = STATUS_DONE;
	if (parse(rq, interval, args, err) < 0 || client_app(rq->shell, name, &app, err) < 0) {
		json_decref(args);
		return -1;
	}
	return client_call(rq->shell, &app, "auto", args, &rq->result, err);
}

/* In the largest unit that divides it. */
static void format_interval(char buf[FORMAT_MAX], int64_t ns)
{
	size_t i = 0;

	while (i + 1 < sn_countof(units) && ns % units[i].ns)
		i++;
	snprintf(buf, FORMAT_MAX, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
}

void render_auto(FILE *out, const struct request *rq)
{
	const char *name = wire_string(rq->result, "name");
	const char *failed = wire_string(rq->result, "failed");
	long long keep = wire_number(rq->result, "keep");
	char interval[FORMAT_MAX];

	if (!wire_number(rq->result, "interval_ns")) {
		fprintf(out, "%s: no automatic snapshots\n", name);
		return;
	}
	format_interval(interval, wire_number(rq->result, "interval_ns"));
	if (keep)
		fprintf(out, "%s: a snapshot every %s, the last %lld stay\n", name, interval, keep);
	else
		fprintf(out, "%s: a snapshot every %s, all stay\n", name, interval);
	if (failed && *failed)
		fprintf(out, "the last one failed: %s\n", failed);
}

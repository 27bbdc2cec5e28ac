// SPDX-License-Identifier: Apache-2.0
/*
 * A diff for people, from its JSON. "-" stands before what only the first side has, "+" before
 * what only the second has, "~" before what both have and is not the same.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/diff.h"
#include "shell/format.h"
#include "shell/wire.h"

#define RED "31"
#define GREEN "32"
#define BOLD "1"

struct sheet {
	FILE *out;
	bool colour;
};

static const json_t *get(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static bool is(const json_t *row, const char *key, const char *value)
{
	const char *text = wire_string(row, key);

	return text && strcmp(text, value) == 0;
}

__attribute__((format(printf, 3, 4))) static void put(const struct sheet *s, const char *colour,
						      const char *fmt, ...)
{
	sn_auto_free char *text = NULL;
	va_list args;
	size_t len;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	len = strlen(text);
	if (colour && s->colour)
		fprintf(s->out, "\033[%sm", colour);
	/* names are the application's: nothing in them that a terminal would obey */
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool end = c == '\n' && i + 1 == len;

		if (end && colour && s->colour)
			fputs("\033[m", s->out);
		fputc((c < ' ' && !end) || c == 0x7f ? '?' : c, s->out);
	}
	if (colour && s->colour && !(len && text[len - 1] == '\n'))
		fputs("\033[m", s->out);
}

static void from_to(const struct sheet *s, const json_t *row)
{
	put(s, RED, "%s", wire_string(row, "from"));
	put(s, NULL, " -> ");
	put(s, GREEN, "%s\n", wire_string(row, "to"));
}

/* "name: 5 -> 100"; of one that came or went "+ name: 100". */
static void change(const struct sheet *s, const char *indent, const json_t *row)
{
	const char *from = wire_string(row, "from"), *to = wire_string(row, "to");
	const char *name = wire_string(row, "name");

	if (from && to) {
		put(s, NULL, "%s%s: ", indent, name);
		from_to(s, row);
	} else {
		put(s, to ? GREEN : RED, "%s%c %s: %s\n", indent, to ? '+' : '-', name,
		    to ? to : from);
	}
}

static void changes(const struct sheet *s, const char *indent, const json_t *row, const char *key)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(get(row, key), i, entry)
		change(s, indent, entry);
	if (wire_number(row, "more"))
		put(s, NULL, "%s... %lld more\n", indent, wire_number(row, "more"));
}

/* ---- sections ---- */

static void thread_title(const struct sheet *s, const json_t *row)
{
	const char *name = wire_string(row, "name");

	put(s, NULL, "thread %lld (LWP %lld%s%s)", wire_number(row, "thread"),
	    wire_number(row, "tid"), *name ? ", " : "", name);
}

static void render_thread_row(const struct sheet *s, const json_t *row)
{
	const char *from = wire_string(row, "from"), *to = wire_string(row, "to");

	put(s, NULL, "  %s", from && to ? "" : from ? "- " : "+ ");
	thread_title(s, row);
	if (!from || !to) {
		put(s, to ? GREEN : RED, ": %s\n", to ? to : from);
		return;
	}
	put(s, NULL, ": ");
	if (strcmp(from, to) != 0)
		from_to(s, row);
	else
		put(s, NULL, "%s: registers %s\n", to, wire_string(row, "registers"));
}

static void render_frame_row(const struct sheet *s, const json_t *row)
{
	if (is(row, "what", "added")) {
		put(s, GREEN, "    + %s\n", wire_string(row, "to"));
	} else if (is(row, "what", "removed")) {
		put(s, RED, "    - %s\n", wire_string(row, "from"));
	} else if (is(row, "from", wire_string(row, "to"))) {
		put(s, NULL, "    ~ %s\n", wire_string(row, "to"));
	} else {
		put(s, NULL, "    ~ ");
		from_to(s, row);
	}
	changes(s, "          ", row, "locals");
}

static void render_stack(const struct sheet *s, const json_t *row)
{
	const json_t *frame;
	size_t i;

	put(s, NULL, "  ");
	thread_title(s, row);
	put(s, NULL, "\n");
	if (wire_string(row, "same"))
		put(s, NULL, "      %s\n", wire_string(row, "same"));
	json_array_foreach(get(row, "frames"), i, frame)
		render_frame_row(s, frame);
	if (wire_number(row, "more_changed"))
		put(s, NULL, "    ~ ... %lld more\n", wire_number(row, "more_changed"));
	if (wire_number(row, "more_removed"))
		put(s, RED, "    - ... %lld more\n", wire_number(row, "more_removed"));
	if (wire_number(row, "more_added"))
		put(s, GREEN, "    + ... %lld more\n", wire_number(row, "more_added"));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Below the name of a library, those of the program without one. */
static void render_variable(const struct sheet *s, const json_t *row)
{
	const char *module = wire_string(row, "module");
	sn_auto_free char *indent = NULL;

	if (wire_number(row, "thread"))
		indent = sn_asprintf("  (thread %lld) ", wire_number(row, "thread"));
	else if (module)
		indent = sn_asprintf("  %s: ", base_name(module));
	changes(s, indent ? indent : "  ", row, "changes");
}

static const char *plural(long long number)
{
	return number == 1 ? "" : "s";
}

static void render_memory(const struct sheet *s, const json_t *row)
{
	long long pages = wire_number(row, "pages"), bytes = wire_number(row, "bytes");

	put(s, NULL, "  %s: %lld page%s, %lld byte%s\n", wire_string(row, "where"), pages,
	    plural(pages), bytes, plural(bytes));
}

static void render_mapping(const struct sheet *s, const json_t *row)
{
	const char *from = wire_string(row, "from"), *to = wire_string(row, "to");
	const char *start = wire_string(row, "start"), *end = wire_string(row, "end");
	char size[FORMAT_MAX];

	format_bytes(size, strtoull(end, NULL, 16) - strtoull(start, NULL, 16));
	if (from && to) {
		put(s, NULL, "  ~ %s-%s %s ", start, end, size);
		from_to(s, row);
	} else {
		put(s, to ? GREEN : RED, "  %c %s-%s %s %s\n", to ? '+' : '-', start, end, size,
		    to ? to : from);
	}
}

static const struct section {
	enum diff_section section;
	const char *key; /* NULL: of the structure only */
	void (*render)(const struct sheet *s, const json_t *row);
	const char *unit;
} sections[] = {
	{DIFF_TREE, NULL, NULL, "change"},
	{DIFF_THREADS, "threads", render_thread_row, "thread"},
	{DIFF_STACKS, "frames", render_stack, "stack"},
	{DIFF_VARIABLES, "variables", render_variable, "variable"},
	{DIFF_MEMORY, "memory", render_memory, "mapping"},
	{DIFF_MAPPINGS, "mappings", render_mapping, "mapping"},
	{DIFF_DESCRIPTORS, NULL, NULL, "descriptor"},
	{DIFF_FILES, NULL, NULL, "change"},
	{DIFF_SIGNALS, NULL, NULL, "change"},
	{DIFF_TIMERS, NULL, NULL, "change"},
	{DIFF_CREDENTIALS, NULL, NULL, "change"},
	{DIFF_SETTINGS, NULL, NULL, "change"},
};

static size_t count_structure(const json_t *result, const char *name)
{
	const json_t *row;
	size_t i, count = 0;

	json_array_foreach(get(result, "structure"), i, row)
		count += is(row, "section", name);
	return count;
}

static void render_section(const struct sheet *s, const json_t *result, const struct section *at)
{
	const char *name = diff_section_name(at->section);
	const json_t *rows = at->key ? get(result, at->key) : NULL, *row;
	size_t i;

	if (!json_array_size(rows) && !count_structure(result, name) &&
	    !(at->section == DIFF_MEMORY && rows && wire_number(result, "pages")))
		return;
	if (at->section == DIFF_MEMORY)
		put(s, BOLD, "%s: %lld page%s\n", name, wire_number(result, "pages"),
		    plural(wire_number(result, "pages")));
	else
		put(s, BOLD, "%s\n", name);
	json_array_foreach(rows, i, row)
		at->render(s, row);
	json_array_foreach(get(result, "structure"), i, row) {
		if (is(row, "section", name))
			change(s, "  ", row);
	}
}

/* ---- --stat ---- */

static int stat_width(const json_t *result)
{
	size_t width = strlen("descriptors"), i;
	const json_t *row;

	json_array_foreach(get(result, "memory"), i, row) {
		size_t len = strlen(wire_string(row, "where"));

		width = len > width ? len : width;
	}
	return (int)width;
}

static void stat_section(const struct sheet *s, const json_t *result, const struct section *at,
			 int width)
{
	const char *name = diff_section_name(at->section);
	const json_t *rows = at->key ? get(result, at->key) : NULL, *row;
	size_t count = json_array_size(rows) + count_structure(result, name), i;

	if (!count)
		return;
	if (at->section != DIFF_MEMORY) {
		put(s, NULL, " %-*s | %zu %s%s\n", width, name, count, at->unit,
		    plural((long long)count));
		return;
	}
	json_array_foreach(rows, i, row)
		put(s, NULL, " %-*s | %lld page%s, %lld byte%s\n", width, wire_string(row, "where"),
		    wire_number(row, "pages"), plural(wire_number(row, "pages")),
		    wire_number(row, "bytes"), plural(wire_number(row, "bytes")));
}

/* ---- bytes ---- */

static unsigned digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* One side of 16 bytes; with other, bytes that are the same there are left out. */
static void hex_line(const struct sheet *s, char sign, const char *addr, const char *hex,
		     const char *other)
{
	const char *colour = sign == '-' ? RED : sign == '+' ? GREEN : NULL;
	char text[17] = "";

	put(s, colour, "%c 0x%012llx ", sign, strtoull(addr, NULL, 16));
	for (size_t i = 0; i < 16; i++) {
		bool same = other && strncmp(hex + 2 * i, other + 2 * i, 2) == 0;
		unsigned byte = 16 * digit(hex[2 * i]) + digit(hex[2 * i + 1]);

		text[i] = same ? ' ' : byte >= 32 && byte < 127 ? (char)byte : '.';
		put(s, NULL, "%s", i == 8 ? "  " : " ");
		if (same)
			put(s, NULL, "  ");
		else
			put(s, colour, "%.2s", hex + 2 * i);
	}
	put(s, colour, "  |%s|\n", text);
}

static void render_row(const struct sheet *s, const json_t *row)
{
	const char *from = wire_string(row, "from"), *to = wire_string(row, "to");
	const char *from_at = wire_string(row, "from_address");
	const char *to_at = wire_string(row, "to_address");

	if (from && to && strcmp(from, to) == 0) {
		hex_line(s, ' ', from_at, from, NULL);
		return;
	}
	if (from)
		hex_line(s, '-', from_at, from, NULL);
	if (to)
		hex_line(s, '+', to_at, to, from);
}

static void render_dump(const struct sheet *s, const json_t *rows)
{
	unsigned long long last = 0, at;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		at = strtoull(wire_string(row, "from_address"), NULL, 16);
		if (i && at != last + 16)
			put(s, NULL, "\n");
		render_row(s, row);
		last = at;
	}
}

/* ---- the command ---- */

void render_diff(FILE *out, const struct request *rq)
{
	const struct sheet s = {out, rq->screen.colour};
	const json_t *result = rq->result;
	bool stat = request_option(rq, "stat") != NULL;

	if (json_is_true(get(result, "same")) && !get(result, "dump")) {
		fprintf(out, "%s and %s are the same\n", wire_string(result, "from"),
			wire_string(result, "to"));
		return;
	}
	put(&s, BOLD, "--- %s\n", wire_string(result, "from"));
	put(&s, BOLD, "+++ %s\n", wire_string(result, "to"));
	if (json_is_true(get(result, "moved")))
		put(&s, NULL, "two lives with other addresses: matched by file and name\n");
	for (size_t i = 0; i < sn_countof(sections); i++) {
		if (stat)
			stat_section(&s, result, &sections[i], stat_width(result));
		else if (get(result, "structure") || sections[i].section == DIFF_VARIABLES)
			render_section(&s, result, &sections[i]);
	}
	render_dump(&s, get(result, "dump"));
}

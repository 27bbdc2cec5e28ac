// SPDX-License-Identifier: Apache-2.0
/* Lines of source: where they are in memory, and what they say. */
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/lookup.h"
#include "snap/inspect/variables.h"

#include <ctype.h>
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES_SHOWN = 10 };

/* A line of a file, with the unit that says where the file is. */
struct place_in_source {
	struct module *module;
	Dwarf_Die cu;
	uint64_t bias;
	const char *file; /* as gdb shows it */
	int line;
	bool is_exact; /* addr is what was asked for */
	uint64_t addr;
};

/* ---- what was asked for ---- */

static int of_frame(struct inspect *in, struct spot spot, struct place_in_source *place,
		    struct sn_err *err)
{
	const struct frame *frame = frames_at(in, spot, err);
	uint64_t start;

	if (!frame)
		return -1;
	if (!frame_line(in, frame, &place->file, &place->line, &start))
		return sn_fail(err, "No line number information available%s.",
			       frame->has_cu ? "" : " for this frame");
	place->module = frame->module;
	place->cu = frame->cu;
	place->bias = frame->bias;
	place->addr = frame->look;
	place->is_exact = true;
	return 0;
}

static int of_address(struct inspect *in, uint64_t addr, struct place_in_source *place,
		      struct sn_err *err)
{
	struct line_span span;

	place->module = modules_at(in, addr);
	if (!place->module || !place->module->dwfl ||
	    !find_cu(place->module, addr, &place->cu, &place->bias) ||
	    !line_find(&place->cu, addr - place->bias, &span))
		return sn_fail(err, "No line number information available for address 0x%lx", addr);
	place->file = line_file_name(&place->cu, span.file);
	place->line = span.line;
	place->addr = addr;
	place->is_exact = true;
	return 0;
}

static int of_expression(struct inspect *in, struct spot spot, const char *text,
			 struct place_in_source *place, struct sn_err *err)
{
	struct context context;
	struct value *value;
	int64_t addr;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	value = eval_text(&context, text, err);
	value = value ? value_decay(in, value, err) : NULL;
	if (!value || value_to_number(in, value, &addr, err) < 0)
		return -1;
	return of_address(in, (uint64_t)addr, place, err);
}

static int of_function(struct inspect *in, const char *name, struct place_in_source *place,
		       struct sn_err *err)
{
	struct line_span span;
	struct found found;
	Dwarf_Addr bias;
	const char *file;

	if (!lookup_symbol(in, NULL, name, &found) || dwarf_tag(&found.die) != DW_TAG_subprogram)
		return sn_fail(err, "Function \"%s\" not defined.", name);
	dwfl_module_getdwarf(found.module->dwfl, &bias);
	place->module = found.module;
	place->bias = bias;
	file = dwarf_decl_file(&found.die);
	if (!dwarf_diecu(&found.die, &place->cu, NULL, NULL) || !file ||
	    dwarf_decl_line(&found.die, &place->line) != 0)
		return sn_fail(err, "No line number known for %s.", name);
	place->file = line_file_name(&place->cu, file);
	if (die_entry(&found.die, &place->addr) == 0) {
		place->addr += bias;
		place->is_exact = true;
		if (line_find(&place->cu, place->addr - bias, &span))
			place->line = span.line;
	}
	return 0;
}

static bool is_file(const char *path, const char *wanted)
{
	size_t a = strlen(path), b = strlen(wanted);

	return a >= b && strcmp(path + a - b, wanted) == 0 && (a == b || path[a - b - 1] == '/');
}

/* "deep.c:12" */
static int of_file(struct inspect *in, const char *file, int line, struct place_in_source *place,
		   struct sn_err *err)
{
	for (size_t m = 0; m < in->module_count; m++) {
		Dwarf_Die *cu = NULL;

		place->module = in->modules[m];
		if (!place->module->dwfl)
			continue;
		while ((cu = dwfl_module_nextcu(place->module->dwfl, cu, &place->bias))) {
			Dwarf_Die unit = unit_whole(cu);
			const char *name = dwarf_diename(&unit);

			if (!name || !is_file(name, file))
				continue;
			place->cu = unit;
			place->file = name;
			place->line = line;
			return 0;
		}
	}
	return sn_fail(err, "No source file named %s.", file);
}

static bool is_number(const char *text, size_t len)
{
	return len > 0 && len < 9 && strspn(text, "0123456789") >= len;
}

static int find_place(struct inspect *in, struct spot spot, const char *where,
		      struct place_in_source *place, struct sn_err *err)
{
	const char *colon = strrchr(where, ':');
	size_t digits = strspn(where, "0123456789");
	sn_auto_free char *file = NULL;

	memset(place, 0, sizeof(*place));
	if (!*where)
		return of_frame(in, spot, place, err);
	if (*where == '*')
		return of_expression(in, spot, where + 1, place, err);
	if (is_number(where, digits) && !where[digits]) {
		if (of_frame(in, spot, place, err) < 0)
			return -1;
		place->line = atoi(where);
		place->is_exact = false;
		return 0;
	}
	if (colon && is_number(colon + 1, strlen(colon + 1))) {
		file = strndup(where, (size_t)(colon - where));
		if (!file)
			abort();
		return of_file(in, file, atoi(colon + 1), place, err);
	}
	return of_function(in, where, place, err);
}

/* ---- info line ---- */

/* The first stretch of code of a line, or of the next one that has any. */
static bool span_of_line(const struct place_in_source *place, struct line_span *span)
{
	Dwarf_Die cu = place->cu;
	Dwarf_Lines *lines;
	size_t count;
	int best = 0;

	if (dwarf_getsrclines(&cu, &lines, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *entry = dwarf_onesrcline(lines, i);
		const char *file = dwarf_linesrc(entry, NULL, NULL);
		Dwarf_Addr addr;
		int line;
		bool end;

		if (!file || dwarf_lineno(entry, &line) != 0 || dwarf_lineaddr(entry, &addr) != 0 ||
		    dwarf_lineendsequence(entry, &end) != 0 || end || line < place->line ||
		    (best && line >= best) || strcmp(line_file_name(&cu, file), place->file) != 0)
			continue;
		if (line_find(&cu, addr, span) && span->start == addr && span->line == line)
			best = line;
		if (best == place->line)
			break;
	}
	return best && (span->line == best || line_find(&cu, span->start, span));
}

int source_address(struct inspect *in, struct spot spot, const char *where, uint64_t *addr,
		   struct sn_err *err)
{
	struct place_in_source place;
	struct line_span span;

	if (find_place(in, spot, where, &place, err) < 0)
		return -1;
	if (!place.is_exact) {
		if (!span_of_line(&place, &span))
			return sn_fail(err, "Line number %d is out of range for \"%s\".",
				       place.line, place.file);
		place.addr = span.start + place.bias;
	}
	*addr = place.addr;
	return 0;
}

int inspect_line(struct inspect *in, struct spot spot, const char *where, char **text,
		 struct sn_err *err)
{
	struct place_in_source place;
	struct line_span span;
	struct format f = {.in = in, .mangled = true};
	bool found;
	size_t len;

	if (find_place(in, spot, where, &place, err) < 0)
		return -1;
	found = place.is_exact ? line_find(&place.cu, place.addr - place.bias, &span)
			       : span_of_line(&place, &span);
	if (!found || (!place.is_exact && span.line != place.line)) {
		*text = sn_asprintf("Line number %d is out of range for \"%s\".\n", place.line,
				    place.file);
		return 0;
	}
	*text = NULL;
	f.out = open_memstream(text, &len);
	if (!f.out)
		abort();
	fprintf(f.out, "Line %d of \"%s\" starts at address ", span.line, place.file);
	format_address(&f, span.start + place.bias);
	fputs(" and ends at ", f.out);
	format_address(&f, span.end + place.bias);
	fputs(".\n", f.out);
	fclose(f.out);
	variable_note(in, "_",
		      value_number(in, type_pointer(in, type_basic(in, BASIC_VOID)),
				   span.start + place.bias));
	in->examined.next = span.start + place.bias;
	return 0;
}

/* ---- text ---- */

FILE *source_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	FILE *file;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static FILE *open_source(const struct place_in_source *place)
{
	Dwarf_Die cu = place->cu;
	Dwarf_Attribute attr;
	const char *dir = dwarf_formstring(dwarf_attr(&cu, DW_AT_comp_dir, &attr));
	sn_auto_free char *path = NULL;

	if (place->file[0] == '/' || !dir)
		return source_open(place->file);
	path = sn_asprintf("%s/%s", dir, place->file);
	return source_open(path);
}

static int print_lines(const struct place_in_source *place, int first, int last, char **text,
		       struct sn_err *err)
{
	sn_auto_file FILE *source = open_source(place);
	sn_auto_free char *line = NULL;
	size_t size = 0, len;
	int number = 0, printed = 0;
	FILE *out;

	*text = NULL;
	if (!source)
		*text = sn_asprintf("%d\t%s: %m.\n", first, place->file);
	if (!source)
		return 0;
	out = open_memstream(text, &len);
	if (!out)
		abort();
	while (number < last && getline(&line, &size, source) > 0) {
		if (++number < first)
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		fprintf(out, "%d\t%s\n", number, line);
		printed++;
	}
	fclose(out);
	if (printed)
		return 0;
	free(*text);
	*text = NULL;
	return sn_fail(err, "Line number %d out of range; %s has %d lines.", first, place->file,
		       number);
}

int inspect_source_line(struct inspect *in, struct spot spot, char **text, struct sn_err *err)
{
	struct place_in_source place;

	in->listed.place = NULL; /* `src` shows what is around it next */
	if (find_place(in, spot, "", &place, err) < 0)
		return -1;
	return print_lines(&place, place.line, place.line, text, err);
}

static void keep_listed(struct inspect *in, struct spot spot, const struct place_in_source *place,
			int first, int next)
{
	if (!in->listed.place)
		in->listed.place = inspect_alloc(in, sizeof(*place));
	*in->listed.place = *place;
	in->listed.spot = spot;
	in->listed.first = first;
	in->listed.next = next;
}

/* A place's number, or one of its own file. */
static int find_line(struct inspect *in, struct spot spot, const char *where, int *line,
		     struct sn_err *err)
{
	struct place_in_source place;

	if (is_number(where, strlen(where))) {
		*line = atoi(where);
		return 0;
	}
	if (find_place(in, spot, where, &place, err) < 0)
		return -1;
	*line = place.line;
	return 0;
}

/* "FIRST,LAST", "FIRST,", ",LAST". */
static int find_range(struct inspect *in, struct spot spot, const char *where,
		      struct place_in_source *place, int *first, int *last, struct sn_err *err)
{
	size_t len = strcspn(where, ",");
	const char *behind = where + len + 1 + strspn(where + len + 1, " ");
	sn_auto_free char *before = sn_strndup(where, len);

	if (find_place(in, spot, *before ? before : behind, place, err) < 0)
		return -1;
	*first = place->line;
	*last = *first + LINES_SHOWN - 1;
	if (!*before) {
		*last = place->line;
		*first = *last >= LINES_SHOWN ? *last - LINES_SHOWN + 1 : 1;
	} else if (*behind && find_line(in, spot, behind, last, err) < 0) {
		return -1;
	}
	return 0;
}

static bool is_going_on(const struct inspect *in, struct spot spot)
{
	return in->listed.place && in->listed.spot.thread == spot.thread &&
	       in->listed.spot.frame == spot.frame;
}

static int find_lines(struct inspect *in, struct spot spot, const char *where,
		      struct place_in_source *place, int *first, int *last, struct sn_err *err)
{
	bool back = strcmp(where, "-") == 0;

	if (strchr(where, ','))
		return find_range(in, spot, where, place, first, last, err);
	if ((!*where || back) && is_going_on(in, spot)) {
		*place = *in->listed.place;
		*first = in->listed.next;
		if (back && in->listed.first <= 1)
			return sn_fail(err, "Already at the start of %s.", place->file);
		if (back)
			*first = in->listed.first > LINES_SHOWN ? in->listed.first - LINES_SHOWN
								: 1;
		*last = back ? in->listed.first - 1 : *first + LINES_SHOWN - 1;
		return 0;
	}
	if (find_place(in, spot, back ? "" : where, place, err) < 0)
		return -1;
	*first = place->line > LINES_SHOWN / 2 ? place->line - LINES_SHOWN / 2 : 1;
	*last = *first + LINES_SHOWN - 1;
	return 0;
}

int inspect_source(struct inspect *in, struct spot spot, const char *where, char **text,
		   struct sn_err *err)
{
	struct place_in_source place;
	int first = 1, last = 1;

	if (find_lines(in, spot, where, &place, &first, &last, err) < 0 ||
	    print_lines(&place, first, last, text, err) < 0)
		return -1;
	keep_listed(in, spot, &place, first, last + 1);
	return 0;
}

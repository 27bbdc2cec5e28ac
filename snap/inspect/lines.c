// SPDX-License-Identifier: Apache-2.0
/* Line tables, as gdb reads them. */
#include "snap/inspect/internal.h"

#include <dwarf.h>

const char *line_file_name(const Dwarf_Die *unit, const char *file)
{
	Dwarf_Die cu = *unit;
	Dwarf_Attribute attr;
	const char *dir = dwarf_formstring(dwarf_attr(&cu, DW_AT_comp_dir, &attr));
	const char *name = dwarf_diename(&cu);
	size_t len = dir ? strlen(dir) : 0;

	if (len && dir[0] == '/' && name && name[0] != '/' && strncmp(file, dir, len) == 0 &&
	    file[len] == '/')
		return file + len + 1;
	return file;
}

/* A row of the table; false when it cannot be read. */
static bool read_row(Dwarf_Lines *lines, size_t i, struct line_row *row)
{
	Dwarf_Line *entry = dwarf_onesrcline(lines, i);

	row->file = dwarf_linesrc(entry, NULL, NULL);
	return entry && dwarf_lineaddr(entry, &row->addr) == 0 &&
	       dwarf_lineno(entry, &row->line) == 0 &&
	       dwarf_lineendsequence(entry, &row->end) == 0 &&
	       dwarf_linebeginstatement(entry, &row->statement) == 0 &&
	       dwarf_linediscriminator(entry, &row->mark) == 0;
}

static bool is_same_line(const struct line_row *a, const struct line_row *b)
{
	return !a->end && !b->end && a->line == b->line && a->file == b->file;
}

/* The last row at or before addr: lines are sorted by address. */
static bool search(Dwarf_Lines *lines, size_t count, uint64_t addr, size_t *at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		Dwarf_Addr there;

		if (dwarf_lineaddr(dwarf_onesrcline(lines, mid), &there) != 0)
			return false;
		if (there <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low - 1;
	return low > 0;
}

/*
 * gdb drops a row for the same line as the one before once a discriminator was seen since the
 * line began. `seen` goes from row to row.
 */
static bool is_kept(const struct line_row *before, const struct line_row *row, bool *seen)
{
	if (!before || !is_same_line(before, row)) {
		*seen = row->mark != 0;
		return true;
	}
	*seen |= row->mark != 0;
	return !*seen;
}

/*
 * Of rows at the same address the last counts, but for gdb not one that begins no statement where
 * rows of another file, before it, do.
 */
static size_t in_effect(Dwarf_Lines *lines, size_t at)
{
	struct line_row last, row;
	size_t other = at;
	bool statement = false;

	if (!read_row(lines, at, &last) || last.statement)
		return at;
	for (size_t i = at; i > 0 && read_row(lines, i - 1, &row) && row.addr == last.addr; i--) {
		if (other == at && row.file != last.file)
			other = i - 1;
		else if (other == at)
			return at;
		statement |= row.statement;
	}
	return statement && other != at ? in_effect(lines, other) : at;
}

bool line_find(const Dwarf_Die *unit, uint64_t addr, struct line_span *span)
{
	Dwarf_Die cu = *unit;
	struct line_row rows[2], *row = &rows[0], *before = NULL;
	Dwarf_Lines *lines;
	size_t count, at, i;
	bool seen = false;

	if (dwarf_getsrclines(&cu, &lines, &count) != 0 || !search(lines, count, addr, &at))
		return false;
	at = in_effect(lines, at);
	if (!read_row(lines, at, row) || row->end)
		return false;
	*span = (struct line_span){.file = row->file, .line = row->line, .end = UINT64_MAX};
	for (i = at; i > 0; i--) {
		if (!read_row(lines, i - 1, &rows[1]) || !is_same_line(row, &rows[1]))
			break;
	}
	for (; i < count; i++) {
		row = before == &rows[0] ? &rows[1] : &rows[0];
		if (!read_row(lines, i, row))
			break;
		if (row->end || is_kept(before, row, &seen)) {
			if (i <= at)
				span->start = row->addr;
			else if (row->addr > span->start) {
				span->end = row->addr;
				break;
			}
		}
		before = row;
	}
	return span->file != NULL;
}

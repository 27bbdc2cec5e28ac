// SPDX-License-Identifier: Apache-2.0
/*
 * info variables, functions, types: what units have outside of functions, by file and name as gdb
 * sorts it, then symbols that no unit tells of.
 */
#include "snap/inspect/types.h"

#include <dwarf.h>
#include <regex.h>

struct row {
	const char *file;
	const char *name;
	bool is_static;
	bool is_nowhere; /* not shown, but known */
	int line;	 /* 0: none */
	struct module *module;
	Dwarf_Die die;
	size_t order;
};

struct listing {
	struct inspect *in;
	enum symbol_kind kind;
	const regex_t *regex; /* NULL: all */
	struct module *module;
	Dwarf_Die *cu;
	struct row *rows;
	size_t count, cap;
	FILE *out;
};

static bool matches(const struct listing *list, const char *name)
{
	return !list->regex || regexec(list->regex, name, 0, NULL, 0) == 0;
}

/* ---- what units have ---- */

static bool is_listed(enum symbol_kind kind, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		return kind == SYMBOLS_VARIABLES && !dwarf_hasattr(die, DW_AT_declaration);
	case DW_TAG_subprogram:
		return kind == SYMBOLS_FUNCTIONS &&
		       (dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges));
	case DW_TAG_base_type:
	case DW_TAG_typedef:
		return kind == SYMBOLS_TYPES;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
	case DW_TAG_enumeration_type:
		return kind == SYMBOLS_TYPES && !dwarf_hasattr(die, DW_AT_declaration);
	default:
		return false;
	}
}

/* "unsigned long" of a "long unsigned int", and the name that the linker knows. */
static const char *shown_name(struct listing *list, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *linked = NULL;

	if (dwarf_tag(die) == DW_TAG_base_type)
		return type_at(list->in, list->module, die)->name;
	if (list->kind != SYMBOLS_TYPES)
		linked = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	return linked && strncmp(linked, "_Z", 2) != 0 ? linked : dwarf_diename(die);
}

static void add_row(struct listing *list, Dwarf_Die *die)
{
	const char *name = shown_name(list, die), *file;
	struct row *row;

	if (!name || !matches(list, name))
		return;
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 256;
		list->rows = sn_realloc(list->rows, list->cap, sizeof(*list->rows));
	}
	row = &list->rows[list->count];
	*row = (struct row){.name = name, .module = list->module, .die = *die};
	row->order = list->count++;
	file = dwarf_decl_file(die);
	row->file = file ? line_file_name(list->cu, file) : dwarf_diename(list->cu);
	row->file = row->file ? row->file : "";
	if (dwarf_decl_line(die, &row->line) != 0)
		row->line = 0;
	row->is_static = list->kind == SYMBOLS_TYPES ||
			 !dwarf_hasattr_integrate(die, DW_AT_external);
	row->is_nowhere = !row->is_static && list->kind == SYMBOLS_VARIABLES &&
			  !dwarf_hasattr(die, DW_AT_location) &&
			  !dwarf_hasattr(die, DW_AT_const_value);
}

static void add_children(struct listing *list, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(parent, &child); more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_namespace && depth < 16)
			add_children(list, &child, depth + 1);
		else if (is_listed(list->kind, &child))
			add_row(list, &child);
	}
}

/* What everybody sees comes before the statics of a file. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	if (!order)
		order = a->is_static - b->is_static;
	if (!order)
		order = strcmp(a->name, b->name);
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static bool is_repeated(const struct row *a, const struct row *b)
{
	return strcmp(a->file, b->file) == 0 && a->is_static == b->is_static &&
	       strcmp(a->name, b->name) == 0;
}

static void print_type(const struct listing *list, const struct row *row)
{
	Dwarf_Die die = row->die;
	struct type *type = type_at(list->in, row->module, &die);
	sn_auto_free char *text = NULL;

	if (type->kind != TYPE_TYPEDEF) {
		text = type_name(list->in, type);
		fprintf(list->out, row->line ? "%s;\n" : "%s\n", text);
		return;
	}
	while (type->kind == TYPE_TYPEDEF)
		type = type->target;
	text = type_name(list->in, type);
	fprintf(list->out, "typedef %s %s;\n", text, row->name);
}

static void print_row(const struct listing *list, const struct row *row)
{
	Dwarf_Die die = row->die;
	sn_auto_free char *text = NULL;
	struct type *type;

	if (row->line)
		fprintf(list->out, "%d:", row->line);
	fputc('\t', list->out);
	if (list->kind == SYMBOLS_TYPES) {
		print_type(list, row);
		return;
	}
	type = list->kind == SYMBOLS_FUNCTIONS ? type_at(list->in, row->module, &die)
					       : type_of(list->in, row->module, &die);
	text = type_declaration(list->in, type, row->name);
	fprintf(list->out, "%s%s;\n", row->is_static ? "static " : "", text);
}

static void print_rows(const struct listing *list)
{
	const struct row *before = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct row *row = &list->rows[i];

		if (row->is_nowhere || (before && is_repeated(before, row)))
			continue;
		if (!before || strcmp(before->file, row->file) != 0)
			fprintf(list->out, "\nFile %s:\n", row->file);
		print_row(list, row);
		before = row;
	}
}

/* ---- what only the symbol tables have ---- */

/* gdb takes "calls.0" for a name of Ada's and shows "calls". */
static const char *plain_name(struct inspect *in, const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	char *plain;

	if (name[len] != '.' || *name == '_' || strstr(name, "__") ||
	    !name[len + 1] || name[len + 1 + strspn(name + len + 1, "0123456789")])
		return name;
	plain = inspect_strdup(in, name);
	plain[len] = '\0';
	return plain;
}

static bool is_code(const struct module *module, const struct symbol *symbol)
{
	Dwarf_Addr bias, addr = symbol->addr;
	Elf_Scn *section = dwfl_module_address_section(module->dwfl, &addr, &bias);
	GElf_Shdr header;

	return section && gelf_getshdr(section, &header) && (header.sh_flags & SHF_EXECINSTR);
}

/* Whether a unit of the module has a row of this name. */
static bool has_row(const struct listing *list, const struct module *module, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->rows[i].module == module && strcmp(list->rows[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool is_told_of(const struct listing *list, struct module *module,
		       const struct symbol *symbol)
{
	Dwarf_Die cu;
	uint64_t bias;

	return list->kind == SYMBOLS_FUNCTIONS ? find_cu(module, symbol->addr, &cu, &bias)
					       : has_row(list, module, symbol->name);
}

static void print_symbols(const struct listing *list, struct module *module, bool *printed)
{
	for (size_t i = 0; symbols_load(list->in, module) && i < module->symbol_count; i++) {
		const struct symbol *symbol = &module->symbols[i];
		const char *name = plain_name(list->in, symbol->name);

		if (!matches(list, name) ||
		    is_code(module, symbol) != (list->kind == SYMBOLS_FUNCTIONS) ||
		    is_told_of(list, module, symbol))
			continue;
		if (i && symbol[-1].addr == symbol->addr &&
		    strcmp(symbol[-1].name, symbol->name) == 0)
			continue;
		if (!*printed)
			fputs("\nNon-debugging symbols:\n", list->out);
		*printed = true;
		fprintf(list->out, "0x%016lx  %s\n", symbol->addr, name);
	}
}

/* ---- all of it ---- */

/* Calls each() for the program, then its libraries in the dynamic linker's order. */
static void each_module(struct listing *list, void (*each)(struct listing *list, bool *printed),
			bool *printed)
{
	for (size_t order = 0; order <= list->in->module_count + 1; order++) {
		for (size_t i = 0; i < list->in->module_count; i++) {
			struct module *module = list->in->modules[i];
			size_t place = module->is_main ? 0 : module->link_order;

			if (place != order || (!place && !module->is_main) || !module->dwfl)
				continue;
			list->module = module;
			each(list, printed);
		}
	}
}

static void add_module(struct listing *list, bool *printed)
{
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;

	(void)printed;
	while ((cu = dwfl_module_nextcu(list->module->dwfl, cu, &bias))) {
		Dwarf_Die unit = unit_whole(cu);

		list->cu = &unit;
		add_children(list, &unit, 0);
	}
}

static void print_module_symbols(struct listing *list, bool *printed)
{
	print_symbols(list, list->module, printed);
}

static void print_all(struct listing *list, const char *pattern)
{
	static const char *const kinds[] = {
		[SYMBOLS_VARIABLES] = "variables",
		[SYMBOLS_FUNCTIONS] = "functions",
		[SYMBOLS_TYPES] = "types",
	};
	bool printed = false;

	if (*pattern)
		fprintf(list->out, "All %s matching regular expression \"%s\":\n",
			kinds[list->kind], pattern);
	else
		fprintf(list->out, "All defined %s:\n", kinds[list->kind]);
	each_module(list, add_module, &printed);
	if (list->count)
		qsort(list->rows, list->count, sizeof(*list->rows), compare_rows);
	print_rows(list);
	if (list->kind != SYMBOLS_TYPES)
		each_module(list, print_module_symbols, &printed);
}

int inspect_symbols(struct inspect *in, enum symbol_kind kind, const char *pattern, char **text,
		    struct sn_err *err)
{
	struct listing list = {.in = in, .kind = kind};
	regex_t regex;
	char why[128];
	size_t len;
	int code = *pattern ? regcomp(&regex, pattern, REG_NOSUB) : 0;

	if (code) {
		regerror(code, &regex, why, sizeof(why));
		return sn_fail(err, "Invalid regexp: %s", why);
	}
	list.regex = *pattern ? &regex : NULL;
	*text = NULL;
	list.out = open_memstream(text, &len);
	if (!list.out)
		abort();
	print_all(&list, pattern);
	fclose(list.out);
	free(list.rows);
	if (*pattern)
		regfree(&regex);
	return 0;
}

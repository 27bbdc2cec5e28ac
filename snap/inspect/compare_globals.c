// SPDX-License-Identifier: Apache-2.0
/*
 * What has a name and an address: globals, statics of files and functions, and symbols that
 * have no debug information. Walked is only what may differ: modules with changed pages.
 */
#include "snap/inspect/compare_internal.h"

#include <dwarf.h>

enum { DEPTH_MAX = 64 };

struct gathering {
	struct inspect *in;
	struct module *module;
	struct globals *globals;
	uint64_t bias;
};

void globals_release(struct globals *globals)
{
	free(globals->list);
	free(globals->locals);
	*globals = (struct globals){0};
}

static void add(struct global **list, size_t *count, size_t *cap, const struct global *global)
{
	if (*count == *cap) {
		*cap = *cap ? 2 * *cap : 256;
		*list = sn_realloc(*list, *cap, sizeof(**list));
	}
	(*list)[(*count)++] = *global;
}

/* ---- from DIEs ---- */

static void add_variable(const struct gathering *g, Dwarf_Die *die, const char *scope)
{
	struct globals *globals = g->globals;
	struct global global = {
		.name = dwarf_diename(die),
		.scope = scope,
		.module = g->module,
		.die = *die,
		.has_die = true,
		.is_external = dwarf_hasattr_integrate(die, DW_AT_external),
	};
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	uint64_t addr;
	size_t count;

	if (!global.name || dwarf_hasattr(die, DW_AT_declaration) ||
	    !dwarf_attr(die, DW_AT_location, &attr) ||
	    dwarf_getlocation(&attr, &ops, &count) != 0 || count == 0)
		return;
	if (location_address(&attr, ops, count, &addr)) {
		global.addr = addr + g->bias;
		global.size = type_of(g->in, g->module, die)->size;
		if (global.size && addr)
			add(&globals->list, &globals->count, &globals->cap, &global);
	} else if (ops[count - 1].atom == DW_OP_GNU_push_tls_address ||
		   ops[count - 1].atom == DW_OP_form_tls_address) {
		add(&globals->locals, &globals->local_count, &globals->local_cap, &global);
	}
}

static bool is_namespace(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module;
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block ||
	       tag == DW_TAG_inlined_subroutine;
}

static void gather(const struct gathering *g, Dwarf_Die *parent, const char *scope, int depth)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(parent, &child); more == 0 && depth < DEPTH_MAX;
	     more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_variable)
			add_variable(g, &child, scope);
		else if (is_scope(tag) && dwarf_haschildren(&child))
			gather(g, &child, tag == DW_TAG_lexical_block ? scope : die_name(&child),
			       depth + 1);
		else if (is_namespace(tag))
			gather(g, &child, dwarf_diename(&child), depth + 1);
	}
}

/* ---- from symbols ---- */

static int compare_globals(const void *left, const void *right)
{
	const struct global *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Whether something of the sorted list lies in [addr, addr + size). */
static bool is_covered(const struct globals *globals, size_t count, uint64_t addr, uint64_t size)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (globals->list[mid].addr + globals->list[mid].size <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && globals->list[low].addr < addr + size;
}

static void add_symbols(const struct gathering *g)
{
	struct globals *globals = g->globals;
	const struct symbol *symbols;
	size_t count, with_die = globals->count;

	symbols = symbols_of(g->in, g->module, &count);
	for (size_t i = 0; i < count; i++) {
		const struct symbol *symbol = &symbols[i];
		const struct global global = {
			.addr = symbol->addr,
			.size = symbol->size,
			.name = symbol->name,
			.module = g->module,
			.is_external = true,
			.symbol = symbol,
		};

		if (symbol->type == STT_OBJECT && symbol->size &&
		    !is_covered(globals, with_die, symbol->addr, symbol->size))
			add(&globals->list, &globals->count, &globals->cap, &global);
	}
}

static void sort(struct globals *globals)
{
	if (globals->count)
		qsort(globals->list, globals->count, sizeof(*globals->list), compare_globals);
}

/* Of two at one address, of one size, the first stays: names for the same thing. */
static void drop_doubles(struct globals *globals)
{
	size_t kept = 0;

	for (size_t i = 0; i < globals->count; i++) {
		const struct global *last = kept ? &globals->list[kept - 1] : NULL;

		if (!last || last->addr != globals->list[i].addr ||
		    last->size != globals->list[i].size)
			globals->list[kept++] = globals->list[i];
	}
	globals->count = kept;
}

void globals_find(struct inspect *in, struct module *module, struct globals *globals)
{
	struct gathering g = {in, module, globals, 0};
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;

	if (!module->dwfl)
		return;
	while ((cu = dwfl_module_nextcu(module->dwfl, cu, &bias))) {
		Dwarf_Die unit = unit_whole(cu);

		g.bias = bias;
		gather(&g, &unit, NULL, 0);
	}
	sort(globals);
	drop_doubles(globals);
	add_symbols(&g);
	sort(globals);
	drop_doubles(globals);
}

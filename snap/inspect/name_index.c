// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/name_index.h"

#include "snap/inspect/cplus.h"

#include <dwarf.h>
#include <search.h>

bool names_is_type(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_typedef || tag == DW_TAG_base_type;
}

bool names_is_symbol(int tag)
{
	return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter ||
	       tag == DW_TAG_subprogram || tag == DW_TAG_enumerator;
}

/* Of a function that was inlined: what is at an address is an instance of it, a DIE of the same
 * name. */
static bool is_model(Dwarf_Die *die, int tag)
{
	return tag == DW_TAG_subprogram && dwarf_hasattr(die, DW_AT_inline);
}

static void add_name(struct inspect *in, struct names *names, const char *text, Dwarf_Die *die,
		     int tag)
{
	if (names->count == names->cap) {
		struct name *grown;

		names->cap = names->cap ? 2 * names->cap : 1024;
		grown = inspect_alloc(in, names->cap * sizeof(*grown));
		if (names->count)
			memcpy(grown, names->list, names->count * sizeof(*grown));
		names->list = grown;
	}
	names->list[names->count] =
		(struct name){text, *die, tag, names->count, is_model(die, tag)};
	names->count++;
}

/* A function that instances are inlined or cloned from; they have its name too. */
static bool is_abstract(Dwarf_Die *die, int tag)
{
	return tag == DW_TAG_subprogram && !dwarf_hasattr(die, DW_AT_low_pc) &&
	       !dwarf_hasattr(die, DW_AT_ranges);
}

enum { SCOPES_MAX = 16 };

/* A walk through one unit. What is declared in a class is defined outside of it, where only the
 * declaration says whose it is. */
struct gathering {
	struct inspect *in;
	struct names *names;
	bool cplus;
	void *declared; /* tsearch(3): struct declared */
};

struct declared {
	const void *addr; /* of the declaration */
	const char *scope;
};

static int compare_declared(const void *left, const void *right)
{
	const struct declared *a = left, *b = right;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static void declare(struct gathering *g, const Dwarf_Die *die, const char *scope)
{
	struct declared *declared = inspect_alloc(g->in, sizeof(*declared));

	*declared = (struct declared){die->addr, scope};
	if (!tsearch(declared, &g->declared, compare_declared))
		abort();
}

/* The scope a DIE's name is in, when it stands in `scope`. */
static const char *scope_of(struct gathering *g, Dwarf_Die *die, const char *scope)
{
	struct declared wanted, **found = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die declaration;

	declaration = *die;
	/* a constructor's instance is of an abstract one, and that of the declaration */
	for (size_t i = 0; i < 4 && !found; i++) {
		if ((!dwarf_attr(&declaration, DW_AT_specification, &attr) &&
		     !dwarf_attr(&declaration, DW_AT_abstract_origin, &attr)) ||
		    !dwarf_formref_die(&attr, &declaration))
			break;
		wanted.addr = declaration.addr;
		found = tfind(&wanted, &g->declared, compare_declared);
	}
	return found ? (*found)->scope : scope;
}

static void add_children(struct gathering *g, Dwarf_Die *parent, const char *scope, int depth);

/* What a class, namespace or enum holds. An unnamed namespace's members need no name of it. */
static void add_inner(struct gathering *g, Dwarf_Die *die, int tag, const char *scope, int depth)
{
	const char *name = dwarf_diename(die);
	bool class = tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
		     tag == DW_TAG_union_type;

	if (depth >= SCOPES_MAX)
		return;
	if (tag == DW_TAG_enumeration_type)
		add_children(g, die,
			     g->cplus && name && dwarf_hasattr(die, DW_AT_enum_class)
				     ? cplus_join(g->in, scope, name)
				     : scope,
			     SCOPES_MAX);
	else if (tag == DW_TAG_namespace || (class && g->cplus))
		add_children(g, die, g->cplus && name ? cplus_join(g->in, scope, name) : scope,
			     depth + 1);
}

static void add_children(struct gathering *g, Dwarf_Die *parent, const char *scope, int depth)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(parent, &child); more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);
		bool declaration = tag != DW_TAG_enumerator &&
				   dwarf_hasattr(&child, DW_AT_declaration);
		const char *name = dwarf_diename(&child);

		add_inner(g, &child, tag, scope, depth);
		if (name && (names_is_type(tag) ||
			     (names_is_symbol(tag) && !declaration && !is_abstract(&child, tag))))
			add_name(g->in, g->names,
				 g->cplus ? cplus_join(g->in, scope_of(g, &child, scope), name)
					  : name,
				 &child, tag);
		else if (g->cplus && declaration && *scope)
			declare(g, &child, scope);
	}
}

static void keep_declared(void *declared)
{
	(void)declared;
}

static void add_unit(struct inspect *in, struct names *names, Dwarf_Die *cu)
{
	struct gathering g = {.in = in, .names = names, .cplus = cplus_is(cu)};

	add_children(&g, cu, "", 0);
	tdestroy(g.declared, keep_declared);
}

static int compare_names(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	int order = strcmp(a->text, b->text);

	if (!order && a->is_model != b->is_model)
		return a->is_model - b->is_model;
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

struct names *names_of(struct inspect *in, struct module *module)
{
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;

	if (module->names || !module->dwfl)
		return module->names;
	module->names = inspect_alloc(in, sizeof(*module->names));
	while ((cu = dwfl_module_nextcu(module->dwfl, cu, &bias))) {
		Dwarf_Die unit = unit_whole(cu);

		add_unit(in, module->names, &unit);
	}
	if (module->names->count)
		qsort(module->names->list, module->names->count, sizeof(*module->names->list),
		      compare_names);
	return module->names;
}

size_t names_place(const struct names *names, const char *text)
{
	size_t low = 0, high = names ? names->count : 0;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(names->list[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct name *names_first(struct names *names, const char *text)
{
	size_t low = names_place(names, text);

	return names && low < names->count && strcmp(names->list[low].text, text) == 0
		       ? &names->list[low]
		       : NULL;
}

// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/cplus.h"

#include <dwarf.h>
#include <search.h>

/* Of the C++ ABI, by the runtime library of every C++ compiler (cxxabi.h is not for C). */
char *__cxa_demangle(const char *mangled, char *buffer, size_t *len, int *status);

const char cplus_unnamed[] = "(anonymous namespace)";

bool cplus_is(Dwarf_Die *die)
{
	Dwarf_Die cu;

	if (!dwarf_diecu(die, &cu, NULL, NULL))
		return false;
	switch (dwarf_srclang(&cu)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return true;
	default:
		return false;
	}
}

const char *cplus_join(struct inspect *in, const char *a, const char *b)
{
	sn_auto_free char *joined = NULL;

	if (!*a)
		return b;
	joined = sn_asprintf("%s::%s", a, b);
	return inspect_strdup(in, joined);
}

/* The name that a scope puts in front; NULL: nothing. */
static const char *scope_name(Dwarf_Die *scope)
{
	const char *name = dwarf_diename(scope);

	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		return name ? name : cplus_unnamed;
	case DW_TAG_enumeration_type: /* else its enumerators are those of the scope around */
		return dwarf_hasattr(scope, DW_AT_enum_class) ? name : NULL;
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return name && *name != '<' ? name : NULL; /* "<lambda(int)>" is none */
	default:
		return NULL;
	}
}

/* The declaration in its class or namespace that a definition outside of it completes. */
static void find_declaration(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die next;

	for (size_t i = 0; i < 8; i++) {
		if (!dwarf_attr(die, DW_AT_specification, &attr) &&
		    !dwarf_attr(die, DW_AT_abstract_origin, &attr))
			return;
		if (!dwarf_formref_die(&attr, &next))
			return;
		*die = next;
	}
}

struct full_name {
	const void *addr; /* of the DIE */
	const char *text;
};

static int compare_full_names(const void *left, const void *right)
{
	const struct full_name *a = left, *b = right;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static const char *compose(struct inspect *in, Dwarf_Die *die)
{
	Dwarf_Die declaration = *die, *scopes = NULL;
	const char *text = dwarf_diename(die), *name;
	int count;

	find_declaration(&declaration);
	count = dwarf_getscopes_die(&declaration, &scopes);
	for (int i = 1; i < count; i++) {
		name = scope_name(&scopes[i]);
		if (name)
			text = cplus_join(in, name, text);
	}
	free(scopes);
	return text;
}

const char *cplus_full_name(struct inspect *in, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	struct full_name *full, **found;

	if (!name || !cplus_is(die))
		return name;
	full = inspect_alloc(in, sizeof(*full));
	full->addr = die->addr;
	found = tsearch(full, &in->full_names, compare_full_names);
	if (!found)
		abort();
	if (*found == full)
		full->text = compose(in, die);
	return (*found)->text;
}

const char *cplus_function(struct inspect *in, Dwarf_Die *die)
{
	return cplus_is(die) ? cplus_full_name(in, die) : die_name(die);
}

const char *cplus_demangled(struct inspect *in, const char *symbol)
{
	sn_auto_free char *text = NULL;
	int status;

	if (!symbol || strncmp(symbol, "_Z", 2) != 0)
		return symbol;
	text = __cxa_demangle(symbol, NULL, NULL, &status);
	return text ? inspect_strdup(in, text) : symbol;
}

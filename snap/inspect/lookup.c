// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/lookup.h"

#include "snap/inspect/cplus.h"
#include "snap/inspect/evidence.h"
#include "snap/inspect/name_index.h"

#include <dwarf.h>

/* ---- what fits ---- */

struct wanted {
	bool symbol; /* else a type */
	int tag;     /* of the type; 0: typedef or basic */
};

static bool fits(const struct wanted *wanted, int tag)
{
	if (wanted->symbol)
		return names_is_symbol(tag);
	if (wanted->tag == DW_TAG_structure_type)
		return tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
	if (wanted->tag)
		return tag == wanted->tag;
	return tag == DW_TAG_typedef || tag == DW_TAG_base_type;
}

static bool is_declaration(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_declaration);
}

/* Directly in `parent`, or an enumerator of an enum that is. */
static bool find_in(Dwarf_Die *parent, const struct wanted *wanted, const char *name,
		    Dwarf_Die *found)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(parent, &child); more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);
		const char *text;

		if (tag == DW_TAG_enumeration_type && wanted->symbol &&
		    find_in(&child, wanted, name, found))
			return true;
		if (!fits(wanted, tag) || is_declaration(&child))
			continue;
		text = dwarf_diename(&child);
		if (text && strcmp(text, name) == 0) {
			*found = child;
			return true;
		}
	}
	return false;
}

/* A block without addresses is none to the debugger: what is in it belongs to the one around. */
static bool is_dissolved(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_lexical_block && !dwarf_hasattr(die, DW_AT_low_pc) &&
	       !dwarf_hasattr(die, DW_AT_ranges);
}

/* Whether a child of the concrete block stands for this one of the abstract block. */
static bool is_made_concrete(Dwarf_Die *block, const Dwarf_Die *abstract, int depth)
{
	Dwarf_Attribute attr;
	Dwarf_Die child, origin;
	int more;

	for (more = dwarf_child(block, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_attr(&child, DW_AT_abstract_origin, &attr) &&
		    dwarf_formref_die(&attr, &origin) && origin.addr == abstract->addr)
			return true;
		if (is_dissolved(&child) && is_made_concrete(&child, abstract, depth + 1))
			return true;
	}
	return false;
}

static bool each_child(Dwarf_Die *parent, Dwarf_Die *concrete, int depth,
		       bool (*each)(void *arg, Dwarf_Die *die), void *arg)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(parent, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		if (concrete && is_made_concrete(concrete, &child, 0))
			continue;
		if (is_dissolved(&child)) {
			if (each_child(&child, concrete, depth + 1, each, arg))
				return true;
		} else if (each(arg, &child)) {
			return true;
		}
	}
	return false;
}

/* What is in a block: its own children, then those of its abstract origin that have no instance in
 * it, such as statics of a function that was inlined. True once each() is. */
static bool each_in_block(Dwarf_Die *block, bool (*each)(void *arg, Dwarf_Die *die), void *arg)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;

	if (each_child(block, NULL, 0, each, arg))
		return true;
	return dwarf_attr(block, DW_AT_abstract_origin, &attr) &&
	       dwarf_formref_die(&attr, &origin) && each_child(&origin, block, 0, each, arg);
}

struct block_search {
	const struct wanted *wanted;
	const char *name;
	Dwarf_Die *found;
};

/* Itself, or an enumerator of it. */
static bool visit_wanted(void *arg, Dwarf_Die *die)
{
	const struct block_search *search = arg;
	int tag = dwarf_tag(die);
	const char *text;

	if (tag == DW_TAG_enumeration_type && search->wanted->symbol &&
	    find_in(die, search->wanted, search->name, search->found))
		return true;
	if (!fits(search->wanted, tag) || is_declaration(die))
		return false;
	text = dwarf_diename(die);
	if (!text || strcmp(text, search->name) != 0)
		return false;
	*search->found = *die;
	return true;
}

static bool find_in_block(Dwarf_Die *block, const struct wanted *wanted, const char *name,
			  Dwarf_Die *found)
{
	struct block_search search = {wanted, name, found};

	return each_in_block(block, visit_wanted, &search);
}

static bool is_in_cu(Dwarf_Die *die, const Dwarf_Die *cu)
{
	Dwarf_Die own;

	return dwarf_diecu(die, &own, NULL, NULL) && own.addr == cu->addr;
}

/* Among all of the name: one of the frame's unit, else an external one, else the first. */
static bool find_global(struct inspect *in, const struct frame *frame, const struct wanted *wanted,
			const char *name, struct found *found)
{
	int best = 0;

	for (size_t m = 0; m < in->module_count && best < 3; m++) {
		struct names *names = names_of(in, in->modules[m]);
		struct name *at = names_first(names, name);

		for (; at && at < names->list + names->count && strcmp(at->text, name) == 0; at++) {
			int rank = 1;

			if (!fits(wanted, at->tag) || is_declaration(&at->die))
				continue;
			if (frame && frame->has_cu && is_in_cu(&at->die, &frame->cu))
				rank = 3;
			else if (dwarf_hasattr_integrate(&at->die, DW_AT_external))
				rank = 2;
			if (rank > best) {
				*found = (struct found){in->modules[m], at->die};
				best = rank;
			}
		}
	}
	return best > 0;
}

static bool find_in_blocks(const struct frame *frame, const struct wanted *wanted, const char *name,
			   struct found *found)
{
	for (size_t i = frame ? frame->path_len : 0; i > 0; i--) {
		Dwarf_Die scope = frame->path[i - 1];

		if (find_in_block(&scope, wanted, name, &found->die)) {
			found->module = frame->module;
			return true;
		}
	}
	return false;
}

/* In the classes and namespaces that the function is in, from the innermost. */
static bool find_around(struct inspect *in, const struct frame *frame, const struct wanted *wanted,
			const char *name, struct found *found)
{
	sn_auto_free char *scope = NULL, *full = NULL;
	const char *function = NULL;

	if (frame && frame->path_len && in->cplus)
		function = cplus_full_name(in, &frame->path[0]);
	if (!function)
		return false;
	scope = sn_strdup(function);
	for (char *end = strrchr(scope, ':'); end > scope; end = strrchr(scope, ':')) {
		end[-1] = '\0';
		free(full);
		full = sn_asprintf("%s::%s", scope, name);
		if (find_global(in, frame, wanted, full, found))
			return true;
	}
	return false;
}

static bool find_anywhere(struct inspect *in, const struct frame *frame,
			  const struct wanted *wanted, const char *name, struct found *found)
{
	return find_in_blocks(frame, wanted, name, found) ||
	       find_around(in, frame, wanted, name, found) ||
	       find_global(in, frame, wanted, name, found);
}

static bool find(struct inspect *in, const struct frame *frame, const struct wanted *wanted,
		 const char *name, struct found *found)
{
	bool is_there = find_anywhere(in, frame, wanted, name, found);

	if (frame)
		reads_lookup(in->reads, wanted->symbol, wanted->tag, name,
			     is_there ? found->die.addr : NULL);
	return is_there;
}

void *lookup_again(struct inspect *in, const struct frame *frame, bool symbol, int tag,
		   const char *name)
{
	const struct wanted wanted = {.symbol = symbol, .tag = tag};
	struct found found;

	return find_anywhere(in, frame, &wanted, name, &found) ? found.die.addr : NULL;
}

bool lookup_symbol(struct inspect *in, const struct frame *frame, const char *name,
		   struct found *found)
{
	const struct wanted wanted = {.symbol = true};

	return find(in, frame, &wanted, name, found);
}

struct type *lookup_type(struct inspect *in, const struct frame *frame, int tag, const char *name)
{
	const struct wanted wanted = {.tag = tag};
	struct found found;

	if (!find(in, frame, &wanted, name, &found))
		return NULL;
	return type_at(in, found.module, &found.die);
}

bool lookup_local(struct inspect *in, const struct frame *frame, const char *name,
		  struct found *found)
{
	const struct wanted wanted = {.symbol = true};

	(void)in;
	return find_in_blocks(frame, &wanted, name, found);
}

struct type *lookup_any_type(struct inspect *in, const struct frame *frame, const char *name)
{
	static const int tags[] = {0, DW_TAG_structure_type, DW_TAG_union_type,
				   DW_TAG_enumeration_type};
	struct type *type = NULL;

	for (size_t i = 0; i < sn_countof(tags) && !type && (i == 0 || in->cplus); i++)
		type = lookup_type(in, frame, tags[i], name);
	return type;
}

struct type *lookup_complete(struct inspect *in, const struct type *declared)
{
	const int tag = declared->kind == TYPE_UNION  ? DW_TAG_union_type
			: declared->kind == TYPE_ENUM ? DW_TAG_enumeration_type
						      : DW_TAG_structure_type;

	return lookup_type(in, NULL, tag, declared->name);
}

/* ---- scopes by name ---- */

static bool is_file(Dwarf_Die *cu, const char *file)
{
	const char *name = dwarf_diename(cu), *base;

	if (!name)
		return false;
	base = strrchr(name, '/');
	return strcmp(name, file) == 0 || (base && strcmp(base + 1, file) == 0);
}

/* In a function, in any of its blocks. */
static bool find_within(Dwarf_Die *scope, const struct wanted *wanted, const char *name,
			Dwarf_Die *found, int depth)
{
	Dwarf_Die child;
	int more;

	if (find_in(scope, wanted, name, found))
		return true;
	for (more = dwarf_child(scope, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_lexical_block &&
		    find_within(&child, wanted, name, found, depth + 1))
			return true;
	}
	return false;
}

bool lookup_scoped(struct inspect *in, const char *scope, const char *name, struct found *found)
{
	const struct wanted wanted = {.symbol = true};
	struct found function;
	Dwarf_Attribute attr;

	if (lookup_symbol(in, NULL, scope, &function) &&
	    dwarf_tag(&function.die) == DW_TAG_subprogram) {
		found->module = function.module;
		if (find_within(&function.die, &wanted, name, &found->die, 0))
			return true;
		/* an instance has its statics where what it is one of is */
		return dwarf_attr(&function.die, DW_AT_abstract_origin, &attr) &&
		       dwarf_formref_die(&attr, &function.die) &&
		       find_within(&function.die, &wanted, name, &found->die, 0);
	}
	for (size_t m = 0; m < in->module_count; m++) {
		Dwarf_Die *cu = NULL;
		Dwarf_Addr bias;

		if (!in->modules[m]->dwfl)
			continue;
		while ((cu = dwfl_module_nextcu(in->modules[m]->dwfl, cu, &bias))) {
			Dwarf_Die unit = unit_whole(cu);

			found->module = in->modules[m];
			if (is_file(&unit, scope) && find_in(&unit, &wanted, name, &found->die))
				return true;
		}
	}
	return false;
}

static bool find_parent(Dwarf_Die *scope, const Dwarf_Die *wanted, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child, inner;
	int more, found;

	for (more = dwarf_child(scope, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_enumeration_type) {
			for (found = dwarf_child(&child, &inner); found == 0;
			     found = dwarf_siblingof(&inner, &inner)) {
				if (inner.addr != wanted->addr)
					continue;
				*parent = child;
				return true;
			}
		} else if (dwarf_haschildren(&child) &&
			   find_parent(&child, wanted, parent, depth + 1)) {
			return true;
		}
	}
	return false;
}

struct type *lookup_enum_of(struct inspect *in, struct module *module, Dwarf_Die *enumerator)
{
	Dwarf_Die cu, parent;

	if (!dwarf_diecu(enumerator, &cu, NULL, NULL) || !find_parent(&cu, enumerator, &parent, 0))
		return NULL;
	return type_at(in, module, &parent);
}

struct block_walk {
	bool parameters;
	void (*each)(void *arg, Dwarf_Die *die);
	void *arg;
};

static bool visit_variable(void *arg, Dwarf_Die *die)
{
	const struct block_walk *walk = arg;
	int tag = dwarf_tag(die);

	if (tag == (walk->parameters ? DW_TAG_formal_parameter : DW_TAG_variable) &&
	    dwarf_diename(die) && !is_declaration(die) &&
	    /* in C++ `this` is one, and what a lambda refers to */
	    (!dwarf_hasattr_integrate(die, DW_AT_artificial) || cplus_is(die)))
		walk->each(walk->arg, die);
	return false;
}

void lookup_block(Dwarf_Die *block, bool parameters, void (*each)(void *arg, Dwarf_Die *die),
		  void *arg)
{
	struct block_walk walk = {parameters, each, arg};

	each_in_block(block, visit_variable, &walk);
}

/* ---- all that begin so ---- */

struct names_walk {
	bool tags;
	const char *prefix;
	void (*each)(void *arg, const char *name);
	void *arg;
};

static void tell_name(const struct names_walk *walk, const char *name, int tag)
{
	bool is_tag = tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
		      tag == DW_TAG_enumeration_type || tag == DW_TAG_class_type;

	if (name && (is_tag || names_is_type(tag) || names_is_symbol(tag)) &&
	    is_tag == walk->tags && strncmp(name, walk->prefix, strlen(walk->prefix)) == 0)
		walk->each(walk->arg, name);
}

static bool visit_name(void *arg, Dwarf_Die *die)
{
	tell_name(arg, dwarf_diename(die), dwarf_tag(die));
	return false;
}

void lookup_names(struct inspect *in, const struct frame *frame, bool tags, const char *prefix,
		  void (*each)(void *arg, const char *name), void *arg)
{
	struct names_walk walk = {tags, prefix, each, arg};

	for (size_t i = frame ? frame->path_len : 0; i > 0; i--) {
		Dwarf_Die scope = frame->path[i - 1];

		each_in_block(&scope, visit_name, &walk);
	}
	for (size_t m = 0; m < in->module_count; m++) {
		struct names *names = names_of(in, in->modules[m]);

		for (size_t i = names_place(names, prefix);
		     names && i < names->count &&
		     strncmp(names->list[i].text, prefix, strlen(prefix)) == 0;
		     i++)
			tell_name(&walk, names->list[i].text, names->list[i].tag);
		/* without debug information there are the symbols still */
		if (!tags && (!names || !names->count))
			symbols_named(in, in->modules[m], prefix, each, arg);
	}
}

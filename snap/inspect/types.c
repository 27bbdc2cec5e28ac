// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/types.h"

#include "snap/inspect/cplus.h"
#include "snap/inspect/lookup.h"

#include <dwarf.h>
#include <search.h>

enum { DIMENSIONS_MAX = 32, MEMBERS_MAX = 1 << 20, TARGETS_MAX = 256 };

/* ---- from DIEs ---- */

static int compare_types(const void *left, const void *right)
{
	const struct type *a = left, *b = right;

	return a->die.addr < b->die.addr ? -1 : a->die.addr > b->die.addr;
}

static bool get_number(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formudata(&attr, &word) != 0)
		return false;
	*value = word;
	return true;
}

/* gdb says "unsigned long" where the compiler says "long unsigned int". */
static const char *plain_name(const char *name)
{
	static const char *const names[][2] = {
		{"long int", "long"},
		{"long unsigned int", "unsigned long"},
		{"long long int", "long long"},
		{"long long unsigned int", "unsigned long long"},
		{"short int", "short"},
		{"short unsigned int", "unsigned short"},
		{"__int128 unsigned", "unsigned __int128"},
	};

	for (size_t i = 0; name && i < sn_countof(names); i++) {
		if (strcmp(name, names[i][0]) == 0)
			return names[i][1];
	}
	return name;
}

static void fill_base(struct type *type)
{
	uint64_t encoding = 0;

	get_number(&type->die, DW_AT_encoding, &encoding);
	type->kind = TYPE_INT;
	type->name = plain_name(type->name);
	switch (encoding) {
	case DW_ATE_boolean:
		type->kind = TYPE_BOOL;
		break;
	case DW_ATE_float:
		type->kind = TYPE_FLOAT;
		break;
	case DW_ATE_complex_float:
		type->kind = TYPE_COMPLEX;
		break;
	case DW_ATE_signed_char:
		type->kind = TYPE_CHAR;
		type->is_signed = true;
		break;
	case DW_ATE_UTF:
		type->is_unicode = type->size > 1;
		__attribute__((fallthrough));
	case DW_ATE_unsigned_char:
		type->kind = TYPE_CHAR;
		break;
	case DW_ATE_signed:
		type->is_signed = true;
		break;
	default:
		break;
	}
}

/* libdw extends the sign of short forms, in which compilers write numbers without one. */
static bool get_bound(Dwarf_Die *range, Dwarf_Sword *upper)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr_integrate(range, DW_AT_upper_bound, &attr))
		return false;
	switch (dwarf_whatform(&attr)) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
		if (dwarf_formudata(&attr, &word) != 0)
			return false;
		*upper = (Dwarf_Sword)word;
		return true;
	default:
		return dwarf_formsdata(&attr, upper) == 0;
	}
}

/* One dimension; without a constant bound it is open. */
static bool dimension(Dwarf_Die *range, uint64_t *count)
{
	Dwarf_Sword upper;
	uint64_t lower = 0;

	if (get_number(range, DW_AT_count, count))
		return true;
	get_number(range, DW_AT_lower_bound, &lower);
	if (!get_bound(range, &upper))
		return false;
	/* GNU writes [0] as an upper bound of -1 in various widths */
	*count = (uint64_t)upper - lower + 1;
	if (*count > UINT64_C(1) << 40)
		*count = 0;
	return true;
}

/* int a[2][3] is one DIE with two ranges: an array of two arrays of three. */
static void fill_array(struct inspect *in, struct type *type)
{
	Dwarf_Die ranges[DIMENSIONS_MAX], child;
	size_t count = 0;
	struct type *element = type_of(in, type->module, &type->die);
	int more;

	for (more = dwarf_child(&type->die, &child); more == 0 && count < DIMENSIONS_MAX;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_subrange_type)
			ranges[count++] = child;
	}
	type->kind = TYPE_ARRAY;
	type->is_vector = dwarf_hasattr(&type->die, DW_AT_GNU_vector);
	while (count > 1) {
		uint64_t n = 0;
		bool known = dimension(&ranges[--count], &n);

		element = type_array(in, element, n);
		element->has_count = known;
	}
	type->target = element;
	type->has_count = count == 1 && dimension(&ranges[0], &type->count);
	type->size = type->count * element->size;
}

static void fill_qualified(struct inspect *in, struct type *type, const char *word)
{
	type->kind = TYPE_QUALIFIED;
	type->name = word;
	type->target = type_of(in, type->module, &type->die);
	type->size = type->target->size;
}

static void fill_pointer(struct inspect *in, struct type *type, enum type_kind kind)
{
	type->kind = kind;
	type->name = NULL;
	type->target = type_of(in, type->module, &type->die);
	if (!type->size)
		type->size = sizeof(uint64_t);
}

/* A pointer to a method is two words: where, and what is added to the object's address. */
static void fill_member_pointer(struct inspect *in, struct type *type)
{
	Dwarf_Attribute attr;
	Dwarf_Die class;

	fill_pointer(in, type, TYPE_MEMBER);
	if (type_strip(type->target)->kind == TYPE_FUNCTION)
		type->size = 2 * sizeof(uint64_t);
	type->class = dwarf_attr_integrate(&type->die, DW_AT_containing_type, &attr) &&
				      dwarf_formref_die(&attr, &class)
			      ? type_at(in, type->module, &class)
			      : type_basic(in, BASIC_VOID);
}

static void fill_struct(struct type *type, enum type_kind kind)
{
	type->kind = kind;
	type->is_incomplete = dwarf_hasattr(&type->die, DW_AT_declaration);
}

/* Only C has functions that say nothing of their parameters. */
static bool is_prototyped(Dwarf_Die *die)
{
	Dwarf_Die cu;

	return dwarf_hasattr_integrate(die, DW_AT_prototyped) ||
	       (dwarf_diecu(die, &cu, NULL, NULL) && dwarf_srclang(&cu) == DW_LANG_Mips_Assembler);
}

static void fill(struct inspect *in, struct type *type)
{
	switch (dwarf_tag(&type->die)) {
	case DW_TAG_base_type:
		fill_base(type);
		break;
	case DW_TAG_pointer_type:
		fill_pointer(in, type, TYPE_POINTER);
		break;
	case DW_TAG_rvalue_reference_type:
		type->is_rvalue = true;
		__attribute__((fallthrough));
	case DW_TAG_reference_type:
		fill_pointer(in, type, TYPE_REFERENCE);
		break;
	case DW_TAG_array_type:
		fill_array(in, type);
		break;
	case DW_TAG_class_type:
		type->is_class = true;
		__attribute__((fallthrough));
	case DW_TAG_structure_type:
		fill_struct(type, TYPE_STRUCT);
		break;
	case DW_TAG_union_type:
		fill_struct(type, TYPE_UNION);
		break;
	case DW_TAG_enumeration_type:
		fill_struct(type, TYPE_ENUM);
		type->is_scoped = dwarf_hasattr(&type->die, DW_AT_enum_class);
		break;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		type->kind = TYPE_FUNCTION;
		type->name = NULL;
		type->size = 1;
		type->target = type_of(in, type->module, &type->die);
		type->is_prototyped = is_prototyped(&type->die);
		break;
	case DW_TAG_typedef:
		type->kind = TYPE_TYPEDEF;
		type->target = type_of(in, type->module, &type->die);
		type->size = type->target->size;
		break;
	case DW_TAG_const_type:
		fill_qualified(in, type, "const");
		break;
	case DW_TAG_volatile_type:
		fill_qualified(in, type, "volatile");
		break;
	case DW_TAG_restrict_type:
		fill_qualified(in, type, "restrict");
		break;
	case DW_TAG_atomic_type:
		fill_qualified(in, type, "_Atomic");
		break;
	case DW_TAG_unspecified_type: /* decltype(nullptr) */
		type->kind = TYPE_INT;
		type->size = sizeof(uint64_t);
		break;
	case DW_TAG_ptr_to_member_type:
		fill_member_pointer(in, type);
		break;
	default:
		type->kind = TYPE_VOID;
		type->size = 1;
		break;
	}
}

/* In damaged debug information a type may be one of itself. */
static bool leads_to(const struct type *from, const struct type *type)
{
	size_t steps = 0;

	for (; from && from != type && steps < TARGETS_MAX; steps++)
		from = from->target;
	return from == type || steps == TARGETS_MAX;
}

struct type *type_at(struct inspect *in, struct module *module, Dwarf_Die *die)
{
	struct type *type = inspect_alloc(in, sizeof(*type)), **found;

	type->module = module;
	type->die = *die;
	found = tsearch(type, &in->types, compare_types);
	if (!found)
		abort();
	if (*found != type)
		return *found;
	type->has_die = true;
	type->name = cplus_full_name(in, die);
	get_number(die, DW_AT_byte_size, &type->size);
	fill(in, type);
	if (leads_to(type->target, type))
		type->target = type_basic(in, BASIC_VOID);
	return type;
}

struct type *type_of(struct inspect *in, struct module *module, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;

	if (!dwarf_attr_integrate(die, DW_AT_type, &attr) || !dwarf_formref_die(&attr, &type))
		return type_basic(in, BASIC_VOID);
	return type_at(in, module, &type);
}

/* ---- members ---- */

/* Where a bitfield is: DWARF 4 and 5 count bits from the struct's start; DWARF 3 from the
 * highest bit of the storage unit. */
static void place_bits(Dwarf_Die *die, struct member *member)
{
	uint64_t bits, from_top, unit = member->type->size;

	/* what no bitfield can have is damage */
	if (!get_number(die, DW_AT_bit_size, &bits) || !bits || bits > 64 ||
	    bits > 8 * member->type->size)
		return;
	member->bit_size = (unsigned)bits;
	if (get_number(die, DW_AT_data_bit_offset, &bits)) {
		member->offset = bits / 8;
		member->bit_offset = bits % 8;
	} else if (get_number(die, DW_AT_bit_offset, &from_top)) {
		get_number(die, DW_AT_byte_size, &unit);
		if (unit > 16 || from_top + member->bit_size > unit * 8 ||
		    member->offset > UINT64_MAX / 16) {
			member->bit_size = 0;
			return;
		}
		bits = member->offset * 8 + unit * 8 - from_top - member->bit_size;
		member->offset = bits / 8;
		member->bit_offset = bits % 8;
	}
}

/* In C++ with the scope it is in: that of its enum, or the enum itself. */
static const char *enumerator_name(struct inspect *in, const struct type *type, const char *name)
{
	sn_auto_free char *scope = type->name && name ? sn_strdup(type->name) : NULL;
	char *end;

	if (!scope || !cplus_is((Dwarf_Die *)&type->die))
		return name;
	end = type->is_scoped ? scope + strlen(scope) : strrchr(scope, ':');
	if (!end)
		return name;
	end[type->is_scoped ? 0 : -1] = '\0';
	return cplus_join(in, scope, name);
}

/* A variable of a class: DWARF 4 calls it a member, 5 a variable. */
static bool is_static_member(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_variable ||
	       (dwarf_tag(die) == DW_TAG_member &&
		(dwarf_hasattr(die, DW_AT_external) || dwarf_hasattr(die, DW_AT_declaration)));
}

static struct type *const_of(struct inspect *in, struct type *target)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_QUALIFIED;
	type->name = "const";
	type->target = target;
	type->size = target->size;
	return type;
}

static void read_member(struct inspect *in, struct type *type, Dwarf_Die *die,
			struct member *member)
{
	Dwarf_Attribute attr;
	Dwarf_Sword value;

	member->name = dwarf_diename(die);
	member->die = *die;
	member->inherits = dwarf_tag(die) == DW_TAG_inheritance;
	member->is_static = is_static_member(die);
	if (dwarf_tag(die) == DW_TAG_enumerator) {
		member->name = enumerator_name(in, type, member->name);
		if (dwarf_attr(die, DW_AT_const_value, &attr) &&
		    dwarf_formsdata(&attr, &value) == 0)
			member->value = value;
		return;
	}
	member->type = type_of(in, type->module, die);
	/* `this` does not change; compilers say so of methods, not of their types */
	if (type->kind == TYPE_FUNCTION && dwarf_hasattr(die, DW_AT_artificial) &&
	    member->type->kind == TYPE_POINTER)
		member->type = const_of(in, member->type);
	get_number(die, DW_AT_data_member_location, &member->offset);
	place_bits(die, member);
}

static bool is_member(const struct type *type, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_member:
		return true;
	case DW_TAG_variable:
		return type->kind == TYPE_STRUCT || type->kind == TYPE_UNION;
	case DW_TAG_inheritance:
		return true;
	case DW_TAG_enumerator:
		return type->kind == TYPE_ENUM;
	case DW_TAG_formal_parameter:
		return type->kind == TYPE_FUNCTION;
	default:
		return false;
	}
}

void type_members(struct inspect *in, struct type *type)
{
	struct type *whole = type;
	Dwarf_Die child;
	size_t cap = 0;
	int more;

	if (type->has_members || !type->has_die)
		return;
	type->has_members = true;
	if (type->is_incomplete && type->name) {
		whole = lookup_complete(in, type);
		if (!whole)
			return;
		type->is_incomplete = false;
		type->size = whole->size;
		type->die = whole->die;
		type->module = whole->module;
	}
	for (more = dwarf_child(&whole->die, &child); more == 0 && type->member_count < MEMBERS_MAX;
	     more = dwarf_siblingof(&child, &child)) {
		if (!is_member(type, &child))
			continue;
		if (type->member_count == cap) {
			struct member *grown;

			cap = cap ? 2 * cap : 8;
			grown = inspect_alloc(in, cap * sizeof(*grown));
			if (type->member_count)
				memcpy(grown, type->members, type->member_count * sizeof(*grown));
			type->members = grown;
		}
		read_member(in, type, &child, &type->members[type->member_count++]);
	}
}

/* ---- made ---- */

struct type *type_pointer(struct inspect *in, struct type *target)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_POINTER;
	type->size = sizeof(uint64_t);
	type->target = target;
	return type;
}

struct type *type_array(struct inspect *in, struct type *element, uint64_t count)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_ARRAY;
	type->target = element;
	type->has_count = true;
	type->count = count;
	type->size = element->size * count;
	return type;
}

struct type *type_basic(struct inspect *in, enum basic basic)
{
	static const struct {
		enum type_kind kind;
		uint64_t size;
		bool is_signed;
		const char *name;
	} table[BASIC_COUNT] = {
		[BASIC_VOID] = {TYPE_VOID, 1, false, "void"},
		[BASIC_CHAR] = {TYPE_CHAR, 1, true, "char"},
		[BASIC_SCHAR] = {TYPE_CHAR, 1, true, "signed char"},
		[BASIC_UCHAR] = {TYPE_CHAR, 1, false, "unsigned char"},
		[BASIC_SHORT] = {TYPE_INT, 2, true, "short"},
		[BASIC_USHORT] = {TYPE_INT, 2, false, "unsigned short"},
		[BASIC_INT] = {TYPE_INT, 4, true, "int"},
		[BASIC_UINT] = {TYPE_INT, 4, false, "unsigned int"},
		[BASIC_LONG] = {TYPE_INT, 8, true, "long"},
		[BASIC_ULONG] = {TYPE_INT, 8, false, "unsigned long"},
		[BASIC_LONGLONG] = {TYPE_INT, 8, true, "long long"},
		[BASIC_ULONGLONG] = {TYPE_INT, 8, false, "unsigned long long"},
		[BASIC_FLOAT] = {TYPE_FLOAT, 4, true, "float"},
		[BASIC_DOUBLE] = {TYPE_FLOAT, 8, true, "double"},
		[BASIC_LONGDOUBLE] = {TYPE_FLOAT, 16, true, "long double"},
		[BASIC_INT128] = {TYPE_INT, 16, true, "__int128"},
		[BASIC_UINT128] = {TYPE_INT, 16, false, "unsigned __int128"},
		[BASIC_BOOL] = {TYPE_BOOL, 1, false, "bool"},
	};
	struct type *type;

	if (!in->basics)
		in->basics = inspect_alloc(in, BASIC_COUNT * sizeof(*in->basics));
	type = in->basics[basic];
	if (type)
		return type;
	type = in->basics[basic] = inspect_alloc(in, sizeof(*type));
	type->kind = table[basic].kind;
	type->size = table[basic].size;
	type->is_signed = table[basic].is_signed;
	type->name = table[basic].name;
	return type;
}

struct type *type_fixed(struct inspect *in, unsigned size, bool is_signed)
{
	struct type *type = inspect_alloc(in, sizeof(*type));
	char name[16];

	snprintf(name, sizeof(name), "%sint%u_t", is_signed ? "" : "u", 8 * size);
	type->kind = TYPE_INT;
	type->size = size;
	type->is_signed = is_signed;
	type->is_number = size == 1;
	type->name = inspect_strdup(in, name);
	return type;
}

struct type *type_truth(struct inspect *in)
{
	return type_basic(in, in->cplus ? BASIC_BOOL : BASIC_INT);
}

struct type *type_strip(struct type *type)
{
	for (size_t i = 0; i < 256 && (type->kind == TYPE_TYPEDEF || type->kind == TYPE_QUALIFIED);
	     i++)
		type = type->target;
	return type;
}

bool type_is_integer(struct type *type)
{
	enum type_kind kind = type_strip(type)->kind;

	return kind == TYPE_INT || kind == TYPE_CHAR || kind == TYPE_BOOL || kind == TYPE_ENUM;
}

bool type_is_scalar(struct type *type)
{
	enum type_kind kind = type_strip(type)->kind;

	return type_is_integer(type) || kind == TYPE_FLOAT || kind == TYPE_POINTER ||
	       kind == TYPE_REFERENCE;
}

bool type_is_wide(struct type *type)
{
	type = type_strip(type);
	return type->kind == TYPE_INT && type->size > 8;
}

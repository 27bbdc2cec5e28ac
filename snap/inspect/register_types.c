// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/register_types.h"

enum { XMM_BYTES = 16 };

/* One way to see a vector: xmm and ymm have other names for the same. */
static const struct view {
	const char *name, *letters; /* "v4_float", "v4f" */
	const char *xmm_element, *ymm_element;
	enum type_kind kind;
	unsigned size;
} views[] = {
	{"bfloat16", "bf16", "builtin_type_bfloat16", "bfloat16", TYPE_FLOAT, 2},
	{"half", "h", "builtin_type_ieee_half", "half", TYPE_FLOAT, 2},
	{"float", "f", "builtin_type_ieee_single", "float", TYPE_FLOAT, 4},
	{"double", "d", "builtin_type_ieee_double", "double", TYPE_FLOAT, 8},
	{"int8", "i8", "int8_t", "int8_t", TYPE_INT, 1},
	{"int16", "i16", "int16_t", "int16_t", TYPE_INT, 2},
	{"int32", "i32", "int32_t", "int32_t", TYPE_INT, 4},
	{"int64", "i64", "int64_t", "int64_t", TYPE_INT, 8},
	{"int128", "i128", "uint128_t", "int128_t", TYPE_INT, 16},
};

static struct type *element_type(struct inspect *in, const struct view *view, bool is_xmm)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = view->kind;
	type->name = is_xmm ? view->xmm_element : view->ymm_element;
	type->size = view->size;
	type->is_signed = type->name[0] != 'u';
	type->is_number = true;
	type->is_bfloat = strcmp(view->name, "bfloat16") == 0;
	return type;
}

static struct type *named(struct inspect *in, struct type *target, const char *name)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_TYPEDEF;
	type->name = inspect_strdup(in, name);
	type->target = target;
	type->size = target->size;
	return type;
}

static void fill_view(struct inspect *in, struct member *member, const struct view *view,
		      size_t bytes)
{
	bool is_xmm = bytes == XMM_BYTES;
	unsigned count = (unsigned)bytes / view->size;
	struct type *element = element_type(in, view, is_xmm);
	char name[32];

	member->type = element;
	member->name = "uint128";
	if (count == 1)
		return;
	member->type = type_array(in, element, count);
	member->type->is_vector = true;
	snprintf(name, sizeof(name), "v%u%s", count, view->letters);
	if (is_xmm)
		member->type = named(in, member->type, name);
	snprintf(name, sizeof(name), "v%u_%s", count, view->name);
	member->name = inspect_strdup(in, name);
}

struct type *register_type_vector(struct inspect *in, size_t bytes)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_UNION;
	type->name = bytes == XMM_BYTES ? "vec128" : "builtin_type_vec256i";
	type->size = bytes;
	type->has_members = true;
	type->member_count = sn_countof(views);
	type->members = inspect_alloc(in, sizeof(views) / sizeof(views[0]) * sizeof(struct member));
	for (size_t i = 0; i < sn_countof(views); i++)
		fill_view(in, &type->members[i], &views[i], bytes);
	return type;
}

struct type *register_type_x87(struct inspect *in)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_FLOAT;
	type->name = "builtin_type_i387_ext";
	type->size = 10;
	type->is_signed = true;
	return type;
}

/* gdb has no sign in front of them, but computes with an int. */
static struct type *flags_type(struct inspect *in, const char *name, const char *const *flags,
			       size_t count)
{
	struct type *type = inspect_alloc(in, sizeof(*type));

	type->kind = TYPE_INT;
	type->name = name;
	type->size = 4;
	type->is_signed = true;
	type->flags = flags;
	type->flag_count = count;
	return type;
}

struct type *register_type_eflags(struct inspect *in)
{
	static const char *const flags[] = {
		"CF", "",   "PF", NULL, "AF", NULL, "ZF", "SF", "TF",  "IF",  "DF",
		"OF", NULL, NULL, "NT", NULL, "RF", "VM", "AC", "VIF", "VIP", "ID",
	};

	return flags_type(in, "i386_eflags", flags, sn_countof(flags));
}

struct type *register_type_mxcsr(struct inspect *in)
{
	static const char *const flags[] = {
		"IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM",
		"DM", "ZM", "OM", "UM", "PM", NULL, NULL,  "FZ",
	};

	return flags_type(in, "i386_mxcsr", flags, sn_countof(flags));
}

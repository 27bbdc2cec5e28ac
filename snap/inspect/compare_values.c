// SPDX-License-Identifier: Apache-2.0
/*
 * Two values, down to the members and elements that differ. What lies in memory is read only where
 * its pages differ; the types of both sides may be two, of two builds, and are matched by name.
 */
#include "snap/inspect/compare_internal.h"
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"

#define NAME_CHARACTERS                                                  \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"_.[]:'$"

enum { DEPTH_MAX = 48, STEPS_MAX = 1 << 22 };

/* ---- the path ---- */

void finding_begin(struct finding *finding, struct compare *compare, struct value_changes *out,
		   size_t max)
{
	*finding = (struct finding){.compare = compare, .out = out, .max = max};
}

void finding_end(struct finding *finding)
{
	free(finding->path);
	finding->path = NULL;
}

/* What was before comes back with finding_leave(f, returned). */
size_t finding_enter(struct finding *f, const char *text)
{
	size_t before = f->path_len, len = strlen(text);

	if (before + len + 1 > f->path_cap) {
		f->path_cap = 2 * (before + len + 1);
		f->path = sn_realloc(f->path, f->path_cap, 1);
	}
	memcpy(f->path + before, text, len + 1);
	f->path_len += len;
	return before;
}

void finding_leave(struct finding *f, size_t len)
{
	f->path_len = len;
	f->path[len] = '\0';
}

/* ---- telling ---- */

bool finding_is_full(struct finding *f)
{
	if (!f->max || f->out->count < f->max)
		return false;
	f->out->more++;
	return true;
}

void finding_add(struct finding *f, char *from, char *to)
{
	struct value_changes *out = f->out;

	out->list = sn_realloc(out->list, out->count + 1, sizeof(*out->list));
	out->list[out->count++] = (struct value_change){sn_strdup(f->path), from, to};
}

char *finding_words(struct inspect *in, struct value *value)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct format format = {.in = in, .out = out};

	if (!out)
		abort();
	format_value(&format, value);
	fclose(out);
	return text;
}

/* What reads the same is no difference: bytes of a float that mean nothing. */
void finding_tell(struct finding *f, struct value *a, struct value *b)
{
	char *from = finding_words(f->compare->from, a), *to = finding_words(f->compare->to, b);

	if (strcmp(from, to) != 0 && !finding_is_full(f)) {
		finding_add(f, from, to);
		return;
	}
	free(from);
	free(to);
}

/* ---- scalars ---- */

/* Both point to what is the same on both sides. */
static bool is_same_pointer(struct finding *f, struct value *a, struct value *b)
{
	struct sn_err ignored;
	int64_t from, to;
	uint64_t there;

	return value_to_number(f->compare->from, a, &from, &ignored) == 0 &&
	       value_to_number(f->compare->to, b, &to, &ignored) == 0 &&
	       compare_translate(f->compare, (uint64_t)from, &there) && there == (uint64_t)to;
}

static bool is_pointer(struct value *value)
{
	enum type_kind kind = type_strip(value->type)->kind;

	return kind == TYPE_POINTER || kind == TYPE_REFERENCE;
}

/* Of scalars. What cannot be read on both sides is equal. */
bool finding_is_equal(struct finding *f, struct value *a, struct value *b)
{
	struct sn_err ignored;
	const uint8_t *from, *to;
	int64_t x, y;

	if (a->is_absent || b->is_absent)
		return a->is_absent && b->is_absent;
	if (is_pointer(a) && is_pointer(b))
		return is_same_pointer(f, a, b);
	if (a->bit_size || b->bit_size || a->type->size != b->type->size)
		return value_to_number(f->compare->from, a, &x, &ignored) == 0 &&
		       value_to_number(f->compare->to, b, &y, &ignored) == 0 && x == y;
	from = value_bytes(f->compare->from, a, &ignored);
	to = value_bytes(f->compare->to, b, &ignored);
	return from && to ? memcmp(from, to, a->type->size) == 0 : !from && !to;
}

/* ---- structs ---- */

static const struct member *member_like(struct type *type, const struct member *member, size_t i)
{
	if (i < type->member_count && type->members[i].name == member->name)
		return &type->members[i];
	for (size_t k = 0; k < type->member_count; k++) {
		const struct member *other = &type->members[k];

		if (member->name && other->name && strcmp(member->name, other->name) == 0)
			return other;
	}
	return i < type->member_count && !member->name && !type->members[i].name ? &type->members[i]
										 : NULL;
}

static void compare_struct(struct finding *f, struct value *a, struct value *b, int depth)
{
	struct type *from = type_strip(a->type), *to = type_strip(b->type);
	struct sn_err ignored;

	type_members(f->compare->from, from);
	if (to != from)
		type_members(f->compare->to, to);
	for (size_t i = 0; i < from->member_count; i++) {
		const struct member *member = &from->members[i];
		const struct member *other = to == from ? member : member_like(to, member, i);
		struct value *x, *y;
		size_t before = f->path_len;

		if (!other)
			continue;
		x = value_member(f->compare->from, a, member, &ignored);
		y = value_member(f->compare->to, b, other, &ignored);
		if (!x || !y)
			continue;
		if (member->name && !member->inherits) {
			finding_enter(f, ".");
			finding_enter(f, member->name);
		}
		finding_compare(f, x, y, depth + 1);
		finding_leave(f, before);
	}
}

/* ---- any ---- */

static bool is_known_same(struct finding *f, struct value *a, struct value *b)
{
	return a->in_memory && b->in_memory && !a->bytes && !b->bytes &&
	       a->type->size == b->type->size &&
	       compare_is_same(f->compare, a->addr, b->addr, a->type->size);
}

void finding_compare(struct finding *f, struct value *a, struct value *b, int depth)
{
	struct type *from = type_strip(a->type), *to = type_strip(b->type);

	if (depth > DEPTH_MAX || f->steps++ > STEPS_MAX || is_known_same(f, a, b))
		return;
	if (a->is_absent || b->is_absent || from->kind != to->kind) {
		finding_tell(f, a, b);
		return;
	}
	switch (from->kind) {
	case TYPE_STRUCT:
	case TYPE_UNION:
		compare_struct(f, a, b, depth);
		break;
	case TYPE_ARRAY:
		finding_array(f, a, b, depth);
		break;
	case TYPE_VOID:
	case TYPE_FUNCTION:
	case TYPE_SYMBOL:
		break;
	default:
		if (!finding_is_equal(f, a, b))
			finding_tell(f, a, b);
		break;
	}
}

void values_compare(struct finding *finding, const char *name, struct value *from, struct value *to)
{
	size_t before = finding_enter(finding, name);

	finding_compare(finding, from, to, 0);
	finding_leave(finding, before);
}

void value_changes_release(struct value_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->list[i].name);
		free(changes->list[i].from);
		free(changes->list[i].to);
	}
	free(changes->list);
	*changes = (struct value_changes){0};
}

int compare_expression(struct compare *compare, struct spot spot, const char *expression,
		       size_t per_variable, struct value_changes *changes, struct sn_err *err)
{
	sn_auto_free char *wrapped = NULL;
	const char *name = expression;
	struct context from, to;
	struct value *a, *b;
	struct finding finding;

	*changes = (struct value_changes){0};
	if (context_at(compare->from, spot, &from, err) < 0 ||
	    context_at(compare->to, spot, &to, err) < 0)
		return -1;
	a = eval_text(&from, expression, err);
	b = a ? eval_text(&to, expression, err) : NULL;
	if (!a || !b)
		return -1;
	/* in front of a member or an index anything but a name chain needs parentheses */
	if (strspn(expression, NAME_CHARACTERS) != strlen(expression))
		name = wrapped = sn_asprintf("(%s)", expression);
	finding_begin(&finding, compare, changes, per_variable);
	values_compare(&finding, type_is_scalar(type_strip(a->type)) ? expression : name, a, b);
	finding_end(&finding);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Arrays: of scalars runs of elements, of characters strings, of others element by element. Of one
 * that lies in memory only those in what differs are looked at.
 */
#include "snap/inspect/compare_internal.h"
#include "snap/inspect/format.h"

/* More than any address space has: damaged. */
#define ARRAY_BYTES_MAX (UINT64_C(1) << 47)

enum {
	RUN_SHOWN = 8,	  /* elements of a run that are printed */
	RUN_EQUAL = 200,  /* of one whose elements are all the same, as gdb folds them */
	TEXT_SHOWN = 120, /* up to here a difference is shown by the whole string */
	SAME_ENOUGH = 4,  /* characters between two differences that do not end a run of text */
};

static size_t path_add_range(struct finding *f, uint64_t first, uint64_t last)
{
	char text[64];

	if (first == last)
		snprintf(text, sizeof(text), "[%lu]", first);
	else
		snprintf(text, sizeof(text), "[%lu..%lu]", first, last);
	return finding_enter(f, text);
}

/* Two arrays of one length and kind of element. */
struct arrays {
	struct value *from, *to;
	struct type *from_type, *to_type;
	uint64_t count;
	bool by_page; /* what differs is known by page */
};

static bool differs(struct finding *f, const struct arrays *arrays, uint64_t i)
{
	struct sn_err ignored;
	struct value x = {.type = arrays->from_type->target}, y = {.type = arrays->to_type->target};
	uint8_t from[32], to[32];
	size_t size = x.type->size;
	struct value *a, *b;

	/* without values that stay: there may be millions */
	if (arrays->by_page && size <= sizeof(from) && size == y.type->size) {
		if (inspect_read(f->compare->from, arrays->from->addr + i * size, from, size,
				 &ignored) < 0 ||
		    inspect_read(f->compare->to, arrays->to->addr + i * size, to, size, &ignored) <
			    0)
			return false;
		x.bytes = from;
		y.bytes = to;
		return !finding_is_equal(f, &x, &y);
	}
	a = value_element(f->compare->from, arrays->from, i, &ignored);
	b = value_element(f->compare->to, arrays->to, i, &ignored);
	return a && b && !finding_is_equal(f, a, b);
}

/* The first element from i on that may differ. */
static uint64_t skip_equal(const struct finding *f, const struct arrays *arrays, uint64_t i)
{
	uint64_t size = arrays->from_type->target->size, start = arrays->from->addr;
	uint64_t end = start + arrays->count * size;

	if (!arrays->by_page || i >= arrays->count)
		return i;
	return (compare_next(f->compare, start + i * size, end) - start) / size;
}

/* Elements as a value of their own. */
static struct value *slice(struct inspect *in, struct value *array, uint64_t first, uint64_t count)
{
	struct type *element = type_strip(array->type)->target;
	struct sn_err ignored;
	struct value *value = value_element(in, array, first, &ignored), *all;

	if (!value)
		return NULL;
	all = inspect_alloc(in, sizeof(*all));
	*all = *value;
	all->type = type_array(in, element, count);
	if (all->bytes && all->in_memory)
		all->bytes = NULL;
	return all;
}

/* "{1, 2, 3}", "{0 <repeats 40 times>}", "{1, 2, 3, 4, 5, 6, 7, 8...}" */
static char *run_words(struct inspect *in, struct value *array, uint64_t first, uint64_t count)
{
	uint64_t shown = count < RUN_EQUAL ? count : RUN_EQUAL;
	struct value *part = slice(in, array, first, shown);
	char *text;

	if (!part)
		return sn_strdup("<error>");
	text = finding_words(in, part);
	if (shown > RUN_SHOWN && !strstr(text, "<repeats")) {
		free(text);
		part = slice(in, array, first, RUN_SHOWN);
		text = finding_words(in, part);
		shown = RUN_SHOWN;
	}
	if (shown < count && strlen(text) > 1 && text[strlen(text) - 1] == '}') {
		sn_auto_free char *before = text;

		text = sn_asprintf("%.*s...}", (int)strlen(before) - 1, before);
	}
	return text;
}

static void tell_run(struct finding *f, const struct arrays *arrays, uint64_t first, uint64_t last)
{
	struct compare *compare = f->compare;
	struct sn_err ignored;
	size_t before;

	if (finding_is_full(f))
		return;
	before = path_add_range(f, first, last);
	if (first == last) {
		struct value *a = value_element(compare->from, arrays->from, first, &ignored);
		struct value *b = value_element(compare->to, arrays->to, first, &ignored);

		finding_tell(f, a, b);
	} else {
		finding_add(f, run_words(compare->from, arrays->from, first, last - first + 1),
			    run_words(compare->to, arrays->to, first, last - first + 1));
	}
	finding_leave(f, before);
}

/* gap: so many equal elements between two that differ do not end a run. */
static void compare_runs(struct finding *f, const struct arrays *arrays, uint64_t gap)
{
	uint64_t first = 0, last = 0;
	bool open = false;

	for (uint64_t i = skip_equal(f, arrays, 0); i < arrays->count;
	     i = skip_equal(f, arrays, i + 1)) {
		if (!differs(f, arrays, i))
			continue;
		if (open && i - last > gap + 1) {
			tell_run(f, arrays, first, last);
			open = false;
		}
		first = open ? first : i;
		last = i;
		open = true;
	}
	if (open)
		tell_run(f, arrays, first, last);
}

/* Up to the NUL, as a literal. */
static char *string_words(struct inspect *in, struct value *value, uint64_t count)
{
	uint8_t text[FORMAT_ELEMENTS + 1];
	uint64_t len = count < sizeof(text) ? count : sizeof(text);
	struct sn_err ignored;
	char *words = NULL;
	size_t size;
	struct format f = {.in = in};

	if (value->bytes)
		memcpy(text, value->bytes, len);
	else if (inspect_read(in, value->addr, text, len, &ignored) < 0)
		return NULL;
	f.out = text_stream(&words, &size);
	if (memchr(text, 0, len))
		format_string(&f, text, strnlen((char *)text, len) + 1, false);
	else
		format_string(&f, text, len, count > len);
	fclose(f.out);
	return words;
}

/* As strings where they differ as such, early enough to be seen; else the places that differ. */
static void compare_text(struct finding *f, const struct arrays *arrays)
{
	uint64_t i = skip_equal(f, arrays, 0);
	char *from, *to;

	while (i < arrays->count && !differs(f, arrays, i))
		i = skip_equal(f, arrays, i + 1);
	if (i >= arrays->count)
		return;
	from = string_words(f->compare->from, arrays->from, arrays->count);
	to = string_words(f->compare->to, arrays->to, arrays->count);
	if (i < TEXT_SHOWN && from && to && strcmp(from, to) != 0) {
		if (finding_is_full(f)) {
			free(from);
			free(to);
		} else {
			finding_add(f, from, to);
		}
		return;
	}
	free(from);
	free(to);
	compare_runs(f, arrays, SAME_ENOUGH);
}

static void compare_elements(struct finding *f, const struct arrays *arrays, int depth)
{
	struct sn_err ignored;

	for (uint64_t i = skip_equal(f, arrays, 0); i < arrays->count;
	     i = skip_equal(f, arrays, i + 1)) {
		struct value *a = value_element(f->compare->from, arrays->from, i, &ignored);
		struct value *b = value_element(f->compare->to, arrays->to, i, &ignored);
		size_t before = path_add_range(f, i, i);

		if (a && b)
			finding_compare(f, a, b, depth + 1);
		finding_leave(f, before);
	}
}

void finding_array(struct finding *f, struct value *a, struct value *b, int depth)
{
	struct type *from = type_strip(a->type), *to = type_strip(b->type);
	struct arrays arrays = {
		a, b, from, to, from->count < to->count ? from->count : to->count, false};
	enum type_kind kind = from->target ? type_strip(from->target)->kind : TYPE_VOID;

	if (!from->target || !to->target || !from->target->size ||
	    arrays.count > ARRAY_BYTES_MAX / from->target->size)
		return;
	arrays.by_page = a->in_memory && b->in_memory && !a->bytes && !b->bytes &&
			 from->target->size == to->target->size &&
			 compare_span(f->compare, a->addr);
	if (kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_ARRAY)
		compare_elements(f, &arrays, depth);
	else if (format_is_text(from->target, 0) && !from->is_vector)
		compare_text(f, &arrays);
	else
		compare_runs(f, &arrays, 0);
}

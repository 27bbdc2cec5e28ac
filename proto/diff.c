// SPDX-License-Identifier: Apache-2.0
#include "proto/diff.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/field.h"
#include "proto/print.h"

enum {
	VALUE_COLUMNS = 160, /* an added or removed message is told in so many */
};

struct walk {
	diff_emit *emit;
	void *arg;
	size_t seen;
	bool stop;
	char *path;
	size_t path_len;
	size_t path_cap;
};

/* ---- the path ---- */

static void path_add(struct walk *walk, const char *text)
{
	size_t before = walk->path_len, len = strlen(text);

	if (before + len + 1 > walk->path_cap) {
		walk->path_cap = 2 * (before + len + 1);
		walk->path = sn_realloc(walk->path, walk->path_cap, 1);
	}
	memcpy(walk->path + before, text, len + 1);
	walk->path_len += len;
}

static void path_cut(struct walk *walk, size_t len)
{
	walk->path_len = len;
	walk->path[len] = '\0';
}

static char *value_text(const ProtobufCFieldDescriptor *field, const void *value)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		message_print_line(out, field_message(value), VALUE_COLUMNS);
	else
		field_print(out, field, value);
	if (fclose(out) != 0)
		abort();
	return text;
}

/* ".name" or "name", and for an element of a list "[key]" or "[index]". What was
 * before comes back with path_cut(walk, returned). */
static size_t path_enter(struct walk *walk, const ProtobufCFieldDescriptor *field,
			 const void *value, size_t index)
{
	const ProtobufCFieldDescriptor *key = NULL;
	size_t before = walk->path_len;
	sn_auto_free char *number = NULL;

	if (before)
		path_add(walk, ".");
	path_add(walk, field->name);
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return before;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		key = field_key(field->descriptor);
	number = key ? value_text(key, field_at(field_message(value), key, 0))
		     : sn_asprintf("%zu", index);
	path_add(walk, "[");
	path_add(walk, number);
	path_add(walk, "]");
	return before;
}

/* ---- telling ---- */

/* `have` or `want` may be NULL: not there. */
static void tell(struct walk *walk, const ProtobufCMessage *owner,
		 const ProtobufCFieldDescriptor *field, const void *have, const void *want)
{
	sn_auto_free char *have_text = NULL, *want_text = NULL;
	struct diff_entry entry = {
		.what = !have ? DIFF_ADDED : !want ? DIFF_REMOVED : DIFF_CHANGED,
		.path = walk->path,
		.field = field,
		.owner = owner,
	};

	walk->seen++;
	if (!walk->emit) {
		walk->stop = true;
		return;
	}
	entry.have = have_text = have ? value_text(field, have) : NULL;
	entry.want = want_text = want ? value_text(field, want) : NULL;
	walk->stop = walk->emit(walk->arg, &entry) != 0;
}

/* ---- the walk ---- */

static void diff_fields(struct walk *walk, const ProtobufCMessage *have,
			const ProtobufCMessage *want);

/* One value: of both, or of one side with NULL for the other. */
static void diff_value(struct walk *walk, const ProtobufCMessage *owner,
		       const ProtobufCFieldDescriptor *field, size_t index, const void *have,
		       const void *want)
{
	size_t before;

	if (walk->stop)
		return;
	if (have && want && field_equal(field, have, want))
		return;
	before = path_enter(walk, field, have ? have : want, index);
	if (have && want && field->type == PROTOBUF_C_TYPE_MESSAGE)
		diff_fields(walk, field_message(have), field_message(want));
	else
		tell(walk, owner, field, have, want);
	path_cut(walk, before);
}

struct element {
	uint64_t key;
	size_t index;
};

static int element_order(const void *a, const void *b)
{
	const struct element *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* The elements of a list by key; those of one key in the order of the list. */
static struct element *elements_by_key(const ProtobufCMessage *message,
				       const ProtobufCFieldDescriptor *field,
				       const ProtobufCFieldDescriptor *key)
{
	size_t count = field_count(message, field);
	struct element *elements = sn_calloc(count, sizeof(*elements));

	for (size_t i = 0; i < count; i++) {
		const ProtobufCMessage *sub = field_message(field_at(message, field, i));
		const void *value = field_at(sub, key, 0);

		elements[i].index = i;
		if (key->type == PROTOBUF_C_TYPE_FIXED64)
			memcpy(&elements[i].key, value, sizeof(uint64_t));
		else
			elements[i].key = *(const uint32_t *)value;
	}
	qsort(elements, count, sizeof(*elements), element_order);
	return elements;
}

static void diff_keyed(struct walk *walk, const ProtobufCMessage *have,
		       const ProtobufCMessage *want, const ProtobufCFieldDescriptor *field,
		       const ProtobufCFieldDescriptor *key)
{
	sn_auto_free struct element *left = elements_by_key(have, field, key);
	sn_auto_free struct element *right = elements_by_key(want, field, key);
	size_t left_count = field_count(have, field), right_count = field_count(want, field);
	size_t l = 0, r = 0;

	while ((l < left_count || r < right_count) && !walk->stop) {
		bool take_left = l < left_count &&
				 (r == right_count || left[l].key <= right[r].key);
		bool take_right = r < right_count &&
				  (l == left_count || right[r].key <= left[l].key);

		diff_value(walk, take_left ? have : want, field, 0,
			   take_left ? field_at(have, field, left[l].index) : NULL,
			   take_right ? field_at(want, field, right[r].index) : NULL);
		l += take_left;
		r += take_right;
	}
}

static void diff_counted(struct walk *walk, const ProtobufCMessage *have,
			 const ProtobufCMessage *want, const ProtobufCFieldDescriptor *field)
{
	size_t left = field_count(have, field), right = field_count(want, field);

	for (size_t i = 0; (i < left || i < right) && !walk->stop; i++)
		diff_value(walk, i < left ? have : want, field, i,
			   i < left ? field_at(have, field, i) : NULL,
			   i < right ? field_at(want, field, i) : NULL);
}

static void diff_fields(struct walk *walk, const ProtobufCMessage *have,
			const ProtobufCMessage *want)
{
	for (unsigned n = 0; n < have->descriptor->n_fields && !walk->stop; n++) {
		const ProtobufCFieldDescriptor *field = &have->descriptor->fields[n];
		const ProtobufCFieldDescriptor *key = NULL;

		if (field->label == PROTOBUF_C_LABEL_REPEATED &&
		    field->type == PROTOBUF_C_TYPE_MESSAGE)
			key = field_key(field->descriptor);
		if (key)
			diff_keyed(walk, have, want, field, key);
		else
			diff_counted(walk, have, want, field);
	}
}

size_t message_diff(const ProtobufCMessage *have, const ProtobufCMessage *want, diff_emit *emit,
		    void *arg)
{
	struct walk walk = {.emit = emit, .arg = arg};

	diff_fields(&walk, have, want);
	free(walk.path);
	return walk.seen;
}

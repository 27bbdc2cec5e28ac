// SPDX-License-Identifier: Apache-2.0
/* Bytes, strings and pointers in memory. */
#include "snap/inspect/find.h"

#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/match.h"
#include "snap/inspect/mapping.h"
#include "snap/inspect/scan.h"

struct search {
	struct inspect *in;
	const struct find_query *query;
	struct find_format format;
	struct context context;
	struct find_pattern pattern;
	struct match match;
	size_t max;
	struct find_result *result;
	struct sn_err *err;
};

void find_result_release(struct find_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		free(result->hits[i].symbol);
	free(result->hits);
	free(result->warning);
	memset(result, 0, sizeof(*result));
}

/* ---- looking ---- */

static bool add_hit(void *arg, uint64_t addr)
{
	struct search *s = arg;
	struct find_result *r = s->result;

	if (r->count == s->max) {
		r->more = true;
		return false;
	}
	if ((r->count & (r->count - 1)) == 0) /* a power of two: full */
		r->hits = sn_realloc(r->hits, r->count ? 2 * r->count : 1, sizeof(*r->hits));
	r->hits[r->count++] = (struct find_hit){.addr = addr};
	return true;
}

static bool look_at(void *arg, uint64_t addr, const uint8_t *bytes, uint64_t len)
{
	struct search *s = arg;

	return bytes ? match_bytes(&s->match, addr, bytes, len)
		     : match_zeros(&s->match, addr, len);
}

static enum scan_depth how_deep(void *arg, const Sn__Mapping *mapping)
{
	const struct search *s = arg;

	if (s->query->where)
		return mapping_is_meant(s->in, mapping, s->query->where) ? SCAN_ALL : SCAN_NOTHING;
	return mapping_kind(s->in, mapping) == MAPPING_IS_MODULE ? SCAN_ALL : SCAN_STORED;
}

static bool is_anywhere(struct search *s, const char *where)
{
	for (size_t i = 0; i < s->in->task->n_mappings; i++) {
		if (mapping_is_meant(s->in, s->in->task->mappings[i], where))
			return true;
	}
	return false;
}

static int look(struct search *s, uint64_t start, uint64_t end)
{
	struct scan_request request = {start, end, look_at, NULL, s};
	bool stopped;
	int rc;

	if (!s->result->is_range)
		request.depth = how_deep;
	s->match.pattern = s->pattern.bytes;
	s->match.len = s->pattern.len;
	s->match.hit = add_hit;
	s->match.arg = s;
	match_init(&s->match);
	rc = scan_memory(s->in, &request, &stopped, s->err);
	match_release(&s->match);
	return rc;
}

/* Where each hit is, in words. */
static void name_hits(struct search *s)
{
	const Sn__Mapping *mapping = NULL, *last = NULL;
	const char *name = NULL;

	for (size_t i = 0; i < s->result->count; i++) {
		struct find_hit *hit = &s->result->hits[i];
		uint64_t offset;
		const char *symbol = address_name(s->in, hit->addr, &offset);

		mapping = memory_mapping(s->in, hit->addr);
		if (mapping != last)
			name = mapping_name(s->in, mapping);
		last = mapping;
		hit->mapping = name;
		if (symbol)
			hit->symbol = offset ? sn_asprintf("%s+%lu", symbol, offset)
					     : sn_strdup(symbol);
	}
}

/* ---- in all memory ---- */

/* From the address of the object that a value denotes to its end. */
static int take_object(struct search *s, struct value *value)
{
	struct type *type = type_strip(value->type);
	const struct symbol *symbol;
	uint64_t size = type->size;

	s->match.low = value->addr;
	if (!value->in_memory) {
		if (value_to_address(s->in, value, &s->match.low, s->err) < 0)
			return -1;
		type = type->kind == TYPE_POINTER ? type_strip(type->target) : type;
		size = value->type != type ? type->size : 1;
	}
	symbol = type->kind == TYPE_FUNCTION || type->kind == TYPE_SYMBOL
			 ? symbol_find(s->in, s->match.low)
			 : NULL;
	if (symbol && symbol->addr == s->match.low)
		size = symbol->size;
	s->match.high = s->match.low + (size ? size : 1);
	return 0;
}

static int find_anywhere(struct search *s, const struct node *node)
{
	struct value *value;

	if (s->query->where && !is_anywhere(s, s->query->where))
		return sn_fail(s->err, "no mapping has \"%s\" in its name", s->query->where);
	if (s->query->pointer) {
		if (s->format.size)
			return sn_fail(s->err, "a pointer has 8 bytes: no /%c with --pointer",
				       s->format.size);
		value = eval(&s->context, node, false, s->err);
		if (!value || take_object(s, value) < 0)
			return -1;
	} else if (find_pattern_add(&s->context, &s->pattern, node, s->format.size, s->err) < 0) {
		return -1;
	}
	if (node->kind == NODE_STRING && s->pattern.len)
		s->pattern.len--; /* a part of a text has no NUL behind it */
	if (!s->query->pointer && !s->pattern.len)
		return sn_fail(s->err, "Missing search pattern.");
	return look(s, 0, UINT64_MAX);
}

/* ---- between two addresses ---- */

static int parse_value(struct search *s, const char **text, struct value **value)
{
	struct node *node;
	bool more;

	node = parse_to_comma(&s->context, text, &more, s->err);
	*value = node ? eval(&s->context, node, false, s->err) : NULL;
	return *value ? 0 : -1;
}

/* "+LENGTH", or the last address. */
static int parse_end(struct search *s, const char **text, uint64_t start, uint64_t *end)
{
	bool is_length = **text == '+';
	struct value *value;
	int64_t length;

	*text += is_length;
	if (parse_value(s, text, &value) < 0)
		return -1;
	if (!is_length) {
		if (value_to_address(s->in, value, end, s->err) < 0)
			return -1;
		if (start > *end)
			return sn_fail(s->err, "Invalid search space, end precedes start.");
		if (++*end == start)
			return sn_fail(s->err, "Overflow in address range computation, choose "
					       "smaller range.");
		*end = *end ? *end : UINT64_MAX; /* no memory is there */
		return 0;
	}
	if (value_to_number(s->in, value, &length, s->err) < 0)
		return -1;
	if (length < 0)
		return sn_fail(s->err, "Invalid length.");
	if (length && start + (uint64_t)length - 1 < start)
		return sn_fail(s->err, "Search space too large.");
	*end = start + (uint64_t)length;
	return 0;
}

static int parse_pattern(struct search *s, const char *text)
{
	while (*text) {
		bool more;
		struct node *node = parse_to_comma(&s->context, &text, &more, s->err);

		if (!node ||
		    find_pattern_add(&s->context, &s->pattern, node, s->format.size, s->err) < 0)
			return -1;
	}
	return s->pattern.len ? 0 : sn_fail(s->err, "Missing search pattern.");
}

/* What lies behind memory that gdb cannot read it does not find. */
static void stop_as_gdb(struct search *s, const struct find_range *range)
{
	struct find_result *r = s->result;
	struct find_range unread;

	r->count = find_reached(r->hits, r->count, r->count < s->max, range, &unread);
	if (unread.start == unread.end)
		return;
	r->warning = sn_asprintf("Unable to access %lu bytes of target memory at 0x%lx, halting "
				 "search.",
				 unread.end - unread.start, unread.start);
}

static int find_between(struct search *s, const struct node *node, const char *text)
{
	struct value *value = eval(&s->context, node, false, s->err);
	struct find_range range;

	s->result->is_range = true;
	if (!value || value_to_address(s->in, value, &range.start, s->err) < 0 ||
	    parse_end(s, &text, range.start, &range.end) < 0)
		return -1;
	s->result->is_empty = range.start == range.end;
	if (s->result->is_empty)
		return 0;
	if (parse_pattern(s, text) < 0)
		return -1;
	range.pattern_len = s->pattern.len;
	if (range.end - range.start < range.pattern_len)
		return sn_fail(s->err, "Search space too small to contain pattern.");
	if (!s->max)
		return 0;
	range.readable = scan_readable(s->in, range.start, range.end);
	if (look(s, range.start, range.readable) < 0)
		return -1;
	stop_as_gdb(s, &range);
	return 0;
}

/* ---- both ---- */

static int find(struct search *s)
{
	const char *text = s->query->words;
	struct node *node;
	bool more;

	if (!text[strspn(text, " \t")])
		return sn_fail(s->err, "Missing search parameters.");
	if (find_parse_format(&text, &s->format, s->err) < 0)
		return -1;
	node = parse_to_comma(&s->context, &text, &more, s->err);
	if (!node)
		return -1;
	if (more && (s->query->pointer || s->query->where))
		return sn_fail(s->err, "%s is for all memory, not for a range",
			       s->query->pointer ? "--pointer" : "--in");
	s->max = s->query->max	      ? s->query->max
		 : s->format.has_max ? s->format.max
		 : more		      ? FIND_MOST
				      : FIND_DEFAULT;
	if (s->max > FIND_MOST)
		s->max = FIND_MOST;
	return more ? find_between(s, node, text) : find_anywhere(s, node);
}

int inspect_find(struct inspect *in, struct spot spot, const struct find_query *query,
		 struct find_result *result, struct sn_err *err)
{
	struct search s = {.in = in, .query = query, .result = result, .err = err};
	int rc;

	memset(result, 0, sizeof(*result));
	if (context_at(in, spot, &s.context, err) < 0)
		return -1;
	rc = find(&s);
	free(s.pattern.bytes);
	if (rc < 0)
		find_result_release(result);
	else
		name_hits(&s);
	return rc;
}

// SPDX-License-Identifier: Apache-2.0
/* Recursive descent with one table of precedence: gdb's, in which @ stands above shifts. */
#include "snap/inspect/lookup.h"
#include "snap/inspect/parse_internal.h"

enum { TEXT_MAX = 16384, NESTING_MAX = 200, PREC_CHOICE = 1, PREC_LOWEST = 2 };

static const struct {
	int op, prec;
} binaries[] = {
	{OP_OR, 2},	     {OP_AND, 3}, {'|', 4},    {'^', 5},  {'&', 6},
	{OP_EQ, 7},	     {OP_NE, 7},  {'<', 8},    {'>', 8},  {OP_LE, 8},
	{OP_GE, 8},	     {OP_SHL, 9}, {OP_SHR, 9}, {'@', 10}, {OP_DOT_STAR, 13},
	{OP_ARROW_STAR, 13}, {'+', 11},	  {'-', 11},   {'*', 12}, {'/', 12},
	{'%', 12},
};

static struct node *parse_choice(struct parser *p);
static struct node *parse_assign(struct parser *p);
static struct node *parse_comma(struct parser *p);
static struct node *parse_unary(struct parser *p);

static struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *node = inspect_alloc(p->context->in, sizeof(*node));

	node->kind = kind;
	return node;
}

static bool expect(struct parser *p, int op)
{
	if (!parse_is_op(p, op))
		return parse_syntax_error(p);
	return parse_next(p);
}

static struct node *syntax_error(struct parser *p)
{
	parse_syntax_error(p);
	return NULL;
}

/* ---- what stands for itself ---- */

/* gdb too looks names up while it parses. */
static bool is_known(struct parser *p, const char *name)
{
	const struct context *c = p->context;
	struct found found;

	if (lookup_symbol(c->in, c->frame, name, &found) || symbol_named(c->in, name))
		return true;
	if (c->in->cplus && lookup_local(c->in, c->frame, "this", &found))
		return true; /* perhaps a member of it */
	sn_fail(p->err, "No symbol \"%s\" in current context.", name);
	p->failed = true;
	return false;
}

/* name, or scope::name. */
static struct node *parse_name(struct parser *p)
{
	struct node *node = new_node(p, NODE_NAME);

	node->text = p->text;
	if (!parse_next(p))
		return NULL;
	if (!parse_is_op(p, OP_SCOPE))
		return is_known(p, node->text) ? node : NULL;
	if (!parse_next(p))
		return NULL;
	if (p->token != TOKEN_NAME)
		return syntax_error(p);
	node->kind = NODE_SCOPED;
	node->scope = node->text;
	node->text = p->text;
	return parse_next(p) ? node : NULL;
}

static struct node *parse_literal(struct parser *p)
{
	struct node *node = new_node(p, NODE_NUMBER);

	node->type = p->type;
	node->number = p->number;
	if (p->token == TOKEN_FLOAT) {
		node->kind = NODE_FLOAT;
		node->real = p->real;
	} else if (p->token == TOKEN_CHAR) {
		node->type = type_basic(p->context->in, BASIC_CHAR);
	} else if (p->token == TOKEN_STRING) {
		node->kind = NODE_STRING;
		node->text = p->text;
		node->number = p->len + 1;
	}
	return parse_next(p) ? node : NULL;
}

static struct node *parse_type_node(struct parser *p)
{
	struct node *node = new_node(p, NODE_TYPE);

	node->type = parse_type(p);
	return node->type ? node : NULL;
}

/* (expression), or (type) before what is cast. */
static struct node *parse_bracket(struct parser *p)
{
	struct node *node, *type;

	if (!parse_next(p))
		return NULL;
	if (!parse_at_type(p)) {
		node = parse_comma(p);
		return node && expect(p, ')') ? node : NULL;
	}
	type = parse_type_node(p);
	if (!type || !expect(p, ')'))
		return NULL;
	if (p->token == TOKEN_END)
		return type;
	node = new_node(p, NODE_CAST);
	node->type = type->type;
	node->a = parse_unary(p);
	return node->a ? node : NULL;
}

static struct node *parse_truth(struct parser *p)
{
	struct inspect *in = p->context->in;
	struct node *node = new_node(p, NODE_NUMBER);

	node->type = type_basic(in, BASIC_BOOL);
	node->number = parse_is_word(p, "true");
	return parse_next(p) ? node : NULL;
}

/* static_cast<type>(expression): here all are one. */
static struct node *parse_cast_word(struct parser *p)
{
	struct node *node = new_node(p, NODE_CAST);

	if (!parse_next(p) || !expect(p, '<'))
		return NULL;
	node->type = parse_type(p);
	if (!node->type || !expect(p, '>') || !expect(p, '('))
		return NULL;
	node->a = parse_choice(p);
	return node->a && expect(p, ')') ? node : NULL;
}

/* What only C++ has; *node NULL: none of it. */
static bool parse_cplus(struct parser *p, struct node **node)
{
	*node = NULL;
	if (!p->context->in->cplus)
		return false;
	if (parse_is_word(p, "true") || parse_is_word(p, "false"))
		*node = parse_truth(p);
	else if (parse_is_word(p, "static_cast") || parse_is_word(p, "reinterpret_cast") ||
		 parse_is_word(p, "const_cast"))
		*node = parse_cast_word(p);
	else
		return false;
	return true;
}

static struct node *parse_primary(struct parser *p)
{
	struct node *node;

	if (parse_cplus(p, &node))
		return node;

	switch (p->token) {
	case TOKEN_NUMBER:
	case TOKEN_FLOAT:
	case TOKEN_CHAR:
	case TOKEN_STRING:
		return parse_literal(p);
	case TOKEN_DOLLAR:
		node = new_node(p, NODE_DOLLAR);
		node->text = p->text;
		return parse_next(p) ? node : NULL;
	case TOKEN_QUOTED:
		return parse_name(p);
	case TOKEN_NAME:
		return parse_at_type(p) ? parse_type_node(p) : parse_name(p);
	case TOKEN_OP:
		if (parse_is_op(p, '('))
			return parse_bracket(p);
		break;
	default:
		break;
	}
	return syntax_error(p);
}

/* ---- what stands behind ---- */

static struct node *parse_member(struct parser *p, struct node *of)
{
	struct node *node = new_node(p, NODE_MEMBER);

	node->a = of;
	node->op = p->op;
	if (!parse_next(p))
		return NULL;
	if (p->token != TOKEN_NAME)
		return syntax_error(p);
	node->text = p->text;
	return parse_next(p) ? node : NULL;
}

/* What was written from `begin` to the current token. */
static const char *written(struct parser *p, const char *begin)
{
	size_t len = (size_t)(p->start - begin);
	char *text;

	while (len > 0 && strchr(" \t", begin[len - 1]))
		len--;
	text = inspect_alloc(p->context->in, len + 1);
	return memcpy(text, begin, len);
}

/* a++, a-- */
static struct node *parse_step_behind(struct parser *p, struct node *of, const char *begin)
{
	struct node *node = new_node(p, NODE_STEP);

	node->a = of;
	node->op = p->op == OP_INCREMENT ? '+' : '-';
	node->number = 1;
	node->text = written(p, begin);
	return parse_next(p) ? node : NULL;
}

static struct node *parse_postfix(struct parser *p)
{
	const char *begin = p->start;
	struct node *node = parse_primary(p), *outer;

	while (node && p->token == TOKEN_OP) {
		if (p->op == '.' || p->op == OP_ARROW) {
			node = parse_member(p, node);
		} else if (p->op == '[') {
			outer = new_node(p, NODE_INDEX);
			outer->a = node;
			outer->b = parse_next(p) ? parse_comma(p) : NULL;
			node = outer->b && expect(p, ']') ? outer : NULL;
		} else if (p->op == OP_INCREMENT || p->op == OP_DECREMENT) {
			node = parse_step_behind(p, node, begin);
		} else if (p->op == '(') {
			sn_fail(p->err, "You can't do that without a process to debug.");
			p->failed = true;
			return NULL;
		} else {
			break;
		}
	}
	return node;
}

/* ---- what stands in front ---- */

static struct node *parse_sizeof(struct parser *p)
{
	struct node *node = new_node(p, NODE_SIZEOF);

	node->a = parse_next(p) ? parse_unary(p) : NULL;
	return node->a ? node : NULL;
}

/* {a, b, ...} */
static struct node *parse_list(struct parser *p)
{
	struct node *node = new_node(p, NODE_LIST), **end = &node->a;

	for (;;) {
		struct node *item = new_node(p, NODE_LIST);

		item->a = parse_assign(p);
		if (!item->a)
			return NULL;
		*end = item;
		end = &item->c;
		node->number++;
		if (!parse_is_op(p, ','))
			return expect(p, '}') ? node : NULL;
		if (!parse_next(p))
			return NULL;
	}
}

/* {type} address, or a list */
static struct node *parse_braces(struct parser *p)
{
	struct node *node = new_node(p, NODE_AT);

	if (!parse_next(p))
		return NULL;
	if (!parse_at_type(p))
		return parse_list(p);
	node->type = parse_type(p);
	if (!node->type || !expect(p, '}'))
		return NULL;
	node->a = parse_unary(p);
	return node->a ? node : NULL;
}

/* ++a, --a */
static struct node *parse_step(struct parser *p)
{
	struct node *node = new_node(p, NODE_STEP);
	const char *begin;

	node->op = p->op == OP_INCREMENT ? '+' : '-';
	if (!parse_next(p))
		return NULL;
	begin = p->start;
	node->a = parse_unary(p);
	node->text = node->a ? written(p, begin) : NULL;
	return node->a ? node : NULL;
}

static struct node *parse_unary(struct parser *p)
{
	struct node *node = NULL;

	if (p->depth >= NESTING_MAX) {
		sn_fail(p->err, "the expression is nested too deep");
		p->failed = true;
		return NULL;
	}
	p->depth++;
	if (parse_is_word(p, "sizeof")) {
		node = parse_sizeof(p);
	} else if (parse_is_op(p, '{')) {
		node = parse_braces(p);
	} else if (parse_is_op(p, OP_INCREMENT) || parse_is_op(p, OP_DECREMENT)) {
		node = parse_step(p);
	} else if (p->token == TOKEN_OP && strchr("-+!~*&", p->op < 256 ? p->op : ' ')) {
		node = new_node(p, NODE_UNARY);
		node->op = p->op;
		node->a = parse_next(p) ? parse_unary(p) : NULL;
		node = node->a ? node : NULL;
	} else {
		node = parse_postfix(p);
	}
	p->depth--;
	return node;
}

/* ---- what stands between ---- */

static int precedence(const struct parser *p)
{
	for (size_t i = 0; p->token == TOKEN_OP && i < sn_countof(binaries); i++) {
		if (binaries[i].op == p->op)
			return binaries[i].prec;
	}
	return 0;
}

static struct node *parse_binary(struct parser *p, int lowest)
{
	struct node *left = parse_unary(p), *node;
	int prec;

	while (left && (prec = precedence(p)) >= lowest) {
		node = new_node(p, p->op == '@' ? NODE_SLICE : NODE_BINARY);
		node->op = p->op;
		node->a = left;
		node->b = parse_next(p) ? parse_binary(p, prec + 1) : NULL;
		left = node->b ? node : NULL;
	}
	return left;
}

static struct node *parse_choice(struct parser *p)
{
	struct node *node = parse_binary(p, PREC_LOWEST), *choice;

	if (!node || !parse_is_op(p, '?'))
		return node;
	choice = new_node(p, NODE_CHOICE);
	choice->a = node;
	choice->b = parse_next(p) ? parse_assign(p) : NULL;
	if (!choice->b || !expect(p, ':'))
		return NULL;
	choice->c = parse_choice(p);
	return choice->c ? choice : NULL;
}

/* a = b, a += b: from the right */
static struct node *parse_assign(struct parser *p)
{
	const char *begin = p->start;
	struct node *left = parse_choice(p), *node;

	if (!left || p->token != TOKEN_OP || (p->op != '=' && !(p->op & OP_MODIFY)))
		return left;
	node = new_node(p, NODE_ASSIGN);
	node->op = p->op == '=' ? 0 : p->op & ~OP_MODIFY;
	node->text = written(p, begin);
	node->a = left;
	node->b = parse_next(p) ? parse_assign(p) : NULL;
	return node->b ? node : NULL;
}

static struct node *parse_comma(struct parser *p)
{
	struct node *left = parse_assign(p), *node;

	while (left && parse_is_op(p, ',')) {
		node = new_node(p, NODE_BINARY);
		node->op = ',';
		node->a = left;
		node->b = parse_next(p) ? parse_assign(p) : NULL;
		left = node->b ? node : NULL;
	}
	return left;
}

/* All of the text, or with `comma` what stands before one. */
static struct node *parse_text(struct parser *p, bool comma)
{
	struct node *node;

	if (strlen(p->next) > TEXT_MAX) { /* a tree of it is as deep as it has operators */
		sn_fail(p->err, "the expression has more than %d characters", TEXT_MAX);
		return NULL;
	}
	node = !parse_next(p) ? NULL : comma ? parse_assign(p) : parse_comma(p);
	if (node && p->token != TOKEN_END && !(comma && parse_is_op(p, ',')))
		return syntax_error(p);
	if (!node && !p->failed)
		return syntax_error(p);
	return node;
}

struct node *parse_expression(const struct context *context, const char *text, struct sn_err *err)
{
	struct parser p = {.context = context, .next = text, .start = text, .err = err};

	return parse_text(&p, false);
}

struct node *parse_to_comma(const struct context *context, const char **text, bool *more,
			    struct sn_err *err)
{
	struct parser p = {.context = context, .next = *text, .start = *text, .err = err};
	struct node *node;

	if (!(*text)[strspn(*text, " \t")]) {
		sn_fail(err, "Argument required (expression to compute).");
		return NULL;
	}
	node = parse_text(&p, true);
	*more = node && p.token != TOKEN_END;
	*text = *more ? p.next + strspn(p.next, " \t") : "";
	return node;
}

// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/eval.h"

#include "snap/inspect/cplus.h"
#include "snap/inspect/lookup.h"
#include "snap/inspect/variables.h"

enum { SLICE_MAX = 1 << 28, FILLED_MAX = 1 << 28, SOME_MAX = 64 * 1024 };

struct evaluation {
	struct context *context;
	struct inspect *in;
	bool dry;
	struct sn_err *err;
};

static struct value *visit(struct evaluation *e, const struct node *node);
/* A text or a list has the type that is wanted. */
static struct value *visit_as(struct evaluation *e, const struct node *node, struct type *type);
static struct value *deref(struct evaluation *e, struct value *value);

/* As gdb chooses it. */
static void set_language(struct inspect *in, const struct frame *frame)
{
	const struct symbol *main = NULL;
	struct module *module;
	Dwarf_Die cu = frame->cu;
	uint64_t bias;

	if (frame->has_cu) {
		in->cplus = cplus_is(&cu);
	} else if (!in->has_language) {
		main = symbol_named(in, "main");
		module = main ? modules_at(in, main->addr) : NULL;
		in->cplus = module && find_cu(module, main->addr, &cu, &bias) && cplus_is(&cu);
	}
	in->has_language = true;
}

int context_at(struct inspect *in, struct spot spot, struct context *context, struct sn_err *err)
{
	const struct frame *frame = frames_at(in, spot, err);

	if (!frame)
		return -1;
	*context = (struct context){in, frame->module, frame, spot.thread};
	set_language(in, frame);
	return 0;
}

/* ---- names ---- */

static struct value *of_found(struct evaluation *e, const struct found *found)
{
	struct context there = *e->context;
	Dwarf_Die die = found->die;

	there.module = found->module;
	return value_of(&there, &die, e->err);
}

/* What only the symbol table knows. */
static struct value *of_symbol(struct evaluation *e, const struct symbol *symbol)
{
	bool text = symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
	struct type *type = inspect_alloc(e->in, sizeof(*type));
	struct value *value;

	type->kind = TYPE_SYMBOL;
	type->size = text ? 1 : symbol->size;
	type->name = text ? "<text variable, no debug info>" : "<data variable, no debug info>";
	type->is_prototyped = text;
	value = value_at(e->in, type, symbol->addr);
	value->string = symbol->name;
	return value;
}

/* A member of the object whose method it is; NULL: it is none. */
static struct value *of_this(struct evaluation *e, const char *name)
{
	struct evaluation silent = *e;
	struct sn_err ignored;
	struct value *value;
	struct found found;

	silent.err = &ignored;
	if (!e->in->cplus || !lookup_local(e->in, e->context->frame, "this", &found))
		return NULL;
	value = of_found(&silent, &found);
	value = value ? deref(&silent, value) : NULL;
	return value ? value_named(e->in, value, name, &ignored) : NULL;
}

static struct value *visit_name(struct evaluation *e, const struct node *node)
{
	const struct symbol *symbol;
	struct value *value;
	struct found found;

	if (!lookup_local(e->in, e->context->frame, node->text, &found)) {
		value = of_this(e, node->text);
		if (value)
			return value;
	}
	if (lookup_symbol(e->in, e->context->frame, node->text, &found))
		return of_found(e, &found);
	symbol = symbol_named(e->in, node->text);
	if (symbol)
		return of_symbol(e, symbol);
	sn_fail(e->err, "No symbol \"%s\" in current context.", node->text);
	return NULL;
}

static struct value *visit_scoped(struct evaluation *e, const struct node *node)
{
	struct found found;

	if (lookup_scoped(e->in, node->scope, node->text, &found))
		return of_found(e, &found);
	if (strchr(node->scope, '.'))
		sn_fail(e->err, "No symbol \"%s\" in specified context.", node->text);
	else
		sn_fail(e->err, "No symbol \"%s\" in function \"%s\".", node->text, node->scope);
	return NULL;
}

static struct value *visit_dollar(struct evaluation *e, const struct node *node)
{
	struct value *value;

	e->err->text[0] = '\0';
	value = history_value(e->in, node->text, e->err);
	if (!value && !e->err->text[0])
		value = register_value(e->context, node->text + 1, e->err);
	if (!value && !e->err->text[0])
		value = variable_value(e->context, node->text + 1, e->err);
	if (!value && !e->err->text[0])
		value = value_new(e->in, type_basic(e->in, BASIC_VOID));
	return value;
}

/* The left side of an assignment is, or may become, a convenience variable. */
static bool is_variable(struct evaluation *e, const struct node *node)
{
	struct sn_err ignored = {0};

	return node->kind == NODE_DOLLAR && !history_value(e->in, node->text, &ignored) &&
	       !ignored.text[0] && !register_value(e->context, node->text + 1, &ignored) &&
	       !ignored.text[0];
}

static struct value *visit_string(struct evaluation *e, const struct node *node)
{
	struct value *value =
		value_new(e->in, type_array(e->in, type_basic(e->in, BASIC_CHAR), node->number));

	value->bytes = inspect_alloc(e->in, node->number + 16);
	memcpy(value->bytes, node->text, node->number);
	return value;
}

/* ---- parts ---- */

/* Something of a type, without looking: its numbers are such that can be divided by. */
static struct value *some_value(struct inspect *in, struct type *type)
{
	struct value *value = value_at(in, type, 0);

	if (type->size > SOME_MAX)
		return value;
	value->bytes = inspect_alloc(in, type->size + 16);
	memset(value->bytes, 1, type->size);
	return value;
}

/* What a pointer points to, without looking. */
static struct value *dry_deref(struct evaluation *e, struct value *value)
{
	struct type *type = type_strip(value->type);

	if (type->kind != TYPE_POINTER && type->kind != TYPE_ARRAY && type->kind != TYPE_REFERENCE)
		return value_deref(e->in, value, e->err);
	return some_value(e->in, type->target);
}

static struct value *deref(struct evaluation *e, struct value *value)
{
	return e->dry ? dry_deref(e, value) : value_deref(e->in, value, e->err);
}

static bool is_kind(struct value *value, enum type_kind kind)
{
	return type_strip(value->type)->kind == kind;
}

static struct value *visit_member(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a);

	/* gdb does not mind whether . or -> is said */
	if (value && (is_kind(value, TYPE_POINTER) || is_kind(value, TYPE_REFERENCE)))
		value = deref(e, value);
	if (!value)
		return NULL;
	if (!is_kind(value, TYPE_STRUCT) && !is_kind(value, TYPE_UNION)) {
		sn_fail(e->err,
			"Attempt to extract a component of a value that is not a structure%s.",
			node->op == OP_ARROW ? " pointer" : "");
		return NULL;
	}
	return value_named(e->in, value, node->text, e->err);
}

static struct value *visit_index(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a), *index = value ? visit(e, node->b) : NULL;
	int64_t i;

	if (index && is_kind(value, TYPE_REFERENCE))
		value = deref(e, value);
	if (!index || !value)
		return NULL;
	if (value_is_struct(value))
		return value_no_operator(e->in, OP_SUBSCRIPT, value, e->err);
	if (!is_kind(value, TYPE_ARRAY) && !is_kind(value, TYPE_POINTER)) {
		sn_fail(e->err, "cannot subscript something of type `%s'",
			type_name(e->in, value->type));
		return NULL;
	}
	if (e->dry)
		return some_value(e->in, type_strip(value->type)->target);
	if (value_to_number(e->in, index, &i, e->err) < 0)
		return NULL;
	if (is_kind(value, TYPE_POINTER)) {
		value = value_binary(e->in, '+', value, index, e->err);
		return value ? value_deref(e->in, value, e->err) : NULL;
	}
	if (!value->in_memory && (i < 0 || (uint64_t)i >= type_strip(value->type)->count)) {
		sn_fail(e->err, "no such vector element");
		return NULL;
	}
	return value_element(e->in, value, (uint64_t)i, e->err);
}

static struct value *visit_slice(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a), *count = value ? visit(e, node->b) : NULL;
	int64_t n = 1;

	if (!count || value_to_number(e->in, count, &n, e->err) < 0)
		return NULL;
	if (!value->in_memory) {
		sn_fail(e->err, "Only values in memory can be extended with '@'.");
		return NULL;
	}
	if (n < 1 || n > SLICE_MAX) {
		sn_fail(e->err, "Invalid number %ld of repetitions.", n);
		return NULL;
	}
	return value_at(e->in, type_array(e->in, value->type, (uint64_t)n), value->addr);
}

/* ---- operators ---- */

/* Of a variable that has none gdb says why. */
static struct value *address_of(struct evaluation *e, const struct node *node, struct value *value)
{
	const char *name;

	if (node->kind != NODE_NAME || !value->is_register || value->is_absent)
		return value_address(e->in, value, e->err);
	name = value->reg ? register_name(value->reg - 1) : NULL;
	if (name)
		sn_fail(e->err, "Address requested for identifier \"%s\" which is in register $%s",
			node->text, name);
	else
		sn_fail(e->err, "Can't take address of \"%s\" which isn't an lvalue.", node->text);
	return NULL;
}

static struct value *visit_unary(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a);

	if (value && is_kind(value, TYPE_REFERENCE)) /* stands for what it refers to */
		value = deref(e, value);
	if (!value)
		return NULL;
	if (node->op == '*')
		return value_is_struct(value) ? value_no_operator(e->in, '*', value, e->err)
					      : deref(e, value);
	if (node->op == '&')
		return address_of(e, node->a, value);
	return value_unary(e->in, node->op, value, e->err);
}

static struct value *visit_logical(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a);
	bool zero;

	if (value && value_is_struct(value))
		return value_no_operator(e->in, node->op, value, e->err);
	if (!value || !value_is_zero(e->in, value, &zero, e->err))
		return NULL;
	if (zero == (node->op == OP_OR)) {
		value = visit(e, node->b);
		if (!value || !value_is_zero(e->in, value, &zero, e->err))
			return NULL;
	}
	return value_number(e->in, type_truth(e->in), !zero);
}

/* object.*pointer; as with members gdb does not mind which of the two is said. */
static struct value *visit_member_pointer(struct evaluation *e, struct value *object,
					  struct value *pointer)
{
	if (is_kind(object, TYPE_POINTER) || is_kind(object, TYPE_REFERENCE))
		object = deref(e, object);
	return object ? value_of_member_pointer(e->in, object, pointer, e->dry, e->err) : NULL;
}

static struct value *visit_binary(struct evaluation *e, const struct node *node)
{
	struct value *a, *b;

	if (node->op == ',')
		return visit(e, node->a) ? visit(e, node->b) : NULL;
	if (node->op == OP_AND || node->op == OP_OR)
		return visit_logical(e, node);
	a = visit(e, node->a);
	b = a ? visit(e, node->b) : NULL;
	if (b && (node->op == OP_DOT_STAR || node->op == OP_ARROW_STAR))
		return visit_member_pointer(e, a, b);
	return b ? value_binary(e->in, node->op, a, b, e->err) : NULL;
}

static struct value *visit_choice(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a);
	bool zero;

	if (!value || !value_is_zero(e->in, value, &zero, e->err))
		return NULL;
	return visit(e, zero ? node->c : node->b);
}

static struct value *visit_sizeof(struct evaluation *e, const struct node *node)
{
	struct evaluation dry = *e;
	struct value *value;

	dry.dry = true;
	value = visit(&dry, node->a);
	if (value && is_kind(value, TYPE_REFERENCE)) /* that of what it refers to */
		value = dry_deref(&dry, value);
	if (value && type_strip(value->type)->is_incomplete)
		type_members(e->in, type_strip(value->type));
	return value ? value_number(e->in,
				    /* gdb's parser makes an int of what it knows by itself */
				    type_basic(e->in, e->dry && node->a->kind == NODE_TYPE
							      ? BASIC_INT
							      : BASIC_ULONG),
				    type_strip(value->type)->size)
		     : NULL;
}

static struct value *visit_at(struct evaluation *e, const struct node *node)
{
	struct value *value = visit(e, node->a);
	int64_t addr;

	value = value ? value_decay(e->in, value, e->err) : NULL;
	if (!value || value_to_number(e->in, value, &addr, e->err) < 0)
		return NULL;
	return value_at(e->in, node->type, (uint64_t)addr);
}

/* ---- assignments ---- */

/* The frame that names and registers are of, anew: what was assigned may have moved it. */
static void find_frame(struct evaluation *e, const struct frame *was, size_t at)
{
	struct spot spot = {e->context->thread, at};
	struct sn_err ignored;

	if (was)
		e->context->frame = frames_at(e->in, spot, &ignored);
}

static struct value *assign(struct evaluation *e, const struct node *node, struct value *to,
			    struct value *from)
{
	const struct frame *frame = e->context->frame;
	size_t at = frame ? frames_level(e->in, e->context->thread, frame) : 0;
	struct value *value = value_assign(e->in, node->text, to, from, e->err);

	if (value)
		find_frame(e, frame, at);
	return value;
}

/* {1, 2} and "text" are of the type they are assigned to, with zeros for what is not said. */
static struct value *filled(struct evaluation *e, struct type *type, const struct node *node)
{
	struct type *bare = type_strip(type);
	struct value *value = value_new(e->in, type), *part;
	uint64_t i = 0;

	if (bare->size > FILLED_MAX) {
		sn_fail(e->err, "a value of %lu bytes is too large to be written down", bare->size);
		return NULL;
	}
	value->bytes = inspect_alloc(e->in, bare->size + 16);
	if (node->kind == NODE_STRING) {
		if (node->number > bare->size) {
			sn_fail(e->err, "Too many array elements");
			return NULL;
		}
		memcpy(value->bytes, node->text, node->number);
		return value;
	}
	for (const struct node *item = node->a; item; item = item->c, i++) {
		if (i >= bare->count) {
			sn_fail(e->err, "Too many array elements");
			return NULL;
		}
		part = visit_as(e, item->a, bare->target);
		part = part ? value_cast(e->in, part, bare->target, e->err) : NULL;
		if (!part || !value_bytes(e->in, part, e->err))
			return NULL;
		memcpy(value->bytes + i * bare->target->size, part->bytes, bare->target->size);
	}
	return value;
}

static struct value *visit_as(struct evaluation *e, const struct node *node, struct type *type)
{
	struct type *bare = type_strip(type);
	bool text = node->kind == NODE_STRING && bare->kind == TYPE_ARRAY &&
		    type_strip(bare->target)->size == 1;
	bool list = node->kind == NODE_LIST && bare->kind == TYPE_ARRAY;

	return text || list ? filled(e, type, node) : visit(e, node);
}

static struct value *visit_assign(struct evaluation *e, const struct node *node)
{
	bool variable = !e->dry && is_variable(e, node->a);
	struct value *to = visit(e, node->a), *from;

	if (variable)
		variable_declare(e->in, node->a->text + 1);
	from = to ? visit_as(e, node->b, to->type) : NULL;
	if (from && node->op)
		from = value_binary(e->in, node->op, to, from, e->err);
	if (!from || e->dry)
		return from ? to : NULL;
	if (variable)
		return variable_assign(e->context, node->a->text + 1, from, e->err);
	return assign(e, node, to, from);
}

static struct value *visit_step(struct evaluation *e, const struct node *node)
{
	struct value *to = visit(e, node->a), *from, *was;
	struct value *one = value_number(e->in, type_basic(e->in, BASIC_INT), 1);

	if (!to || e->dry)
		return to;
	if (is_kind(to, TYPE_VOID)) {
		sn_fail(e->err, "Not a numeric type.");
		return NULL;
	}
	if (value_is_struct(to))
		return value_no_operator(e->in, node->op == '+' ? OP_INCREMENT : OP_DECREMENT, to,
					 e->err);
	was = value_kept(e->in, to, e->err);
	from = was ? value_binary(e->in, node->op, to, one, e->err) : NULL;
	if (from && is_variable(e, node->a))
		from = variable_assign(e->context, node->a->text + 1, from, e->err);
	else
		from = from ? assign(e, node, to, from) : NULL;
	return from && node->number ? was : from;
}

/* By itself a list is an array of its first element's type. */
static struct value *visit_list(struct evaluation *e, const struct node *node)
{
	struct value *first = visit(e, node->a->a);

	return first ? filled(e, type_array(e->in, first->type, node->number), node) : NULL;
}

static struct value *visit(struct evaluation *e, const struct node *node)
{
	struct value *value;

	switch (node->kind) {
	case NODE_NUMBER:
		return value_number(e->in, node->type, node->number);
	case NODE_FLOAT:
		return value_float(e->in, node->type, node->real);
	case NODE_STRING:
		return visit_string(e, node);
	case NODE_NAME:
		return visit_name(e, node);
	case NODE_DOLLAR:
		return visit_dollar(e, node);
	case NODE_SCOPED:
		return visit_scoped(e, node);
	case NODE_TYPE:
		if (e->dry)
			return value_new(e->in, node->type);
		sn_fail(e->err, "Attempt to use a type name as an expression");
		return NULL;
	case NODE_MEMBER:
		return visit_member(e, node);
	case NODE_INDEX:
		return visit_index(e, node);
	case NODE_UNARY:
		return visit_unary(e, node);
	case NODE_BINARY:
		return visit_binary(e, node);
	case NODE_CAST:
		value = visit(e, node->a);
		return value ? value_cast(e->in, value, node->type, e->err) : NULL;
	case NODE_AT:
		return visit_at(e, node);
	case NODE_SIZEOF:
		return visit_sizeof(e, node);
	case NODE_SLICE:
		return visit_slice(e, node);
	case NODE_ASSIGN:
		return visit_assign(e, node);
	case NODE_STEP:
		return visit_step(e, node);
	case NODE_LIST:
		return visit_list(e, node);
	default:
		return visit_choice(e, node);
	}
}

struct value *eval(const struct context *context, const struct node *node, bool dry,
		   struct sn_err *err)
{
	struct context own = *context;
	struct evaluation e = {&own, context->in, dry, err};

	return visit(&e, node);
}

struct value *eval_text(const struct context *context, const char *text, struct sn_err *err)
{
	struct node *node = parse_expression(context, text, err);

	return node ? eval(context, node, false, err) : NULL;
}

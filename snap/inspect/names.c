// SPDX-License-Identifier: Apache-2.0
/* Names that a text may go on with. */
#include "snap/inspect/eval.h"
#include "snap/inspect/lookup.h"
#include "snap/inspect/variables.h"

enum { DEPTH_MAX = 16 };

struct names_wanted {
	const char *prefix;
	inspect_each_name *each;
	void *arg;
};

static void tell(const struct names_wanted *wanted, const char *name)
{
	if (name && strncmp(name, wanted->prefix, strlen(wanted->prefix)) == 0)
		wanted->each(wanted->arg, name);
}

static void tell_registers(struct inspect *in, const struct names_wanted *wanted)
{
	static const char *const general[] = {"pc", "sp", "fp"};

	for (unsigned i = 0; i < REG_COUNT + sn_countof(general); i++) {
		const char *name = i < REG_COUNT ? register_name(i) : general[i - REG_COUNT];
		sn_auto_free char *dollar = sn_asprintf("$%s", name ? name : "");

		if (name && strncmp(dollar, wanted->prefix, strlen(wanted->prefix)) == 0)
			wanted->each(wanted->arg, inspect_strdup(in, dollar));
	}
}

int inspect_names(struct inspect *in, struct spot spot, const char *prefix, inspect_each_name *each,
		  void *arg, struct sn_err *err)
{
	const struct names_wanted wanted = {prefix, each, arg};
	struct context context;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	if (*prefix == '$') {
		tell_registers(in, &wanted);
		variables_named(in, prefix, each, arg);
	} else {
		lookup_names(in, context.frame, false, prefix, each, arg);
	}
	return 0;
}

int inspect_tags(struct inspect *in, struct spot spot, const char *prefix, inspect_each_name *each,
		 void *arg, struct sn_err *err)
{
	struct context context;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	lookup_names(in, context.frame, true, prefix, each, arg);
	return 0;
}

/* Those of structs without a name, and of base classes, are its own. */
static void tell_members(struct inspect *in, struct type *type, const struct names_wanted *wanted,
			 int depth)
{
	type = type_strip(type);
	if ((type->kind != TYPE_STRUCT && type->kind != TYPE_UNION) || depth > DEPTH_MAX)
		return;
	type_members(in, type);
	for (size_t i = 0; i < type->member_count; i++) {
		const struct member *member = &type->members[i];

		if (member->name && !member->inherits)
			tell(wanted, member->name);
		else
			tell_members(in, member->type, wanted, depth + 1);
	}
}

int inspect_members(struct inspect *in, struct spot spot, const char *expression,
		    const char *prefix, inspect_each_name *each, void *arg, struct sn_err *err)
{
	const struct names_wanted wanted = {prefix, each, arg};
	struct context context;
	struct node *node;
	struct value *value;
	struct type *type;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	node = parse_expression(&context, expression, err);
	value = node ? eval(&context, node, true, err) : NULL;
	if (!value)
		return -1;
	type = type_strip(value->type);
	if (type->kind == TYPE_POINTER || type->kind == TYPE_REFERENCE || type->kind == TYPE_ARRAY)
		type = type->target;
	tell_members(in, type, &wanted, 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: from text to a tree. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_PARSE_H
#define SNAP_INSPECT_PARSE_H

#include "snap/inspect/value.h"

enum node_kind {
	NODE_NUMBER, /* type, number */
	NODE_FLOAT,  /* type, real */
	NODE_STRING, /* text, number: its length with the NUL */
	NODE_NAME,   /* text */
	NODE_DOLLAR, /* text: a register, or a value of the history */
	NODE_SCOPED, /* scope::text */
	NODE_TYPE,   /* type: where a type stands for a value: ptype int */
	NODE_MEMBER, /* a.text */
	NODE_INDEX,  /* a[b] */
	NODE_UNARY,  /* op a */
	NODE_BINARY, /* a op b */
	NODE_CAST,   /* (type) a */
	NODE_AT,     /* {type} a */
	NODE_SIZEOF, /* sizeof a */
	NODE_SLICE,  /* a@b */
	NODE_CHOICE, /* a ? b : c */
	NODE_ASSIGN, /* a = b; op: a op= b; text: a as it was written */
	NODE_STEP,   /* ++a (op '+'), --a ('-'); number: 1 for a++ and a--; text as above */
	NODE_LIST,   /* {a, b, ...}: a the first, each with the next in c */
};

struct node {
	enum node_kind kind;
	int op;
	struct node *a, *b, *c;
	const char *text, *scope;
	struct type *type;
	uint64_t number;
	long double real;
};

/* The tree of a whole text, living as long as the inspect; NULL: an error in gdb's words. The
 * context's frame decides which names are types. */
struct node *parse_expression(const struct context *context, const char *text, struct sn_err *err);
/* One of several with commas between them: *text moves behind it and its comma; *more: there was
 * one. */
struct node *parse_to_comma(const struct context *context, const char **text, bool *more,
			    struct sn_err *err);

#endif

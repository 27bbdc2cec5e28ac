/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the parser share. Internal to parse*.c. */
#ifndef SNAP_INSPECT_PARSE_INTERNAL_H
#define SNAP_INSPECT_PARSE_INTERNAL_H

#include "snap/inspect/parse.h"

enum token {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_FLOAT,
	TOKEN_CHAR,
	TOKEN_STRING,
	TOKEN_NAME,
	TOKEN_QUOTED, /* 'deep.c' */
	TOKEN_DOLLAR,
	TOKEN_OP,
};

struct parser {
	const struct context *context;
	const char *next;  /* behind the token */
	const char *start; /* of the token */
	enum token token;
	int op;
	char *text;
	size_t len;
	uint64_t number;
	long double real;
	struct type *type; /* of a number */
	int depth;
	bool failed;
	struct sn_err *err;
};

/* Reads the next token; false: failed. */
bool parse_next(struct parser *p);
bool parse_syntax_error(struct parser *p);
bool parse_is_op(const struct parser *p, int op);
/* The token is this word. */
bool parse_is_word(const struct parser *p, const char *word);

/* ---- parse_type.c ---- */

/* Whether a type begins here. */
bool parse_at_type(struct parser *p);
/* A type name with its pointers and brackets; NULL: failed. */
struct type *parse_type(struct parser *p);

#endif

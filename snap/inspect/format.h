/* SPDX-License-Identifier: Apache-2.0 */
/* Values as gdb prints them. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_FORMAT_H
#define SNAP_INSPECT_FORMAT_H

#include "snap/inspect/value.h"

enum {
	FORMAT_ELEMENTS = 200,	 /* gdb's `print elements` at first */
	FORMAT_REPEATS = 10,	 /* and `print repeats` */
	FORMAT_STRING = 1 << 24, /* of one at an address, where there is no such limit */
};

struct format {
	struct inspect *in;
	FILE *out;
	char letter;  /* of /x, /d, ...; 0: by the type */
	bool mangled; /* symbols as they are: gdb shows those of code so */
	bool summary; /* arguments of a frame: "..." for what is no scalar */
	bool plain;   /* whatever `set print` says */
};

const struct print_options *format_options(const struct format *f);

/* As `print` does, with the type of a pointer in front. What cannot be read is an error. */
int format_top(const struct format *f, struct value *value, struct sn_err *err);
/* As within a struct, or behind "name = "; what cannot be read is printed as <error: ...>. */
void format_value(const struct format *f, struct value *value);
/* The same as a text of the inspect's. */
const char *format_text(struct inspect *in, struct value *value);

/* ---- format_scalar.c ---- */

/* A scalar with a letter. */
int format_lettered(const struct format *f, struct value *value, struct sn_err *err);
int format_scalar(const struct format *f, struct value *value, struct sn_err *err);
void format_address(const struct format *f, uint64_t addr); /* 0x401136 <main+4> */
/* The same as far as it is wanted of pointers; false: nothing of it. */
bool format_pointer(const struct format *f, uint64_t addr, bool to_code);
void format_float(FILE *out, long double number, uint64_t size);
/* [ ZF PF ]: the names of the bits that are set. */
void format_flags(FILE *out, const struct type *type, uint64_t number);
/* 97 'a' */
void format_char(FILE *out, int64_t number);
bool format_is_text(struct type *element, char letter);

/* ---- member_pointer.c ---- */

int format_member_pointer(const struct format *f, struct value *value, struct sn_err *err);

/* ---- format_text.c ---- */

/* Characters as "abc\n", with repeats folded; `more`: the text goes on. */
void format_string(const struct format *f, const uint8_t *text, size_t len, bool more);
/* The string at an address, up to its NUL, as far as it is printed. */
void format_string_at(const struct format *f, uint64_t addr);
void format_escaped(FILE *out, uint8_t c, char quote);

/* The function or object an address is in, as "<main+4>" has it; NULL: none. */
const char *address_name(struct inspect *in, uint64_t addr, uint64_t *offset);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of applications (paths, names) made fit for a person's terminal and for
 * JSON, which takes UTF-8 only. Neither keeps what it was given: these are for
 * reading, not for opening files with.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdio.h>

/* In double quotes; control characters, quotes, backslashes and bytes that are no
 * UTF-8 are escaped: \n, \t, \", \\, \xNN. */
void text_print_quoted(FILE *out, const char *text);

/* UTF-8 for sure: other bytes become \xNN, all else stays. malloc'd. */
char *text_utf8(const char *text);

#endif

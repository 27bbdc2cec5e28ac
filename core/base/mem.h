/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that cannot be had ends the process (abort), so nobody checks for NULL
 * and no path exists that no test ever walks. The kernel takes a traced task's
 * stops back when its tracer ends, so even then no application is left frozen.
 *
 * All results are the caller's to free(3). A size of 0 gives a pointer that may be
 * freed, never NULL. Sizes of arrays are checked for overflow.
 */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *sn_malloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	return p;
}

/* Zeroed. */
static inline void *sn_calloc(size_t count, size_t size)
{
	void *p = count && size ? calloc(count, size) : calloc(1, 1);

	if (!p)
		abort();
	return p;
}

/* `count` elements of `size` bytes in the place of `p`, which may be NULL. */
static inline void *sn_realloc(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		abort();
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		abort();
	return p;
}

static inline char *sn_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(sn_malloc(size), text, size);
}

/* The first `len` bytes of a text, or all of a shorter one. */
static inline char *sn_strndup(const char *text, size_t len)
{
	char *copy;

	len = strnlen(text, len);
	copy = memcpy(sn_malloc(len + 1), text, len);
	copy[len] = '\0';
	return copy;
}

__attribute__((format(printf, 1, 2))) static inline char *sn_asprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	text = sn_malloc((size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

#endif

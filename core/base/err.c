// SPDX-License-Identifier: Apache-2.0
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sn_fail(struct sn_err *err, const char *fmt, ...)
{
	va_list ap;

	err->code = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

static int fail_with(struct sn_err *err, int code, const char *fmt, va_list ap)
{
	size_t used;

	err->code = abs(code);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(err->code));
	return -1;
}

int sn_fail_sys(struct sn_err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	va_start(ap, fmt);
	fail_with(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int sn_fail_code(struct sn_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_with(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int sn_ctx(struct sn_err *err, const char *fmt, ...)
{
	char rest[sizeof(err->text)];
	size_t used;
	va_list ap;

	memcpy(rest, err->text, sizeof(rest));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", rest);
	return -1;
}

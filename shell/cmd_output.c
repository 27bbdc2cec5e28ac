// SPDX-License-Identifier: Apache-2.0
/* output, printf, echo: what scripts print, with gdb's words. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/looking.h"

static int take_text(struct request *rq, int rc, char *text)
{
	if (rc < 0)
		return -1;
	rq->result = json_pack("{s:o}", "text", json_text(text));
	free(text);
	return 0;
}

int cmd_output(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *format = NULL;
	const char *expression = words;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char letter, *text;
	int rc;

	format = looking_format(&expression);
	if (!looking || looking_letter(format, "output", &letter, err) < 0)
		return -1;
	rc = inspect_output(looking->in, spot, letter, expression, &text, err);
	return take_text(rq, rc, text);
}

int cmd_printf(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char *text;
	int rc = looking ? inspect_printf(looking->in, spot, words, &text, err) : -1;

	return take_text(rq, rc, text);
}

/* C's escapes; what else a backslash is in front of is meant as it is, a blank too. */
static void put_escape(FILE *out, const char **at)
{
	static const char names[] = "abefnrtv", values[] = "\a\b\033\f\n\r\t\v";
	const char *known = **at ? strchr(names, **at) : NULL;
	int value = 0, digits;

	for (digits = 0; digits < 3 && **at >= '0' && **at <= '7'; digits++)
		value = 8 * value + (*(*at)++ - '0');
	if (digits)
		fputc(value & 0xff, out);
	else if (known)
		fputc(values[known - names], out);
	else if (**at)
		fputc(**at, out);
	*at += !digits && **at;
}

int cmd_echo(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	const char *at = words;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)err;
	if (!out)
		abort();
	while (*at) {
		if (*at == '\\') {
			at++;
			put_escape(out, &at);
		} else {
			fputc(*at++, out);
		}
	}
	fclose(out);
	return take_text(rq, 0, text);
}

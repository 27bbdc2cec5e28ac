// SPDX-License-Identifier: Apache-2.0
#include "shell/paper.h"

#include "core/base/guard.h"

#include <stdarg.h>

struct paper paper_of(FILE *out, const struct screen *screen)
{
	return (struct paper){out, screen->width, screen->width, screen->colour};
}

void paper_put(struct paper *paper, const char *colour, const char *text)
{
	bool painted = colour && paper->colour && paper->left && *text;

	if (painted)
		fprintf(paper->out, "\033[%sm", colour);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c & 0xc0) != 0x80 && !paper->left--) {
			paper->left = 0;
			break;
		}
		/* what a terminal would obey */
		fputc(c < ' ' || c == 0x7f ? '?' : c, paper->out);
	}
	if (painted)
		fputs("\033[m", paper->out);
}

void paper_format(struct paper *paper, const char *colour, const char *fmt, ...)
{
	sn_auto_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	paper_put(paper, colour, text);
}

void paper_end_line(struct paper *paper)
{
	fputc('\n', paper->out);
	paper->left = paper->width;
}

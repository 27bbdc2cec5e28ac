/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of /proc/PID/status with more than one number or none: proc_pid_status(5). A single
 * number is proc_field's, core/task/proc.h.
 */
#ifndef CORE_KINDS_STATUS_H
#define CORE_KINDS_STATUS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What follows "NAME:" and blanks, up to the end of the text; NULL: no such line. */
static inline const char *status_line(const char *status, const char *name)
{
	size_t len = strlen(name);
	const char *line = status;

	while (line) {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			return line + strspn(line, "\t ");
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

/* The next decimal number of a line: 1 and *at moves on, 0 when the line has ended. */
static inline int status_number(const char **at, uint32_t *number)
{
	const char *p = *at + strspn(*at, "\t ");
	char *end;

	*number = (uint32_t)strtoul(p, &end, 10);
	*at = end;
	return *p != '\n' && end != p;
}

#endif

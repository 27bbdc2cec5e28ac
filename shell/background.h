/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting this same program in the background: the keeper of an application and
 * the holder of its terminal.
 *
 * The new process is no child of ours (two forks), leads no session that has a
 * terminal, has /dev/null as its standard files and a socket to its starter as
 * descriptor 3. It is told what to do by one JSON line there and answers with one,
 * so a failure of its first steps is the starter's failure. Its own title
 * ("snapsh: keeper myapp") is what main() knows it by.
 */
#ifndef SHELL_BACKGROUND_H
#define SHELL_BACKGROUND_H

#include "core/base/err.h"

#include <jansson.h>

enum { BACKGROUND_LINK = 3 };

struct progress;

/*
 * role: "keeper", "console" or "gc". `spec` is taken. On success *link (may be NULL:
 * closed) is the starter's end of the socket and *result (may be NULL) the answer. `progress`, or
 * NULL, shows what a keeper tells before it.
 */
int background_start(const char *role, const char *name, json_t *spec, struct progress *progress,
		     int *link, json_t **result, struct sn_err *err);

/* The role this process was started in by background_start, or NULL. */
const char *background_role(const char *argv0);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that begin a management share: run, restore, attach.
 */
#ifndef SHELL_START_H
#define SHELL_START_H

#include "catalog/catalog.h"
#include "shell/command.h"

/* The name wanted by -n, whose application must not be alive, or a new one made of
 * `fallback`. */
int start_name(struct request *rq, const char *fallback, char name[64], struct sn_err *err);

/* Uses the terminal of the application just started until it ends, then its exit status
 * is the command's, or until it is left. The result is not printed. */
int start_stay(struct request *rq, const char *name, struct sn_err *err);

/* A person at the terminal it was used from: that it runs on, or that something ended it. */
void start_tell(const struct catalog_app *app, bool left);

#endif

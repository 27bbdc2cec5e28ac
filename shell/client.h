/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell's side of a keeper: asking it, starting it, and what to tell the person
 * when it is not there.
 */
#ifndef SHELL_CLIENT_H
#define SHELL_CLIENT_H

#include "shell/shell.h"

#include <jansson.h>

/* The row of an application by name; NULL: the selected one, or the only one. */
int client_app(struct shell *shell, const char *name, struct catalog_app *app, struct sn_err *err);

/* Sends one command, `args` taken, and waits for its result (a new reference). */
int client_call(struct shell *shell, const struct catalog_app *app, const char *command,
		json_t *args, json_t **result, struct sn_err *err);

/* The same of a request whose answer may come with a descriptor: *passed, -1 none. */
int client_call_fd(struct shell *shell, const struct catalog_app *app, const char *command,
		   json_t *args, json_t **result, int *passed, struct sn_err *err);

/* A connection to the application's keeper, or -1 with what became of it and what to do. */
int client_connect(struct shell *shell, const struct catalog_app *app, struct sn_err *err);

/* For an application that ended while it had no keeper: does what that one would have. */
void client_tidy(struct shell *shell, struct catalog_app *app);

/* The pid of the keeper that is really there; 0 when none is. */
pid_t client_keeper(struct shell *shell, const struct catalog_app *app);

/* Starts a keeper. `spec` (taken) says how it begins, see keeper.h; what the catalog is and
 * the size of this terminal is added here. */
int client_start(struct shell *shell, const char *name, json_t *spec, json_t **result,
		 struct sn_err *err);

/*
 * Uses the application's terminal until it ends or is left. `fresh`: just started, so
 * from its first line on. *app is read again; *left says which it was.
 */
int client_terminal(struct shell *shell, struct catalog_app *app, bool fresh, bool *left,
		    struct sn_err *err);

/* wait(2) status as a shell's $?; 1 when it is unknown. */
int client_exit_code(const struct catalog_app *app);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application's row and its snapshots, as commands and keeper see and report
 * them.
 */
#ifndef SHELL_APP_H
#define SHELL_APP_H

#include "catalog/catalog.h"
#include "shell/format.h"

#include <jansson.h>

enum app_state {
	APP_RUNNING,
	APP_STOPPED,
	APP_ENDED,
};

/* Whether the process of the row is still there, and the same one. */
enum app_state app_state(const struct catalog_app *app);
bool app_alive(const struct catalog_app *app);

/* SIGTERM, which a stopped one takes only when it goes on; false: not sent. */
bool app_ask_to_end(int pidfd);
/* How long it may take to end then, and how long when it was killed. */
enum {
	APP_TERM_LIMIT_MS = 5000,
	APP_KILL_LIMIT_MS = 10000,
};

/* Fails on a name that the catalog would refuse: it also names files. */
int app_name_check(const char *name, struct sn_err *err);

/* `wanted` reduced to characters a name may have, made unique by "-2", "-3", ... */
int app_name_make(struct catalog *cat, const char *wanted, char name[64], struct sn_err *err);

/* A command line in one line, cut to the row's size. */
void app_command_set(struct catalog_app *app, char *const *argv, size_t count);
/* The same of a running process. */
void app_command_read(struct catalog_app *app, pid_t pid);

/* What is known of an application; keeper: 0 when it has none. */
json_t *app_json(const struct catalog_app *app, pid_t keeper);

/* How it ended, in words, from app_json's keys. */
const char *app_end_words(char buf[FORMAT_MAX], const json_t *app);

/* What `snap` and `list` report of a snapshot. */
json_t *snapshot_json(const struct catalog_app *app, const struct catalog_snapshot *snap);

/* All snapshots of an application, oldest first: snapshot_json and "current". */
json_t *snapshots_json(const struct catalog_app *app, const struct catalog_snapshot *snaps,
		       size_t count);

#endif

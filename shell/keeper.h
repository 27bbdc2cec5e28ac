/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: the process that holds one application.
 *
 *	begin    lock apps/NAME.log, open the catalog, then by spec["mode"]
 *	           run      a console, fork, exec, adopt
 *	           attach   adopt a running process
 *	           restore  a console, rebuild a snapshot
 *	         row in the catalog, apps/NAME.sock, "ok" to the starter
 *	serve    one request at a time, any number of connections
 *	end      the application ended: exit status into the catalog
 *	         detach, SIGTERM: let go; the application lives on
 *
 * Everything here runs on one thread: ptrace knows one tracer. Signals are read
 * between requests, so a request is always finished. It waits for no child but the
 * application, and for that only when its pidfd says that it ended: all other wait
 * events belong to the engine.
 *
 * Invariants:
 *   1. Whoever holds the lock on apps/NAME.log is the keeper of NAME.
 *   2. The row is written, then the socket's name taken away, then answered.
 *   3. A start that fails leaves no process, no socket, and no row that was not there.
 */
#ifndef SHELL_KEEPER_H
#define SHELL_KEEPER_H

#include "catalog/catalog.h"
#include "shell/console.h"
#include "shell/gc.h"
#include "snap/snap.h"

#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>

/* Signals whose action a keeper sets, whatever it was for its starter. */
enum { KEEPER_ACTIONS = 4 };
struct keeper_action {
	int signal;
	void (*handler)(int);
};
extern const struct keeper_action keeper_actions[KEEPER_ACTIONS];

/* How signals and limits were for the starter, and are to be for its application. */
struct keeper_inherited {
	sigset_t mask;
	struct sigaction actions[KEEPER_ACTIONS];
	struct rlimit files;
};

struct keeper {
	const char *catalog_dir;
	struct catalog *catalog;
	int apps_dir;
	int lock;
	int listener;
	int signals;
	struct session *session; /* NULL: let go, or not begun */
	struct catalog_app app;	 /* as in the catalog; id 0: has no row yet */
	struct keeper_inherited inherited;
	int timer;		 /* of automatic snapshots; -1: never set */
	struct gc_due gc_due;
	char auto_failed[512]; /* why the last automatic one did; "": it did not */
	int waiter;	 /* is told how far it is; -1 nobody */
	int64_t told_ns; /* when, at last */
	int passed; /* a descriptor that goes with the answer; -1 none */
	bool done; /* leave the loop */
};

/* keeper_start.c: the beginnings. *result for the starter. */
int keeper_begin(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err);

/* keeper_serve.c: one request's answer. */
json_t *keeper_answer(struct keeper *k, const json_t *message);

/* keeper_auto.c: the timer as the row has it; what to do when it has run out. */
int keeper_auto_start(struct keeper *k, struct sn_err *err);
void keeper_auto_tick(struct keeper *k);

/* keeper_child.c: a child on `tty` that executes argv. 0 with *pid, or -1 with why it could
 * not be executed. */
int keeper_spawn(const struct keeper_inherited *inherited, const char *tty, char *const *argv,
		 pid_t *pid, struct sn_err *err);

/* keeper.c, for both of them. */

/* Writes the row as the session and we know it. */
int keeper_save(struct keeper *k, struct sn_err *err);
/* Records the application's end and lets go, when its pidfd is readable. */
int keeper_ended(struct keeper *k, int pidfd, struct sn_err *err);
/* Lets the application go, alive. */
int keeper_detach(struct keeper *k, struct sn_err *err);
/* Waits up to so long for the application's end; false when it lives still. */
bool keeper_wait_end(struct keeper *k, int limit_ms);

/* What main() calls for the role "keeper". */
int keeper_main(void);

#endif

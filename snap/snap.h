/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The use cases: take a snapshot, go back to one, bring one back, compare.
 *
 * A session is one managed application as its keeper holds it: the process, what
 * tracks its changed pages, what is remembered of its interrupted system calls.
 * Everything that stops or changes a process goes through a session and runs on
 * the thread that opened it (ptrace knows one tracer). What only reads the
 * catalog takes the catalog.
 *
 *	session_open -> session_adopt | snap_restore -> snap_take, snap_revert, ...
 *		-> session_close
 */
#ifndef SNAP_SNAP_H
#define SNAP_SNAP_H

#include "proto/image.pb-c.h"
#include "catalog/catalog.h"
#include "core/base/err.h"

struct session;

/* `app` is the application's row in the catalog; a copy is kept, `cat` is borrowed. */
int session_open(struct session **session, struct catalog *cat, const struct catalog_app *app,
		 struct sn_err *err);
/* Lets go of the process without changing it. NULL is fine. */
void session_close(struct session *session);

/*
 * Takes a running process into the session; nothing of it is changed yet. Refuses
 * by name: no such process, another user's, a kernel thread, ourselves, one with a
 * debugger attached, one of another architecture, one that is managed already.
 */
int session_adopt(struct session *session, pid_t pid, struct sn_err *err);

/* The process, or 0; a pidfd that polls readable when it ends, or -1. */
pid_t session_pid(const struct session *session);
int session_pidfd(const struct session *session);

/*
 * A descriptor that polls readable when session_attend has something to do, or -1. That it is
 * called is no condition for anything else, but it may take the process's memory long to
 * be as cheap as any other's without it.
 */
int session_attend_fd(const struct session *session);
int session_attend(struct session *session, struct sn_err *err);

/* The row as it now stands (current, undo, pid change with the use cases). */
const struct catalog_app *session_app(const struct session *session);

struct take_options {
	const char *message; /* NULL: none */
	const char *tag;     /* NULL: none */
	const char *tracker; /* "auto" (NULL), or one by name: core/track/tracker.h */
	enum catalog_taker taker;
	bool no_precopy;     /* read all while frozen */
	enum { TAKE_THEN_RUN, TAKE_THEN_STOP, TAKE_THEN_KILL } then;
};

/* Freezes, reads, thaws, stores. On failure the application runs on and the
 * catalog is as before. */
int snap_take(struct session *session, const struct take_options *options,
	      struct catalog_snapshot *taken, struct sn_err *err);

/* What could not be brought back as it was: lines such as
 * "fd 8: TCP connection to 127.0.0.1:4711 is gone, left closed". */
struct snap_notes {
	char **lines;
	size_t count;
};
void snap_notes_release(struct snap_notes *notes);

struct revert_result {
	const char *mode;      /* "in-place" or "rebuild" */
	int64_t to;            /* snapshot gone back to */
	int64_t undo;          /* snapshot of the state before */
	uint64_t stop_ns;
	uint64_t written_pages;
	struct snap_notes notes;
};

/* The living application goes back; a snapshot of its state is taken first. */
int snap_revert(struct session *session, int64_t id, struct revert_result *result,
		struct sn_err *err);
/* Goes back to the state before the last revert. */
int snap_undo(struct session *session, struct revert_result *result, struct sn_err *err);

struct restore_options {
	/* The terminal the rebuilt application gets for one that is outside the
	 * snapshot: a slave's path such as "/dev/pts/3"; NULL: none. */
	const char *tty;
	/* Let it run at once; its memory comes when it is touched, and in the background. Until
	 * all is there (session_attend) it dies with us. */
	bool lazy;
};

struct restore_result {
	pid_t pid;
	int64_t from;
	uint64_t wall_ns;
	uint64_t filled_pages; /* before it ran */
	uint64_t lazy_pages;   /* that come later */
	uint64_t demanded_pages; /* first of those, for earlier lazy restores were asked for them */
	struct snap_notes notes;
};

/* Rebuilds the application as a child of the caller, with its pids and tids, and
 * lets it run. Fails, with nothing left behind, when a pid is taken (says by whom). */
int snap_restore(struct session *session, int64_t id, const struct restore_options *options,
		 struct restore_result *result, struct sn_err *err);

/* ---- looking ---- */

/* In a page map's location: no place in the store, but an index into pages that came with it. */
#define SNAP_LOC_FRESH (UINT64_C(1) << 63)

/* Free with sn__image__free_unpacked(image, NULL). */
int snap_image_load(struct catalog *cat, int64_t app_id, int64_t id, Sn__Image **image,
		    struct sn_err *err);
/* The model of the living process, by a short freeze; no pages, nothing stored. */
int snap_image_live(struct session *session, Sn__Image **image, struct sn_err *err);

/*
 * The living process as a snapshot would have it, of one moment, without being one: nothing is
 * stored, and the next snapshot is as it would have been. Only what changed since the one it
 * stands on is read, where a tracker knows that.
 *
 * `fd` is memory that holds the pages that were read, then the page map, as struct page_run. There
 * a page that was read has SNAP_LOC_FRESH and its number; all others are in the store.
 */
struct snap_look {
	Sn__Image *image;
	int fd;
	uint64_t pages;
	uint64_t runs;
	uint64_t stop_ns;
};
int snap_look(struct session *session, struct snap_look *look, struct sn_err *err);
void snap_look_release(struct snap_look *look);

/*
 * Resolves `NAME@3`, `NAME@tag`, `NAME@latest`, `NAME@~2`, or without NAME@ when
 * `selected` names an application or there is only one. Fills both rows.
 */
int snap_ref(struct catalog *cat, const char *ref, const char *selected, struct catalog_app *app,
	     struct catalog_snapshot *snap, struct sn_err *err);
/* Resolves an application: `name`, or `selected`, or the only one. */
int snap_app(struct catalog *cat, const char *name, const char *selected,
	     struct catalog_app *app, struct sn_err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: applications and their snapshots in one directory.
 *
 *	catalog.db        SQLite, WAL, synchronous=FULL: applications, snapshots,
 *	                  tags, page maps, packs
 *	packs/N.pages     page contents, append-only, raw or encoded
 *	packs/N.index     one checksummed entry a stored page
 *	apps/             sockets and console logs, used by shell/
 *
 * All of it 0700/0600: it holds the memory of applications.
 *
 * Order of writing: pages and their index entries, fdatasync of both, then the
 * SQLite commit that names them. What catalog_put_commit has returned 0 for is
 * whole after kill -9 of anybody and after power loss; what it has not is
 * invisible, and the tails of the packs beyond what the database names are cut
 * off by the next writer of that pack.
 *
 * Several processes use one catalog at once. A pack has one writer at a time
 * (flock on its .pages file); each open put has a pack of its own.
 *
 * Calling sequence of a writer:
 *
 *	catalog_open -> catalog_app_add ->
 *		catalog_put_begin -> catalog_put_pages ... -> catalog_put_commit
 *	-> catalog_close
 *
 * A handle is used by one thread at a time; reading pages and their checksums may run
 * on several. Handles and fork(2) do not go together: SQLite's locks are not
 * inherited, yet the child's copy of SQLite believes in them, also for a handle the
 * child opens itself. So a process that forks closes its catalogs first, or the
 * child calls exec; a catalog opened before is only ever closed in the child.
 *
 * A file size limit (RLIMIT_FSIZE) makes writes fail cleanly only where SIGXFSZ is
 * ignored; that is the program's to do.
 *
 * Source of truth for the format: doc/catalog-format.md.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "core/base/err.h"
#include "core/base/pagemap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct catalog;

/* Creates the directory and the database when missing; migrates an older
 * schema; refuses a newer one by name. */
int catalog_open(struct catalog **cat, const char *dir, struct sn_err *err);
void catalog_close(struct catalog *cat); /* NULL is fine */

/* A descriptor of the catalog's directory, for files beside the database. */
int catalog_dirfd(const struct catalog *cat);
const char *catalog_dir(const struct catalog *cat);

/*
 * Somebody who waits for something long: is told how much is done of how much, 0 where that is
 * not known, in the thread of who does it. NULL ends it.
 */
typedef void catalog_watch_fn(void *arg, uint64_t done, uint64_t total);
void catalog_watch(struct catalog *cat, catalog_watch_fn *fn, void *arg);
/* Tells it, also of what is done with pages outside of the catalog. */
void catalog_tell(const struct catalog *cat, uint64_t done, uint64_t total);
/* The same; fails with EINTR when it is to end (core/base/interrupt.h). */
int catalog_step(const struct catalog *cat, uint64_t done, uint64_t total, struct sn_err *err);

/* ---- applications ---- */

struct catalog_app {
	int64_t id;
	char name[64];      /* unique; letters, digits, "._-", not starting with "-" */
	pid_t pid;          /* of the application, 0 when it is gone */
	uint64_t start_ticks; /* tells a reused pid */
	pid_t keeper_pid;   /* 0: none */
	pid_t console_pid;  /* holder of the pty's master side, 0: none */
	int64_t current;    /* snapshot the application stands on: parent of the next; 0: none */
	int64_t undo;       /* snapshot taken by the last revert; 0: nothing to undo */
	int64_t auto_interval_ns; /* a snapshot is taken this often; 0: none is */
	int64_t auto_keep;        /* of those, so many stay; 0: all */
	int64_t created_ns; /* CLOCK_REALTIME */
	int32_t exit_status; /* wait(2) status of the last life; -1 unknown */
	char command[256];  /* what a person would recognise it by */
};

/* Fails when the name is malformed or taken. Fills app->id and created_ns. */
int catalog_app_add(struct catalog *cat, struct catalog_app *app, struct sn_err *err);
/* Writes every field but id, name and those of the timer back. A `current` or `undo` that was
 * dropped meanwhile stays what the drop has made of it. */
int catalog_app_update(struct catalog *cat, const struct catalog_app *app, struct sn_err *err);
/* Those of the timer. */
int catalog_app_set_auto(struct catalog *cat, int64_t id, int64_t interval_ns, int64_t keep,
			 struct sn_err *err);
/* 1 found, 0 not there, -1 failed. */
int catalog_app_find(struct catalog *cat, const char *name, struct catalog_app *app,
		     struct sn_err *err);
/* All applications by id in a malloc'd array. */
int catalog_app_list(struct catalog *cat, struct catalog_app **apps, size_t *count,
		     struct sn_err *err);

/* ---- snapshots ---- */

enum catalog_taker {
	TAKEN_BY_PERSON = 0,
	TAKEN_BY_REVERT = 1, /* the state before it */
	TAKEN_BY_TIMER = 2,
};

struct catalog_snapshot {
	int64_t id;       /* counts from 1 for each application, never reused */
	int64_t app_id;
	int64_t parent;   /* 0: none */
	int64_t created_ns; /* CLOCK_REALTIME */
	char message[256];
	char tag[64];     /* "" none; unique in its application */
	char tracker[16]; /* "uffd", "compare", "soft-dirty" */
	uint32_t taker;   /* enum catalog_taker */
	uint32_t tasks;
	uint32_t threads;
	uint64_t stop_ns;
	uint64_t wall_ns;
	uint64_t resident_pages;
	uint64_t dirty_pages;
	uint64_t copied_bytes;
	uint64_t stored_bytes; /* pages, index, map and image; filled by catalog_put_commit */
};

/* 1 found, 0 not there, -1 failed. */
int catalog_snapshot_find(struct catalog *cat, int64_t app_id, int64_t id,
			  struct catalog_snapshot *snap, struct sn_err *err);
int catalog_snapshot_by_tag(struct catalog *cat, int64_t app_id, const char *tag,
			    struct catalog_snapshot *snap, struct sn_err *err);
/* By id, oldest first, in a malloc'd array. */
int catalog_snapshot_list(struct catalog *cat, int64_t app_id, struct catalog_snapshot **snaps,
			  size_t *count, struct sn_err *err);
/* The ids of those whose parent it is, newest first, in a malloc'd array. */
int catalog_snapshot_children(struct catalog *cat, int64_t app_id, int64_t id, int64_t **ids,
			      size_t *count, struct sn_err *err);
/* Those that a timer took and nobody has given a tag, but not the one the application stands
 * on; oldest first, in a malloc'd array. */
int catalog_snapshots_timed(struct catalog *cat, int64_t app_id, int64_t **ids, size_t *count,
			    struct sn_err *err);
/*
 * Whether a snapshot can have this tag: 1 to 63 bytes without blanks, control characters and
 * "@"; nothing that a reference reads otherwise (a number, "latest", "~2"); not that of
 * another snapshot than `id` (0: of none).
 */
int catalog_tag_check(struct catalog *cat, int64_t app_id, int64_t id, const char *tag,
		      struct sn_err *err);
/* Gives it the tag, in the place of the one it has; "": takes that away. */
int catalog_snapshot_tag(struct catalog *cat, int64_t app_id, int64_t id, const char *tag,
			 struct sn_err *err);
/*
 * Drops all of them or, on failure, none; one that is held fails it with EBUSY. Children get the
 * nearest ancestor that stays as parent; all other snapshots stay whole. The room their pages have
 * is given back by catalog_gc.
 */
int catalog_snapshots_drop(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
			   struct sn_err *err);

/* The packed Image, checksum verified; malloc'd. */
int catalog_image_load(struct catalog *cat, int64_t app_id, int64_t id, uint8_t **bytes,
		       size_t *len, struct sn_err *err);
/* The whole page map of a snapshot, every delta's checksum verified. */
int catalog_map_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
		     struct sn_err *err);

/*
 * Pages of a snapshot in the order in which lazy restores were asked for them: a page map whose
 * locations are places in that order, counted from 1. Storing puts it in the place of the one that
 * is there; it goes with its snapshot, and nothing but speed depends on it.
 */
int catalog_demands_store(struct catalog *cat, int64_t app_id, int64_t id,
			  const struct pagemap *order, struct sn_err *err);
/* 1 found, 0 there are none, -1 failed. */
int catalog_demands_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *order,
			 struct sn_err *err);

/*
 * Where single pages lie, in many snapshots of one application: for who asks for few pages of
 * many snapshots. Deltas stay deltas, and a record of the database is read once for all the
 * snapshots that build on it; so a question costs about the logarithm of the runs of each map in
 * its chain. While it is open the catalog is held (catalog_hold), also of a snapshot that is
 * dropped meanwhile the pages stay.
 *
 *	catalog_locator_open -> catalog_locate ... -> catalog_locator_close
 */
struct catalog_locator;
int catalog_locator_open(struct catalog_locator **locator, struct catalog *cat, int64_t app_id,
			 struct sn_err *err);
void catalog_locator_close(struct catalog_locator *locator); /* NULL is fine */
/* 1: *loc is where the page lies in that snapshot; 0: the snapshot does not have it; -1 failed.
 * Of the maps each record's checksum is verified, not that of a whole map. */
int catalog_locate(struct catalog_locator *locator, int64_t id, uint64_t key, uint64_t *loc,
		   struct sn_err *err);

/* ---- writing one ---- */

struct catalog_put;

/*
 * Opens (or reuses) a pack for this writer, with fsyncs. `based_on` (0: none) is the snapshot
 * whose locations the caller goes by: when it has been dropped since, they may name nothing any
 * more, and this fails with ESTALE.
 */
int catalog_put_begin(struct catalog *cat, int64_t app_id, int64_t based_on,
		      struct catalog_put **put, struct sn_err *err);
/*
 * Stores `count` pages of PAGE_BYTES lying one after another; page i gets location locs[i],
 * that of a page stored before when it is equal to one stored lately, or to a near one of the
 * same call. bases[i] is the location of a page that it is likely to resemble (that of the
 * parent), PAGE_LOC_ZERO none; bases may be NULL. They can be read after the commit. May be
 * called any number of times; after a failure only commit (which fails) and abort are left.
 */
int catalog_put_pages(struct catalog_put *put, const void *pages, size_t count,
		      const uint64_t *bases, uint64_t *locs, struct sn_err *err);
/*
 * The snapshot is no moment of the application's life: the application goes on standing where it
 * does. A parent that was dropped by the time of the commit fails it with ESTALE.
 */
void catalog_put_beside(struct catalog_put *put);
/*
 * Makes it durable and visible, filling snap->id, created_ns (when 0) and
 * stored_bytes; `map` is the whole page map of the new snapshot, `parent_map` that
 * of snap->parent (NULL: none at hand). The application's `current` becomes the
 * new id in the same transaction, but not after catalog_put_beside. The put is gone
 * afterwards, also on failure.
 */
int catalog_put_commit(struct catalog_put *put, struct catalog_snapshot *snap,
		       const uint8_t *image, size_t image_len, const struct pagemap *map,
		       const struct pagemap *parent_map, struct sn_err *err);
/* Forgets it; nothing becomes visible. NULL is fine. */
void catalog_put_abort(struct catalog_put *put);

/* ---- reading pages ---- */

/*
 * Whoever goes by the locations of a page map for longer holds the catalog meanwhile: from
 * before the map is loaded, gc then takes no page away, also when the snapshot is dropped. A
 * descriptor; closing it ends the hold. -1: failed.
 */
int catalog_hold(struct catalog *cat, struct sn_err *err);

/*
 * Whoever goes by one snapshot for as long as a person likes, and is not to hold gc up, holds that
 * one, from before its map is loaded: it cannot be dropped meanwhile. A descriptor; closing it
 * ends the hold. -1: failed. That there is such a snapshot is to be seen afterwards.
 */
int catalog_snapshot_hold(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err);
bool catalog_snapshot_is_held(struct catalog *cat, int64_t app_id, int64_t id);

/* Reads `count` pages at loc..loc+count-1 into buf (count * PAGE_BYTES), verifying each
 * checksum. May be called from several threads at once. Zero locations are the
 * caller's to handle. */
int catalog_pages_read(struct catalog *cat, uint64_t loc, size_t count, void *buf,
		       struct sn_err *err);
/*
 * The pages of many runs, one after another (their keys do not matter): quicker than run by
 * run, for what lies together in a pack is read together.
 */
int catalog_runs_read(struct catalog *cat, const struct page_run *runs, size_t count, void *buf,
		      struct sn_err *err);
/* The stored checksums (XXH3 64 bits) of the pages of many runs, in the same way: what the
 * comparing tracker compares with. */
int catalog_runs_sums(struct catalog *cat, const struct page_run *runs, size_t count,
		      uint64_t *sums, struct sn_err *err);
int catalog_pages_sums(struct catalog *cat, uint64_t loc, size_t count, uint64_t *sums,
		       struct sn_err *err);

/* ---- giving room back ---- */

struct catalog_collected {
	uint64_t freed_bytes;   /* of the packs on the disk */
	uint64_t moved_pages;
	uint64_t dropped_packs;
	uint64_t joined;        /* snapshots whose pages lay in pieces, and now lie together */
};

/*
 * Gives the room of pages that no snapshot has back, and joins the pages of those snapshots that
 * applications stand on. May be called at any time, by anybody; nobody waits for it but for a
 * moment. In the background pages that lie in large pieces are left there. EBUSY: another one is
 * under way, or snapshots and restores leave no gap. EINTR: it was to end; what it has given back
 * by then stays so, and *result tells of it.
 */
int catalog_gc(struct catalog *cat, bool background, struct catalog_collected *result,
	       struct sn_err *err);

/* ---- verifying ---- */

struct catalog_finding {
	int64_t app_id; /* 0: of no application: a pack, the database */
	int64_t id;     /* 0: of no snapshot */
	char app[64];   /* the application's name */
	const char *damage; /* the first that was found; NULL: the snapshot is whole */
	uint64_t damaged_pages;
};

struct catalog_verified {
	uint64_t snapshots;
	uint64_t damaged_snapshots;
	uint64_t damages; /* findings that tell of damage */
	uint64_t pages;   /* stored ones that were read, each once */
};

/* Called for every snapshot, and for what else is damaged; a finding lives during the call. */
typedef void catalog_verify_fn(void *arg, const struct catalog_finding *finding);

/*
 * Reads all that there is of a snapshot, of all of an application's (id 0), or of the
 * catalog (app_id 0, too), and compares it with its checksums. Damage is told and no failure; -1:
 * it could not be done.
 */
int catalog_verify(struct catalog *cat, int64_t app_id, int64_t id, catalog_verify_fn *fn,
		   void *arg, struct catalog_verified *result, struct sn_err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a session, for the use cases. Internal to snap/. */
#ifndef SNAP_SESSION_H
#define SNAP_SESSION_H

#include "core/mem/copy.h"
#include "core/track/tracker.h"
#include "core/tree/tree.h"
#include "snap/snap.h"

struct session {
	struct catalog *cat;
	struct catalog_app app;
	struct kernel_caps caps;
	struct smaps_source flags; /* of mappings */
	int pidfd;
	struct call_log *log;
	struct tracker *tracker;
	struct lazy *lazy; /* restored, and not all of its memory is there yet; NULL */
	uint32_t death_signal; /* then: its parent-death signal, when that is done */
	struct page_buffer buffer;
	uint64_t last_copied_bytes; /* 0: nothing is known yet */
	uint64_t last_object_pages; /* of those */
	/*
	 * The page map of the snapshot that the tracker counts from: what the last scan called
	 * clean is there. Only good while the tracker has not lost its state; `counts` says so.
	 */
	struct pagemap base;
	int64_t base_id;
	Sn__Image *numbers; /* of the memory objects of the base; NULL: any */
};

/* Monotonic time in nanoseconds. */
uint64_t session_now_ns(void);

/* Fails when the session has no living process. */
int session_alive(const struct session *session, struct sn_err *err);

/* A use case has failed: if that is because the process was ending under our hands the error
 * says so, and nothing else. Returns -1. */
int session_failed(const struct session *session, struct sn_err *err);

/* Loads the page map of app.current into session->base when it is not there. */
int session_load_base(struct session *session, struct sn_err *err);

/* The snapshot that the application stands on was dropped: it stands where that has left it. */
void session_forget_base(struct session *session);

/* The session's process is `pid` from now on (0: none); the catalog is told. */
int session_set_pid(struct session *session, pid_t pid, struct sn_err *err);

int session_save(struct session *session, struct sn_err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory whose pages are not there yet: a process touches one, waits, and somebody places it.
 * What restore --lazy is made of. Only with the userfaultfd tracker, whose protection the
 * pages get as they are placed.
 *
 *	tracker_miss_open      before the first scan: the userfaultfd will tell of missing pages
 *	tracker_scan           mappings are registered for protection
 *	tracker_miss_range     and some for missing pages, too
 *	    missing_next, missing_place, ...   by one thread, until all is there
 *	tracker_miss_close     frozen: back to plain tracking; what was clean stays so
 *
 * From tracker_miss_range on somebody has to call missing_next: the process waits in munmap(2),
 * mremap(2), madvise(2) and fork(2), too, until the event is taken.
 *
 * Source: Documentation/admin-guide/mm/userfaultfd.rst, ioctl_userfaultfd(2).
 */
#ifndef CORE_TRACK_MISSING_H
#define CORE_TRACK_MISSING_H

#include "core/track/tracker.h"

struct missing_event {
	enum {
		MISSING_PAGE,   /* somebody waits for the page at addr */
		MISSING_GONE,   /* [addr, end) was unmapped or emptied: it is zeros from now on */
		MISSING_MOVED,  /* [addr, end) is at `to` now */
		MISSING_FORKED, /* a child has a copy that lacks the same: fd, the caller's */
	} kind;
	uint64_t addr, end, to;
	int fd;
};

/* Fails where this kernel or user cannot: the kernel's own accesses must be served as well. */
int tracker_miss_open(struct tracker *t, struct sn_err *err);
int tracker_miss_range(struct tracker *t, uint64_t start, uint64_t end, struct sn_err *err);
int tracker_miss_fd(const struct tracker *t);
int tracker_miss_close(struct tracker *t, struct remote *remote, const Sn__Task *model,
		       struct sn_err *err);

/* The next event: 1, 0 when none comes within the time, -1 when the process is gone. */
int missing_next(int fd, int timeout_ms, struct missing_event *event);

enum missing_result {
	MISSING_PLACED, /* or was there already */
	MISSING_BUSY,   /* the memory is changing: take the events, then try again */
	MISSING_NOT,    /* no such memory any more */
	MISSING_ENDED,  /* no such process */
	MISSING_FAILED, /* errno says why */
};

/* Places pages one after another until one cannot be; *placed: how many are there. */
enum missing_result missing_place(int fd, uint64_t addr, const uint8_t *pages, uint64_t count,
				  bool tracked, uint64_t *placed);
/* A page of zeros. */
enum missing_result missing_zero(int fd, uint64_t addr);
/* Whoever waits for this page looks again: where its memory is gone, to be told so. */
void missing_wake(int fd, uint64_t addr);
/* Nobody will ever place these: who touches one gets SIGBUS. Without UFFDIO_POISON (Linux 6.6) a
 * process waits for them as long as fd is open. */
void missing_poison(int fd, uint64_t addr, uint64_t count);

#endif

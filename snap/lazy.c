// SPDX-License-Identifier: Apache-2.0
#include "snap/lazy.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/track/missing.h"
#include "snap/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SLICE_PAGES = DEMANDS_AHEAD_PAGES, /* read in 50 us: so long may one wait who asks */
	BUSY_MS = 1,      /* memory changes, and its event is about to come */
	IDLE_MS = 20,     /* between looks at whether to end */
};

struct filler;

struct lazy {
	struct catalog *cat;
	int hold; /* catalog_hold */
	int uffd;
	int pidfd;
	int done_fd; /* an eventfd: all is there, or it failed */
	pthread_t thread;
	struct pending pages;
	struct demands order;
	struct demands before; /* earlier restores were asked for */
	struct recorder recorder;
	struct filler *innermost; /* whose memory is being filled */
	atomic_bool end;
	bool waited;
	bool failed;
	struct sn_err err;
	uint8_t buf[SLICE_PAGES * PAGE_BYTES];
};

/* Filling one memory: the application's, or a child's copy of it. */
struct filler {
	struct lazy *lazy;
	int fd;
	bool tracked;
	struct pending *pages;
	bool ended; /* the process has */
	struct filler *outer; /* a child of this one was met, and is filled first */
};

static int take_events(struct filler *f, int timeout_ms, struct sn_err *err);

/* Reads a run of at most SLICE_PAGES and places it, or as much of it as can be now. */
static int place(struct filler *f, const struct page_run *run, struct sn_err *err)
{
	uint64_t placed;

	if (catalog_pages_read(f->lazy->cat, run->loc, run->count, f->lazy->buf, err) < 0)
		return -1;
	switch (missing_place(f->fd, page_key_addr(run->key), f->lazy->buf, run->count, f->tracked,
			      &placed)) {
	case MISSING_NOT: /* that page's memory is gone */
		pending_strike(f->pages, run->key, placed + 1);
		return 0;
	case MISSING_ENDED:
		f->ended = true;
		return 0;
	case MISSING_FAILED:
		return sn_fail_sys(err, "place a page at %#lx", page_key_addr(run->key));
	case MISSING_BUSY:
		pending_strike(f->pages, run->key, placed);
		return take_events(f, BUSY_MS, err);
	case MISSING_PLACED:
		break;
	}
	pending_strike(f->pages, run->key, placed);
	return 0;
}

/* Until the page is there: its thread does not say again that it waits. */
static int serve_page(struct filler *f, uint64_t addr, struct sn_err *err)
{
	struct recorder *recorder = &f->lazy->recorder;
	uint64_t key = page_key(0, addr), span = recorder_span(recorder, key);
	bool noted = false;

	while (!f->ended) {
		enum missing_result result;
		struct page_run run;

		if (pending_at(f->pages, key, span, &run)) {
			if (!noted)
				recorder_note(recorder, &run);
			noted = true;
			if (place(f, &run, err) < 0)
				return -1;
			continue;
		}
		result = missing_zero(f->fd, addr); /* or it is there */
		if (result != MISSING_BUSY) {
			f->ended |= result == MISSING_ENDED;
			missing_wake(f->fd, addr);
			return 0;
		}
		if (take_events(f, BUSY_MS, err) < 0)
			return -1;
	}
	return 0;
}

/* Events of this memory, and of those whose filling waits for this one's. */
static int serve(struct filler *f, struct sn_err *err)
{
	for (; f; f = f->outer)
		if (take_events(f, 0, err) < 0)
			return -1;
	return 0;
}

/* Places those of `keys` that are pending, serving who waits between two slices. */
static int fill(struct filler *f, const struct page_run *keys, size_t count, struct sn_err *err)
{
	struct page_run rest, run;
	size_t i;

	for (i = 0; i < count; i++) {
		rest = keys[i];
		while (!f->ended && pending_next(f->pages, &rest, SLICE_PAGES, &run))
			if (place(f, &run, err) < 0 || serve(f, err) < 0)
				return -1;
	}
	return 0;
}

static int fill_all(struct filler *f, struct sn_err *err)
{
	while (f->pages->left && !f->ended) {
		sn_auto(pagemap_release) struct pagemap keys = {0};

		pending_left(f->pages, &keys);
		if (fill(f, keys.runs, keys.len, err) < 0)
			return -1;
	}
	return 0;
}

/* It must not run on without what cannot be read either; who it is nobody tells us. */
static void poison(const struct filler *f)
{
	sn_auto(pagemap_release) struct pagemap left = {0};
	size_t i;

	pending_left(f->pages, &left);
	for (i = 0; i < left.len; i++)
		missing_poison(f->fd, page_key_addr(left.runs[i].key), left.runs[i].count);
}

/* A child that was born half filled is filled at once; then nobody watches its memory. */
static int fill_child(const struct filler *parent, int fd, struct sn_err *err)
{
	sn_auto(pending_release) struct pending pages = {.left = 0};
	struct lazy *lazy = parent->lazy;
	struct filler f = {.lazy = lazy, .fd = fd, .pages = &pages, .outer = lazy->innermost};
	int result;

	lazy->innermost = &f;
	pending_copy(&pages, parent->pages);
	result = fill_all(&f, err);
	if (result == 0)
		result = take_events(&f, 0, err);
	if (result < 0)
		poison(&f);
	lazy->innermost = f.outer;
	close(fd);
	return result;
}

static int take_event(struct filler *f, const struct missing_event *event, struct sn_err *err)
{
	uint64_t key = page_key(0, event->addr), count = (event->end - event->addr) / PAGE_BYTES;

	switch (event->kind) {
	case MISSING_GONE:
		pending_strike(f->pages, key, count);
		return 0;
	case MISSING_MOVED:
		pending_move(f->pages, key, count, page_key(0, event->to));
		return 0;
	case MISSING_FORKED:
		return fill_child(f, event->fd, err);
	case MISSING_PAGE:
		break;
	}
	return serve_page(f, event->addr, err);
}

/* All events there are, those that come within the time for the first. */
static int take_events(struct filler *f, int timeout_ms, struct sn_err *err)
{
	struct missing_event event;
	int came;

	while (!f->ended && (came = missing_next(f->fd, timeout_ms, &event)) != 0) {
		if (came < 0)
			f->ended = true;
		else if (take_event(f, &event, err) < 0)
			return -1;
		timeout_ms = 0;
	}
	return 0;
}

static void *work(void *arg)
{
	struct lazy *lazy = arg;
	struct filler f = {.lazy = lazy, .fd = lazy->uffd, .tracked = true, .pages = &lazy->pages};

	lazy->innermost = &f;
	lazy->failed = fill(&f, lazy->order.runs, lazy->order.len, &lazy->err) < 0 ||
		       fill_all(&f, &lazy->err) < 0;
	eventfd_write(lazy->done_fd, 1);
	/* what cannot be read cannot be made up: it must not run on without. Why is told first */
	if (lazy->failed)
		syscall(SYS_pidfd_send_signal, lazy->pidfd, SIGKILL, NULL, 0);
	while (!lazy->failed && !f.ended && !lazy->end)
		take_events(&f, IDLE_MS, &lazy->err);
	return NULL;
}

static void release(struct lazy *lazy)
{
	sn_guard_fd(&lazy->uffd);
	sn_guard_fd(&lazy->pidfd);
	sn_guard_fd(&lazy->done_fd);
	sn_guard_fd(&lazy->hold);
	pending_release(&lazy->pages);
	demands_release(&lazy->order);
	demands_release(&lazy->before);
	demands_release(&lazy->recorder.demands);
	free(lazy);
}

int lazy_begin(struct lazy **made, struct session *session, struct pagemap *pages,
	       struct goal *goal, struct sn_err *err)
{
	struct lazy *lazy = sn_calloc(1, sizeof(*lazy));

	lazy->cat = session->cat;
	lazy->hold = catalog_hold(session->cat, err);
	lazy->uffd = fcntl(tracker_miss_fd(session->tracker), F_DUPFD_CLOEXEC, 0);
	lazy->pidfd = fcntl(session->pidfd, F_DUPFD_CLOEXEC, 0);
	lazy->done_fd = eventfd(0, EFD_CLOEXEC);
	lazy->order = goal->order;
	goal->order = (struct demands){.len = 0};
	lazy->before = goal->demanded;
	goal->demanded = (struct demands){.len = 0};
	pending_init(&lazy->pages, pages);
	if (lazy->hold < 0)
		goto fail;
	if (lazy->uffd < 0 || lazy->pidfd < 0 || lazy->done_fd < 0)
		sn_fail_sys(err, "get a descriptor");
	else if ((errno = pthread_create(&lazy->thread, NULL, work, lazy)) != 0)
		sn_fail_sys(err, "begin a thread");
	else {
		*made = lazy;
		return 0;
	}
fail:
	release(lazy);
	return -1;
}

int lazy_fd(const struct lazy *lazy)
{
	return lazy->done_fd;
}

int lazy_wait(struct lazy *lazy, struct sn_err *err)
{
	eventfd_t ignored;

	while (!lazy->waited && eventfd_read(lazy->done_fd, &ignored) < 0 && errno == EINTR)
		;
	lazy->waited = true; /* it polls readable once */
	if (!lazy->failed)
		return 0;
	*err = lazy->err;
	return sn_ctx(err, "fill its memory");
}

void lazy_demands(struct lazy *lazy, const struct pagemap *map, struct demands *demands)
{
	sn_auto(pending_release) struct pending pending = {.left = 0};
	struct pagemap copy = {0};

	if (!lazy->recorder.demands.pages)
		return;
	pagemap_copy(&copy, map);
	pending_init(&pending, &copy);
	demands_take(demands, &lazy->before, &pending);
	demands_take(demands, &lazy->recorder.demands, &pending);
	if (demands->pages == lazy->before.pages)
		demands_release(demands);
	demands_release(&lazy->recorder.demands);
}

void lazy_end(struct lazy *lazy)
{
	if (!lazy)
		return;
	lazy->end = true;
	pthread_join(lazy->thread, NULL);
	release(lazy);
}

// SPDX-License-Identifier: Apache-2.0
#include "snap/fresh.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <pthread.h>
#include <sched.h>

enum {
	SLICE_PAGES = 256, /* 1 MiB: stays in the cache between reading and placing */
	THREADS_MAX = 4,
};

struct filling {
	struct session *session;
	const struct pagemap *pages;
	pthread_mutex_t lock; /* of all below */
	size_t run;           /* the next slice begins in this run, */
	uint64_t skip;        /* so many pages from its start */
	uint64_t written, total;
	bool failed;
	struct sn_err err; /* the first failure */
};

struct slice {
	struct page_run runs[SLICE_PAGES];
	size_t len;
	uint64_t pages;
};

/* The next pages in the order of keys; false: there are no more, or somebody has failed. */
static bool next_slice(struct filling *f, struct slice *slice)
{
	slice->len = 0;
	slice->pages = 0;
	pthread_mutex_lock(&f->lock);
	while (!f->failed && f->run < f->pages->len && slice->pages < SLICE_PAGES) {
		const struct page_run *run = &f->pages->runs[f->run];
		uint64_t left = run->count - f->skip, room = SLICE_PAGES - slice->pages;
		uint64_t count = left < room ? left : room;

		if (run->loc != PAGE_LOC_ZERO) {
			slice->runs[slice->len++] = (struct page_run){
				run->key + f->skip, count, run->loc + f->skip};
			slice->pages += count;
		} else {
			count = left;
		}
		f->skip += count;
		if (f->skip == run->count) {
			f->run++;
			f->skip = 0;
		}
	}
	catalog_tell(f->session->cat, f->written, f->total);
	f->written += slice->pages;
	pthread_mutex_unlock(&f->lock);
	return slice->len > 0;
}

static int place_slice(struct filling *f, const struct slice *slice, const uint8_t *buf,
		       struct sn_err *err)
{
	size_t i;

	for (i = 0; i < slice->len; i++) {
		const struct page_run *run = &slice->runs[i];

		if (tracker_place(f->session->tracker, page_key_addr(run->key), buf, run->count,
				  err) < 0)
			return -1;
		buf += run->count * PAGE_BYTES;
	}
	return 0;
}

static void *work(void *arg)
{
	struct filling *f = arg;
	sn_auto_free struct slice *slice = sn_malloc(sizeof(*slice));
	sn_auto_free uint8_t *buf = sn_malloc(SLICE_PAGES * PAGE_BYTES);
	struct sn_err err;

	while (next_slice(f, slice)) {
		if (catalog_runs_read(f->session->cat, slice->runs, slice->len, buf, &err) == 0 &&
		    place_slice(f, slice, buf, &err) == 0)
			continue;
		pthread_mutex_lock(&f->lock);
		if (!f->failed)
			f->err = err;
		f->failed = true;
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

/* How many threads are worth it, ours among them. */
static size_t thread_count(const struct pagemap *pages)
{
	uint64_t slices = pagemap_pages(pages) / SLICE_PAGES + 1;
	size_t count = THREADS_MAX;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && (size_t)CPU_COUNT(&cpus) < count)
		count = (size_t)CPU_COUNT(&cpus);
	return slices < count ? slices : count;
}

int fresh_fill(struct session *session, const struct pagemap *pages, uint64_t *written,
	       struct sn_err *err)
{
	struct filling f = {.session = session, .pages = pages, .total = pagemap_stored(pages)};
	size_t wanted = thread_count(pages), begun = 0;
	pthread_t threads[THREADS_MAX];

	pthread_mutex_init(&f.lock, NULL);
	while (begun + 1 < wanted && pthread_create(&threads[begun], NULL, work, &f) == 0)
		begun++;
	work(&f);
	while (begun > 0)
		pthread_join(threads[--begun], NULL);
	pthread_mutex_destroy(&f.lock);
	*written += f.written;
	if (!f.failed)
		return 0;
	*err = f.err;
	return -1;
}

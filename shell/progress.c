// SPDX-License-Identifier: Apache-2.0
#include "shell/progress.h"

#include "core/base/mem.h"
#include "shell/screen.h"
#include "shell/wire.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_NS = 500000000,
	NEXT_NS = 200000000,
	SECOND_NS = 1000000000,
};

struct progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
	struct timespec begun;
	size_t width; /* of the terminal */
	struct catalog *cat; /* NULL: it tells nothing */
	uint64_t far, total; /* of what it tells; 0: not known */
	size_t count;
	const char *of; /* NULL: nothing is counted */
	char what[];
};

static struct timespec later(struct timespec time, long ns)
{
	time.tv_nsec += ns;
	time.tv_sec += time.tv_nsec / SECOND_NS;
	time.tv_nsec %= SECOND_NS;
	return time;
}

static void show(const struct progress *progress, const struct timespec *now)
{
	char line[256], counted[64] = "", far[16] = "";

	if (progress->total)
		snprintf(far, sizeof(far), "%.0f %%, ",
			 100.0 * (double)progress->far / (double)progress->total);
	if (progress->of)
		snprintf(counted, sizeof(counted), "%zu %s, ", progress->count, progress->of);
	snprintf(line, sizeof(line), "%s: %s%s%ld s", progress->what, far, counted,
		 (long)(now->tv_sec - progress->begun.tv_sec));
	fprintf(stderr, "\r%.*s\033[K",
		(int)(progress->width < sizeof(line) ? progress->width - 1 : sizeof(line)), line);
	fflush(stderr);
}

static void *run(void *arg)
{
	struct progress *progress = arg;
	struct timespec next = later(progress->begun, FIRST_NS);
	bool shown = false;

	pthread_mutex_lock(&progress->lock);
	while (!progress->done) {
		if (pthread_cond_timedwait(&progress->over, &progress->lock, &next) == 0)
			continue;
		show(progress, &next);
		shown = true;
		next = later(next, NEXT_NS);
	}
	pthread_mutex_unlock(&progress->lock);
	if (shown)
		fputs("\r\033[K", stderr);
	return NULL;
}

/* Signals are the command's. */
static bool start_thread(struct progress *progress)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&progress->thread, NULL, run, progress) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* Called often: what is shown is looked at by the thread. */
static void come_far(void *arg, uint64_t done, uint64_t total)
{
	struct progress *progress = arg;

	pthread_mutex_lock(&progress->lock);
	progress->far = done < total ? done : total;
	progress->total = total;
	pthread_mutex_unlock(&progress->lock);
}

int progress_answer(struct progress *progress, int fd, json_t **answer, struct sn_err *err)
{
	const json_t *told;
	int rc;

	for (;;) {
		rc = wire_receive(fd, answer, err);
		told = rc == 1 ? json_object_get(*answer, "progress") : NULL;
		if (!told)
			return rc;
		if (progress)
			come_far(progress,
				 (uint64_t)json_integer_value(json_array_get(told, 0)),
				 (uint64_t)json_integer_value(json_array_get(told, 1)));
		json_decref(*answer);
	}
}

struct progress *progress_begin(const char *what, struct catalog *cat)
{
	const struct screen screen = screen_of(STDERR_FILENO);
	size_t size = strlen(what) + 1;
	struct progress *progress;
	pthread_condattr_t attr;

	if (!screen.terminal || screen.dumb)
		return NULL;
	progress = sn_calloc(1, sizeof(*progress) + size);
	memcpy(progress->what, what, size);
	progress->width = screen.width;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->over, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&progress->lock, NULL);
	clock_gettime(CLOCK_MONOTONIC, &progress->begun);
	if (!start_thread(progress)) {
		free(progress);
		return NULL;
	}
	progress->cat = cat;
	if (cat)
		catalog_watch(cat, come_far, progress);
	return progress;
}

void progress_count(struct progress *progress, size_t done, const char *of)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->count = done;
	progress->of = of;
	pthread_mutex_unlock(&progress->lock);
}

void progress_end(struct progress *progress)
{
	if (!progress)
		return;
	if (progress->cat)
		catalog_watch(progress->cat, NULL, NULL);
	pthread_mutex_lock(&progress->lock);
	progress->done = true;
	pthread_cond_signal(&progress->over);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	pthread_cond_destroy(&progress->over);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

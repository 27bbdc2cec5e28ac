// SPDX-License-Identifier: Apache-2.0
/*
 * primes LIMIT [THREADS] - a long job that knows nothing of snapshots
 *
 *	$ snapsh run -d -n primes build/examples/primes 2000000000
 *	$ snapsh snap primes            # now and then
 *	$ snapsh restore -d primes      # after whatever ended it: a minute is lost, not a day
 *
 * Counts the primes up to LIMIT in slices that its threads take off a common pile, tells
 * how far it is every second, and the number in the end.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLICE = 1 << 18, THREADS = 2, THREADS_MAX = 64 };

struct job {
	uint64_t limit;
	uint64_t next;  /* first number of the next slice */
	uint64_t found;
	uint64_t slices, done; /* how many there are, and are counted */
	uint32_t *small;       /* primes up to the root of the limit */
	size_t small_count;
	pthread_mutex_t lock;
	pthread_cond_t finished;
};

static int find_small(struct job *job)
{
	uint64_t root = 1, n, m;
	char *composite;

	while ((root + 1) * (root + 1) <= job->limit)
		root++;
	composite = calloc(root + 1, 1);
	job->small = calloc(root + 1, sizeof(*job->small));
	if (!composite || !job->small) {
		free(composite);
		return -1;
	}
	for (n = 2; n <= root; n++) {
		if (composite[n])
			continue;
		job->small[job->small_count++] = (uint32_t)n;
		for (m = n * n; m <= root; m += n)
			composite[m] = 1;
	}
	free(composite);
	return 0;
}

static uint64_t count_slice(const struct job *job, uint64_t first, uint64_t last, char *composite)
{
	uint64_t n, found = 0;
	size_t i;

	memset(composite, 0, SLICE);
	for (i = 0; i < job->small_count; i++) {
		uint64_t prime = job->small[i];

		n = (first + prime - 1) / prime * prime;
		if (n < prime * prime)
			n = prime * prime;
		for (; n <= last; n += prime)
			composite[n - first] = 1;
	}
	for (n = first; n <= last; n++)
		found += !composite[n - first];
	return found;
}

static void *work(void *arg)
{
	struct job *job = arg;
	char *composite = malloc(SLICE);

	pthread_mutex_lock(&job->lock);
	while (composite && job->next <= job->limit) {
		uint64_t first = job->next, last = first + SLICE - 1, found;

		job->next += SLICE;
		if (last > job->limit)
			last = job->limit;
		pthread_mutex_unlock(&job->lock);
		found = count_slice(job, first, last, composite);
		pthread_mutex_lock(&job->lock);
		job->found += found;
		if (++job->done == job->slices)
			pthread_cond_signal(&job->finished);
	}
	pthread_mutex_unlock(&job->lock);
	free(composite);
	return NULL;
}

static void watch(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	while (job->done < job->slices) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (pthread_cond_timedwait(&job->finished, &job->lock, &until) != 0)
			printf("%lu of %lu slices\n", job->done, job->slices);
	}
	printf("%lu primes up to %lu\n", job->found, job->limit);
	pthread_mutex_unlock(&job->lock);
}

int main(int argc, char **argv)
{
	struct job job = {.next = 2, .lock = PTHREAD_MUTEX_INITIALIZER,
			  .finished = PTHREAD_COND_INITIALIZER};
	long threads = argc > 2 ? strtol(argv[2], NULL, 10) : THREADS;
	pthread_t thread;
	long i;

	job.limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	if (job.limit < 4 || threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: primes LIMIT [THREADS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	job.slices = (job.limit - 1 + SLICE - 1) / SLICE;
	if (find_small(&job) < 0) {
		perror("primes");
		return 1;
	}
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, work, &job) != 0) {
			perror("primes");
			return 1;
		}
	watch(&job);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// varies: fds.3 (the count of the eventfd)
// dry: harm
/* Streaming: numbers through a pipe and an eventfd beside it; each must come once and in
 * order, whatever was queued at the moment of a stop. */
#include "victim.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

struct state {
	struct victim *v;
	int pipe[2], event;
	_Atomic uint64_t sent, received, signalled, counted;
	_Atomic bool skip; /* harm: leave a number out */
};

static void *send_all(void *arg)
{
	struct state *s = arg;
	uint64_t block[64], number = 0;

	for (;;) {
		size_t count = 1 + number % 64;

		if (s->skip)
			number++;
		for (size_t i = 0; i < count; i++)
			block[i] = number++;
		if (write(s->pipe[1], block, count * 8) != (ssize_t)(count * 8))
			victim_fault(s->v, "short write: %s", strerror(errno));
		s->sent = number;
		if (number % 16 == 0)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void *receive_all(void *arg)
{
	struct state *s = arg;
	uint64_t block[100], expected = 0;

	for (;;) {
		ssize_t got = read(s->pipe[0], block, sizeof(block));

		if (got <= 0 || got % 8)
			victim_fault(s->v, "read %zd: %s", got, strerror(errno));
		for (ssize_t i = 0; i < got / 8; i++) {
			if (block[i] != expected)
				victim_fault(s->v, "%llu came for %llu",
					     (unsigned long long)block[i],
					     (unsigned long long)expected);
			expected = block[i] + 1;
		}
		s->received = expected;
		s->signalled += (uint64_t)got;
		if (write(s->event, &(uint64_t){ (uint64_t)got }, 8) != 8)
			victim_fault(s->v, "write to the eventfd: %s", strerror(errno));
	}
	return NULL;
}

static void *count_all(void *arg)
{
	struct state *s = arg;
	uint64_t count;

	for (;;) {
		if (read(s->event, &count, 8) != 8)
			victim_fault(s->v, "read of the eventfd: %s", strerror(errno));
		s->counted += count;
		if (s->counted > s->signalled)
			victim_fault(s->v, "the eventfd gives more than it got");
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t before = s->received, bytes = s->signalled;

	s->skip = v->harm;
	for (int i = 0; i < 400 && (s->received < before + 1000 || s->counted < bytes); i++)
		victim_sleep_ms(5);
	CHECK(v, s->received >= before + 1000, "the pipe stands still");
	CHECK(v, s->counted >= bytes, "the eventfd has lost %llu",
	      (unsigned long long)(bytes - s->counted));
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	s.event = eventfd(0, 0);
	NEED(&v, pipe(s.pipe) == 0 && s.event >= 0);
	NEED(&v, pthread_create(&thread, NULL, send_all, &s) == 0);
	NEED(&v, pthread_create(&thread, NULL, receive_all, &s) == 0);
	NEED(&v, pthread_create(&thread, NULL, count_all, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}

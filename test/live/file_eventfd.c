// SPDX-License-Identifier: Apache-2.0
/* eventfd: counter and semaphore, a large count, non-blocking or not. */
#include "victim.h"
#include <fcntl.h>
#include <sys/eventfd.h>

struct state {
	int counter, semaphore, shared; /* `shared`: a dup of the counter */
};

static uint64_t count_of(unsigned generation)
{
	return 0xfffffffffffffff0u - generation * 3;
}

static void set(struct victim *v, struct state *s)
{
	uint64_t old, value = count_of(v->generation);

	(void)!read(s->counter, &old, 8);
	CHECK(v, write(s->counter, &value, 8) == 8, "write: %s", strerror(errno));
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t one = 1;

	set(v, s);
	CHECK(v, write(s->semaphore, &one, 8) == 8, "write: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t value, one = 1;
	unsigned taken = 0;

	CHECK(v, read(s->shared, &value, 8) == 8 && value == count_of(v->generation), "counter");
	CHECK(v, read(s->counter, &value, 8) < 0 && errno == EAGAIN, "the dup has its own count");
	set(v, s);
	while (read(s->semaphore, &value, 8) == 8) {
		CHECK(v, value == 1, "a semaphore that gives %llu", (unsigned long long)value);
		taken++;
	}
	for (unsigned i = 0; i < taken; i++)
		CHECK(v, write(s->semaphore, &one, 8) == 8, "write: %s", strerror(errno));
	CHECK(v, taken == 5 + v->generation, "the semaphore had %u", taken);
	CHECK(v, fcntl(s->semaphore, F_GETFD) == FD_CLOEXEC, "cloexec");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.counter = eventfd(0, EFD_NONBLOCK);
	s.semaphore = eventfd(5, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	s.shared = dup(s.counter);
	NEED(&v, s.counter >= 0 && s.semaphore >= 0 && s.shared >= 0);
	set(&v, &s);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/* Resource limits, soft and hard, every one of them. */
#include "victim.h"
#include <sys/resource.h>

/* Soft limits that may be lowered without harm to the victim itself. */
static const struct {
	int which;
	rlim_t value;
} lowered[] = {
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_FSIZE, 1 << 30 },
	{ RLIMIT_NOFILE, 200 },
	{ RLIMIT_AS, (rlim_t)1 << 40 },
	{ RLIMIT_DATA, (rlim_t)1 << 36 },
	{ RLIMIT_CPU, 100000 },
	{ RLIMIT_STACK, 4 << 20 },
	{ RLIMIT_MEMLOCK, 65536 },
	{ RLIMIT_NPROC, 5000 },
};

enum { LOWERED = sizeof(lowered) / sizeof(*lowered) };

struct state {
	struct rlimit first[RLIM_NLIMITS];
};

static struct rlimit wanted(const struct state *s, int which, unsigned generation)
{
	struct rlimit limit = s->first[which];

	for (unsigned i = 0; i < LOWERED; i++) {
		if (lowered[i].which == which && limit.rlim_max >= lowered[i].value)
			limit.rlim_cur = lowered[i].value - (lowered[i].value ? generation : 0);
	}
	return limit;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < LOWERED; i++) {
		struct rlimit limit = wanted(s, lowered[i].which, v->generation);

		CHECK(v, setrlimit(lowered[i].which, &limit) == 0, "setrlimit %d: %s",
		      lowered[i].which, strerror(errno));
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		struct rlimit want = wanted(s, i, v->generation), is;

		CHECK(v, getrlimit(i, &is) == 0 && is.rlim_cur == want.rlim_cur,
		      "limit %d is %llu, not %llu", i, (unsigned long long)is.rlim_cur,
		      (unsigned long long)want.rlim_cur);
		CHECK(v, is.rlim_max == want.rlim_max, "hard limit %d is %llu", i,
		      (unsigned long long)is.rlim_max);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	struct rlimit limit;

	victim_start(&v, argc, argv);
	/* A hard limit below the one that is inherited; it cannot be raised again. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_max = 300 < limit.rlim_max ? 300 : limit.rlim_max;
	limit.rlim_cur = limit.rlim_max;
	NEED(&v, setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		NEED(&v, getrlimit(i, &s.first[i]) == 0);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * epoll: level and edge triggered, one-shot (spent), disabled, a nested epoll. Targets
 * change their events and data with the generation, and one comes and goes.
 */
#include "victim.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { TARGETS = 5 };

struct state {
	int epoll, nested;
	int events[TARGETS]; /* eventfds with a count: all readable */
};

static const uint32_t wanted[TARGETS] = {
	EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, 0, EPOLLIN | EPOLLPRI,
};

static uint64_t data_of(unsigned target, unsigned generation)
{
	return 0xfeed000000000000u | (uint64_t)generation << 32 | target;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < TARGETS; i++) {
		struct epoll_event event = { wanted[i], { .u64 = data_of(i, v->generation) } };

		/* The last one is there only in even generations. */
		if (i == TARGETS - 1 && v->generation) {
			int how = v->generation % 2 ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;

			CHECK(v, epoll_ctl(s->epoll, how, s->events[i], &event) == 0, "ctl: %s",
			      strerror(errno));
			continue;
		}
		CHECK(v, epoll_ctl(s->epoll, v->generation ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
				   s->events[i], &event) == 0, "ctl: %s", strerror(errno));
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct epoll_event got[16];
	unsigned seen = 0, expected = v->generation % 2 ? 0x7 : 0x17;
	int count = epoll_wait(s->epoll, got, 16, 0);

	for (int i = 0; i < count; i++) {
		unsigned target = (uint32_t)got[i].data.u64;

		CHECK(v, target < TARGETS && got[i].data.u64 == data_of(target, v->generation),
		      "data %#llx", (unsigned long long)got[i].data.u64);
		CHECK(v, got[i].events == EPOLLIN, "events %#x", got[i].events);
		seen |= 1u << target;
	}
	CHECK(v, (seen & ~2u) == (expected & ~2u), "ready are %#x, not %#x", seen, expected);
	CHECK(v, epoll_wait(s->nested, got, 1, 0) == 1 && got[0].data.fd == s->epoll, "nested");
	/* What this look has spent is armed again. */
	for (unsigned i = 1; i <= 2; i++) {
		struct epoll_event event = { wanted[i], { .u64 = data_of(i, v->generation) } };

		CHECK(v, epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->events[i], &event) == 0, "rearm");
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	struct epoll_event event = { .events = EPOLLIN };

	victim_start(&v, argc, argv);
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.nested = epoll_create1(0);
	NEED(&v, s.epoll >= 0 && s.nested >= 0);
	for (unsigned i = 0; i < TARGETS; i++)
		NEED(&v, (s.events[i] = eventfd(1 + i, 0)) >= 0);
	change(&v, &s);
	event.data.fd = s.epoll;
	NEED(&v, !v.failed && epoll_ctl(s.nested, EPOLL_CTL_ADD, s.epoll, &event) == 0);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
// may-refuse: epoll
/* epoll watches a file, not a number: the number was closed, or is another file's now,
 * and a copy keeps the file open; its events still come. */
#include "victim.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct state {
	int epoll, copies[2];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t count;

	/* In even generations both files are ready, in odd ones only the second. */
	(void)!read(s->copies[0], &count, 8);
	if (v->generation % 2 == 0)
		CHECK(v, write(s->copies[0], &(uint64_t){ 1 }, 8) == 8, "write");
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct epoll_event got[8];
	int count = epoll_wait(s->epoll, got, 8, 0);
	unsigned seen = 0;

	for (int i = 0; i < count; i++)
		seen |= 1u << got[i].data.u32;
	CHECK(v, seen == (v->generation % 2 ? 2 : 3), "ready are %#x of %d", seen, count);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.epoll = epoll_create1(0);
	NEED(&v, s.epoll >= 0);
	for (unsigned i = 0; i < 2; i++) {
		struct epoll_event event = { EPOLLIN, { .u32 = i } };
		int fd = eventfd(1, EFD_NONBLOCK);

		NEED(&v, fd >= 0 && epoll_ctl(s.epoll, EPOLL_CTL_ADD, fd, &event) == 0);
		s.copies[i] = dup(fd);
		close(fd);
	}
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/* Flags a file was opened with and that F_GETFL still shows, and the ones it may change. */
#include "victim.h"
#include <fcntl.h>

enum { COUNT = 6 };

struct state {
	int fd[COUNT];
	int flags[COUNT];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < COUNT; i++) {
		if (s->fd[i] < 0)
			continue;
		fcntl(s->fd[i], F_SETFL, (i + v->generation) % 2 ? O_NONBLOCK | O_NOATIME : 0);
		s->flags[i] = fcntl(s->fd[i], F_GETFL);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < COUNT; i++) {
		int now = fcntl(s->fd[i], F_GETFL);

		if (s->fd[i] < 0)
			continue;
		CHECK(v, now == s->flags[i], "file %u: flags %#o, not %#o", i, (unsigned)now,
		      (unsigned)s->flags[i]);
		CHECK(v, !(now & O_NONBLOCK) == ((i + v->generation) % 2 == 0), "file %u: another"
		      " generation's flags", i);
	}
}

int main(int argc, char **argv)
{
	static const int flags[COUNT] = {
		O_RDWR | O_SYNC, O_WRONLY | O_DSYNC, O_RDWR | O_DIRECT,
		O_RDONLY | O_NOFOLLOW, O_RDONLY | O_NOCTTY | O_CLOEXEC, O_WRONLY | O_APPEND,
	};
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < COUNT; i++) {
		s.fd[i] = open("file", flags[i] | O_CREAT, 0600);
		NEED(&v, s.fd[i] >= 0 || flags[i] & O_DIRECT); /* not on every file system */
	}
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

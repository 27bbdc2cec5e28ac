// SPDX-License-Identifier: Apache-2.0
/* Held locks: flock(2), record locks of the process and of the open file. */
#include "victim.h"
#include <fcntl.h>
#include <sys/file.h>

struct state {
	int flock, posix, ofd, probe; /* four opens of one file, `probe` without locks */
};

static int record(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = { .l_type = type, .l_start = start, .l_len = length };

	if (fcntl(fd, command, &lock) < 0)
		return -1;
	return lock.l_type;
}

/* The process's own lock covers bytes [100, 110 + generation). */
static void change(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, flock(s->flock, v->generation % 2 ? LOCK_SH : LOCK_EX) == 0, "flock");
	record(s->posix, F_SETLK, F_UNLCK, 0, 0);
	CHECK(v, record(s->posix, F_SETLK, F_WRLCK, 100, 10 + v->generation) >= 0, "F_SETLK");
	CHECK(v, record(s->ofd, F_OFD_SETLK, v->generation % 2 ? F_WRLCK : F_RDLCK, 500, 1) >= 0,
	      "F_OFD_SETLK");
}

/* Seen through `probe`, whose open file holds nothing: conflicts are the others'. */
static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	off_t end = 110 + v->generation;
	int shared = flock(s->probe, LOCK_SH | LOCK_NB);

	flock(s->probe, LOCK_UN);
	CHECK(v, (shared == 0) == (v->generation % 2 == 1), "flock is not %s",
	      v->generation % 2 ? "shared" : "exclusive");
	CHECK(v, flock(s->probe, LOCK_EX | LOCK_NB) < 0, "flock is lost");
	CHECK(v, record(s->probe, F_OFD_GETLK, F_WRLCK, end - 1, 1) == F_WRLCK,
	      "the process's lock is lost");
	CHECK(v, record(s->probe, F_OFD_GETLK, F_WRLCK, end, 1) == F_UNLCK,
	      "the process's lock reaches too far");
	CHECK(v, record(s->probe, F_OFD_GETLK, F_WRLCK, 500, 1) ==
		 (v->generation % 2 ? F_WRLCK : F_RDLCK), "the open file's lock");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int *each[] = { &s.flock, &s.posix, &s.ofd, &s.probe };

	victim_start(&v, argc, argv);
	for (int i = 0; i < 4; i++)
		NEED(&v, (*each[i] = open("file", O_RDWR | O_CREAT, 0600)) >= 0);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

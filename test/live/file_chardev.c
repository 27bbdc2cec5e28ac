// SPDX-License-Identifier: Apache-2.0
/* Devices without a state: null, zero, full, random, urandom; with flags of their own. */
#include "victim.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { DEVICES = 5 };

static const char *const paths[DEVICES] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
};

struct state {
	int fd[DEVICES], changing;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int fd = open(paths[v->generation % DEVICES], O_RDWR | O_CLOEXEC);

	CHECK(v, fd >= 0 && dup2(fd, s->changing) == s->changing, "open: %s", strerror(errno));
	close(fd);
}

static bool is(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && S_ISCHR(a.st_mode) &&
	       a.st_rdev == b.st_rdev;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char bytes[16];

	for (unsigned i = 0; i < DEVICES; i++)
		CHECK(v, is(s->fd[i], paths[i]), "%s is another file", paths[i]);
	CHECK(v, is(s->changing, paths[v->generation % DEVICES]), "not %s",
	      paths[v->generation % DEVICES]);
	CHECK(v, read(s->fd[0], bytes, 16) == 0, "null");
	memset(bytes, 1, 16);
	CHECK(v, read(s->fd[1], bytes, 16) == 16 && !bytes[0] && !bytes[15], "zero");
	CHECK(v, write(s->fd[2], bytes, 1) < 0 && errno == ENOSPC, "full");
	CHECK(v, read(s->fd[4], bytes, 16) == 16, "urandom");
	CHECK(v, (fcntl(s->fd[1], F_GETFL) & O_ACCMODE) == O_RDONLY, "access of zero");
	CHECK(v, fcntl(s->fd[0], F_GETFL) & O_APPEND, "O_APPEND of null");
}

int main(int argc, char **argv)
{
	static const int flags[DEVICES] = { O_RDWR | O_APPEND, O_RDONLY, O_WRONLY, O_RDONLY,
					    O_RDONLY | O_NONBLOCK };
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < DEVICES; i++)
		NEED(&v, (s.fd[i] = open(paths[i], flags[i])) >= 0);
	s.changing = 50;
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
// may-refuse: /proc
/* Files of /proc about the process itself, kept open: after a restore they must be about
 * the process that then has the pid. */
#include "victim.h"
#include <fcntl.h>

struct state {
	int comm, dir;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	lseek(s->comm, v->generation, SEEK_SET);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char text[40] = "", pid[20];
	int fd;

	CHECK(v, lseek(s->comm, 0, SEEK_CUR) == v->generation, "offset");
	CHECK(v, pread(s->comm, text, sizeof(text) - 1, 0) > 0 && !strcmp(text, "file_proc\n"),
	      "comm is '%s': %s", text, strerror(errno));
	fd = openat(s->dir, "stat", O_RDONLY);
	CHECK(v, fd >= 0 && read(fd, text, 20) == 20, "stat: %s", strerror(errno));
	close(fd);
	snprintf(pid, sizeof(pid), "%d (", (int)getpid());
	CHECK(v, strncmp(text, pid, strlen(pid)) == 0, "stat is of %.20s", text);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.comm = open("/proc/self/comm", O_RDONLY);
	s.dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	NEED(&v, s.comm >= 0 && s.dir >= 0);
	victim_serve(&v, change, verify, &s);
}

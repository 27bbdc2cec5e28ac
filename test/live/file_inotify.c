// SPDX-License-Identifier: Apache-2.0
/* inotify: watches by number, mask and place; numbers have gaps. Nothing may be in the
 * queue that the application did not cause. */
#include "victim.h"
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

enum { FOLDERS = 4 };

struct state {
	int fd;
	int wd[FOLDERS], changing;
};

static void touch(unsigned folder)
{
	char path[40];

	snprintf(path, sizeof(path), "folder%u/x", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	unlink(path);
}

static void drain(struct state *s)
{
	char buffer[4096];

	while (read(s->fd, buffer, sizeof(buffer)) > 0)
		;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	uint32_t mask = v->generation % 2 ? IN_DELETE : IN_CREATE;

	inotify_rm_watch(s->fd, s->changing);
	s->changing = inotify_add_watch(s->fd, "folder3", mask);
	CHECK(v, s->changing > 0, "inotify_add_watch: %s", strerror(errno));
	drain(s);
}

/* Makes a file in a folder and deletes it; what is heard of that? */
static uint32_t heard(struct state *s, unsigned folder, int wd)
{
	char buffer[4096] __attribute__((aligned(8)));
	struct inotify_event event;
	uint32_t mask = 0;
	ssize_t len, at = 0;

	touch(folder);
	len = read(s->fd, buffer, sizeof(buffer));
	while (at + (ssize_t)sizeof(event) <= len) {
		memcpy(&event, buffer + at, sizeof(event));
		if (event.wd == wd)
			mask |= event.mask;
		at += (ssize_t)(sizeof(event) + event.len);
	}
	return mask;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char buffer[4096];

	CHECK(v, read(s->fd, buffer, sizeof(buffer)) < 0 && errno == EAGAIN,
	      "an event that nobody caused");
	CHECK(v, heard(s, 0, s->wd[0]) == IN_CREATE, "watch %d", s->wd[0]);
	CHECK(v, heard(s, 2, s->wd[2]) == (IN_CREATE | IN_DELETE), "watch %d", s->wd[2]);
	CHECK(v, heard(s, 3, s->changing) == (v->generation % 2 ? IN_DELETE : IN_CREATE),
	      "watch %d", s->changing);
	CHECK(v, heard(s, 1, s->wd[1]) == 0, "a watch that was taken away");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	NEED(&v, s.fd >= 0);
	for (unsigned i = 0; i < FOLDERS; i++) {
		char path[40];

		snprintf(path, sizeof(path), "folder%u", i);
		NEED(&v, mkdir(path, 0755) == 0);
		s.wd[i] = inotify_add_watch(s.fd, path, IN_CREATE | (i == 2 ? IN_DELETE : 0));
	}
	inotify_rm_watch(s.fd, s.wd[1]); /* a gap */
	s.changing = s.wd[3];
	drain(&s);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/* Mappings of /dev/zero, private and shared: memory in the clothes of a file. */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { BYTES = 8 * VICTIM_PAGE };

struct state {
	char *private, *shared;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->private, BYTES / 2, v->generation);
	victim_fill(s->shared, BYTES / 2, v->generation + 10);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_expect(v, "private /dev/zero", s->private, BYTES / 2, v->generation);
	victim_expect(v, "shared /dev/zero", s->shared, BYTES / 2, v->generation + 10);
	CHECK(v, !s->private[BYTES - 1] && !s->shared[BYTES - 1], "untouched pages");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int fd;

	victim_start(&v, argc, argv);
	fd = open("/dev/zero", O_RDWR);
	NEED(&v, fd >= 0);
	s.private = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	s.shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(&v, s.private != MAP_FAILED && s.shared != MAP_FAILED);
	close(fd);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

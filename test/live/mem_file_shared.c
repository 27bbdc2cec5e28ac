// SPDX-License-Identifier: Apache-2.0
/*
 * Shared mappings of a file, one more window with every generation. The file's
 * contents are the file system's and do not go back; the mappings do, and each
 * must be of the right part of the file and write to it.
 */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum {
	WINDOWS = 6,
	WINDOW_BYTES = 4 * VICTIM_PAGE,
};

struct state {
	char *base; /* windows lie two window sizes apart */
	int fd;
};

static char *window(struct state *s, unsigned number)
{
	return s->base + number * 2 * WINDOW_BYTES;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char *at = window(s, v->generation);

	CHECK(v, mmap(at, WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s->fd,
		      v->generation * WINDOW_BYTES) == at, "mmap: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char byte;

	for (unsigned i = 0; i < WINDOWS; i++) {
		char *at = window(s, i);

		CHECK(v, smaps_readable(at) == (i <= v->generation), "window %u is %s mapped", i,
		      i <= v->generation ? "not" : "still");
		if (i > v->generation)
			continue;
		victim_expect(v, "window", at, WINDOW_BYTES, i);
		at[7] ^= 0x10;
		CHECK(v, pread(s->fd, &byte, 1, i * WINDOW_BYTES + 7) == 1 && byte == at[7],
		      "a write to window %u does not reach the file", i);
		at[7] ^= 0x10;
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char part[WINDOW_BYTES];

	victim_start(&v, argc, argv);
	s.fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
	NEED(&v, s.fd >= 0);
	for (unsigned i = 0; i < WINDOWS; i++) {
		victim_fill(part, sizeof(part), i);
		NEED(&v, write(s.fd, part, sizeof(part)) == WINDOW_BYTES);
	}
	s.base = mmap(NULL, WINDOWS * 2 * WINDOW_BYTES, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	NEED(&v, s.base != MAP_FAILED);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

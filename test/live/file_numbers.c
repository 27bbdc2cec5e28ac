// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptor numbers: gaps, high ones, close-on-exec; some are closed, others opened
 * and others exchanged for another kind of file from generation to generation.
 */
#include "victim.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

enum { NUMBERS = 9 };

static const int numbers[NUMBERS] = { 10, 11, 63, 64, 100, 255, 256, 500, 1000 };

/* 0 closed, 1 a file, 2 an eventfd, 3 a pipe's reading end */
static unsigned kind_of(unsigned index, unsigned generation)
{
	return (index + generation) % 4;
}

static void change(struct victim *v, void *state)
{
	(void)state;
	for (unsigned i = 0; i < NUMBERS; i++) {
		int ends[2] = { -1, -1 }, fd = -1;

		close(numbers[i]);
		switch (kind_of(i, v->generation)) {
		case 1:
			fd = open("file", O_RDWR | O_CREAT, 0600);
			break;
		case 2:
			fd = eventfd(i, 0);
			break;
		case 3:
			CHECK(v, pipe(ends) == 0, "pipe");
			close(ends[1]);
			fd = ends[0];
			break;
		default:
			continue;
		}
		CHECK(v, fd >= 0 && dup3(fd, numbers[i], i % 2 ? O_CLOEXEC : 0) == numbers[i],
		      "dup3 %d: %s", numbers[i], strerror(errno));
		close(fd);
	}
}

static void verify(struct victim *v, void *state)
{
	(void)state;
	for (unsigned i = 0; i < NUMBERS; i++) {
		unsigned kind = kind_of(i, v->generation);
		struct stat st;
		uint64_t count = 0;
		int there = fstat(numbers[i], &st);

		CHECK(v, (there == 0) == (kind != 0), "descriptor %d is %s", numbers[i],
		      there == 0 ? "open" : "closed");
		if (!kind)
			continue;
		CHECK(v, fcntl(numbers[i], F_GETFD) == (i % 2 ? FD_CLOEXEC : 0), "cloexec of %d",
		      numbers[i]);
		CHECK(v, !!S_ISREG(st.st_mode) == (kind == 1) &&
			 !!S_ISFIFO(st.st_mode) == (kind == 3), "kind of %d", numbers[i]);
		if (kind == 2 && i > 0) {
			CHECK(v, read(numbers[i], &count, 8) == 8 && count == i, "count of %d",
			      numbers[i]);
			CHECK(v, write(numbers[i], &count, 8) == 8, "write");
		}
	}
	CHECK(v, fcntl(3, F_GETFD) < 0 && fcntl(999, F_GETFD) < 0 && fcntl(1001, F_GETFD) < 0,
	      "a descriptor that was never there");
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	change(&v, NULL);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, NULL);
}

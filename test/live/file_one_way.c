// SPDX-License-Identifier: Apache-2.0
/*
 * Objects without a name whose only descriptors allow one way: a file that is only written, as an
 * editor has it that was just overtaken by its deletion, and a memfd that is only read.
 */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { BYTES = 3 * VICTIM_PAGE };

struct state {
	int out, in;
};

/* For a moment with another descriptor, as nothing else can. */
static int other_way(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char data[BYTES];
	int fd = other_way(s->in, O_RDWR);
	off_t size = BYTES - 16 * v->generation;

	NEED(v, fd >= 0);
	victim_fill(data, BYTES, v->generation);
	CHECK(v, ftruncate(s->out, size) == 0 && ftruncate(fd, size) == 0, "ftruncate");
	CHECK(v, pwrite(s->out, data, (size_t)size, 0) == size, "pwrite: %s", strerror(errno));
	CHECK(v, pwrite(fd, data, (size_t)size, 0) == size, "pwrite: %s", strerror(errno));
	CHECK(v, lseek(s->out, v->generation, SEEK_SET) == v->generation, "lseek");
	close(fd);
}

static void verify_one(struct victim *v, int fd, int access, const char *name)
{
	char data[BYTES];
	off_t size = BYTES - 16 * v->generation;
	struct stat st;
	int other = other_way(fd, O_RDONLY);

	NEED(v, other >= 0);
	CHECK(v, (fcntl(fd, F_GETFL) & O_ACCMODE) == access, "access of %s", name);
	CHECK(v, fstat(fd, &st) == 0 && st.st_size == size, "size of %s: %lld", name,
	      (long long)st.st_size);
	CHECK(v, pread(other, data, BYTES, 0) == size, "pread: %s", strerror(errno));
	close(other);
	victim_expect(v, name, data, (size_t)size & ~7UL, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	verify_one(v, s->out, O_WRONLY, "the file");
	verify_one(v, s->in, O_RDONLY, "the memfd");
	CHECK(v, lseek(s->out, 0, SEEK_CUR) == v->generation, "offset");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int fd;

	victim_start(&v, argc, argv);
	s.out = open("gone", O_WRONLY | O_CREAT | O_EXCL, 0600);
	fd = memfd_create("one way", MFD_CLOEXEC);
	NEED(&v, s.out >= 0 && fd >= 0);
	s.in = other_way(fd, O_RDONLY);
	NEED(&v, s.in >= 0 && unlink("gone") == 0);
	close(fd);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

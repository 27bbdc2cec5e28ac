// SPDX-License-Identifier: Apache-2.0
/*
 * Files without a name: contents, holes, size and mode live only in the open file. One is
 * opened twice; one was made by O_TMPFILE; one still has another name.
 */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	DATA = 3 * VICTIM_PAGE + 96,
	HOLE = 1 << 20,
};

struct state {
	int file, again, tmp, renamed;
	char *map; /* of `file` */
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char data[DATA];

	victim_fill(data, DATA, v->generation);
	CHECK(v, pwrite(s->file, data, DATA, 0) == DATA, "pwrite: %s", strerror(errno));
	CHECK(v, pwrite(s->file, data, 96, HOLE + 4096) == 96, "pwrite: %s", strerror(errno));
	CHECK(v, ftruncate(s->file, HOLE + 8192 + v->generation) == 0, "ftruncate");
	CHECK(v, pwrite(s->tmp, data, 8 * (1 + v->generation), 0) > 0, "pwrite tmp");
	lseek(s->file, 10 + v->generation, SEEK_SET);
	lseek(s->again, 20 + v->generation, SEEK_SET);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char data[DATA];
	struct stat st, other;

	CHECK(v, fstat(s->file, &st) == 0 && st.st_size == HOLE + 8192 + v->generation,
	      "size is %lld", (long long)st.st_size);
	CHECK(v, st.st_nlink == 0, "it has %d names", (int)st.st_nlink);
	CHECK(v, (st.st_mode & 07777) == 0604, "mode is %o", st.st_mode & 07777);
	CHECK(v, st.st_blocks * 512 < HOLE, "the hole was filled");
	CHECK(v, fstat(s->again, &other) == 0 && other.st_ino == st.st_ino,
	      "the second descriptor is of another file");
	CHECK(v, pread(s->again, data, DATA, 0) == DATA, "pread: %s", strerror(errno));
	victim_expect(v, "contents", data, DATA, v->generation);
	CHECK(v, pread(s->again, data, 96, HOLE + 4096) == 96, "pread: %s", strerror(errno));
	victim_expect(v, "contents after the hole", data, 96, v->generation);
	CHECK(v, memcmp(s->map, data, 8) == 0, "the mapping is of another file");
	CHECK(v, lseek(s->file, 0, SEEK_CUR) == 10 + v->generation, "offset");
	CHECK(v, lseek(s->again, 0, SEEK_CUR) == 20 + v->generation, "the second offset");
	CHECK(v, (fcntl(s->again, F_GETFL) & O_ACCMODE) == O_RDONLY, "access of the second");
	CHECK(v, fstat(s->tmp, &st) == 0 && st.st_size == 8 * (1 + v->generation), "O_TMPFILE");
	CHECK(v, fstat(s->renamed, &st) == 0 && stat("new name", &other) == 0 &&
		 st.st_ino == other.st_ino, "the renamed file is another");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.file = open("gone", O_RDWR | O_CREAT | O_EXCL, 0600);
	s.again = open("gone", O_RDONLY);
	s.renamed = open("old name", O_RDWR | O_CREAT, 0600);
	s.tmp = open(".", O_TMPFILE | O_RDWR, 0600);
	NEED(&v, s.file >= 0 && s.again >= 0 && s.renamed >= 0 && s.tmp >= 0);
	NEED(&v, fchmod(s.file, 0604) == 0 && ftruncate(s.file, HOLE) == 0);
	s.map = mmap(NULL, VICTIM_PAGE, PROT_READ, MAP_SHARED, s.file, 0);
	NEED(&v, s.map != MAP_FAILED);
	NEED(&v, unlink("gone") == 0 && rename("old name", "new name") == 0);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

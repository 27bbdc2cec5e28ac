// SPDX-License-Identifier: Apache-2.0
/* memfds: one mapped, one only open with an offset, one sealed; holes stay holes. */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { BYTES = 16 * VICTIM_PAGE };

struct state {
	int mapped, open, sealed;
	char *map;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t words[64];

	victim_fill(s->map, BYTES, v->generation);
	victim_fill(words, sizeof(words), 77 + v->generation);
	/* The second one grows by a hole of 1 MiB with every generation. */
	CHECK(v, ftruncate(s->open, (v->generation + 1) << 20) == 0, "ftruncate");
	CHECK(v, pwrite(s->open, words, sizeof(words), 4096) == sizeof(words), "pwrite");
	lseek(s->open, 4096 + v->generation, SEEK_SET);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t words[64];
	struct stat st;
	int seals = fcntl(s->sealed, F_GET_SEALS);

	victim_expect(v, "mapped memfd", s->map, BYTES, v->generation);
	s->map[3] ^= 1;
	CHECK(v, pread(s->mapped, words, 8, 0) == 8 && memcmp(words, s->map, 8) == 0,
	      "mapping and descriptor are not one object");
	s->map[3] ^= 1;
	CHECK(v, fstat(s->open, &st) == 0 && st.st_size == (v->generation + 1) << 20,
	      "size is %lld", (long long)st.st_size);
	CHECK(v, st.st_blocks <= 16, "the hole was filled: %lld blocks", (long long)st.st_blocks);
	CHECK(v, lseek(s->open, 0, SEEK_CUR) == 4096 + v->generation, "offset");
	CHECK(v, pread(s->open, words, sizeof(words), 4096) == sizeof(words), "pread");
	victim_expect(v, "open memfd", words, sizeof(words), 77 + v->generation);
	CHECK(v, seals == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
	      "seals are %#x", (unsigned)seals);
	CHECK(v, pread(s->sealed, words, sizeof(words), 0) == sizeof(words), "pread sealed");
	victim_expect(v, "sealed memfd", words, sizeof(words), 5);
	CHECK(v, write(s->sealed, words, 1) < 0 && errno == EPERM, "the seal does not hold");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	uint64_t words[512];

	victim_start(&v, argc, argv);
	s.mapped = memfd_create("mapped", MFD_CLOEXEC);
	s.open = memfd_create("only open", 0);
	s.sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	NEED(&v, s.mapped >= 0 && s.open >= 0 && s.sealed >= 0);
	NEED(&v, ftruncate(s.mapped, BYTES) == 0);
	s.map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s.mapped, 0);
	NEED(&v, s.map != MAP_FAILED);
	victim_fill(words, sizeof(words), 5);
	NEED(&v, write(s.sealed, words, sizeof(words)) == sizeof(words));
	NEED(&v, fcntl(s.sealed, F_ADD_SEALS,
		       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

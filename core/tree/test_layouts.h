/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child of converge_test.c: lays out a stretch of its memory at random, again and again.
 * What it does follows from a seed alone.
 */
#ifndef CORE_TREE_TEST_LAYOUTS_H
#define CORE_TREE_TEST_LAYOUTS_H

#include "core/base/pagemap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { REGION_PAGES = 1024, DEEDS = 24, FILE_PAGES = 64, DEEP_BYTES = 1 << 20 };
enum { DEEP = 1000000 }; /* a seed: the stack grows, nothing else */
static const uint64_t REGION = 0x300000000;

struct shared {
	volatile unsigned seed; /* to lay out by; 0: stay */
	volatile int ready;
	char file[64];
};

struct layout {
	struct shared *s;
	unsigned seed;
	int mem_fd;
};

static size_t some(struct layout *l, size_t below)
{
	return (size_t)rand_r(&l->seed) % below;
}

/* A stretch of pages in the region. */
static char *stretch(struct layout *l, size_t *bytes)
{
	size_t first = some(l, REGION_PAGES - 32), pages = 1 + some(l, 32);

	*bytes = pages * PAGE_BYTES;
	return (char *)REGION + first * PAGE_BYTES;
}

static int some_prot(struct layout *l)
{
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				    PROT_NONE, PROT_READ | PROT_EXEC};

	return prots[some(l, sizeof(prots) / sizeof(*prots))];
}

static void map_anon(struct layout *l)
{
	static const int flags[] = {0, 0, 0, MAP_NORESERVE, MAP_SHARED};
	int flag = flags[some(l, sizeof(flags) / sizeof(*flags))];
	size_t bytes;
	char *at = stretch(l, &bytes);

	if (flag != MAP_SHARED)
		flag |= MAP_PRIVATE;
	mmap(at, bytes, some_prot(l), MAP_FIXED | MAP_ANONYMOUS | flag, -1, 0);
	if (some(l, 4) == 0)
		prctl(0x53564d41 /* PR_SET_VMA */, 0, at, bytes, some(l, 2) ? "one" : "two");
}

static void map_file(struct layout *l)
{
	int fd = open(l->s->file, O_RDWR | O_CLOEXEC);
	size_t bytes;
	char *at = stretch(l, &bytes);

	mmap(at, bytes, some_prot(l), MAP_FIXED | (some(l, 2) ? MAP_SHARED : MAP_PRIVATE), fd,
	     (off_t)(some(l, FILE_PAGES / 2) * PAGE_BYTES));
	close(fd);
}

static void map_memfd(struct layout *l)
{
	int fd = memfd_create("layout", MFD_CLOEXEC), prot = PROT_READ | PROT_WRITE;
	int flags = MAP_FIXED | (some(l, 3) ? MAP_SHARED : MAP_PRIVATE);
	size_t bytes, half;
	char *at = stretch(l, &bytes);

	if (flags & MAP_PRIVATE)
		prot = some_prot(l);
	half = bytes / PAGE_BYTES / 2 * PAGE_BYTES;
	if (ftruncate(fd, (off_t)bytes) == 0)
		mmap(at, bytes, prot, flags, fd, 0);
	if (half && some(l, 2)) /* twice, one beside the other */
		mmap(at + half, bytes - half, PROT_READ, MAP_FIXED | MAP_SHARED, fd, 0);
	close(fd);
}

static void move(struct layout *l)
{
	size_t old_bytes, bytes;
	char *from = stretch(l, &old_bytes), *to = stretch(l, &bytes);

	mremap(from, old_bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void grow(struct layout *l)
{
	size_t bytes;
	char *at = stretch(l, &bytes);

	if (mremap(at, bytes, bytes + PAGE_BYTES * some(l, 16), 0) == MAP_FAILED)
		return;
}

static void protect(struct layout *l)
{
	size_t bytes;
	char *at = stretch(l, &bytes);

	mprotect(at, bytes, some_prot(l));
}

static void unmap(struct layout *l)
{
	size_t bytes;
	char *at = stretch(l, &bytes);

	munmap(at, bytes);
}

static void advise(struct layout *l)
{
	static const int advice[] = {MADV_DONTDUMP, MADV_DODUMP,     MADV_DONTFORK,
				     MADV_DOFORK,   MADV_HUGEPAGE,   MADV_NOHUGEPAGE,
				     MADV_RANDOM,   MADV_SEQUENTIAL, MADV_WIPEONFORK,
				     MADV_DONTNEED};
	size_t bytes;
	char *at = stretch(l, &bytes);

	madvise(at, bytes, advice[some(l, sizeof(advice) / sizeof(*advice))]);
}

static void lock(struct layout *l)
{
	size_t bytes;
	char *at = stretch(l, &bytes);

	if (some(l, 2))
		mlock2(at, bytes, some(l, 2) ? MLOCK_ONFAULT : 0);
	else
		munlock(at, bytes);
}

/* What may be written and what may not: through /proc/self/mem. */
static void fill(struct layout *l)
{
	size_t bytes, i;
	char *at = stretch(l, &bytes);
	unsigned word = l->seed;

	for (i = 0; i < bytes; i += PAGE_BYTES)
		if (pwrite(l->mem_fd, &word, sizeof(word), (off_t)(uint64_t)(at + i)) < 0)
			continue;
}

static void lay_out(struct shared *s, unsigned seed)
{
	static void (*const deeds[])(struct layout *) = {
		map_anon, map_anon, map_anon, map_file, map_memfd, move, move, grow, protect,
		protect,  unmap,    unmap,    advise,	lock,	   fill, fill, fill,
	};
	struct layout l = {s, seed, open("/proc/self/mem", O_RDWR | O_CLOEXEC)};
	size_t i;

	if (some(&l, 3) == 0) /* else it begins with the last one */
		munmap((void *)REGION, REGION_PAGES * PAGE_BYTES);
	for (i = 0; i < DEEDS; i++)
		deeds[some(&l, sizeof(deeds) / sizeof(*deeds))](&l);
	close(l.mem_fd);
}

static void grow_stack(void)
{
	volatile char deep[DEEP_BYTES];
	size_t i;

	for (i = 0; i < sizeof(deep); i += PAGE_BYTES)
		deep[i] = 1;
}

static void child_main(struct shared *s)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (s->ready = 1;; usleep(200)) {
		if (s->seed) {
			s->seed == DEEP ? grow_stack() : lay_out(s, s->seed);
			s->seed = 0;
		}
	}
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The child's side of core/track's tests: what it can be told to do. Internal to them. */
#ifndef CORE_TRACK_TEST_CHILD_H
#define CORE_TRACK_TEST_CHILD_H

#include "core/base/pagemap.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AREA_PAGES = 8, SHOWN = 64 };
static const uint64_t HOLE = 0x210000000, AREA = 0x300000000, OTHER = 0x310000000,
		      HUGE = 0x400000000, MANY = 0x1000000000;

struct shared {
	void (*volatile deed)(struct shared *s, size_t first, size_t count);
	uint32_t turns; /* of the deed: how often it was given or done, a futex */
	volatile size_t first, count;
	volatile uint64_t heap;
	volatile pid_t child;
	char file[64];
	volatile char failed[128];
};

/* A deed is given by one side, or done by the other (NULL). */
static inline void pass_on(struct shared *s, void (*deed)(struct shared *, size_t, size_t))
{
	s->deed = deed;
	__atomic_add_fetch(&s->turns, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &s->turns, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits without a look at the clock: under emulation that is most of what the tests would do. */
static inline void await_deed(struct shared *s, bool given)
{
	uint32_t turns = __atomic_load_n(&s->turns, __ATOMIC_SEQ_CST);

	for (; !s->deed == given; turns = __atomic_load_n(&s->turns, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &s->turns, FUTEX_WAIT, turns, NULL, NULL, 0);
}

static inline void must(struct shared *s, bool ok, const char *what)
{
	if (!ok)
		snprintf((char *)s->failed, sizeof(s->failed), "%s: %m", what);
}

static inline void write_at(uint64_t base, size_t first, size_t count)
{
	volatile char *memory = (volatile char *)base;
	size_t i;

	for (i = first; i < first + count; i++)
		memory[i * PAGE_BYTES + i % PAGE_BYTES]++;
}

static inline void write_pages(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(AREA, first, count);
}

static inline void write_other(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(OTHER, first, count);
}

static inline void write_huge(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(HUGE, first, count);
}

static inline void write_many(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(MANY, first, count);
}

static inline void write_every_second(struct shared *s, size_t first, size_t count)
{
	size_t i;

	(void)s;
	for (i = first; i < first + count; i += 2)
		write_at(MANY, i, 1);
}

static inline void read_pages(struct shared *s, size_t first, size_t count)
{
	const volatile char *memory = (const volatile char *)AREA;
	size_t i;

	(void)s;
	for (i = first; i < first + count; i++)
		(void)memory[i * PAGE_BYTES];
}

static inline void read_into_page(struct shared *s, size_t first, size_t count)
{
	int fd = open("/dev/zero", O_RDONLY);

	must(s, read(fd, (char *)AREA + first * PAGE_BYTES, count) == (ssize_t)count, "read");
	close(fd);
}

static inline void drop_pages(struct shared *s, size_t first, size_t count)
{
	must(s, madvise((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES, MADV_DONTNEED) == 0,
	     "madvise");
}

static inline void map_at(struct shared *s, uint64_t addr, size_t pages, int flags, int fd,
			  int advice)
{
	must(s,
	     mmap((void *)addr, pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd,
		  0) == (void *)addr,
	     "mmap");
	if (advice >= 0)
		madvise((void *)addr, pages * PAGE_BYTES, advice);
}

static inline void map_other(struct shared *s, size_t first, size_t count)
{
	map_at(s, OTHER, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	write_at(OTHER, first, count);
}

static inline void remap_other(struct shared *s, size_t first, size_t count)
{
	munmap((void *)OTHER, count * PAGE_BYTES);
	map_other(s, first, count);
}

static inline void map_shared(struct shared *s, size_t first, size_t count)
{
	map_at(s, OTHER, count, MAP_SHARED | MAP_ANONYMOUS, -1, -1);
	write_at(OTHER, first, count);
}

static inline void drop_other(struct shared *s, size_t first, size_t count)
{
	(void)s;
	madvise((void *)(OTHER + first * PAGE_BYTES), count * PAGE_BYTES, MADV_DONTNEED);
}

static inline void map_file(struct shared *s, size_t first, size_t count)
{
	const volatile char *memory = (const volatile char *)OTHER;
	int fd = open(s->file, O_RDWR);
	size_t i;

	must(s, fd >= 0 && ftruncate(fd, (off_t)(count * PAGE_BYTES)) == 0, s->file);
	map_at(s, OTHER, count, MAP_PRIVATE, fd, -1);
	close(fd);
	for (i = first; i < first + count; i++)
		(void)memory[i * PAGE_BYTES];
}

static inline void map_huge(struct shared *s, size_t first, size_t count)
{
	map_at(s, HUGE, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_HUGEPAGE);
	write_at(HUGE, first, count);
}

static inline void map_many(struct shared *s, size_t first, size_t count)
{
	map_at(s, MANY, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	write_at(MANY, first, count);
}

static inline void drop_many(struct shared *s, size_t first, size_t count)
{
	must(s, madvise((char *)MANY + first * PAGE_BYTES, count * PAGE_BYTES, MADV_DONTNEED) == 0,
	     "madvise");
}

static inline void protect_many(struct shared *s, size_t first, size_t count)
{
	must(s, mprotect((char *)MANY + first * PAGE_BYTES, count * PAGE_BYTES, PROT_READ) == 0,
	     "mprotect");
}

static inline void remap_many(struct shared *s, size_t first, size_t count)
{
	char *at = (char *)MANY + first * PAGE_BYTES;

	must(s,
	     mmap(at, count * PAGE_BYTES, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
	     "mmap");
}

static inline void unmap_many(struct shared *s, size_t first, size_t count)
{
	(void)first;
	must(s, munmap((void *)MANY, count * PAGE_BYTES) == 0, "munmap");
}

static inline void map_sparse(struct shared *s, size_t first, size_t count)
{
	(void)first;
	map_at(s, MANY, count, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, MADV_NOHUGEPAGE);
}

static inline void move(struct shared *s, uint64_t from, uint64_t to, size_t pages)
{
	must(s,
	     mremap((void *)from, pages * PAGE_BYTES, pages * PAGE_BYTES,
		    MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == (void *)to,
	     "mremap");
}

static inline void move_pages(struct shared *s, size_t first, size_t count)
{
	(void)first;
	move(s, AREA, OTHER, count);
}

static inline void move_back(struct shared *s, size_t first, size_t count)
{
	(void)first;
	move(s, OTHER, AREA, count);
}

static inline void move_many(struct shared *s, size_t first, size_t count)
{
	move(s, MANY, MANY + first * PAGE_BYTES, count);
}

static inline void grow_other(struct shared *s, size_t first, size_t count)
{
	must(s, mremap((void *)OTHER, first * PAGE_BYTES, count * PAGE_BYTES, 0) == (void *)OTHER,
	     "mremap");
	write_at(OTHER, first, count - first);
}

static inline void grow_heap(struct shared *s, size_t first, size_t count)
{
	uint64_t at = ((uint64_t)sbrk(0) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);

	must(s, brk((char *)at + count * PAGE_BYTES) == 0, "brk");
	s->heap = at;
	write_at(at, first, count);
}

static inline void protect_pages(struct shared *s, size_t first, size_t count)
{
	must(s, mprotect((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES, PROT_READ) == 0,
	     "mprotect");
}

static inline void unprotect_pages(struct shared *s, size_t first, size_t count)
{
	must(s,
	     mprotect((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES,
		      PROT_READ | PROT_WRITE) == 0,
	     "mprotect");
}

static inline void fork_child(struct shared *s, size_t first, size_t count)
{
	pid_t parent = getpid(), child = fork();

	(void)first;
	(void)count;
	if (child > 0) {
		s->child = child;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		usleep(1000);
	_exit(0);
}

static inline void end_child(struct shared *s, size_t first, size_t count)
{
	(void)first;
	(void)count;
	kill(s->child, SIGKILL);
	waitpid(s->child, NULL, 0);
}

static inline void become_sleep(struct shared *s, size_t first, size_t count)
{
	(void)first;
	(void)count;
	pass_on(s, NULL);
	execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	must(s, false, "/bin/sleep");
}

static inline void child_main(struct shared *s)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_at(s, AREA, AREA_PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	s->child = getpid();
	for (;;) {
		await_deed(s, true);
		s->deed(s, s->first, s->count);
		pass_on(s, NULL);
	}
}

#endif

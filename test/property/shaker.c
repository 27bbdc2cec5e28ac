// SPDX-License-Identifier: Apache-2.0
/*
 * A process whose memory is shaken: on order it does so many random things to its mappings,
 * chosen by a seed, and rests. Whoever gives the orders looks at it from outside.
 *
 *	shaker DIR
 *
 * DIR/order is a symbolic link "NUMBER SEED COUNT", DIR/done.NUMBER the answer: neither a
 * descriptor nor a signal, so that it works across snapshots. DIR/file is mapped. It ends when
 * DIR is gone.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	SLOTS = 12,
	SLOT_PAGES = 1024, /* room of a slot; most mappings are far smaller */
	FDS = 3,
	HEAP_PAGES = 64,
};

struct shaker {
	char file[300];
	uint64_t random;
	int fds[FDS]; /* of memfds, -1 none */
	char *heap;
	bool paired; /* pair() has mapped its memory */
	bool forks;  /* in this order: after a fork shared memory is not tracked for a while */
};

/* A fault on a page that is not there or may not be touched comes back here. */
static sigjmp_buf back;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static uint64_t next(struct shaker *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static size_t below(struct shaker *s, size_t limit)
{
	return next(s) % limit;
}

static char *slot(size_t i)
{
	return (char *)(uintptr_t)(0x100000000000 + i * 0x40000000);
}

/* Some pages of some slot. */
static char *some(struct shaker *s, size_t *len)
{
	size_t first = below(s, 48);

	*len = (1 + below(s, 16)) * PAGE;
	return slot(below(s, SLOTS)) + first * PAGE;
}

static int some_prot(struct shaker *s)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

	return prots[below(s, 5)];
}

static void poke(char *at, uint64_t value)
{
	if (sigsetjmp(back, 1) == 0)
		*(volatile uint64_t *)at = value;
}

static void write_some(struct shaker *s)
{
	size_t len, i, count = 1 + below(s, 12);
	char *at = some(s, &len);

	for (i = 0; i < count; i++)
		poke(at + below(s, len / 8) * 8, next(s));
}

static void read_some(struct shaker *s)
{
	size_t len, i;
	char *at = some(s, &len);

	for (i = 0; i < len; i += PAGE)
		if (sigsetjmp(back, 1) == 0)
			(void)*(volatile char *)(at + i);
}

/* The kernel writes. */
static void filled_by_kernel(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	(void)!getrandom(at + below(s, PAGE), 1 + below(s, 2 * PAGE), 0);
	(void)len;
}

static void map_private(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	mmap(at, len, some_prot(s), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	write_some(s);
}

static void map_shared(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	poke(at, next(s));
}

/* What is shared there is mapped here, too: an old size of 0, mremap(2). */
static void map_again(struct shaker *s)
{
	size_t len, ignored;
	char *at = some(s, &len), *to = some(s, &ignored);

	mremap(at, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	poke(to + below(s, len / 8) * 8, next(s));
}

/* Pages of shared memory go, and some come back as zeros. */
static void remove_some(struct shaker *s)
{
	size_t len, i;
	char *at = some(s, &len);

	madvise(at, len, MADV_REMOVE);
	for (i = 0; i < len; i += PAGE)
		if (below(s, 2) && sigsetjmp(back, 1) == 0)
			(void)*(volatile char *)(at + i);
}

static void map_memfd(struct shaker *s)
{
	size_t len, i = below(s, FDS);
	char *at = some(s, &len);

	if (s->fds[i] < 0) {
		s->fds[i] = memfd_create("shaken", 0);
		(void)!ftruncate(s->fds[i], 20 * PAGE);
	}
	mmap(at, len, PROT_READ | PROT_WRITE,
	     below(s, 3) ? MAP_SHARED | MAP_FIXED : MAP_PRIVATE | MAP_FIXED, s->fds[i],
	     (off_t)below(s, 4) * PAGE);
	poke(at, next(s));
	if (below(s, 3) == 0) {
		close(s->fds[i]);
		s->fds[i] = -1;
	}
}

static void write_memfd(struct shaker *s)
{
	char bytes[100];
	size_t i = below(s, FDS);

	memset(bytes, (int)next(s), sizeof(bytes));
	if (s->fds[i] >= 0)
		(void)!pwrite(s->fds[i], bytes, sizeof(bytes), (off_t)below(s, 19 * PAGE));
}

static void map_file(struct shaker *s)
{
	int fd = open(s->file, O_RDONLY);
	size_t len;
	char *at = some(s, &len);

	mmap(at, len, some_prot(s), MAP_PRIVATE | MAP_FIXED, fd, (off_t)below(s, 4) * PAGE);
	close(fd);
	poke(at + PAGE, next(s));
}

static void unmap(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	munmap(at, len);
}

static void protect(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	mprotect(at, len, some_prot(s));
}

static void advise(struct shaker *s)
{
	static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_FREE,
				     MADV_DONTFORK, MADV_DOFORK,   MADV_NOHUGEPAGE};
	size_t len;
	char *at = some(s, &len);

	madvise(at, len, advice[below(s, 6)]);
}

static void move(struct shaker *s)
{
	size_t len, ignored;
	char *from = some(s, &len), *to = some(s, &ignored);

	if (from + 80 * PAGE < to || to + 80 * PAGE < from)
		mremap(from, len, len + below(s, 3) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	write_some(s);
}

static void resize(struct shaker *s)
{
	size_t len;
	char *at = some(s, &len);

	mremap(at, len, (1 + below(s, 24)) * PAGE, 0);
	write_some(s);
}

static void huge(struct shaker *s)
{
	enum { LEN = SLOT_PAGES * PAGE };
	char *at = slot(SLOTS + below(s, 2));

	if (below(s, 3) == 0) {
		mmap(at, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0);
		madvise(at, LEN, MADV_HUGEPAGE);
	}
	for (size_t i = 0; i < 4; i++)
		poke(at + below(s, LEN / 8) * 8, next(s));
	if (below(s, 3) == 0)
		madvise(at + below(s, SLOT_PAGES / 2) * PAGE, 8 * PAGE, MADV_DONTNEED);
	if (below(s, 4) == 0)
		mremap(at, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, slot(SLOTS + below(s, 2)));
}

/* One object that lives long, in two views. */
static void pair(struct shaker *s)
{
	enum { LEN = 64 * PAGE, PART = 16 * PAGE };
	char *first = slot(SLOTS + 2), *second = slot(SLOTS + 3), *aside = slot(SLOTS + 4);
	char *at = below(s, 2) ? first : second, *part = at + below(s, 48) * PAGE;

	if (!s->paired || below(s, 200) == 0) {
		mmap(first, LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0);
		mremap(first, 0, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, second);
		for (size_t i = 0; i < LEN; i += 2 * PAGE)
			poke(first + i, next(s));
		s->paired = true;
	}
	switch (below(s, 8)) {
	case 0:
		madvise(part, 4 * PAGE, MADV_REMOVE);
		break;
	case 1:
		madvise(part, PART, MADV_DONTNEED);
		break;
	case 2:
		mprotect(second, LEN, some_prot(s));
		break;
	case 3: /* away, written there, and back */
		mremap(second, PART, PART, MREMAP_MAYMOVE | MREMAP_FIXED, aside);
		poke(aside + below(s, PART / 8) * 8, next(s));
		mremap(aside, PART, PART, MREMAP_MAYMOVE | MREMAP_FIXED, second);
		break;
	case 4: /* for a while a third view */
		mremap(first, 0, PART, MREMAP_MAYMOVE | MREMAP_FIXED, aside);
		poke(aside + below(s, PART / 8) * 8, next(s));
		if (below(s, 2))
			munmap(aside, PART);
		break;
	default:
		poke(at + below(s, LEN / 8) * 8, next(s));
	}
	for (size_t i = 0; i < 3; i++)
		if (sigsetjmp(back, 1) == 0)
			(void)*(volatile char *)(part + below(s, 4) * PAGE);
}

static void heap(struct shaker *s)
{
	size_t pages = below(s, HEAP_PAGES);

	if (brk(s->heap + pages * PAGE) == 0 && pages)
		poke(s->heap + below(s, pages) * PAGE, next(s));
}

static void child(struct shaker *s)
{
	pid_t pid;

	if (!s->forks)
		return;
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			write_some(s);
		pair(s);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static __attribute__((noinline)) void deep(struct shaker *s, size_t depth)
{
	volatile char room[3 * PAGE];

	room[below(s, sizeof(room))] = (char)next(s);
	if (depth)
		deep(s, depth - 1);
	room[0]++;
}

static void stack(struct shaker *s)
{
	deep(s, below(s, 30));
}

/* clang-format off */
typedef void step_fn(struct shaker *s);
/* clang-format on */

static void step(struct shaker *s)
{
	static step_fn *const steps[] = {
		write_some,  write_some,  write_some,  write_some, read_some, filled_by_kernel,
		map_private, map_private, map_shared,  map_shared, map_again, map_again,
		remove_some, map_memfd,	  write_memfd, map_file,   unmap,     protect,
		advise,	     move,	  resize,      huge,	   pair,      pair,
		heap,	     child,	  stack,
	};

	steps[below(s, sizeof(steps) / sizeof(*steps))](s);
}

/* By a call that writes nothing into memory, whatever interrupts it. Under emulation even to look
 * for orders is work. */
static void rest(void)
{
	poll(NULL, 0, 4);
}

/* The kernel tells the C library the processor's number, in memory (rseq(2)). */
static void stay_on_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(int argc, char **argv)
{
	struct shaker s = {.fds = {-1, -1, -1}};
	struct sigaction action = {.sa_handler = on_fault};
	char order[300], answer[300], text[100];
	unsigned long long done = 0;

	if (argc != 2)
		return 2;
	stay_on_one_processor();
	snprintf(s.file, sizeof(s.file), "%s/file", argv[1]);
	snprintf(order, sizeof(order), "%s/order", argv[1]);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	s.heap = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	while (access(argv[1], F_OK) == 0) {
		unsigned long long number, seed, count;
		ssize_t len = readlink(order, text, sizeof(text) - 1);

		text[len > 0 ? len : 0] = '\0';
		/* without an order not even sscanf(3), which takes note in the thread's memory */
		if (len <= 0 || sscanf(text, "%llu %llu %llu", &number, &seed, &count) != 3 ||
		    number == done) {
			rest();
			continue;
		}
		s.forks = seed % 6 == 0;
		for (s.random = seed * 2 + 1; count > 0; count--)
			step(&s);
		done = number;
		snprintf(answer, sizeof(answer), "%s/done.%llu", argv[1], number);
		(void)!symlink("done", answer);
	}
	return 0;
}

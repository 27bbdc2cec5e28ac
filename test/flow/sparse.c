// SPDX-License-Identifier: Apache-2.0
/*
 * Memory to be looked through: 64 GiB with a few pages in it, words that lie across the borders
 * of pages and of holes, shared memory that is mapped twice. "ready" on standard output. SIGUSR1
 * changes some of it, then "moved" is there.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };
static const size_t SIZE = (size_t)64 << 30;

struct thing {
	char name[24];
	int number;
};

struct thing things[3] = {{"first", 1}, {"second", 2}, {"third", 3}};
struct thing *into = &things[1];
char *reserve, *shared, *again;
char table[1000];
int counter = 7;

static void wake(int sig)
{
	(void)sig;
}

static void move(void)
{
	memset(table, 'x', 300);
	counter++;
	memset(reserve + 32 * PAGE, 1, 2 * PAGE + 100);
	puts("moved");
	fflush(stdout);
}

/* Not in the program's own strings in one piece. */
static void put(char *at, const char *first, const char *second)
{
	memcpy(at, first, strlen(first));
	memcpy(at + strlen(first), second, strlen(second));
}

static void *map(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

int main(void)
{
	int fd = memfd_create("both", 0);

	reserve = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	madvise(reserve, SIZE, MADV_NOHUGEPAGE);
	put(reserve + (SIZE / 2) - 5, "over-the", "-border");
	put(reserve + SIZE - 11, "at-the-", "edge");
	memcpy(reserve + 8 * PAGE, "\xab\xcd\x12\x34", 4); /* behind a hole */
	memcpy(reserve + 16 * PAGE - 4, "\x34\x12\xcd\xab", 4); /* and before one */
	memcpy(reserve + 4 * PAGE, &(char *){things[2].name + 3}, sizeof(char *));
	if (fd < 0 || ftruncate(fd, 4 * PAGE) < 0)
		return 1;
	shared = map(4 * PAGE, MAP_SHARED, fd);
	again = map(4 * PAGE, MAP_SHARED, fd);
	put(shared + 2 * PAGE + 100, "seen-", "twice");
	signal(SIGUSR1, wake);
	puts("ready");
	fflush(stdout);
	for (;;) {
		pause();
		move();
	}
}

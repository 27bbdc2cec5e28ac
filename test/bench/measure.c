// SPDX-License-Identifier: Apache-2.0
// cflags: -lxxhash
/*
 * What the machine itself can do, in the same run: the limits that figures are held against.
 *
 *	measure copy MIB [PERCENT]    copying PERCENT (100) of the pages of MIB, evenly scattered
 *	measure fresh MIB             copying MIB into memory nobody has touched yet
 *	measure hash MIB              reading MIB of a process and hashing them, page by page
 *	measure scan PID              one read-only PAGEMAP_SCAN of all of a process
 *
 * Prints the median of several rounds in ns. Status 1 and a line on stderr: it cannot.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGE = 4096, MIB = 1 << 20, ROUNDS = 9, FRESH_ROUNDS = 5, REGIONS = 65536 };

/* linux/fs.h since 6.7, which may be younger than the headers here. */
struct region {
	uint64_t start, end, categories;
};

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan)
enum { WRITTEN = 2, PRESENT = 8, SWAPPED = 16 };

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void tell(double *rounds, size_t count)
{
	qsort(rounds, count, sizeof(*rounds), by_size);
	printf("%.0f\n", rounds[count / 2]);
}

static uint8_t *memory(size_t bytes, int fill)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("measure: mmap");
		exit(1);
	}
	madvise(p, bytes, MADV_NOHUGEPAGE);
	if (fill)
		memset(p, fill, bytes);
	return p;
}

static void copy(size_t bytes, size_t percent)
{
	size_t pages = bytes / PAGE * percent / 100, round, i;
	uint8_t *from = memory(bytes, 1), *to = memory(pages * PAGE, 2);
	double rounds[ROUNDS];

	for (round = 0; round < ROUNDS; round++) {
		double begun = now_ns();

		for (i = 0; i < pages; i++)
			memcpy(to + i * PAGE, from + i * 100 / percent * PAGE, PAGE);
		rounds[round] = now_ns() - begun;
	}
	tell(rounds, ROUNDS);
}

static void fresh(size_t bytes)
{
	uint8_t *from = memory(MIB, 1);
	double rounds[FRESH_ROUNDS];
	size_t round, i;

	for (round = 0; round < FRESH_ROUNDS; round++) {
		uint8_t *to = memory(bytes, 0);
		double begun = now_ns();

		for (i = 0; i < bytes; i += MIB)
			memcpy(to + i, from, MIB);
		rounds[round] = now_ns() - begun;
		munmap(to, bytes);
	}
	tell(rounds, FRESH_ROUNDS);
}

static void hash(size_t bytes)
{
	uint8_t *from = memory(bytes, 1), *to = memory(MIB, 2);
	double rounds[FRESH_ROUNDS];
	volatile uint64_t sum = 0;
	size_t round, at, i;

	for (round = 0; round < FRESH_ROUNDS; round++) {
		double begun = now_ns();

		for (at = 0; at < bytes; at += MIB) {
			struct iovec local = {to, MIB}, remote = {from + at, MIB};

			if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != MIB) {
				perror("measure: process_vm_readv");
				exit(1);
			}
			for (i = 0; i < MIB; i += PAGE)
				sum += XXH3_64bits(to + i, PAGE);
		}
		rounds[round] = now_ns() - begun;
	}
	tell(rounds, FRESH_ROUNDS);
}

static int scan(const char *pid)
{
	struct region *regions = calloc(REGIONS, sizeof(*regions));
	double rounds[ROUNDS];
	size_t round;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (round = 0; round < ROUNDS; round++) {
		struct scan s = {.size = sizeof(s),
				 .end = UINT64_C(0x7ffffffff000),
				 .vec = (uint64_t)regions,
				 .vec_len = REGIONS,
				 .category_anyof_mask = PRESENT | SWAPPED,
				 .return_mask = PRESENT | SWAPPED | WRITTEN};
		double begun = now_ns();

		if (ioctl(fd, SCAN, &s) < 0) {
			perror("measure: PAGEMAP_SCAN");
			return 1;
		}
		rounds[round] = now_ns() - begun;
	}
	tell(rounds, ROUNDS);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	size_t bytes = argc > 2 ? (size_t)atol(argv[2]) * MIB : 0;

	if (strcmp(what, "copy") == 0)
		copy(bytes, argc > 3 ? (size_t)atol(argv[3]) : 100);
	else if (strcmp(what, "fresh") == 0)
		fresh(bytes);
	else if (strcmp(what, "hash") == 0)
		hash(bytes);
	else if (strcmp(what, "scan") == 0)
		return scan(argv[2]);
	else
		return 2;
	return 0;
}

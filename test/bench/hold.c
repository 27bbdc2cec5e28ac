// SPDX-License-Identifier: Apache-2.0
/*
 * A process to be measured: so much memory, so many threads, so many mappings.
 *
 *	hold FILE MIB [THREADS [MAPPINGS [PERCENT [SPARSE]]]]
 *
 * Writes its pid to FILE when it stands. Each SIGUSR1 writes PERCENT (1) of its pages,
 * scattered evenly, each time other bytes, and then one line to FILE: how many times.
 * All its threads sleep in between. SPARSE: so many GiB more are mapped, of which 64 pages, far
 * from each other, are there.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, STACK_BYTES = 64 << 10, SPARSE_PAGES = 64 };

static void say(const char *path, long number)
{
	char line[32];
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int len = snprintf(line, sizeof(line), "%ld\n", number);

	if (fd < 0 || write(fd, line, (size_t)len) != len) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static void *sleep_on(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void start_threads(long count)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (; count > 1; count--)
		if (pthread_create(&thread, &attr, sleep_on, NULL) != 0) {
			fputs("threads\n", stderr);
			exit(1);
		}
	pthread_attr_destroy(&attr);
}

static void *map_or_die(size_t bytes, int prot)
{
	void *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* Of two pages, of which one is made read-only: so neighbours do not merge. */
static void make_mappings(long count)
{
	for (; count > 0; count -= 2) {
		char *p = map_or_die(2 * PAGE, PROT_READ | PROT_WRITE);

		memset(p, 7, 2 * PAGE);
		mprotect(p, PAGE, PROT_READ);
	}
}

/* Like a heap: no page of zeros, none like another. */
static void fill(uint64_t *page, uint64_t seed)
{
	size_t i;

	for (i = 0; i < PAGE / sizeof(*page); i++)
		page[i] = (seed = seed * 6364136223846793005 + 1442695040888963407);
}

static void make_sparse(size_t gib)
{
	size_t i, step = gib * 1024 / SPARSE_PAGES * MIB;
	char *p;

	if (!gib)
		return;
	p = mmap(NULL, gib * 1024 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	madvise(p, gib * 1024 * MIB, MADV_NOHUGEPAGE);
	for (i = 0; i < SPARSE_PAGES; i++)
		p[i * step] = 1;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/null";
	size_t pages = (argc > 2 ? (size_t)atol(argv[2]) : 1) * (MIB / PAGE), i;
	size_t percent = argc > 5 ? (size_t)atol(argv[5]) : 1;
	uint8_t *memory = map_or_die(pages * PAGE, PROT_READ | PROT_WRITE);
	sigset_t usr1;
	long times;
	int signal;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < pages; i++)
		fill((uint64_t *)(memory + i * PAGE), i + 1);
	start_threads(argc > 3 ? atol(argv[3]) : 1);
	make_mappings(argc > 4 ? atol(argv[4]) : 0);
	make_sparse(argc > 6 ? (size_t)atol(argv[6]) : 0);
	say(path, getpid());
	for (times = 1; sigwait(&usr1, &signal) == 0; times++) {
		for (i = 0; i < pages * percent / 100; i++)
			memory[i * 100 / percent * PAGE + (size_t)times % PAGE]++;
		say(path, times);
	}
	return 0;
}

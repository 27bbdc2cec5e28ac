// SPDX-License-Identifier: Apache-2.0
/*
 * Much memory of which little is used:
 *
 *	spread FILE MIB PAGES
 *
 * Whenever there is a file FILE.go it removes that, reads PAGES pages that lie far apart, from the
 * highest address down, and writes to FILE how many of them it had to wait for: how often it gave
 * the processor away meanwhile. -1: one of them was not as it had been.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void tell(const char *path, long number)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", number);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, (size_t)len) != len || close(fd) < 0)
		exit(3);
}

static long look(const char *memory, size_t pages, size_t count)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 1; i <= count; i++) {
		size_t page = pages - i * (pages / count);
		size_t found;

		memcpy(&found, memory + page * PAGE, sizeof(found));
		if (found != page + 1)
			return -1;
	}
	getrusage(RUSAGE_SELF, &after);
	return after.ru_nvcsw - before.ru_nvcsw;
}

int main(int argc, char **argv)
{
	size_t pages = argc == 4 ? strtoul(argv[2], NULL, 10) << 8 : 0;
	size_t count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	char *memory, go[4096];

	if (!pages || !count)
		return 2;
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		return 3;
	madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i++)
		memcpy(memory + i * PAGE, &(size_t){i + 1}, sizeof(size_t));
	snprintf(go, sizeof(go), "%s.go", argv[1]);
	for (;;) {
		tell(argv[1], look(memory, pages, count));
		while (unlink(go) < 0)
			usleep(1000);
	}
}

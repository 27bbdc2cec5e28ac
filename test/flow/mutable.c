// SPDX-License-Identifier: Apache-2.0
// cflags: -O0 (its locals are to lie in memory)
/*
 * An application to ask "what if" of: each SIGUSR1 writes a line of all that can be assigned to
 * FILE, as it is then. "ready" on standard output.
 *
 *	mutable FILE
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

int global = 5;
const int constant = 7; /* in a mapping that cannot be written */
struct {
	unsigned low : 3, high : 7;
	long double real;
} mixed = {1, 2, 0.5L};
__thread int own = 9;
int *anon, *twin, *shared, *far; /* pages; two of one memfd; shared anonymous; untouched */
int *sealed, *file;		 /* not to be written: a sealed memfd, a shared file */

static int *map(int fd, size_t bytes, int prot, int flags)
{
	void *mem = mmap(NULL, bytes, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		exit(3);
	return mem;
}

static void make_memory(const char *path)
{
	int fd = memfd_create("what-if", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int closed = memfd_create("closed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int on_disk = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || closed < 0 || on_disk < 0 || ftruncate(fd, 2 * PAGE) < 0 ||
	    ftruncate(closed, PAGE) < 0 || ftruncate(on_disk, PAGE) < 0)
		exit(3);
	anon = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	twin = map(fd, 2 * PAGE, PROT_READ, MAP_SHARED);
	shared = map(-1, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	far = map(-1, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	if (fcntl(closed, F_ADD_SEALS, F_SEAL_WRITE) < 0)
		exit(3);
	sealed = map(closed, PAGE, PROT_READ, MAP_SHARED);
	file = map(on_disk, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	anon[0] = 11;
	shared[0] = 12;
}

static void tell(const char *path, int local, double real)
{
	char fresh[4096];
	FILE *out;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	out = fopen(fresh, "w");
	if (!out)
		exit(3);
	fprintf(out, "%d %d %u %u %.2Lf %d %d %d %d %d %d %.2f\n", global,
		*(const volatile int *)&constant, mixed.low, mixed.high, mixed.real, own, anon[0],
		twin[0], shared[0], far[60 * PAGE / sizeof(int)], local, real);
	if (fclose(out) != 0 || rename(fresh, path) < 0)
		exit(3);
}

static int __attribute__((noinline)) serve(const char *path, const sigset_t *set, int local)
{
	register long kept asm("rbx") = 70;
	double real = 1.5;
	int sig;

	for (;;) {
		asm volatile("" : "+r"(kept));
		sig = sigwaitinfo(set, NULL);
		asm volatile("" : "+r"(kept));
		if (sig != SIGUSR1 && sig != 0)
			return local;
		tell(path, local + (int)kept, real);
	}
}

int main(int argc, char **argv)
{
	char other[4096];
	sigset_t set;

	if (argc < 2)
		return 2;
	snprintf(other, sizeof(other), "%s.disk", argv[1]);
	make_memory(other);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready\n");
	fflush(stdout);
	return serve(argv[1], &set, 3);
}

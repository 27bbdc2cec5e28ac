// SPDX-License-Identifier: Apache-2.0
/*
 * The application of the flows: a number in memory. Each SIGUSR1 adds one and writes
 * the number to FILE, each SIGTERM ends it with status 5. "ready" on standard output.
 *
 *	counter FILE [MIB]     MIB of memory, all of it random
 *
 * Nothing is held open but the three standard files, so what is seen in FILE after a
 * journey is what the memory says, not what a descriptor kept.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Whole or not at all: a reader sees the old number or the new one. */
static void tell(const char *path, unsigned long number)
{
	char fresh[4096], text[32];
	int fd, len;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	len = snprintf(text, sizeof(text), "%lu\n", number);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len || close(fd) < 0 ||
	    rename(fresh, path) < 0)
		exit(3);
}

static int getrandom_all(char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(to, len, 0);

		if (n < 0)
			return -1;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) << 20 : 0;
	volatile unsigned long *number = calloc(1, sizeof(*number));
	sigset_t set;

	if (argc < 2 || !number)
		return 2;
	if (bytes) {
		void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);

		if (mem == MAP_FAILED)
			return 3;
		/* nothing that could be compressed, nor found twice */
		if (getrandom_all(mem, bytes) < 0)
			return 3;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(argv[1], *number);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		switch (sigwaitinfo(&set, NULL)) {
		case SIGUSR1:
			tell(argv[1], ++*number);
			break;
		case SIGTERM:
			return 5;
		}
	}
}

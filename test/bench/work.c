// SPDX-License-Identifier: Apache-2.0
/*
 * A process at work, to measure how much a snapshot a second slows it down.
 *
 *	work FILE MIB PERCENT
 *
 * Reads its memory round and round; each second PERCENT of its pages, scattered evenly, are
 * written. Ten times a second it writes to FILE one line: how much it has read so far, in
 * pieces of 64 KiB. The first line is its pid, when it stands.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, PIECE = 64 << 10, TICKS = 100, TICKS_A_LINE = 10 };

struct work {
	uint8_t *memory;
	size_t pages, percent;
	uint64_t pieces, sum;
	size_t written; /* pages, ever */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void say(int fd, uint64_t number)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "%lu\n", number);

	if (write(fd, line, (size_t)len) != len)
		exit(1);
}

static void read_piece(struct work *w)
{
	const uint64_t *at = (const uint64_t *)(w->memory + w->pieces * PIECE % (w->pages * PAGE));
	size_t i;

	for (i = 0; i < PIECE / sizeof(*at); i++)
		w->sum += at[i];
	w->pieces++;
}

/* A hundredth of what is to be written in a second. */
static void write_some(struct work *w)
{
	size_t i, count = w->pages * w->percent / 100 / TICKS;

	for (i = 0; i < count; i++, w->written++)
		w->memory[w->written * 100 / w->percent % w->pages * PAGE +
			  w->written / w->pages]++;
}

int main(int argc, char **argv)
{
	struct work w = {.percent = 1};
	uint64_t tick = 0, begun = now_ns();
	size_t i;
	int fd;

	if (argc != 4)
		return 2;
	w.pages = (size_t)atol(argv[2]) * (MIB / PAGE);
	w.percent = (size_t)atol(argv[3]);
	w.memory = mmap(NULL, w.pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (w.memory == MAP_FAILED || fd < 0) {
		perror("work");
		return 1;
	}
	madvise(w.memory, w.pages * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < w.pages * PAGE; i += sizeof(uint64_t))
		*(uint64_t *)(w.memory + i) = i * 6364136223846793005;
	say(fd, (uint64_t)getpid());
	for (;;) {
		read_piece(&w);
		if (now_ns() - begun < (tick + 1) * (1000000000 / TICKS))
			continue;
		tick = (now_ns() - begun) / (1000000000 / TICKS);
		write_some(&w);
		if (tick % TICKS_A_LINE == 0)
			say(fd, w.pieces);
	}
}

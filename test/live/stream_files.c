// SPDX-License-Identifier: Apache-2.0
// varies: fds (opened and closed all the time)
// dry: harm
/* Streaming: a thread that opens, duplicates, moves and closes descriptors, and one that
 * writes and reads a file without a name; numbers and contents are checked. */
#include "victim.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

struct state {
	struct victim *v;
	_Atomic unsigned long opened, written;
	_Atomic uint64_t cheat;
};

static void *shuffle(void *arg)
{
	struct state *s = arg;
	uint64_t count;

	for (;; s->opened++) {
		int first = eventfd((unsigned)(s->opened % 1000 + 1), EFD_CLOEXEC);
		int second = fcntl(first, F_DUPFD, 200 + (int)(s->opened % 50));

		if (first < 0 || second < 200) {
			victim_fault(s->v, "descriptors %d and %d: %s", first, second,
				     strerror(errno));
			continue;
		}
		close(first);
		if (read(second, &count, 8) != 8 || count != s->opened % 1000 + 1 + s->cheat)
			victim_fault(s->v, "descriptor %d has the count of another", second);
		if (close(second) < 0)
			victim_fault(s->v, "close %d: %s", second, strerror(errno));
		if (s->opened % 32 == 0)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void *scribble(void *arg)
{
	struct state *s = arg;
	uint64_t block[512];
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	for (;; s->written++) {
		off_t at = (off_t)(s->written % 8) * (off_t)sizeof(block);

		victim_fill(block, sizeof(block), s->written);
		lseek(fd, at, SEEK_SET);
		if (write(fd, block, sizeof(block)) != sizeof(block))
			victim_fault(s->v, "write: %s", strerror(errno));
		memset(block, 0, sizeof(block));
		lseek(fd, at, SEEK_SET);
		if (read(fd, block, sizeof(block)) != sizeof(block))
			victim_fault(s->v, "read: %s", strerror(errno));
		if (victim_differs(block, sizeof(block), s->written) >= 0)
			victim_fault(s->v, "block %lu is not what was written", s->written);
		victim_sleep_ms(1);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned long opened = s->opened, written = s->written;

	s->cheat = v->harm;
	for (int i = 0; i < 400 && (s->opened < opened + 100 || s->written < written + 20); i++)
		victim_sleep_ms(5);
	CHECK(v, s->opened >= opened + 100, "the descriptors stand still");
	CHECK(v, s->written >= written + 20, "the file stands still");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, pthread_create(&thread, NULL, shuffle, &s) == 0);
	NEED(&v, pthread_create(&thread, NULL, scribble, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}

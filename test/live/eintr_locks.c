// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* Waiting for a file lock: flock(2) and the open file's record locks, held by another
 * open of the same file in this process. */
#include "blocker.h"
#include <fcntl.h>
#include <sys/file.h>

static int wait_flock(struct blocker *b)
{
	if (flock(b->fd, LOCK_EX) < 0)
		return -1;
	return flock(b->fd, LOCK_UN);
}

/* Lets go for a moment and takes it back. */
static void pass_flock(struct blocker *b)
{
	unsigned long before = b->rounds;

	flock(b->peer, LOCK_UN);
	while (b->rounds == before)
		victim_sleep_ms(1);
	flock(b->peer, LOCK_EX);
}

static int record(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_len = 10 };

	return fcntl(fd, F_OFD_SETLKW, &lock);
}

static int wait_record(struct blocker *b)
{
	if (record(b->fd, F_WRLCK) < 0)
		return -1;
	return record(b->fd, F_UNLCK);
}

static void pass_record(struct blocker *b)
{
	unsigned long before = b->rounds;

	record(b->peer, F_UNLCK);
	while (b->rounds == before)
		victim_sleep_ms(1);
	record(b->peer, F_WRLCK);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 2);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct blocker b[2] = {
		{ .name = "flock", .call = wait_flock, .kick = pass_flock },
		{ .name = "F_OFD_SETLKW", .call = wait_record, .kick = pass_record },
	};

	victim_start(&v, argc, argv);
	for (int i = 0; i < 2; i++) {
		b[i].fd = open(i ? "records" : "flocked", O_RDWR | O_CREAT, 0600);
		b[i].peer = open(i ? "records" : "flocked", O_RDWR);
		NEED(&v, b[i].fd >= 0 && b[i].peer >= 0);
	}
	NEED(&v, flock(b[0].peer, LOCK_EX) == 0 && record(b[1].peer, F_WRLCK) == 0);
	blockers_start(&v, b, 2);
	victim_serve(&v, NULL, verify, b);
}

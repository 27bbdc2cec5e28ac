// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/*
 * semop, semtimedop and msgrcv of System V: never restarted by the kernel after a signal
 * handler, signal(7). The objects are the system's, not the process's, and stay.
 */
#include "blocker.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static int wait_sem(struct blocker *b)
{
	struct sembuf take = { (unsigned short)b->word, -1, 0 };

	return semop(b->fd, &take, 1);
}

static void give_sem(struct blocker *b)
{
	struct sembuf give = { (unsigned short)b->word, 1, 0 };

	semop(b->fd, &give, 1);
}

static int timed_sem(struct blocker *b)
{
	struct sembuf take = { (unsigned short)b->word, -1, 0 };
	struct timespec t = { 0, 50000000 };

	if (semtimedop(b->fd, &take, 1, &t) == 0)
		errno = EEXIST;
	return errno == EAGAIN ? 0 : -1;
}

struct message {
	long type;
	char text[8];
};

static int receive(struct blocker *b)
{
	struct message m;

	return msgrcv(b->fd, &m, sizeof(m.text), 0, 0) == 8 ? 0 : -1;
}

static void deliver(struct blocker *b)
{
	struct message m = { 1, "message" };

	msgsnd(b->fd, &m, sizeof(m.text), 0);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 3);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct blocker b[3] = {
		{ .name = "semop", .call = wait_sem, .kick = give_sem, .word = 0 },
		{ .name = "semtimedop", .call = timed_sem, .word = 1 },
		{ .name = "msgrcv", .call = receive, .kick = deliver },
	};
	char cleanup[80];
	int semaphores, queue;

	victim_start(&v, argc, argv);
	semaphores = semget(IPC_PRIVATE, 2, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	if (semaphores < 0 || queue < 0)
		victim_skip(&v, "no System V semaphores or queues: %s", strerror(errno));
	b[0].fd = b[1].fd = semaphores;
	b[2].fd = queue;
	/* What the runner calls when the victim is gone. */
	snprintf(cleanup, sizeof(cleanup), "ipcrm -s %d -q %d", semaphores, queue);
	victim_post(&v, "cleanup", cleanup);
	blockers_start(&v, b, 3);
	victim_serve(&v, NULL, verify, b);
}

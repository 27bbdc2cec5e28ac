// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* Futexes: for ever, with a relative and an absolute timeout, sem_timedwait, a condition
 * variable with a timeout. */
#include "blocker.h"
#include <linux/futex.h>
#include <semaphore.h>

enum { TIMEOUT_MS = 50 };

static struct timespec until(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += TIMEOUT_MS * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* A timed wait is right when it ends by its timeout. */
static int timed_out(long result, int error)
{
	if (result == 0)
		error = EEXIST;
	errno = error;
	return error == ETIMEDOUT ? 0 : -1;
}

static int endless(struct blocker *b)
{
	uint32_t seen = __atomic_load_n(&b->word, __ATOMIC_SEQ_CST);

	/* Waking up for nothing is allowed, failing is not. */
	if (syscall(SYS_futex, &b->word, FUTEX_WAIT_PRIVATE, seen, NULL) < 0 && errno != EAGAIN)
		return -1;
	if (b->word != seen)
		return 0;
	errno = ENOMSG;
	return -1;
}

static int relative(struct blocker *b)
{
	struct timespec t = { 0, TIMEOUT_MS * 1000000 };
	long result = syscall(SYS_futex, &b->word, FUTEX_WAIT_PRIVATE, 0, &t);

	return timed_out(result, errno);
}

static int absolute(struct blocker *b)
{
	struct timespec t = until(CLOCK_MONOTONIC);
	long result = syscall(SYS_futex, &b->word, FUTEX_WAIT_BITSET, 0, &t, NULL, ~0u);

	return timed_out(result, errno);
}

static int semaphore(struct blocker *b)
{
	struct timespec t = until(CLOCK_REALTIME);
	int result = sem_timedwait(b->arg, &t);

	return timed_out(result, errno);
}

static int condition(struct blocker *b)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct timespec t = until(CLOCK_REALTIME);
	int error;

	pthread_mutex_lock(&lock);
	error = pthread_cond_timedwait(b->arg, &lock, &t);
	pthread_mutex_unlock(&lock);
	return timed_out(error ? -1 : 0, error);
}

static void kick(struct blocker *b)
{
	__atomic_add_fetch(&b->word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &b->word, FUTEX_WAKE_PRIVATE, 1);
}

static void verify(struct victim *v, void *state)
{
	/* Harm: glibc's condition variables hide EINTR, as POSIX wants. */
	blockers_verify(v, state, v->harm ? 1 : 5);
}

int main(int argc, char **argv)
{
	struct victim v;
	sem_t never;
	pthread_cond_t signalled = PTHREAD_COND_INITIALIZER;
	struct blocker b[5] = {
		{ .name = "futex relative", .call = relative },
		{ .name = "futex for ever", .call = endless, .kick = kick },
		{ .name = "futex absolute", .call = absolute },
		{ .name = "sem_timedwait", .call = semaphore, .arg = &never },
		{ .name = "pthread_cond_timedwait", .call = condition, .arg = &signalled },
	};

	victim_start(&v, argc, argv);
	sem_init(&never, 0, 0);
	blockers_start(&v, b, 5);
	victim_serve(&v, NULL, verify, b);
}

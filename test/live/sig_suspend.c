// SPDX-License-Identifier: Apache-2.0
// dry: harm
/*
 * Waiting with another mask: threads in sigsuspend, ppoll, pselect and epoll_pwait. The
 * mask they had before waits in the kernel and must be theirs again afterwards; nothing
 * may wake them but their signal.
 */
#include "victim.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

enum { WAYS = 4 };

struct waiter {
	struct victim *v;
	unsigned way;
	pthread_t thread;
	_Atomic unsigned long rounds;
};

struct state {
	struct waiter waiters[WAYS];
};

static __thread volatile sig_atomic_t handled;

static void on_signal(int number)
{
	(void)number;
	handled++;
}

static int wait_with(int epoll, unsigned way, const sigset_t *open)
{
	struct epoll_event event;

	switch (way) {
	case 0:
		return sigsuspend(open);
	case 1:
		return ppoll(NULL, 0, NULL, open);
	case 2:
		return pselect(0, NULL, NULL, NULL, NULL, open);
	default:
		return epoll_pwait(epoll, &event, 1, -1, open);
	}
}

static void *wait_loop(void *arg)
{
	struct waiter *w = arg;
	sigset_t open, closed, now;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	sigemptyset(&open);
	sigaddset(&open, SIGUSR2);
	sigemptyset(&closed);
	sigaddset(&closed, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &closed, NULL);
	for (;;) {
		int before = handled, result = wait_with(epoll, w->way, &open);

		if (result != -1 || errno != EINTR || handled != before + 1)
			victim_fault(w->v, "way %u ended by itself: %d, %s, %d handlers", w->way,
				     result, strerror(errno), (int)handled - before);
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		if (memcmp(&now, &closed, 8) != 0)
			victim_fault(w->v, "way %u: the mask is not what it was before", w->way);
		w->rounds++;
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < WAYS; i++) {
		unsigned long before = s->waiters[i].rounds;

		pthread_kill(s->waiters[i].thread, v->harm ? SIGUSR2 : SIGUSR1);
		for (int k = 0; k < 200 && s->waiters[i].rounds == before; k++)
			victim_sleep_ms(5);
		CHECK(v, s->waiters[i].rounds == before + 1, "way %u: %lu rounds", i,
		      s->waiters[i].rounds - before);
	}
	victim_sleep_ms(20); /* until they wait again */
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	struct sigaction sa = { .sa_handler = on_signal };

	victim_start(&v, argc, argv);
	NEED(&v, sigaction(SIGUSR1, &sa, NULL) == 0);
	for (unsigned i = 0; i < WAYS; i++) {
		s.waiters[i].v = &v;
		s.waiters[i].way = i;
		NEED(&v, pthread_create(&s.waiters[i].thread, NULL, wait_loop, &s.waiters[i]) == 0);
	}
	victim_sleep_ms(30);
	victim_serve(&v, NULL, verify, &s);
}

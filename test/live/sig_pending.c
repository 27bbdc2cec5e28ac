// SPDX-License-Identifier: Apache-2.0
/*
 * Pending signals with all of their siginfo: queued ones in order with values, of the
 * process and of one thread, standard ones, and one with a kernel-like code.
 */
#include "victim.h"
#include <pthread.h>
#include <signal.h>

enum { QUEUED = 6 };

/* Number i of a generation, as it is sent. */
static void make(siginfo_t *info, int i, unsigned generation)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = i % 2 ? SIGRTMIN + 6 : SIGRTMIN + 2;
	info->si_code = i == 4 ? SI_TIMER : i == 5 ? SI_MESGQ : SI_QUEUE;
	info->si_pid = 1000 + i;
	info->si_uid = 77;
	info->si_value.sival_ptr = (void *)(uintptr_t)victim_word((size_t)i, generation);
}

static void send_all(struct victim *v)
{
	siginfo_t info;

	for (int i = 0; i < QUEUED; i++) {
		make(&info, i, v->generation);
		CHECK(v, syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info) == 0,
		      "rt_sigqueueinfo: %s", strerror(errno));
		CHECK(v, syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), info.si_signo + 1,
				 &info) == 0, "rt_tgsigqueueinfo: %s", strerror(errno));
	}
	kill(getpid(), v->generation % 2 ? SIGUSR1 : SIGUSR2);
	pthread_kill(pthread_self(), SIGHUP);
}

static int next(int number, siginfo_t *info)
{
	struct timespec none = { 0 };
	uint64_t set = 1ull << (number - 1);

	/* glibc's sigtimedwait() rewrites SI_TKILL. */
	return (int)syscall(SYS_rt_sigtimedwait, &set, info, &none, 8);
}

static void drain(void)
{
	siginfo_t info;

	for (int number = 1; number <= 64; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == 32 || number == 33)
			continue;
		while (next(number, &info) == number)
			;
	}
}

static void change(struct victim *v, void *state)
{
	(void)state;
	drain();
	send_all(v);
}

static bool same(const siginfo_t *a, const siginfo_t *b)
{
	return a->si_code == b->si_code && a->si_pid == b->si_pid && a->si_uid == b->si_uid &&
	       a->si_value.sival_ptr == b->si_value.sival_ptr;
}

static void take(struct victim *v, int shift, const char *whose)
{
	siginfo_t info, want;

	for (int parity = 0; parity < 2; parity++) {
		for (int i = parity; i < QUEUED; i += 2) {
			make(&want, i, v->generation);
			CHECK(v, next(want.si_signo + shift, &info) == want.si_signo + shift,
			      "the %s's signal %d is lost", whose, i);
			CHECK(v, same(&info, &want), "the %s's signal %d: code %d, pid %d, %p",
			      whose, i, info.si_code, info.si_pid, info.si_value.sival_ptr);
		}
	}
}

static void verify(struct victim *v, void *state)
{
	siginfo_t info;

	(void)state;
	take(v, 0, "process");
	take(v, 1, "thread");
	CHECK(v, next(v->generation % 2 ? SIGUSR1 : SIGUSR2, &info) > 0 &&
		 info.si_code == SI_USER && info.si_pid == getpid(), "kill's signal");
	CHECK(v, next(SIGHUP, &info) == SIGHUP && info.si_code == SI_TKILL, "the thread's SIGHUP");
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		CHECK(v, next(number, &info) < 0, "one signal %d too many", number);
	send_all(v);
}

int main(int argc, char **argv)
{
	struct victim v;
	sigset_t all;

	victim_start(&v, argc, argv);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	send_all(&v);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, NULL);
}

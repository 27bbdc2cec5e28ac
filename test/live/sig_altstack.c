// SPDX-License-Identifier: Apache-2.0
/*
 * Running on an alternate signal stack: in even generations the victim serves from
 * inside a handler on it, in odd ones from the ordinary stack; and a second thread has
 * an alternate stack of its own that is not in use.
 */
#include "victim.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

enum { STACK_BYTES = 128 * 1024 };

struct state {
	char *stacks[2];
	_Atomic unsigned long checks;
};

/* The handler's way to what it serves. */
static struct victim *handlers_victim;
static struct state *handlers_state;

static void *other(void *arg)
{
	struct state *s = arg;
	stack_t mine = { .ss_sp = s->stacks[1], .ss_size = STACK_BYTES / 2 }, now;

	sigaltstack(&mine, NULL);
	for (;; s->checks++) {
		sigaltstack(NULL, &now);
		if (now.ss_sp != mine.ss_sp || now.ss_size != mine.ss_size || now.ss_flags)
			victim_fault(handlers_victim, "the thread's alternate stack is %p, %zu, %d",
				     now.ss_sp, now.ss_size, now.ss_flags);
		victim_sleep_ms(3);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	bool on = v->generation % 2 == 0;
	unsigned long before = s->checks;
	char here;
	stack_t now;

	CHECK(v, sigaltstack(NULL, &now) == 0 && now.ss_sp == s->stacks[0] &&
		 now.ss_size == STACK_BYTES, "the alternate stack is %p", now.ss_sp);
	CHECK(v, (now.ss_flags == SS_ONSTACK) == on, "flags are %d", now.ss_flags);
	CHECK(v, (&here >= s->stacks[0] && &here < s->stacks[0] + STACK_BYTES) == on,
	      "running on the wrong stack");
	while (s->checks < before + 2)
		victim_sleep_ms(1);
}

static void change(struct victim *v, void *state)
{
	(void)v;
	(void)state; /* serve() does it, between two commands */
}

/* Serves for as long as the generation is one of this stack's. */
static void serve(struct victim *v, struct state *s)
{
	bool odd = v->generation % 2;

	while (odd == v->generation % 2) {
		victim_sleep_ms(10);
		victim_poll(v, change, verify, s);
	}
}

static void on_signal(int number)
{
	(void)number;
	serve(handlers_victim, handlers_state);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = STACK_BYTES };
	pthread_t thread;
	char pid[20];

	victim_start(&v, argc, argv);
	handlers_victim = &v;
	handlers_state = &s;
	for (int i = 0; i < 2; i++) {
		s.stacks[i] = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		NEED(&v, s.stacks[i] != MAP_FAILED);
	}
	stack.ss_sp = s.stacks[0];
	NEED(&v, sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
	NEED(&v, pthread_create(&thread, NULL, other, &s) == 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	victim_post(&v, "ready", pid);
	for (;;) {
		raise(SIGUSR1); /* even generations, inside */
		serve(&v, &s);  /* odd ones */
	}
}

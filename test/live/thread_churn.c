// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that end and come between the generations: going back has some too many, to be
 * ended in place, and some too few, to be made anew with their old ids. Half of them
 * are detached.
 */
#include "victim.h"
#include <pthread.h>

enum { SLOTS = 8 };

struct slot {
	struct state *state;
	unsigned number, born; /* generation it was made in */
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool leave;
	_Atomic unsigned long beats;
};

struct state {
	struct victim *v;
	struct slot slots[SLOTS];
};

static __thread unsigned mine; /* thread-local storage must come back too */

static bool alive(unsigned number, unsigned generation)
{
	return (number + generation) % 3 != 0;
}

static void *live(void *arg)
{
	struct slot *slot = arg;
	unsigned born = slot->born;

	mine = slot->number * 100 + born;
	slot->tid = gettid();
	while (!slot->leave) {
		if (mine != slot->number * 100 + born)
			victim_fault(slot->state->v, "thread-local value of slot %u is %u",
				     slot->number, mine);
		slot->beats++;
		victim_sleep_ms(3);
	}
	slot->tid = 0;
	return NULL;
}

static void set(struct victim *v, struct state *s)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &s->slots[i];
		bool is = slot->tid != 0;

		if (is == alive(i, v->generation))
			continue;
		slot->leave = is;
		if (is) {
			while (slot->tid)
				victim_sleep_ms(1);
			if (i % 2)
				pthread_join(slot->thread, NULL);
			continue;
		}
		slot->born = v->generation;
		slot->number = i;
		slot->state = s;
		CHECK(v, pthread_create(&slot->thread, NULL, live, slot) == 0, "pthread_create");
		if (i % 2 == 0)
			pthread_detach(slot->thread);
		while (!slot->tid)
			victim_sleep_ms(1);
	}
}

static void change(struct victim *v, void *state)
{
	set(v, state);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &s->slots[i];
		unsigned long before = slot->beats;

		CHECK(v, (slot->tid != 0) == alive(i, v->generation), "slot %u is %s", i,
		      slot->tid ? "taken" : "empty");
		if (!slot->tid)
			continue;
		CHECK(v, syscall(SYS_tgkill, getpid(), slot->tid, 0) == 0, "no thread %d",
		      slot->tid);
		for (int k = 0; k < 200 && slot->beats < before + 2; k++)
			victim_sleep_ms(2);
		CHECK(v, slot->beats >= before + 2, "thread %d stands still", slot->tid);
	}
	victim_sleep_ms(10); /* what has left its slot leaves the kernel */
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };

	victim_start(&v, argc, argv);
	set(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

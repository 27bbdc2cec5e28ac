// SPDX-License-Identifier: Apache-2.0
/*
 * Credentials belong to a thread: glibc changes all of them together, a raw system call
 * only one. Each thread here has ids and effective capabilities of its own.
 */
#include "victim.h"
#include <linux/capability.h>
#include <pthread.h>

enum { THREADS = 3 };

struct thread {
	struct state *state;
	unsigned number;
	_Atomic unsigned rounds;
	_Atomic unsigned uid, caps; /* as last read back */
};

struct state {
	_Atomic unsigned generation;
	struct thread threads[THREADS];
};

static unsigned wanted_uid(unsigned thread, unsigned generation)
{
	return 1000 + thread * 10 + generation;
}

static unsigned wanted_caps(unsigned thread, unsigned generation)
{
	unsigned always = 1u << CAP_SETUID | 1u << CAP_CHOWN;

	return (thread + generation) % 2 ? always | 1u << CAP_KILL : always;
}

static void *hold(void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct thread *t = arg;
	unsigned set = ~0u, ids[3];

	for (;; t->rounds++) {
		unsigned generation = t->state->generation;

		syscall(SYS_capget, &header, data);
		syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
		t->uid = ids[1];
		t->caps = data[0].effective;
		if (set != generation) {
			syscall(SYS_setresuid, -1, wanted_uid(t->number, generation), -1);
			data[0].effective = wanted_caps(t->number, generation);
			syscall(SYS_capset, &header, data);
			set = generation;
		}
		victim_sleep_ms(3);
	}
	return NULL;
}

static void settle(struct state *s)
{
	for (int i = 0; i < THREADS; i++) {
		unsigned before = s->threads[i].rounds;

		while (s->threads[i].rounds < before + 3)
			victim_sleep_ms(1);
	}
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	s->generation = v->generation;
	settle(s);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	settle(s);
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK(v, s->threads[i].uid == wanted_uid(i, v->generation), "thread %u has uid %u",
		      i, s->threads[i].uid);
		CHECK(v, s->threads[i].caps == wanted_caps(i, v->generation),
		      "thread %u has capabilities %#x", i, s->threads[i].caps);
	}
	CHECK(v, geteuid() == 0, "the main thread has uid %u", geteuid());
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	if (geteuid() != 0)
		victim_skip(&v, "needs root");
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].state = &s;
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, NULL, hold, &s.threads[i]) == 0);
	}
	settle(&s);
	victim_serve(&v, change, verify, &s);
}

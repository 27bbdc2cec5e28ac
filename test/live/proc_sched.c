// SPDX-License-Identifier: Apache-2.0
/*
 * Scheduling of each thread: batch, idle, nice, real time where allowed; affinity and
 * input/output priority, which change with the generation.
 */
#include "victim.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

enum {
	THREADS = 5,
	IOPRIO_BE = 2 << 13,
};

struct thread {
	unsigned number;
	_Atomic pid_t tid;
	bool possible;
};

struct state {
	struct thread threads[THREADS];
	cpu_set_t all;
	int first_cpu;
};

static const struct {
	int policy, priority, nice;
} wanted[THREADS] = {
	{ SCHED_OTHER, 0, 5 }, { SCHED_BATCH, 0, 3 }, { SCHED_IDLE, 0, 0 },
	{ SCHED_FIFO, 1, 0 },  { SCHED_RR, 2, 0 },
};

static void *hold(void *arg)
{
	struct thread *t = arg;
	struct sched_param param = { wanted[t->number].priority };

	setpriority(PRIO_PROCESS, (id_t)gettid(), wanted[t->number].nice);
	t->possible = sched_setscheduler(0, wanted[t->number].policy, &param) == 0;
	t->tid = gettid();
	for (;;)
		victim_sleep_ms(1000);
	return NULL;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(s->first_cpu, &one);
	for (unsigned i = 0; i < THREADS; i++) {
		sched_setaffinity(s->threads[i].tid, sizeof(one),
				  (i + v->generation) % 2 ? &one : &s->all);
		syscall(SYS_ioprio_set, 1, s->threads[i].tid, IOPRIO_BE | (i + v->generation) % 8);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < THREADS; i++) {
		const struct thread *t = &s->threads[i];
		struct sched_param param;
		cpu_set_t set;

		CHECK(v, sched_getaffinity(t->tid, sizeof(set), &set) == 0, "thread %u is gone", i);
		CHECK(v, CPU_COUNT(&set) == ((i + v->generation) % 2 ? 1 : CPU_COUNT(&s->all)),
		      "thread %u: affinity of %d", i, CPU_COUNT(&set));
		CHECK(v, syscall(SYS_ioprio_get, 1, t->tid) ==
			 (long)(IOPRIO_BE | (i + v->generation) % 8), "thread %u: ioprio", i);
		if (!t->possible)
			continue;
		CHECK(v, sched_getscheduler(t->tid) == wanted[i].policy, "thread %u: policy %d", i,
		      sched_getscheduler(t->tid));
		CHECK(v, sched_getparam(t->tid, &param) == 0 &&
			 param.sched_priority == wanted[i].priority, "thread %u: priority", i);
		CHECK(v, getpriority(PRIO_PROCESS, (id_t)t->tid) == wanted[i].nice,
		      "thread %u: nice %d", i, getpriority(PRIO_PROCESS, (id_t)t->tid));
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, sched_getaffinity(0, sizeof(s.all), &s.all) == 0);
	while (!CPU_ISSET(s.first_cpu, &s.all))
		s.first_cpu++;
	if (CPU_COUNT(&s.all) < 2)
		victim_skip(&v, "only one processor");
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, NULL, hold, &s.threads[i]) == 0);
		while (!s.threads[i].tid)
			victim_sleep_ms(1);
	}
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

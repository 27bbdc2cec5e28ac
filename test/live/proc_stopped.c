// SPDX-License-Identifier: Apache-2.0
// stopped: yes
/* Stopped by SIGSTOP while snapshots are taken: stays stopped, all its threads too, and
 * goes on with SIGCONT, whose handler runs once. */
#include "victim.h"
#include <pthread.h>
#include <signal.h>

struct state {
	_Atomic unsigned long beats;
};

static volatile sig_atomic_t continued;

static void on_continue(int number)
{
	(void)number;
	continued++;
}

static void *beat(void *arg)
{
	struct state *s = arg;

	for (;; s->beats++)
		victim_sleep_ms(5);
	return NULL;
}

static void change(struct victim *v, void *state)
{
	(void)v;
	(void)state;
	continued = (int)v->generation * 1000;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned long before = s->beats;

	/* Some stops lie behind every verification, fewer than a thousand. */
	CHECK(v, continued >= (int)v->generation * 1000 &&
		 continued < (int)v->generation * 1000 + 100, "SIGCONT came %d times",
	      (int)continued);
	victim_sleep_ms(40);
	CHECK(v, s->beats > before, "its thread is still stopped");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	struct sigaction sa = { .sa_handler = on_continue, .sa_flags = SA_RESTART };
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, sigaction(SIGCONT, &sa, NULL) == 0);
	NEED(&v, pthread_create(&thread, NULL, beat, &s) == 0);
	victim_serve(&v, change, verify, &s);
}

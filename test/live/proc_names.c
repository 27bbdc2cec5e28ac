// SPDX-License-Identifier: Apache-2.0
/* Names: of each thread, and the command line, which the process may overwrite. */
#include "victim.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>

enum { THREADS = 4 };

struct state {
	pthread_t threads[THREADS];
	char *title; /* argv[2]: ours to write over */
	size_t title_len;
};

static void *hold(void *arg)
{
	(void)arg;
	for (;;)
		victim_sleep_ms(1000);
	return NULL;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char name[16];

	for (unsigned i = 0; i < THREADS; i++) {
		snprintf(name, sizeof(name), "worker %u of %u)", i, v->generation);
		pthread_setname_np(s->threads[i], name);
	}
	snprintf(name, sizeof(name), "main\n\"%u\"", v->generation);
	prctl(PR_SET_NAME, name);
	snprintf(s->title, s->title_len, "title of generation %u", v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char want[40], is[16], line[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t len = read(fd, line, sizeof(line) - 1);

	close(fd);
	for (unsigned i = 0; i < THREADS; i++) {
		snprintf(want, sizeof(want), "worker %u of %u)", i, v->generation);
		CHECK(v, pthread_getname_np(s->threads[i], is, sizeof(is)) == 0 &&
			 strcmp(is, want) == 0, "thread %u is called '%s'", i, is);
	}
	snprintf(want, sizeof(want), "main\n\"%u\"", v->generation);
	CHECK(v, prctl(PR_GET_NAME, is) == 0 && strcmp(is, want) == 0, "called '%s'", is);
	snprintf(want, sizeof(want), "title of generation %u", v->generation);
	CHECK(v, len > 0 && memmem(line, (size_t)len, want, strlen(want) + 1), "cmdline");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	if (argc < 3) { /* again, with room for a title */
		execl("/proc/self/exe", argv[0], argv[1], "................................", NULL);
		NEED(&v, !"exec");
	}
	s.title = argv[2];
	s.title_len = strlen(s.title) + 1;
	for (unsigned i = 0; i < THREADS; i++)
		NEED(&v, pthread_create(&s.threads[i], NULL, hold, NULL) == 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/* The working directory, another one in every generation; and through it, files. */
#include "victim.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

struct state {
	char top[PATH_MAX];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char name[PATH_MAX + 40];

	snprintf(name, sizeof(name), "%s/place %u", s->top, v->generation);
	CHECK(v, mkdir(name, 0755) == 0 || errno == EEXIST, "mkdir: %s", strerror(errno));
	CHECK(v, chdir(name) == 0, "chdir: %s", strerror(errno));
	close(open("here", O_CREAT | O_WRONLY, 0600));
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char is[PATH_MAX], want[PATH_MAX + 40];

	snprintf(want, sizeof(want), "%s/place %u", s->top, v->generation);
	CHECK(v, getcwd(is, sizeof(is)) && strcmp(is, want) == 0, "working in %.200s", is);
	CHECK(v, access("here", F_OK) == 0, "no file here");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	NEED(&v, getcwd(s.top, sizeof(s.top)));
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

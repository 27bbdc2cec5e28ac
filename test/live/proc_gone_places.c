// SPDX-License-Identifier: Apache-2.0
// may-refuse: working directory|cwd|no longer|deleted|removed
/* A working directory, and an open one, that were removed: they have no path. */
#include "victim.h"
#include <fcntl.h>
#include <sys/stat.h>

struct state {
	int dir;
	uint64_t words[64];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->words, sizeof(s->words), v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct stat here, open_one;
	char name[200];

	victim_expect(v, "memory", s->words, sizeof(s->words), v->generation);
	CHECK(v, stat(".", &here) == 0 && here.st_nlink == 0, "the working directory is another");
	CHECK(v, fstat(s->dir, &open_one) == 0 && open_one.st_nlink == 0 &&
		 open_one.st_ino != here.st_ino, "the open directory is another");
	CHECK(v, !getcwd(name, sizeof(name)) && errno == ENOENT, "it has a name again");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	NEED(&v, mkdir("here", 0755) == 0 && mkdir("there", 0755) == 0);
	s.dir = open("there", O_RDONLY | O_DIRECTORY);
	NEED(&v, s.dir >= 0 && rmdir("there") == 0);
	NEED(&v, chdir("here") == 0 && rmdir("../here") == 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

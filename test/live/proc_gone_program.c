// SPDX-License-Identifier: Apache-2.0
// may-refuse: program|executable|deleted
/* The program's file was removed while it runs, as after every update: snapshots and
 * reverts need it no more than the program itself does. */
#include "victim.h"
#include <fcntl.h>
#include <sys/sendfile.h>

struct state {
	uint64_t words[512];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->words, sizeof(s->words), v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char name[4096];
	ssize_t len = readlink("/proc/self/exe", name, sizeof(name) - 1);

	name[len > 0 ? len : 0] = 0;
	victim_expect(v, "memory", s->words, sizeof(s->words), v->generation);
	CHECK(v, strstr(name, "/brief"), "running from %.100s", name);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int from, to;

	victim_start(&v, argc, argv);
	if (argc < 3) { /* again, from a copy */
		from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		to = open("brief", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		while (sendfile(to, from, NULL, 1 << 20) > 0)
			;
		close(to);
		execl("brief", "brief", argv[1], "again", NULL);
		NEED(&v, !"exec");
	}
	NEED(&v, unlink("brief") == 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

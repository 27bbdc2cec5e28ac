// SPDX-License-Identifier: Apache-2.0
/* Names of anonymous memory, PR_SET_VMA_ANON_NAME of prctl(2). */
#include "victim.h"
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

enum { BYTES = 4 * VICTIM_PAGE };

struct state {
	char *at;
};

static void name(const struct victim *v, char *text, size_t len)
{
	snprintf(text, len, "victim generation %u", v->generation);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char text[40];

	name(v, text, sizeof(text));
	CHECK(v, prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, s->at, BYTES, text) == 0, "prctl: %s",
	      strerror(errno));
	victim_fill(s->at, BYTES, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char text[40], line[400], start[20];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	name(v, text, sizeof(text));
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)s->at);
	while (maps && fgets(line, sizeof(line), maps))
		found |= strncmp(line, start, strlen(start)) == 0 && strstr(line, text);
	if (maps)
		fclose(maps);
	CHECK(v, found, "no mapping is named '%s'", text);
	victim_expect(v, "named memory", s->at, BYTES, v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.at != MAP_FAILED);
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, s.at, BYTES, "probe") < 0)
		victim_skip(&v, "the kernel cannot name memory: %s", strerror(errno));
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

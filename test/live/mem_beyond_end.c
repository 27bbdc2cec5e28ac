// SPDX-License-Identifier: Apache-2.0
/*
 * File mappings that reach beyond the file's end: reading there is SIGBUS, for a
 * snapshot too, and must stay so. The last page of the file is only part full.
 */
#include "victim.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

enum { PAGES = 8 };

struct state {
	char *private, *shared;
};

static sigjmp_buf escape; /* the handler's way out */

static void on_bus(int number)
{
	(void)number;
	siglongjmp(escape, 1);
}

static bool is_bus(const volatile char *at)
{
	if (sigsetjmp(escape, 1))
		return true;
	(void)*at;
	return false;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	/* The page that straddles the end, in its part beyond it. */
	memset(s->private + 2 * VICTIM_PAGE + 2000, 'a' + (char)v->generation, 100);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, s->private[2 * VICTIM_PAGE + 50] == 'x', "contents of the last page");
	CHECK(v, s->private[2 * VICTIM_PAGE + 2050] == 'a' + (char)v->generation,
	      "what was written beyond the end");
	CHECK(v, s->shared[10] == 'x', "shared contents");
	CHECK(v, is_bus(s->private + 5 * VICTIM_PAGE), "private memory beyond the end");
	CHECK(v, is_bus(s->shared + 5 * VICTIM_PAGE), "shared memory beyond the end");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	struct sigaction sa = { .sa_handler = on_bus };
	char bytes[2 * VICTIM_PAGE + 100];
	int fd;

	victim_start(&v, argc, argv);
	memset(bytes, 'x', sizeof(bytes));
	fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
	NEED(&v, fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	s.private = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	s.shared = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(&v, s.private != MAP_FAILED && s.shared != MAP_FAILED);
	close(fd);
	sigaction(SIGBUS, &sa, NULL);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

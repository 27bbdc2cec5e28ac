// SPDX-License-Identifier: Apache-2.0
/* Another root directory: paths are those inside, descriptors from outside stay. */
#include "victim.h"
#include <fcntl.h>
#include <sys/stat.h>

struct state {
	int outside, inside;
	ino_t root, passwd;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char name[40];

	snprintf(name, sizeof(name), "/folder/file %u", v->generation);
	close(s->inside);
	s->inside = open(name, O_RDWR | O_CREAT, 0600);
	CHECK(v, s->inside >= 0, "open: %s", strerror(errno));
	CHECK(v, chdir(v->generation % 2 ? "/folder" : "/") == 0, "chdir");
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct stat st, other;
	char name[40];

	CHECK(v, stat("/", &st) == 0 && st.st_ino == s->root, "another root");
	CHECK(v, stat(v->generation % 2 ? "/folder" : "/", &st) == 0 && stat(".", &other) == 0 &&
		 st.st_ino == other.st_ino, "another working directory");
	CHECK(v, access("/etc/passwd", F_OK) < 0, "out of the new root");
	CHECK(v, fstat(s->outside, &st) == 0 && st.st_ino == s->passwd, "the file from outside");
	snprintf(name, sizeof(name), "/folder/file %u", v->generation);
	CHECK(v, fstat(s->inside, &st) == 0 && stat(name, &other) == 0 &&
		 st.st_ino == other.st_ino, "the file inside is not %s", name);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .inside = -1 };
	struct stat st;

	victim_start(&v, argc, argv);
	if (geteuid() != 0)
		victim_skip(&v, "needs root");
	s.outside = open("/etc/passwd", O_RDONLY);
	NEED(&v, s.outside >= 0 && fstat(s.outside, &st) == 0);
	s.passwd = st.st_ino;
	/* The channel becomes the root, so that the victim can still be heard. */
	NEED(&v, chdir(v.dir) == 0 && chroot(".") == 0 && mkdir("/folder", 0755) == 0);
	v.dir = "/";
	NEED(&v, stat("/", &st) == 0);
	s.root = st.st_ino;
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

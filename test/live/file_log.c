// SPDX-License-Identifier: Apache-2.0
/*
 * A log that grows: what is in the file stays there when the process goes back, so the
 * file is longer than it was. Appending goes on at the file's end, reading and writing
 * at the offset of then.
 */
#include "victim.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { LINE = 32 };

struct state {
	int append, write, read;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char line[LINE];

	victim_fill(line, LINE, v->generation);
	CHECK(v, write(s->append, line, LINE) == LINE, "append: %s", strerror(errno));
	CHECK(v, write(s->write, line, LINE) == LINE, "write: %s", strerror(errno));
	CHECK(v, read(s->read, line, LINE) == LINE, "read: %s", strerror(errno));
	victim_expect(v, "what is read", line, LINE, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	off_t want = (v->generation + 1) * LINE;
	char line[LINE], old[LINE] = "";
	struct stat st;

	CHECK(v, lseek(s->write, 0, SEEK_CUR) == want, "the writer is at %lld",
	      (long long)lseek(s->write, 0, SEEK_CUR));
	CHECK(v, lseek(s->read, 0, SEEK_CUR) == want, "the reader is at %lld",
	      (long long)lseek(s->read, 0, SEEK_CUR));
	CHECK(v, fstat(s->append, &st) == 0 && st.st_size >= want, "the log has shrunk");
	CHECK(v, pread(s->read, old, LINE, want - LINE) == LINE, "read: %s", strerror(errno));
	victim_expect(v, "the last line", old, LINE, v->generation);
	memset(line, 'v', LINE);
	CHECK(v, write(s->append, line, 1) == 1, "append: %s", strerror(errno));
	CHECK(v, pread(s->read, old, 1, st.st_size) == 1 && old[0] == 'v', "not at the end");
	CHECK(v, ftruncate(s->append, st.st_size) == 0, "truncate: %s", strerror(errno));
	lseek(s->append, 0, SEEK_END);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.append = open("log", O_WRONLY | O_APPEND | O_CREAT, 0600);
	s.write = open("data", O_WRONLY | O_CREAT, 0600);
	s.read = open("log", O_RDONLY);
	NEED(&v, s.append >= 0 && s.write >= 0 && s.read >= 0);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}

// SPDX-License-Identifier: Apache-2.0
/* Descriptors that are places more than files: O_PATH, directories (one half read),
 * O_PATH of a symbolic link. */
#include "victim.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { ENTRIES = 200 };

struct state {
	int path, link, dir, changing;
	long first[ENTRIES + 2]; /* inode numbers in the directory's order */
};

/* Reads one entry at a time from the directory's offset; the inode or -1 at the end. */
static long next_entry(int dir)
{
	static const size_t room = 40; /* one entry of ours, never two */
	char buffer[room];
	long len = syscall(SYS_getdents64, dir, buffer, room);
	uint64_t inode;

	memcpy(&inode, buffer, sizeof(inode));
	return len > 0 ? (long)inode : -1;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	lseek(s->dir, 0, SEEK_SET);
	for (unsigned i = 0; i <= v->generation; i++)
		next_entry(s->dir);
	close(s->changing);
	s->changing = open(v->generation % 2 ? "folder" : ".", O_RDONLY | O_DIRECTORY);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct stat by_fd, by_name;
	off_t at = lseek(s->dir, 0, SEEK_CUR);
	long got = next_entry(s->dir);
	char text[20] = "";

	lseek(s->dir, at, SEEK_SET);
	CHECK(v, got == s->first[v->generation + 1], "the directory goes on elsewhere");
	CHECK(v, fcntl(s->path, F_GETFL) & O_PATH, "O_PATH is lost");
	CHECK(v, fstat(s->path, &by_fd) == 0 && stat("file", &by_name) == 0 &&
		 by_fd.st_ino == by_name.st_ino, "O_PATH of another file");
	CHECK(v, read(s->path, text, 1) < 0 && errno == EBADF, "an O_PATH that can be read");
	CHECK(v, readlinkat(s->link, "", text, sizeof(text)) == 4 && !memcmp(text, "file", 4),
	      "O_PATH of a symbolic link: '%s'", text);
	CHECK(v, fstat(s->changing, &by_fd) == 0 &&
		 stat(v->generation % 2 ? "folder" : ".", &by_name) == 0 &&
		 by_fd.st_ino == by_name.st_ino, "the other directory");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char name[40];

	victim_start(&v, argc, argv);
	NEED(&v, mkdir("folder", 0755) == 0 && symlink("file", "link") == 0);
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "folder/%012u", i);
		NEED(&v, close(open(name, O_CREAT | O_WRONLY, 0644)) == 0);
	}
	NEED(&v, close(open("file", O_CREAT | O_WRONLY, 0644)) == 0);
	s.path = open("file", O_PATH | O_CLOEXEC);
	s.link = open("link", O_PATH | O_NOFOLLOW);
	s.dir = open("folder", O_RDONLY | O_DIRECTORY);
	s.changing = open(".", O_RDONLY | O_DIRECTORY);
	NEED(&v, s.path >= 0 && s.link >= 0 && s.dir >= 0 && s.changing >= 0);
	for (size_t i = 0; i < ENTRIES + 2; i++)
		s.first[i] = next_entry(s.dir);
	NEED(&v, s.first[ENTRIES - 1] >= 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}

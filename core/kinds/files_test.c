// SPDX-License-Identifier: Apache-2.0
/*
 * The file kinds on descriptors of this very process, without privileges: recognising,
 * reading what needs no remote call, same and refuse. Here files, pipes and devices; those
 * without a place in any file system are in anon_files_test.c.
 */
#include "core/kinds/chardev.h"
#include "core/kinds/epoll.h"
#include "core/kinds/eventfd.h"
#include "core/kinds/fifo.h"
#include "core/kinds/inotify.h"
#include "core/kinds/pipe.h"
#include "core/kinds/regular.h"
#include "core/kinds/signalfd.h"
#include "core/kinds/test_files.h"
#include "core/kinds/timerfd.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>

static const struct kind *const file_kinds[] = {
	&kind_regular, &kind_pipe,    &kind_fifo,     &kind_chardev, &kind_eventfd,
	&kind_epoll,   &kind_timerfd, &kind_signalfd, &kind_inotify,
};

/* ---- recognising ---- */

static void expect_kind(int fd, const struct kind *kind)
{
	sn_auto(release_probed) struct probed p = probe(fd);
	size_t i;

	p.probe.link = p.link;
	p.probe.fdinfo = p.fdinfo;
	for (i = 0; i < sn_countof(file_kinds); i++)
		if (file_kinds[i]->file->recognise(&p.probe) != (file_kinds[i] == kind))
			fail_msg("%s: %s", p.link, file_kinds[i]->name);
	close(fd);
}

static void test_recognise(void **state)
{
	struct world *w = *state;
	char path[PATH_MAX];
	int ends[2];
	sigset_t mask;

	sigemptyset(&mask);
	expect_kind(make_file(w, "plain"), &kind_regular);
	expect_kind(open(w->dir, O_RDONLY | O_DIRECTORY), &kind_regular);
	expect_kind(open(w->dir, O_TMPFILE | O_RDWR, 0600), &kind_regular);
	expect_kind(open("/dev/null", O_PATH), &kind_regular);
	assert_int_equal(mkfifo(in_dir(w, path, "fifo"), 0600), 0);
	expect_kind(open(path, O_RDWR), &kind_fifo);
	expect_kind(open(path, O_PATH), &kind_regular);
	assert_int_equal(pipe2(ends, 0), 0);
	expect_kind(ends[0], &kind_pipe);
	expect_kind(ends[1], &kind_pipe);
	expect_kind(open("/dev/null", O_RDWR), &kind_chardev);
	expect_kind(eventfd(0, 0), &kind_eventfd);
	expect_kind(epoll_create1(0), &kind_epoll);
	expect_kind(timerfd_create(CLOCK_MONOTONIC, 0), &kind_timerfd);
	expect_kind(signalfd(-1, &mask, 0), &kind_signalfd);
	expect_kind(inotify_init1(0), &kind_inotify);
	expect_kind(memfd_create("x", 0), NULL);
	expect_kind(socket(AF_UNIX, SOCK_STREAM, 0), NULL);
	expect_kind(open("/proc/self/ns/mnt", O_RDONLY), NULL);
}

/* ---- regular files ---- */

static void test_regular(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = make_file(w, "a"), twin = -1, other = -1;
	Sn__OpenFile *file, *second;
	char path[PATH_MAX];

	lseek(fd, 3, SEEK_SET);
	file = read_fd(w, &kind_regular, fd);
	assert_string_equal(file->regular->path, in_dir(w, path, "a"));
	assert_int_equal(file->regular->pos_bytes, 3);
	assert_int_equal(file->regular->file->size_bytes, 8);
	assert_int_equal(file->regular->object_id, 0);
	twin = open(path, O_RDWR | O_APPEND);
	second = read_fd(w, &kind_regular, twin);
	assert_true(kind_regular.file->same(file, second));
	other = open(path, O_RDONLY);
	second = read_fd(w, &kind_regular, other);
	assert_false(kind_regular.file->same(file, second));
}

static void test_unlinked(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = make_file(w, "b"), again = -1, odd = make_file(w, "c (deleted)");
	Sn__OpenFile *file, *second;
	char path[PATH_MAX], link[40];

	unlink(in_dir(w, path, "b"));
	file = read_fd(w, &kind_regular, fd);
	assert_string_equal(file->regular->path, path);
	assert_int_equal(file->regular->object_id, 1);
	assert_int_equal(w->image->n_objects, 1);
	assert_int_equal(w->image->objects[0]->type, SN__OBJECT_TYPE__OBJECT_UNLINKED);
	assert_int_equal(w->image->objects[0]->size_bytes, 8);
	assert_null(kind_regular.file->refuse(w->image, file));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = open(link, O_RDONLY);
	second = read_fd(w, &kind_regular, again);
	assert_int_equal(second->regular->object_id, 1);
	assert_int_equal(w->image->n_objects, 1);
	second = read_fd(w, &kind_regular, odd);
	assert_string_equal(second->regular->path, in_dir(w, path, "c (deleted)"));
	assert_int_equal(second->regular->object_id, 0);
}

static void test_refuse_regular(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = make_file(w, "d"), more = -1;
	Sn__OpenFile *file = read_fd(w, &kind_regular, fd);
	char path[PATH_MAX], other[PATH_MAX];

	in_dir(w, path, "d");
	assert_int_equal(write(fd, "more", 4), 4);
	assert_null(kind_regular.file->refuse(w->image, file)); /* contents may differ */
	assert_int_equal(rename(path, in_dir(w, other, "e")), 0);
	assert_string_equal(kind_regular.file->refuse(w->image, file), "the file is gone");
	more = make_file(w, "d");
	assert_string_equal(kind_regular.file->refuse(w->image, file),
			    "another file has taken its name");
	unlink(path);
	assert_int_equal(rename(other, path), 0);
	assert_null(kind_regular.file->refuse(w->image, file));
	file->regular->file->dev = makedev(8, 99); /* a real device tells file systems apart */
	assert_non_null(kind_regular.file->refuse(w->image, file));
	file->regular->file->dev = makedev(0, 99); /* a number made up at the mount does not */
	assert_null(kind_regular.file->refuse(w->image, file));
	if (file->regular->file->birth_ns) { /* else the file system does not tell */
		file->regular->file->birth_ns--; /* its inode was another file's then */
		assert_non_null(kind_regular.file->refuse(w->image, file));
		assert_false(kind_regular.file->same(read_fd(w, &kind_regular, fd), file));
	}
	kind_set_string(&file->regular->path, "/proc/999999999/status");
	assert_null(kind_regular.file->refuse(w->image, file));
}

static void test_locks(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = make_file(w, "f"), lease = make_file(w, "g");
	struct flock posix = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
	struct flock ofd = {.l_type = F_RDLCK, .l_start = 100};
	Sn__OpenFile *file;
	struct sn_err err;

	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(fcntl(fd, F_SETLK, &posix), 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &ofd), 0);
	file = read_fd(w, &kind_regular, fd);
	assert_int_equal(file->regular->n_locks, 3);
	assert_int_equal(file->regular->locks[0]->type, SN__FILE_LOCK__TYPE__FLOCK);
	assert_false(file->regular->locks[0]->write);
	assert_int_equal(file->regular->locks[1]->type, SN__FILE_LOCK__TYPE__POSIX);
	assert_true(file->regular->locks[1]->write);
	assert_int_equal(file->regular->locks[1]->start_bytes, 10);
	assert_int_equal(file->regular->locks[1]->length_bytes, 5);
	assert_int_equal(file->regular->locks[2]->type, SN__FILE_LOCK__TYPE__OFD);
	assert_int_equal(file->regular->locks[2]->length_bytes, 0);
	assert_int_equal(fcntl(lease, F_SETLEASE, F_WRLCK), 0);
	assert_int_equal(try_read(w, &kind_regular, lease, &file, &err), -1);
	assert_non_null(strstr(err.text, "LEASE"));
}

/* ---- pipes ---- */

static void make_pipe(int ends[2], int flags)
{
	assert_int_equal(pipe2(ends, flags | O_NONBLOCK), 0);
}

static void test_pipe(void **state)
{
	struct world *w = *state;
	Sn__OpenFile *reader, *writer;
	char buf[16];
	int ends[2];

	make_pipe(ends, 0);
	assert_int_equal(write(ends[1], "hello ", 6), 6);
	assert_int_equal(write(ends[1], "world", 5), 5);
	fcntl(ends[0], F_SETPIPE_SZ, 8192);
	writer = read_fd(w, &kind_pipe, ends[1]);
	assert_true(writer->pipe->external); /* so far */
	reader = read_fd(w, &kind_pipe, ends[0]);
	assert_false(writer->pipe->external);
	assert_false(reader->pipe->external);
	assert_int_equal(writer->pipe->data.len, 0);
	assert_int_equal(reader->pipe->data.len, 11);
	assert_memory_equal(reader->pipe->data.data, "hello world", 11);
	assert_false(reader->pipe->packets);
	assert_int_equal(reader->pipe->size_bytes, 8192);
	assert_int_equal(kind_pipe.file->group(reader), kind_pipe.file->group(writer));
	assert_false(kind_pipe.file->same(reader, writer));
	assert_null(kind_pipe.file->refuse(w->image, reader));
	assert_int_equal(read(ends[0], buf, sizeof(buf)), 11); /* nothing was consumed */
	close(ends[0]);
	close(ends[1]);
}

static void test_pipe_external(void **state)
{
	struct world *w = *state;
	Sn__OpenFile *file;
	int ends[2];

	make_pipe(ends, 0);
	file = read_fd(w, &kind_pipe, ends[0]);
	assert_true(file->pipe->external);
	assert_non_null(kind_pipe.file->refuse(w->image, file));
	close(ends[0]);
	file = read_fd(w, &kind_pipe, ends[1]); /* nobody reads any more */
	w->image->files[0]->pipe->pipe_id = 0;
	assert_false(file->pipe->external);
	close(ends[1]);

	make_pipe(ends, 0);
	assert_int_equal(write(ends[1], "rest", 4), 4);
	close(ends[1]);
	file = read_fd(w, &kind_pipe, ends[0]); /* nobody writes any more */
	assert_false(file->pipe->external);
	assert_int_equal(file->pipe->data.len, 4);
	close(ends[0]);
}

static void test_pipe_packets(void **state)
{
	struct world *w = *state;
	Sn__OpenFile *file;
	int ends[2];

	make_pipe(ends, O_DIRECT);
	assert_int_equal(write(ends[1], "one", 3), 3);
	assert_int_equal(write(ends[1], "three", 5), 5);
	file = read_fd(w, &kind_pipe, ends[0]);
	assert_true(file->pipe->packets);
	assert_int_equal(file->pipe->n_packet_bytes, 2);
	assert_int_equal(file->pipe->packet_bytes[0], 3);
	assert_int_equal(file->pipe->packet_bytes[1], 5);
	assert_memory_equal(file->pipe->data.data, "onethree", 8);
	close(ends[0]);
	close(ends[1]);
}

static void test_fifo(void **state)
{
	struct world *w = *state;
	sn_auto_fd int reader = -1, writer = -1;
	Sn__OpenFile *file, *other;
	char path[PATH_MAX];

	assert_int_equal(mkfifo(in_dir(w, path, "fifo"), 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	writer = open(path, O_WRONLY | O_NONBLOCK);
	assert_int_equal(write(writer, "queued", 6), 6);
	other = read_fd(w, &kind_fifo, writer);
	file = read_fd(w, &kind_fifo, reader);
	assert_string_equal(file->fifo->path, path);
	assert_int_equal(file->fifo->data.len, 6);
	assert_int_equal(other->fifo->data.len, 0);
	assert_false(kind_fifo.file->same(file, other));
	assert_null(kind_fifo.file->refuse(w->image, file));
	unlink(path);
	assert_non_null(kind_fifo.file->refuse(w->image, file));
}

/* ---- devices ---- */

static void test_devices(void **state)
{
	struct world *w = *state;
	sn_auto_fd int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
	sn_auto_fd int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	Sn__OpenFile *a = read_fd(w, &kind_chardev, null), *b = read_fd(w, &kind_chardev, zero);
	struct sn_err err;

	assert_string_equal(a->chardev->path, "/dev/null");
	assert_false(a->chardev->tty);
	assert_false(kind_chardev.file->same(a, b));
	assert_null(kind_chardev.file->refuse(w->image, a));
	a->chardev->rdev = makedev(1, 5);
	assert_non_null(kind_chardev.file->refuse(w->image, a));
	assert_true(kind_chardev.file->same(a, b));
	assert_true(master >= 0);
	assert_int_equal(try_read(w, &kind_chardev, master, &a, &err), -1);
	assert_non_null(strstr(err.text, "cannot be captured"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_recognise),
		WORLD_TEST(test_regular),
		WORLD_TEST(test_unlinked),
		WORLD_TEST(test_refuse_regular),
		WORLD_TEST(test_locks),
		WORLD_TEST(test_pipe),
		WORLD_TEST(test_pipe_external),
		WORLD_TEST(test_pipe_packets),
		WORLD_TEST(test_fifo),
		WORLD_TEST(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

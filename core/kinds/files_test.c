// SPDX-License-Identifier: Apache-2.0
/*
 * The file kinds on descriptors of this very process, without privileges: recognising,
 * reading what needs no remote call, same and refuse.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/chardev.h"
#include "core/kinds/epoll.h"
#include "core/kinds/eventfd.h"
#include "core/kinds/fifo.h"
#include "core/kinds/inotify.h"
#include "core/kinds/pipe.h"
#include "core/kinds/regular.h"
#include "core/kinds/signalfd.h"
#include "core/kinds/timerfd.h"
#include "core/kinds/watch_path.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>

#include <cmocka.h>

static const struct kind *const file_kinds[] = {
	&kind_regular, &kind_pipe,    &kind_fifo,     &kind_chardev, &kind_eventfd,
	&kind_epoll,   &kind_timerfd, &kind_signalfd, &kind_inotify,
};

/* ---- a process of one, read as the engine reads it ---- */

struct world {
	char dir[64];
	struct task task;
	struct kernel_caps caps;
	Sn__Image *image;
	Sn__Task *model;
};

static int set_up(void **state)
{
	struct world *w = sn_calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/snapsh-files-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->task.pid = getpid();
	w->caps.kcmp = true;
	w->image = message_new(&sn__image__descriptor);
	w->model = kind_append(w->image, tasks, sn__task);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	sn_auto_dir DIR *dir = opendir(w->dir);
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	rmdir(w->dir);
	sn__image__free_unpacked(w->image, NULL);
	free(w);
	return 0;
}

static const char *in_dir(struct world *w, char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", w->dir, name);
	return path;
}

static int make_file(struct world *w, const char *name)
{
	char path[PATH_MAX];
	int fd = open(in_dir(w, path, name), O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "contents", 8), 8);
	return fd;
}

struct probed {
	struct file_probe probe;
	char link[PATH_MAX];
	char *fdinfo;
};

static void release_probed(struct probed *p)
{
	free(p->fdinfo);
}

static struct probed probe(int fd)
{
	struct probed p = {.probe = {.fd = fd}};
	struct sn_err err;
	uint64_t value;
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	assert_int_equal(proc_readlink(getpid(), name, p.link, sizeof(p.link), &err), 0);
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	p.fdinfo = proc_read(getpid(), name, NULL, &err);
	assert_non_null(p.fdinfo);
	assert_int_equal(fstat(fd, &p.probe.stat), 0);
	assert_true(proc_field(p.fdinfo, "flags", 8, &value));
	p.probe.flags = (uint32_t)value & ~(uint32_t)O_CLOEXEC;
	assert_true(proc_field(p.fdinfo, "pos", 10, &value));
	p.probe.pos_bytes = value;
	return p;
}

/* As the engine does it; the description belongs to the world's image. */
static int read_probed(struct world *w, const struct kind *kind, struct probed *p,
		       Sn__OpenFile **file, struct sn_err *err)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&sn__open_file__descriptor, kind->field);
	struct reading r = {.task = &w->task, .caps = &w->caps, .image = w->image,
			    .task_model = w->model, .probe = &p->probe, .local_fd = p->probe.fd};
	void *message = message_new(field->descriptor);
	Sn__Descriptor *descriptor = kind_append(w->model, descriptors, sn__descriptor);

	p->probe.link = p->link;
	p->probe.fdinfo = p->fdinfo;
	*file = r.file = kind_append(w->image, files, sn__open_file);
	r.file->id = (uint32_t)w->image->n_files;
	r.file->flags = p->probe.flags;
	r.file->dev = p->probe.stat.st_dev;
	r.file->ino = p->probe.stat.st_ino;
	message_set(&r.file->base, kind->field, message);
	descriptor->fd = (uint32_t)p->probe.fd;
	descriptor->file_id = r.file->id;
	if (kind->ask && kind->ask(&r, message, err) < 0)
		return -1;
	return kind->take ? kind->take(&r, message, err) : 0;
}

static int try_read(struct world *w, const struct kind *kind, int fd, Sn__OpenFile **file,
		    struct sn_err *err)
{
	sn_auto(release_probed) struct probed p = probe(fd);

	return read_probed(w, kind, &p, file, err);
}

static Sn__OpenFile *read_fd(struct world *w, const struct kind *kind, int fd)
{
	Sn__OpenFile *file;
	struct sn_err err = {0};

	if (try_read(w, kind, fd, &file, &err) < 0)
		fail_msg("%s", err.text);
	return file;
}

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

/* ---- anonymous files ---- */

static void test_eventfd(void **state)
{
	struct world *w = *state;
	sn_auto_fd int plain = eventfd(7, 0), semaphore = eventfd(9, EFD_SEMAPHORE);
	Sn__OpenFile *a = read_fd(w, &kind_eventfd, plain),
		     *b = read_fd(w, &kind_eventfd, semaphore);

	assert_int_equal(a->eventfd->count, 7);
	assert_false(a->eventfd->semaphore);
	assert_int_equal(b->eventfd->count, 9);
	assert_true(b->eventfd->semaphore);
	assert_false(kind_eventfd.file->same(a, b));
	a->eventfd->semaphore = true;
	assert_true(kind_eventfd.file->same(a, b));
	a->eventfd->count = UINT64_C(1) << 40; /* too far to come down one by one */
	assert_false(kind_eventfd.file->same(a, b));
	assert_true(kind_eventfd.file->same(b, a));
}

/* A kernel that does not say which are semaphores. */
static void test_eventfd_of_old_kernels(void **state)
{
	struct world *w = *state;
	unsigned count, semaphore;

	for (semaphore = 0; semaphore < 2; semaphore++) {
		for (count = 0; count < 4; count++) {
			sn_auto_fd int fd = eventfd(count, semaphore ? EFD_SEMAPHORE : 0);
			sn_auto(release_probed) struct probed p = probe(fd);
			char *line = strstr(p.fdinfo, "eventfd-semaphore");
			struct sn_err err;
			Sn__OpenFile *file;

			if (line)
				*line = '\0';
			assert_int_equal(read_probed(w, &kind_eventfd, &p, &file, &err), 0);
			assert_int_equal(file->eventfd->count, count);
			assert_int_equal(file->eventfd->semaphore, semaphore);
			file = read_fd(w, &kind_eventfd, fd);
			assert_int_equal(file->eventfd->count, count); /* put back */
		}
	}
}

static void test_signalfd(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = -1;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMAX);
	fd = signalfd(-1, &mask, 0);
	assert_true(read_fd(w, &kind_signalfd, fd)->signalfd->mask ==
		    (UINT64_C(1) << (SIGUSR1 - 1) | UINT64_C(1) << (SIGRTMAX - 1)));
}

static void watch_fd(int epfd, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
}

static void test_epoll(void **state)
{
	struct world *w = *state;
	sn_auto_fd int first = eventfd(0, 0), second = eventfd(0, 0);
	sn_auto_fd int epfd = epoll_create1(0);
	Sn__OpenFile *a = read_fd(w, &kind_eventfd, first), *b = read_fd(w, &kind_eventfd, second);
	Sn__OpenFile *file;

	watch_fd(epfd, second, EPOLLIN, 2);
	watch_fd(epfd, first, EPOLLOUT | EPOLLET, UINT64_C(0xffffffffffffffff));
	file = read_fd(w, &kind_epoll, epfd);
	assert_int_equal(file->epoll->n_targets, 2);
	assert_int_equal(file->epoll->targets[0]->fd, first);
	assert_int_equal(file->epoll->targets[0]->file_id, a->id);
	assert_int_equal(file->epoll->targets[0]->events & (EPOLLIN | EPOLLOUT | EPOLLET),
			 EPOLLOUT | EPOLLET);
	assert_true(file->epoll->targets[0]->data == UINT64_MAX);
	assert_int_equal(file->epoll->targets[1]->file_id, b->id);
}

/* Watched under a number that is closed, or is another file by now. */
static void test_epoll_refusals(void **state)
{
	struct world *w = *state;
	sn_auto_fd int target = eventfd(0, 0), epfd = epoll_create1(0), kept = dup(target);
	int number = target;
	Sn__OpenFile *file;
	struct sn_err err;

	watch_fd(epfd, target, EPOLLIN, 1);
	close(sn_steal_fd(&target));
	assert_int_equal(try_read(w, &kind_epoll, epfd, &file, &err), -1);
	assert_non_null(strstr(err.text, "closed while the file stayed open"));
	target = eventfd(0, 0);
	assert_int_equal(target, number); /* the lowest free one */
	read_fd(w, &kind_eventfd, target);
	w->model->descriptors[0]->fd = (uint32_t)number; /* sorted, as the engine reads them */
	w->model->n_descriptors = 1;
	sn__descriptor__free_unpacked(w->model->descriptors[1], NULL);
	assert_int_equal(try_read(w, &kind_epoll, epfd, &file, &err), -1);
	assert_non_null(strstr(err.text, "closed while the file stayed open"));
}

static void test_inotify(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = inotify_init1(IN_NONBLOCK), cwd = open(".", O_PATH | O_DIRECTORY);
	Sn__OpenFile *file, *changed;
	char path[PATH_MAX];
	int gone;

	assert_int_equal(chdir(w->dir), 0); /* where an ordinary user's watch is looked for */
	gone = inotify_add_watch(fd, "/", IN_CREATE);
	assert_int_equal(inotify_add_watch(fd, w->dir, IN_CREATE | IN_ONESHOT), 2);
	assert_int_equal(inotify_add_watch(fd, "/tmp", IN_DELETE), 3);
	inotify_rm_watch(fd, gone);
	file = read_fd(w, &kind_inotify, fd);
	assert_int_equal(fchdir(cwd), 0);
	assert_int_equal(file->inotify->n_watches, 2);
	assert_int_equal(file->inotify->watches[0]->wd, 2);
	assert_string_equal(file->inotify->watches[0]->path, w->dir);
	assert_int_equal(file->inotify->watches[0]->mask, IN_CREATE | IN_ONESHOT);
	assert_int_equal(file->inotify->watches[1]->wd, 3);
	assert_string_equal(file->inotify->watches[1]->path, "/tmp");
	assert_int_equal(file->inotify->queued_bytes, sizeof(struct inotify_event)); /* IN_IGNORED */
	assert_null(kind_inotify.file->refuse(w->image, file));

	inotify_rm_watch(fd, 3);
	changed = read_fd(w, &kind_inotify, fd);
	assert_true(kind_inotify.file->same(file, changed));  /* one too many can be removed */
	assert_false(kind_inotify.file->same(changed, file)); /* its number will not come again */
	kind_set_string(&changed->inotify->watches[0]->path, "");
	assert_non_null(strstr(kind_inotify.file->refuse(w->image, changed), "not known"));
	kind_set_string(&changed->inotify->watches[0]->path, in_dir(w, path, "nothing"));
	assert_non_null(kind_inotify.file->refuse(w->image, changed));
}

/* Without handles a path is looked for at hand only. */
static void test_watch_path_unprivileged(void **state)
{
	struct world *w = *state;
	sn_auto_fd int fd = make_file(w, "file");
	struct reading r = {.task = &w->task, .image = w->image};
	struct fdinfo_watch watch = {.handle_len = 0};
	struct watch_mount mount = {.fd = -1};
	sn_auto_free char *found = NULL;
	struct stat st;

	assert_int_equal(stat(w->dir, &st), 0);
	watch.ino = st.st_ino;
	watch.dev = st.st_dev;
	assert_null(watch_path(&r, &watch, &mount));
	read_fd(w, &kind_regular, fd); /* now a file in that directory is open */
	found = watch_path(&r, &watch, &mount);
	assert_string_equal(found, w->dir);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_recognise),
		T(test_regular),
		T(test_unlinked),
		T(test_refuse_regular),
		T(test_locks),
		T(test_pipe),
		T(test_pipe_external),
		T(test_pipe_packets),
		T(test_fifo),
		T(test_devices),
		T(test_eventfd),
		T(test_eventfd_of_old_kernels),
		T(test_signalfd),
		T(test_epoll),
		T(test_epoll_refusals),
		T(test_inotify),
		T(test_watch_path_unprivileged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

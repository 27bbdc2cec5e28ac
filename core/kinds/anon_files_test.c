// SPDX-License-Identifier: Apache-2.0
/* Like files_test.c: eventfd, signalfd, epoll, inotify. */
#include "core/kinds/epoll.h"
#include "core/kinds/eventfd.h"
#include "core/kinds/inotify.h"
#include "core/kinds/regular.h"
#include "core/kinds/signalfd.h"
#include "core/kinds/test_files.h"
#include "core/kinds/watch_path.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

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

	assert_true(kept >= 0);
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
	/* IN_IGNORED of the one that was removed */
	assert_int_equal(file->inotify->queued_bytes, sizeof(struct inotify_event));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_eventfd),
		WORLD_TEST(test_eventfd_of_old_kernels),
		WORLD_TEST(test_signalfd),
		WORLD_TEST(test_epoll),
		WORLD_TEST(test_epoll_refusals),
		WORLD_TEST(test_inotify),
		WORLD_TEST(test_watch_path_unprivileged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

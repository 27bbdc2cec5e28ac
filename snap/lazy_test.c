// SPDX-License-Identifier: Apache-2.0
/* What becomes of those who wait for memory: this process's own, filled as a lazy restore does. */
#include "snap/lazy.c" // its inside: events in an order that no process can be made to keep

#include <ftw.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum {
	MANY = 20000,  /* pages: filling them takes a while */
	SOON_MS = 200, /* until a thread that was begun waits */
	LIMIT_S = 20,
};

static const uint64_t NOWHERE = UINT64_C(9) << 40; /* a location in a pack that there is not */

struct scene {
	char dir[64];
	struct lazy *lazy;
	struct pending pages;
	struct filler f;
	char *memory; /* MANY pages */
	struct sn_err err;
	pthread_t thread;
	atomic_bool touched;
	int status; /* of a child */
};

#define OK(scene, call)                                               \
	do {                                                          \
		if ((call) < 0)                                       \
			fail_msg("%s: %s", #call, (scene)->err.text); \
	} while (0)

static char *map(size_t pages)
{
	char *at = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	madvise(at, pages * PAGE_BYTES, MADV_NOHUGEPAGE);
	return at;
}

static void watch(int fd, char *at, size_t pages)
{
	struct uffdio_register range = {
		.range = {(uintptr_t)at, pages * PAGE_BYTES},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &range), 0);
}

static int setup(void **state)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
			    UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP,
	};
	struct scene *scene = sn_calloc(1, sizeof(*scene));
	const char *tmp = getenv("TMPDIR");

	*state = scene;
	scene->lazy = sn_calloc(1, sizeof(*scene->lazy));
	scene->f.lazy = scene->lazy;
	scene->f.pages = &scene->pages;
	scene->lazy->innermost = &scene->f;
	scene->f.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (scene->f.fd < 0 || ioctl(scene->f.fd, UFFDIO_API, &api) < 0) {
		scene->memory = NULL; /* an ordinary user may not */
		return 0;
	}
	scene->memory = map(MANY);
	watch(scene->f.fd, scene->memory, MANY);
	snprintf(scene->dir, sizeof(scene->dir), "%.40s/lazy-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(scene->dir));
	return catalog_open(&scene->lazy->cat, scene->dir, &scene->err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	sn_guard_fd(&scene->f.fd);
	if (scene->memory) {
		munmap(scene->memory, MANY * PAGE_BYTES);
		nftw(scene->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	catalog_close(scene->lazy->cat);
	pending_release(&scene->pages);
	demands_release(&scene->lazy->recorder.demands);
	free(scene->lazy);
	free(scene);
	return 0;
}

static struct scene *scene_of(void **state)
{
	struct scene *scene = *state;

	if (!scene->memory) {
		print_message("events of userfaultfd take CAP_SYS_PTRACE\n");
		skip();
	}
	return scene;
}

static void begin(struct scene *scene, pthread_t *thread, void *(*run)(void *))
{
	assert_int_equal(pthread_create(thread, NULL, run, scene), 0);
}

static void assert_ends(pthread_t thread)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += LIMIT_S;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &limit), 0);
}

/* ---- */

static void *touch(void *arg)
{
	struct scene *scene = arg;

	assert(*(volatile char *)scene->memory == 0);
	scene->touched = true;
	return NULL;
}

static void *move(void *arg)
{
	char *from = *(char **)arg, *to = map(8);

	mremap(from, (size_t)8 * PAGE_BYTES, (size_t)8 * PAGE_BYTES,
	       MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return NULL;
}

/* The kernel refuses to place a page while an event waits to be taken, and tells of who waits for
 * a page first. */
static void test_wait_while_memory_moves(void **state)
{
	struct scene *scene = scene_of(state);
	char *other = map(8);
	pthread_t mover;

	watch(scene->f.fd, other, 8);
	begin(scene, &scene->thread, touch);
	usleep(SOON_MS * 1000);
	assert_int_equal(pthread_create(&mover, NULL, move, &other), 0);
	usleep(SOON_MS * 1000);
	OK(scene, take_events(&scene->f, SOON_MS, &scene->err));
	assert_ends(mover);
	assert_ends(scene->thread);
}

/* ---- children ---- */

/* MANY pages are pending, all of them one that is stored but for the last, which cannot be read. */
static void fill_pages_with(struct scene *scene, uint64_t loc)
{
	uint64_t first = page_key(0, (uintptr_t)scene->memory), i;
	struct pagemap map = {0};

	for (i = 0; i < MANY - 1; i++)
		pagemap_append(&map, first + i, 1, loc);
	pagemap_append(&map, first + MANY - 1, 1, NOWHERE);
	pending_init(&scene->pages, &map);
}

static uint64_t store_page(struct scene *scene)
{
	static const char page[PAGE_BYTES] = "one";
	struct catalog_app app = {.name = "app", .exit_status = -1};
	struct catalog_snapshot snap = {.tracker = "full"};
	sn_auto(pagemap_release) struct pagemap map = {0};
	struct catalog *cat = scene->lazy->cat;
	struct catalog_put *put;
	uint64_t loc;

	OK(scene, catalog_app_add(cat, &app, &scene->err));
	OK(scene, catalog_put_begin(cat, app.id, 0, &put, &scene->err));
	OK(scene, catalog_put_pages(put, page, 1, NULL, &loc, &scene->err));
	pagemap_append(&map, 1, 1, loc);
	OK(scene, catalog_put_commit(put, &snap, (const uint8_t *)"image", 5, &map, NULL,
				     &scene->err));
	return loc;
}

static pid_t fork_child(const struct scene *scene)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, SIG_DFL); /* not the test's */
		usleep(SOON_MS * 1000);
		_exit(scene->memory[(MANY - 1) * (size_t)PAGE_BYTES] == 0 ? 7 : 8);
	}
	return pid;
}

static void *fork_and_touch(void *arg)
{
	struct scene *scene = arg;
	pid_t pid = fork_child(scene);

	scene->touched = scene->memory[0] == 'o';
	waitpid(pid, &scene->status, 0);
	return NULL;
}

/* Its parent goes on meanwhile; of what cannot be read it does not get zeros. */
static void test_child(void **state)
{
	struct scene *scene = scene_of(state);
	int failed;

	fill_pages_with(scene, store_page(scene));
	begin(scene, &scene->thread, fork_and_touch);
	failed = take_events(&scene->f, LIMIT_S * 1000, &scene->err);
	assert_int_equal(failed, -1);
	assert_true(scene->touched);
	assert_ends(scene->thread);
	assert_true(WIFSIGNALED(scene->status));
	assert_int_equal(WTERMSIG(scene->status), SIGBUS);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wait_while_memory_moves),
		TEST(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

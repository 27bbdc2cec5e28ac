// SPDX-License-Identifier: Apache-2.0
/*
 * Tracking shared anonymous memory, against a living child that has an object in two views: what
 * was written through either is found, nothing else once it is settled, and all of it whenever
 * somebody else could have written it.
 */
#include "core/track/test_rig.h"

#include "core/track/shared.h"

#include <spawn.h>

enum { PAGES = 8 };
static const uint64_t SECOND = 0x320000000, THIRD = 0x330000000;

/* ---- in the child ---- */

static void view_again(struct shared *s, uint64_t at)
{
	must(s,
	     mremap((void *)OTHER, 0, PAGES * PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED,
		    (void *)at) == (void *)at,
	     "mremap");
}

static void map_pair(struct shared *s, size_t first, size_t count)
{
	map_shared(s, first, count);
	view_again(s, SECOND);
}

static void view_third(struct shared *s, size_t first, size_t count)
{
	(void)first;
	(void)count;
	view_again(s, THIRD);
}

/* A third view that is gone when it has been written. */
static void write_in_passing(struct shared *s, size_t first, size_t count)
{
	view_again(s, THIRD);
	write_at(THIRD, first, count);
	must(s, munmap((void *)THIRD, PAGES * PAGE_BYTES) == 0, "munmap");
}

/* A view that is away when it is written, and back. */
static void write_away(struct shared *s, size_t first, size_t count)
{
	move(s, SECOND, THIRD, PAGES);
	write_at(THIRD, first, count);
	move(s, THIRD, SECOND, PAGES);
}

static void write_second(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(SECOND, first, count);
}

static void read_both(struct shared *s, size_t first, size_t count)
{
	size_t i;

	(void)s;
	for (i = first; i < first + count; i++) {
		(void)*(const volatile char *)(OTHER + i * PAGE_BYTES);
		(void)*(const volatile char *)(SECOND + i * PAGE_BYTES);
	}
}

static void remove_pages(struct shared *s, size_t first, size_t count)
{
	must(s,
	     madvise((void *)(SECOND + first * PAGE_BYTES), count * PAGE_BYTES, MADV_REMOVE) == 0,
	     "madvise");
	(void)*(const volatile char *)(OTHER + first * PAGE_BYTES); /* the first comes back */
}

static void unmap_second(struct shared *s, size_t first, size_t count)
{
	must(s, munmap((void *)(SECOND + first * PAGE_BYTES), count * PAGE_BYTES) == 0, "munmap");
}

static void move_second(struct shared *s, size_t first, size_t count)
{
	(void)first;
	move(s, SECOND, THIRD, count);
}

static void protect_second(struct shared *s, size_t first, size_t count)
{
	size_t len = count * PAGE_BYTES;

	(void)first;
	must(s, mprotect((void *)SECOND, len, PROT_NONE) == 0, "mprotect");
	must(s, mprotect((void *)SECOND, len, PROT_READ) == 0, "mprotect");
	(void)*(const volatile char *)SECOND;
	must(s, mprotect((void *)SECOND, len, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

static void read_into_second(struct shared *s, size_t first, size_t count)
{
	int fd = open("/dev/zero", O_RDONLY);

	must(s, read(fd, (char *)SECOND + first * PAGE_BYTES, count) == (ssize_t)count, "read");
	close(fd);
}

static void write_in_child(struct shared *s, size_t first, size_t count)
{
	pid_t child = fork();

	if (child == 0) {
		write_at(OTHER, first, count);
		_exit(0);
	}
	must(s, waitpid(child, NULL, 0) == child, "waitpid");
}

static void spawn_true(struct shared *s, size_t first, size_t count)
{
	char *argv[] = {"true", NULL};
	pid_t child;

	(void)first;
	(void)count;
	must(s, posix_spawn(&child, "/bin/true", NULL, NULL, argv, NULL) == 0, "/bin/true");
	waitpid(child, NULL, 0);
}

/* ---- in the test ---- */

static void find_present(int fd, struct pagemap *present)
{
	off_t data, hole = 0;

	while ((data = lseek(fd, hole, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		pagemap_append(present, page_key(1, (uint64_t)data),
			       (uint64_t)(hole - data) / PAGE_BYTES, PAGE_LOC_ZERO);
	}
}

/* As a snapshot does: 'x' for a page that has to be copied, or that is not there. */
static void look_at(struct rig *rig, char *text)
{
	sn_auto(pagemap_release) struct pagemap present = {0};
	sn_auto(pagemap_release) struct pagemap base = {0};
	sn_auto(pagemap_release) struct pagemap clean = {0};
	struct tracked_object object = {.id = 1, .present = &present, .base = &base};
	uint64_t ignored;
	char name[64];
	size_t i;

	tracker_look_for_users(rig->tracker, rig->pid);
	hold(rig);
	OK(rig, tracker_scan(rig->tracker, rig->remote, rig->model, &rig->found, &rig->err));
	snprintf(name, sizeof(name), "map_files/%lx-%lx", OTHER, OTHER + PAGES * PAGE_BYTES);
	object.fd = proc_open(rig->pid, name, O_RDWR, &rig->err);
	assert_true(object.fd >= 0);
	find_present(object.fd, &present);
	pagemap_append(&base, page_key(1, 0), PAGES, 1);
	OK(rig, tracker_scan_object(rig->tracker, rig->model, &object, &clean, &rig->err));
	close(object.fd);
	let_go(rig);
	for (i = 0; i < PAGES; i++)
		text[i] = pagemap_find(&clean, page_key(1, i * PAGE_BYTES), &ignored) ? '.' : 'x';
	text[PAGES] = '\0';
}

static void assert_changed(struct rig *rig, const char *expected)
{
	char text[PAGES + 1];

	look_at(rig, text);
	assert_string_equal(text, expected);
}

/* It is tracked after some looks, at the latest. */
static void settle(struct rig *rig)
{
	char text[PAGES + 1];
	size_t i;

	for (i = 0; i < 6; i++)
		look_at(rig, text);
	assert_string_equal(text, "........");
}

static int setup(void **state)
{
	return rig_setup(state, "uffd");
}

static void begin(struct rig *rig)
{
	skip_unless(rig->tracker, "the kernel cannot track by uffd");
	skip_unless(rig->caps.fork_seen && rig->caps.shmem_times && rig->caps.map_files &&
			    rig->caps.uffd_wp_hugetlbfs_shmem,
		    "the kernel or the user cannot track shared memory");
	order(rig, map_pair, 0, PAGES);
	settle(rig);
	/* the first write brings it into our own memory, and all has changed once */
	order(rig, write_other, 0, 1);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
}

static void test_written(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, read_both, 0, PAGES);
	assert_changed(rig, "........");
	order(rig, write_other, 2, 1);
	order(rig, write_second, 5, 1);
	assert_changed(rig, "..x..x..");
	order(rig, write_second, 2, 1);
	assert_changed(rig, "..x.....");
	order(rig, read_into_second, 7, 100);
	assert_changed(rig, ".......x");
	assert_changed(rig, "........");
}

static void test_removed(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, remove_pages, 3, 2);
	assert_changed(rig, "...xx...");
	order(rig, write_other, 4, 1);
	order(rig, remove_pages, 1, 1);
	assert_changed(rig, ".x..x...");
	assert_changed(rig, "........");
}

/* What no page table shows any more is what it was. */
static void test_dropped(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, drop_other, 0, PAGES);
	assert_changed(rig, "........");
	order(rig, write_other, 2, 1);
	order(rig, drop_other, 0, PAGES);
	assert_changed(rig, "..x.....");
	order(rig, read_both, 0, PAGES);
	assert_changed(rig, "........");
}

static void test_views(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, protect_second, 0, PAGES);
	order(rig, write_second, 6, 1);
	assert_changed(rig, "......x.");
	order(rig, view_third, 0, 0);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
	order(rig, write_second, 1, 1);
	order(rig, unmap_second, 1, 3);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
}

static void test_moved(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, move_second, 0, PAGES);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
}

static void test_viewed_for_a_while(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, write_in_passing, 3, 1);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
	order(rig, write_away, 4, 1);
	assert_changed(rig, "xxxxxxxx");
	assert_changed(rig, "........");
	order(rig, write_second, 5, 1);
	assert_changed(rig, ".....x..");
}

static void test_forked(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	order(rig, write_in_child, 3, 1);
	assert_changed(rig, "xxxxxxxx");
	settle(rig);
	order(rig, spawn_true, 0, 0);
	assert_changed(rig, "........");
}

static void test_another_user(void **state)
{
	struct rig *rig = *state;
	int i;

	begin(rig);
	order(rig, fork_child, 0, 0);
	for (i = 0; i < 5; i++)
		assert_changed(rig, "xxxxxxxx");
	order(rig, end_child, 0, 0);
	settle(rig);
}

static void test_lost(void **state)
{
	struct rig *rig = *state;

	begin(rig);
	tracker_lost(rig->tracker);
	assert_changed(rig, "xxxxxxxx");
	settle(rig);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIGGED(test_written), RIGGED(test_removed),	 RIGGED(test_dropped),
		RIGGED(test_views),   RIGGED(test_moved),	 RIGGED(test_forked),
		RIGGED(test_lost),    RIGGED(test_another_user), RIGGED(test_viewed_for_a_while),
	};

	return RUN(tests);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Copying ahead of a child that writes all the time: n to the first page, then n to the last one,
 * so that at any moment they are equal, or the first is one ahead. Copies of two moments are not.
 */
#include "snap/session.h"
#include "snap/test_rig.h"

enum { PAGES = 6000 };
static const uint64_t MEMORY = STATE + PAGE_BYTES;
static const uint64_t LAST = MEMORY + (PAGES - 1) * PAGE_BYTES;

static void write_pages(volatile uint64_t *memory, size_t pages, uint64_t n)
{
	size_t i, words = PAGE_BYTES / sizeof(*memory);

	for (i = 1; i <= pages; i++)
		memory[i * words + 1] = n;
}

/* SIGUSR1 writes all of its pages, and the number. */
static void busy_main(void)
{
	volatile uint64_t *first, *last;
	volatile int *value;
	sigset_t usr1;
	uint64_t n;

	syscall(SYS_close_range, 0, ~0U, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	value = mmap((void *)STATE, (PAGES + 1) * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise((void *)value, (PAGES + 1) * PAGE_BYTES, MADV_NOHUGEPAGE);
	first = (volatile uint64_t *)MEMORY;
	last = (volatile uint64_t *)LAST;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	write_pages((volatile uint64_t *)STATE, PAGES, 0);
	*value = 1;
	for (n = 1;; n++) {
		*first = n;
		*last = n;
		if (n % 1000 == 0 && sigtimedwait(&usr1, NULL, &(struct timespec){0}) == SIGUSR1) {
			write_pages((volatile uint64_t *)STATE, PAGES, n);
			(*value)++;
		}
	}
}

static int setup_busy(void **state)
{
	return setup_with(state, busy_main);
}

static void needs_tracker(struct rig *rig, const char *name)
{
	struct tracker *tracker = NULL;
	char why[64];

	snprintf(why, sizeof(why), "the kernel cannot track by %s", name);
	skip_unless(tracker_open(&tracker, name, &rig->session->caps, &rig->err) == 0, why);
	tracker_close(tracker);
}

static uint64_t word_at(struct rig *rig, const struct pagemap *map, uint64_t addr)
{
	size_t i = pagemap_seek(map, page_key(0, addr));
	uint64_t page[PAGE_BYTES / sizeof(uint64_t)];
	const struct page_run *run = &map->runs[i];

	assert_true(i < map->len && run->key <= page_key(0, addr));
	OK(rig, catalog_pages_read(rig->cat, run->loc + (page_key(0, addr) - run->key), 1, page,
				   &rig->err));
	return page[0];
}

/* Both pages are of the moment of the freeze. */
static void assert_of_one_moment(struct rig *rig, int64_t id)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	uint64_t first, last;

	OK(rig, catalog_map_load(rig->cat, session_app(rig->session)->id, id, &map, &rig->err));
	first = word_at(rig, &map, MEMORY);
	last = word_at(rig, &map, LAST);
	if (first != last && first != last + 1)
		fail_msg("%lu in the first page, %lu in the last", first, last);
}

static uint64_t read_twice(const struct catalog_snapshot *taken)
{
	return taken->copied_bytes / PAGE_BYTES - taken->dirty_pages;
}

/* All is read while it runs, and what is written meanwhile is read again. */
static void copy_ahead(struct rig *rig, const char *tracker)
{
	const struct take_options options = {.tracker = tracker};
	struct catalog_snapshot taken;
	int ahead = 0, tries;

	needs_tracker(rig, tracker);
	for (tries = 0; tries < 20 && ahead < 3; tries++) {
		taken = take(rig, &options);
		assert_of_one_moment(rig, taken.id);
		assert_true(taken.dirty_pages >= PAGES);
		ahead += read_twice(&taken) >= 2;
		change(rig);
	}
	assert_int_equal(ahead, 3);
}

static void test_ahead_by_uffd(void **state)
{
	copy_ahead(*state, "uffd");
}

static void test_ahead_by_soft_dirty(void **state)
{
	copy_ahead(*state, "soft-dirty");
}

/* Of little that has changed the process is not frozen twice. */
static void test_little_is_left_to_the_freeze(void **state)
{
	static const struct take_options options = {.tracker = "soft-dirty"};
	struct rig *rig = *state;
	struct catalog_snapshot taken;

	needs_tracker(rig, "soft-dirty");
	take(rig, &options);
	taken = take(rig, &options);
	assert_of_one_moment(rig, taken.id);
	assert_true(taken.dirty_pages >= 2 && taken.dirty_pages < 100);
	assert_int_equal(read_twice(&taken), 0);
}

static void test_all_while_frozen(void **state)
{
	static const struct take_options options = {.no_precopy = true};
	struct rig *rig = *state;
	int i;

	for (i = 0; i < 3; i++) {
		struct catalog_snapshot taken = take(rig, &options);

		assert_of_one_moment(rig, taken.id);
		assert_int_equal(read_twice(&taken), 0);
		change(rig);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup_busy, teardown)

int main(void)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(test_not_under_a_sanitizer)};
	const struct CMUnitTest tests[] = {
		TEST(test_ahead_by_uffd),
		TEST(test_ahead_by_soft_dirty),
		TEST(test_little_is_left_to_the_freeze),
		TEST(test_all_while_frozen),
	};

	if (SANITIZED)
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

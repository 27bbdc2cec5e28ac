// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/smaps.h"

#include "core/base/guard.h"
#include "core/base/pagemap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE_BYTES = 192 << 20, ROOM_PAGES = 64 };

/* Every second page of an area is told something else. */
static uint8_t *make_special(void)
{
	static const int advice[] = {MADV_DONTDUMP,   MADV_DONTFORK,   MADV_WIPEONFORK,
				     MADV_HUGEPAGE,   MADV_NOHUGEPAGE, MADV_MERGEABLE,
				     MADV_SEQUENTIAL, MADV_RANDOM};
	uint8_t *area = mmap(NULL, ROOM_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		*at = area;
	size_t i;

	assert_ptr_not_equal(area, MAP_FAILED);
	for (i = 0; i < sn_countof(advice); i++, at += 2 * PAGE_BYTES)
		madvise(at, PAGE_BYTES, advice[i]);
	mlock(at, PAGE_BYTES);
	mlock2(at + 2 * PAGE_BYTES, PAGE_BYTES, MLOCK_ONFAULT);
	mmap(at + 4 * PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE,
	     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	mmap(at + 6 * PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE,
	     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	mmap(at + 8 * PAGE_BYTES, PAGE_BYTES, PROT_NONE, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1,
	     0);
	mprotect(at + 10 * PAGE_BYTES, PAGE_BYTES, PROT_READ);
	return area;
}

/* Linux 6.1 has no name for "lf" in smaps. */
static const char *with_lf(const char *flags, const char *wanted)
{
	size_t len = strlen(flags);

	return strncmp(wanted, flags, len) == 0 && strcmp(wanted + len, " lf") == 0 ? wanted
										    : flags;
}

static void compare(const struct smaps *list, const struct smaps *text)
{
	size_t i, flagged = 0;

	for (i = 0; i < list->len; i++) {
		const struct smaps_entry *a = &list->entries[i], *b = &text->entries[i];

		assert_int_equal(a->start, b->start);
		assert_int_equal(a->end, b->end);
		assert_int_equal(a->offset, b->offset);
		assert_string_equal(a->perms, b->perms);
		assert_string_equal(a->flags, with_lf(b->flags, a->flags));
		assert_int_equal(a->may_write, b->may_write);
		flagged += a->flags[0] != '\0';
	}
	assert_true(flagged > 8);
	/* [vsyscall] is in no list of mappings */
	assert_in_range(text->len, list->len, list->len + 1);
}

static void test_list_says_what_smaps_says(void **state)
{
	sn_auto(smaps_release) struct smaps list = {0};
	sn_auto(smaps_release) struct smaps text = {0};
	sn_auto(smaps_source_close) struct smaps_source source = {0};
	uint8_t *area = make_special();
	struct sn_err err;

	(void)state;
	if (vma_iter_open(&source.iter, &err) < 0) {
		print_message("SKIP: %s\n", err.text);
		skip();
	}
	assert_int_equal(smaps_read(&source, getpid(), &list, &err), 0);
	assert_int_equal(smaps_read(NULL, getpid(), &text, &err), 0);
	compare(&list, &text);
	munmap(area, ROOM_PAGES * PAGE_BYTES);
}

static void test_only_of_large_processes(void **state)
{
	struct smaps_source source = {0};
	uint8_t *memory;

	(void)state;
	smaps_source_choose(&source, getpid());
	assert_false(source.tried);
	memory = mmap(NULL, LARGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	smaps_source_choose(&source, getpid());
	assert_true(source.tried);
	smaps_source_close(&source);
	munmap(memory, LARGE_BYTES);
}

static void test_reads_without_a_list(void **state)
{
	sn_auto(smaps_release) struct smaps smaps = {0};
	struct smaps_source source = {.tried = true};
	struct sn_err err;

	(void)state;
	assert_int_equal(smaps_read(&source, getpid(), &smaps, &err), 0);
	assert_true(smaps.len > 10);
	assert_ptr_equal(smaps.source, &source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_says_what_smaps_says),
		cmocka_unit_test(test_only_of_large_processes),
		cmocka_unit_test(test_reads_without_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

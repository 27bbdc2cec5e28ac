/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { COUNT = 240, MINUTES = 20 }; /* one each 20 minutes, for 80 hours */

struct fixture {
	struct catalog_snapshot snaps[COUNT];
	unsigned reasons[COUNT];
};

static int make_snaps(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tm start = {.tm_year = 126, .tm_mon = 4, .tm_mday = 1, .tm_min = 5, .tm_isdst = -1};

	setenv("TZ", "UTC", 1);
	tzset();
	for (int i = 0; i < COUNT; i++)
		f->snaps[i] = (struct catalog_snapshot){
			.id = i + 1,
			.created_ns = (mktime(&start) + (int64_t)i * MINUTES * 60) * 1000000000,
		};
	snprintf(f->snaps[7].tag, sizeof(f->snaps[7].tag), "boss");
	*state = f;
	return 0;
}

static int free_snaps(void **state)
{
	free(*state);
	return 0;
}

static size_t count_of(const struct fixture *f, unsigned reason)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT; i++)
		n += (f->reasons[i] & reason) != 0;
	return n;
}

static void apply(struct fixture *f, struct retention retention)
{
	const struct catalog_app app = {.current = 240, .undo = 100};

	retention_apply(&retention, &app, f->snaps, COUNT, f->reasons);
}

static void test_nothing_asked(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct retention){0});
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(f->reasons[i], i == 239 ? STAYS_HERE : i == 99 ? STAYS_UNDO : 0);
}

static void test_last_and_tagged(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct retention){.last = 3, .tagged = true});
	assert_int_equal(count_of(f, STAYS_LAST), 3);
	assert_int_equal(f->reasons[237], STAYS_LAST);
	assert_int_equal(f->reasons[236], 0);
	assert_int_equal(f->reasons[7], STAYS_TAGGED);
	apply(f, (struct retention){.last = 1000});
	assert_int_equal(count_of(f, STAYS_LAST), COUNT);
}

/* Of the hour 04:05, 04:25, 04:45 it is the last one. */
static void test_periods(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct retention){.hourly = 5, .daily = 2});
	assert_int_equal(count_of(f, STAYS_HOURLY), 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(f->reasons[COUNT - 1 - 3 * i] & STAYS_HOURLY);
	assert_int_equal(count_of(f, STAYS_DAILY), 2);
	assert_true(f->reasons[239] & STAYS_DAILY);
	assert_true(f->reasons[215] & STAYS_DAILY); /* 72 hours: the last of the third day */
	apply(f, (struct retention){.hourly = 1000, .daily = 1000});
	assert_int_equal(count_of(f, STAYS_HOURLY), 80);
	assert_int_equal(count_of(f, STAYS_DAILY), 4);
}

static void test_none(void **state)
{
	struct fixture *f = *state;
	const struct retention retention = {.last = 1, .hourly = 1, .daily = 1};
	const struct catalog_app app = {.current = 0};

	retention_apply(&retention, &app, f->snaps, 0, f->reasons);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_asked, make_snaps, free_snaps),
		cmocka_unit_test_setup_teardown(test_last_and_tagged, make_snaps, free_snaps),
		cmocka_unit_test_setup_teardown(test_periods, make_snaps, free_snaps),
		cmocka_unit_test_setup_teardown(test_none, make_snaps, free_snaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

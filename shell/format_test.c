// SPDX-License-Identifier: Apache-2.0
#include "shell/format.h"

#include "core/base/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

static void bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1363149, "1.3 MiB"},
		{99 << 10, "99.0 KiB"},
		{100 << 10, "100 KiB"},
		{(1 << 20) - 1, "1.0 MiB"},
		{UINT64_C(5) << 30, "5.0 GiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char buf[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++)
		assert_string_equal(format_bytes(buf, cases[i].bytes), cases[i].want);
}

static void times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *want;
	} cases[] = {
		{0, "0 ns"},	       {999, "999 ns"},
		{1000, "1.0 us"},      {14200, "14.2 us"},
		{999499, "999 us"},    {999500, "1.0 ms"},
		{1900000, "1.9 ms"},   {230000000, "230 ms"},
		{2400000000, "2.4 s"}, {UINT64_C(3600000000000), "3600 s"},
	};
	char buf[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++)
		assert_string_equal(format_ns(buf, cases[i].ns), cases[i].want);
}

static void ages(void **state)
{
	const int64_t second = 1000000000, now = 1700000000 * second;
	char buf[FORMAT_MAX];

	(void)state;
	assert_string_equal(format_age(buf, now, now), "0s ago");
	assert_string_equal(format_age(buf, now - 59 * second, now), "59s ago");
	assert_string_equal(format_age(buf, now - 60 * second, now), "1m ago");
	assert_string_equal(format_age(buf, now - 3599 * second, now), "59m ago");
	assert_string_equal(format_age(buf, now - 23 * 3600 * second, now), "23h ago");
	assert_string_equal(format_age(buf, now - 48 * 3600 * second, now), "2023-11-12 22:13");
	assert_string_equal(format_age(buf, now + 10 * second, now), "2023-11-14 22:13");
}

static void exits(void **state)
{
	char buf[FORMAT_MAX];

	(void)state;
	assert_string_equal(format_exit(buf, -1), "ended");
	assert_string_equal(format_exit(buf, 3 << 8), "ended with status 3");
	assert_string_equal(format_exit(buf, SIGKILL), "killed by SIGKILL");
	assert_string_equal(format_exit(buf, SIGSEGV | 0x80), "killed by SIGSEGV");
	assert_string_equal(format_exit(buf, 40), "killed by signal 40");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(times),
		cmocka_unit_test(ages),
		cmocka_unit_test(exits),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

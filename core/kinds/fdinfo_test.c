// SPDX-License-Identifier: Apache-2.0
/* The lines of fdinfo as the kernel writes them, and as it never should. */
#include "core/base/guard.h"
#include "core/kinds/fdinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

static void test_lock_lines(void **state)
{
	const char *at = "pos:\t0\nlock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF\n"
			 "lock:\t2: POSIX  ADVISORY  READ 26569 fe:00:10953894 10 14\n"
			 "lock:\t3: OFDLCK ADVISORY  READ -1 fe:00:10953894 100 EOF\nino:\t1\n";
	struct fdinfo_lock lock;
	struct sn_err err;

	(void)state;
	assert_int_equal(fdinfo_next_lock(&at, &lock, &err), 1);
	assert_string_equal(lock.type, "FLOCK");
	assert_true(lock.write);
	assert_int_equal(lock.length, 0);
	assert_int_equal(fdinfo_next_lock(&at, &lock, &err), 1);
	assert_string_equal(lock.type, "POSIX");
	assert_false(lock.write);
	assert_int_equal(lock.start, 10);
	assert_int_equal(lock.length, 5);
	assert_int_equal(fdinfo_next_lock(&at, &lock, &err), 1);
	assert_string_equal(lock.type, "OFDLCK");
	assert_int_equal(lock.start, 100);
	assert_int_equal(lock.length, 0);
	assert_int_equal(fdinfo_next_lock(&at, &lock, &err), 0);
}

static void test_bad_lines(void **state)
{
	static const char *const bad[] = {
		"lock:\t1: POSIX  ADVISORY  WRITE 359 00:13:11691 10 4\n", /* backwards */
		"lock:\t1: POSIX  ADVISORY  MAYBE 359 00:13:11691 0 EOF\n",
		"lock:\t1: POSIX\n",
		"lock:",
		"tfd:        7 events: zz\n",
		"tfd:\n",
		"inotify wd:1 ino:3 sdev:1\n",
		"inotify wd:1 ino:3 sdev:1 mask:2 fhandle-bytes:8 fhandle-type:1 f_handle:1300\n",
		"inotify wd:1 ino:3 sdev:1 mask:2 fhandle-bytes:2 fhandle-type:1 f_handle:130",
		"inotify wd:1 ino:3 sdev:1 mask:2 fhandle-bytes:fff fhandle-type:1 f_handle:00\n",
		"inotify wd:1 ino:3 sdev:1 mask:2 fhandle-bytes:8 f_handle:1300000000000000\n",
	};
	struct fdinfo_target target;
	struct fdinfo_watch watch;
	struct fdinfo_lock lock;
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(bad); i++) {
		const char *a = bad[i], *b = bad[i], *c = bad[i];
		struct sn_err err = {0};
		int failed = (fdinfo_next_lock(&a, &lock, &err) < 0) +
			     (fdinfo_next_target(&b, &target, &err) < 0) +
			     (fdinfo_next_watch(&c, &watch, &err) < 0);

		assert_int_equal(failed, 1);
		assert_null(strchr(err.text, '\n'));
	}
}

static void test_target_and_watch_lines(void **state)
{
	const char *at = "flags:\t02\ntfd:        7 events: 80000019 data: 1122334455667788  pos:0 "
			 "ino:b95f sdev:10\n";
	const char *watches = "inotify wd:1f ino:13 sdev:fe00003 mask:4000fff ignored_mask:0 "
			      "fhandle-bytes:8 fhandle-type:81 f_handle:13000000fe0000ff\n"
			      "inotify wd:1 ino:14 sdev:fe00003 mask:2 ignored_mask:0 \n";
	static const uint8_t handle[8] = {0x13, 0, 0, 0, 0xfe, 0, 0, 0xff};
	struct fdinfo_target target;
	struct fdinfo_watch watch;
	struct sn_err err;

	(void)state;
	assert_int_equal(fdinfo_next_target(&at, &target, &err), 1);
	assert_int_equal(target.fd, 7);
	assert_int_equal(target.events, 0x80000019);
	assert_true(target.data == UINT64_C(0x1122334455667788));
	assert_int_equal(target.ino, 0xb95f);
	assert_int_equal(target.dev, makedev(0, 16));
	assert_int_equal(fdinfo_next_target(&at, &target, &err), 0);
	assert_int_equal(fdinfo_next_watch(&watches, &watch, &err), 1);
	assert_int_equal(watch.wd, 31);
	assert_int_equal(watch.dev, makedev(0xfe, 3));
	assert_int_equal(watch.mask, 0x4000fff);
	assert_int_equal(watch.handle_type, 0x81);
	assert_int_equal(watch.handle_len, 8);
	assert_memory_equal(watch.handle, handle, 8);
	assert_int_equal(fdinfo_next_watch(&watches, &watch, &err), 1);
	assert_int_equal(watch.handle_len, 0);
	assert_int_equal(fdinfo_next_watch(&watches, &watch, &err), 0);
}

static void test_timespec_lines(void **state)
{
	const char *text = "clockid: 1\nit_value: (3, 49406829)\nit_interval: (1, 0)\n";
	uint64_t ns;

	(void)state;
	assert_true(fdinfo_timespec(text, "it_value", &ns));
	assert_int_equal(ns, 3049406829);
	assert_true(fdinfo_timespec(text, "it_interval", &ns));
	assert_int_equal(ns, 1000000000);
	assert_false(fdinfo_timespec(text, "it_other", &ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_target_and_watch_lines),
		cmocka_unit_test(test_timespec_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

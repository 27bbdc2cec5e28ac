// SPDX-License-Identifier: Apache-2.0
#include "shell/progress.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What the terminal on standard error shows while somebody waits a little. */
static void wait_and_read(struct progress *progress, int master, char *text, size_t size)
{
	ssize_t n;

	nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
	progress_end(progress);
	n = read(master, text, size - 1);
	assert_true(n > 0);
	text[n] = '\0';
}

static void test_how_far(void **state)
{
	char dir[] = "/tmp/snapsh-progress-XXXXXX", text[4096], remove[64];
	int master, slave, before = dup(STDERR_FILENO);
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct progress *progress;
	struct catalog *cat;
	struct sn_err err;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(catalog_open(&cat, dir, &err), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	dup2(slave, STDERR_FILENO);

	progress = progress_begin("gc", cat);
	catalog_tell(cat, 1, 4);
	wait_and_read(progress, master, text, sizeof(text));
	assert_non_null(strstr(text, "\rgc: 25 %, "));
	catalog_tell(cat, 2, 4); /* to nobody */

	progress = progress_begin("verify", cat);
	progress_count(progress, 3, "snapshots");
	catalog_tell(cat, 9, 0);
	wait_and_read(progress, master, text, sizeof(text));
	assert_non_null(strstr(text, "\rverify: 3 snapshots, "));

	dup2(before, STDERR_FILENO);
	close(before);
	close(master);
	close(slave);
	catalog_close(cat);
	snprintf(remove, sizeof(remove), "rm -r %s", dir);
	assert_int_equal(system(remove), 0);
}

/* What a keeper tells before its answer, be it all there at once. */
static void test_answer(void **state)
{
	static const char lines[] = "{\"progress\":[1,2]}\n{\"progress\":[2,2]}\n"
				    "{\"ok\":true}\n{}\n";
	json_t *answer = NULL;
	struct sn_err err;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], lines, strlen(lines)), strlen(lines));
	assert_int_equal(progress_answer(NULL, ends[1], &answer, &err), 1);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	assert_int_equal(progress_answer(NULL, ends[1], &answer, &err), 1);
	assert_int_equal(json_object_size(answer), 0);
	json_decref(answer);
	close(ends[0]);
	assert_int_equal(progress_answer(NULL, ends[1], &answer, &err), 0);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_how_far),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

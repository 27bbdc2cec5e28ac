// SPDX-License-Identifier: Apache-2.0
/* What waits in pipes of our own: copied without taking it, replaced through either end. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/pipe_data.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void make_pipe(int ends[2], int flags)
{
	assert_int_equal(pipe2(ends, flags | O_NONBLOCK), 0);
}

static void test_put_data(void **state)
{
	uint8_t text[] = "what was queued then";
	uint32_t packets[] = {4, sizeof(text) - 4};
	struct pipe_data want = {.size_bytes = 8192, .data = {sizeof(text), text}}, got;
	struct sn_err err;
	int ends[2], end;

	(void)state;
	for (end = 0; end < 2; end++) {
		make_pipe(ends, 0);
		assert_int_equal(write(ends[1], "future", 6), 6);
		assert_int_equal(pipe_data_put(ends[end], &want, &err), 0);
		assert_int_equal(pipe_data_copy(ends[0], &got, &err), 0);
		assert_int_equal(got.size_bytes, 8192);
		assert_int_equal(got.data.len, sizeof(text));
		assert_memory_equal(got.data.data, text, sizeof(text));
		assert_int_equal(got.n_packet_bytes, end + 1);
		assert_int_equal(got.packet_bytes[0], end ? 4 : sizeof(text));
		free(got.data.data);
		free(got.packet_bytes);
		close(ends[0]);
		close(ends[1]);
		want.packet_bytes = packets; /* the second time round */
		want.n_packet_bytes = 2;
	}
}

/* A full pipe of 64 KiB, no writer left, and more than fits. */
static void test_put_limits(void **state)
{
	sn_auto_free uint8_t *bytes = sn_calloc(1, 65536 + 1);
	struct pipe_data want = {.size_bytes = 65536, .data = {65536, bytes}}, got;
	struct sn_err err;
	int ends[2];

	(void)state;
	memset(bytes, 'x', 65536);
	make_pipe(ends, 0);
	close(ends[1]);
	assert_int_equal(pipe_data_put(ends[0], &want, &err), 0);
	assert_false(pipe_other_end(ends[0], O_RDONLY));
	assert_int_equal(pipe_data_copy(ends[0], &got, &err), 0);
	assert_int_equal(got.data.len, 65536);
	assert_memory_equal(got.data.data, bytes, 65536);
	free(got.data.data);
	free(got.packet_bytes);
	want.data.len++;
	assert_int_equal(pipe_data_put(ends[0], &want, &err), -1);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_data),
		cmocka_unit_test(test_put_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Drawings of small histories. */
#include "shell/graph.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* parents[i] is that of snapshot i + 1; -1: it was dropped. */
static void check(const int *parents, size_t count, const char *wanted)
{
	struct graph graph = {.count = 0};
	sn_auto_free char *text = sn_strdup("");

	for (size_t i = count; i; i--) {
		sn_auto_free char *before = text, *link = NULL, *node = NULL;

		if (parents[i - 1] < 0) {
			text = sn_strdup(before);
			continue;
		}
		node = graph_add(&graph, (int64_t)i, parents[i - 1], '*', &link);
		text = sn_asprintf("%s%s %zu\n%s%s", before, node, i, link ? link : "",
				   link ? "\n" : "");
	}
	assert_string_equal(text, wanted);
	assert_int_equal(graph.count, 0);
	graph_release(&graph);
}

#define CHECK(wanted, ...)                                  \
	do {                                                \
		static const int parents[] = {__VA_ARGS__}; \
		check(parents, sn_countof(parents), wanted); \
	} while (0)

static void chains(void **state)
{
	(void)state;
	check(NULL, 0, "");
	CHECK("* 1\n", 0);
	CHECK("* 3\n* 2\n* 1\n", 0, 1, 2);
	/* the middle was dropped: its child has its parent */
	CHECK("* 4\n* 3\n* 1\n", 0, -1, 1, 3);
}

static void branches(void **state)
{
	(void)state;
	CHECK("* 4\n"
	      "| * 3\n"
	      "| * 2\n"
	      "|/\n"
	      "* 1\n", 0, 1, 2, 1);
	/* the one to the right goes on */
	CHECK("* 5\n"
	      "| * 4\n"
	      "* | 3\n"
	      "|/\n"
	      "* 2\n"
	      "* 1\n", 0, 1, 2, 2, 3);
	/* many from one: never more than two at once */
	CHECK("* 5\n"
	      "| * 4\n"
	      "|/\n"
	      "| * 3\n"
	      "|/\n"
	      "| * 2\n"
	      "|/\n"
	      "* 1\n", 0, 1, 1, 1, 1);
	/* over another one, and those to the right come along */
	CHECK("* 8\n"
	      "| * 7\n"
	      "| | * 6\n"
	      "| | | * 5\n"
	      "| | * | 4\n"
	      "|_|/ /\n"
	      "| | * 3\n"
	      "| |/\n"
	      "| * 2\n"
	      "|/\n"
	      "* 1\n", 0, 1, 2, 1, 3, 4, 2, 1);
}

static void several_beginnings(void **state)
{
	(void)state;
	CHECK("* 2\n* 1\n", 0, 0);
	/* another life began between, and ends in the middle */
	CHECK("* 5\n"
	      "| * 4\n"
	      "| | * 3\n"
	      "|_|/\n"
	      "| * 2\n"
	      "* 1\n", 0, 0, 1, 2, 1);
	CHECK("* 5\n"
	      "| * 4\n"
	      "* | 3\n"
	      " /\n"
	      "| * 2\n"
	      "* 1\n", 0, 0, 0, 1, 3);
}

static void thousands(void **state)
{
	enum { COUNT = 20000 };
	struct graph graph = {.count = 0};

	(void)state;
	for (int64_t i = COUNT; i; i--) {
		sn_auto_free char *link = NULL;
		int64_t parent = i % 3 ? i / 3 * 3 : i - 3;
		sn_auto_free char *node = graph_add(&graph, i, parent, '*', &link);

		assert_true(graph.count <= 3 && node[0]);
	}
	assert_int_equal(graph.count, 0);
	graph_release(&graph);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(branches),
		cmocka_unit_test(several_beginnings),
		cmocka_unit_test(thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

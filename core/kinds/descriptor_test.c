// SPDX-License-Identifier: Apache-2.0
/* The plan for descriptors, by two models: which description stays for which, what is closed,
 * made and put where. */
#include "core/kinds/descriptor.h"

#include "core/base/mem.h"
#include "core/kinds/test_models.h"

/* The operations of a step, as in descriptor.c. */
static const char *const operations[] = {"park",   "close",  "make", "place",
					 "unpark", "settle", "link"};

/* What differs from doing nothing: settling and linking come for every description. */
static char *text_of(const struct plan *plan)
{
	char *text = NULL;
	size_t len = 0, i;
	FILE *f = open_memstream(&text, &len);

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];
		const char *operation = operations[step->end];
		const Sn__OpenFile *have = (const Sn__OpenFile *)step->have;
		const Sn__OpenFile *want = (const Sn__OpenFile *)step->want;

		assert_int_equal(step->stage, STAGE_FILES);
		if (strcmp(operation, "unpark") == 0 || strcmp(operation, "link") == 0)
			continue;
		if (strcmp(operation, "make") == 0)
			fprintf(f, "; make file %u", want->id);
		else if (strcmp(operation, "settle") == 0)
			have ? fprintf(f, "; %u stays as %u", have->id, want->id) : 0;
		else if (strcmp(operation, "place") == 0 && step->have)
			fprintf(f, "; cloexec %lu", step->start);
		else
			fprintf(f, "; %s %lu", operation, step->start);
	}
	fclose(f);
	if (len)
		memmove(text, text + 2, len - 1);
	return text;
}

static const struct row {
	const char *name, *have, *want, *plan;
	bool blank;
} rows[] = {
	{"none", "", "", "", false},
	{"equal", "file 1 eventfd; fd 3 file=1", "file 1 eventfd; fd 3 file=1", "1 stays as 1",
	 false},
	{"closed", "", "file 1 eventfd; fd 3 file=1", "make file 1; place 3", false},
	{"opened", "file 1 eventfd; fd 3 file=1", "", "close 3", false},
	{"of another kind", "file 1 pipe id=7; fd 3 file=1", "file 1 eventfd; fd 3 file=1",
	 "close 3; make file 1; place 3", false},
	{"of the same kind, which cannot be corrected", "file 1 eventfd; fd 3 file=1",
	 "file 1 eventfd semaphore; fd 3 file=1", "close 3; make file 1; place 3", false},
	{"another clock", "file 1 timerfd clock=5; fd 3 file=1",
	 "file 1 timerfd clock=6; fd 3 file=1", "close 3; make file 1; place 3", false},
	{"duplicated since", "file 1 eventfd; fd 3 file=1; fd 4 file=1",
	 "file 1 eventfd; fd 3 file=1", "close 4; 1 stays as 1", false},
	{"a duplicate closed since", "file 1 eventfd; fd 3 file=1",
	 "file 1 eventfd; fd 3 file=1; fd 4 file=1", "park 3; place 4; 1 stays as 1", false},
	{"a duplicate moved", "file 1 eventfd; fd 3 file=1; fd 9 file=1",
	 "file 1 eventfd; fd 3 file=1; fd 4 file=1", "park 3; close 9; place 4; 1 stays as 1",
	 false},
	{"two descriptions where one was shared",
	 "file 1 eventfd; file 2 eventfd; fd 3 file=1;"
	 "fd 4 file=2",
	 "file 1 eventfd; fd 3 file=1; fd 4 file=1", "park 3; close 4; place 4; 1 stays as 1",
	 false},
	{"one shared where two were", "file 1 eventfd; fd 3 file=1; fd 4 file=1",
	 "file 1 eventfd; file 2 eventfd; fd 3 file=1; fd 4 file=2",
	 "close 4; make file 2; place 4; 1 stays as 1", false},
	{"changed places, one can do for the other",
	 "file 1 eventfd; file 2 eventfd; fd 3 file=2;"
	 "fd 5 file=1",
	 "file 1 eventfd; file 2 eventfd; fd 3 file=1; fd 5 file=2", "2 stays as 1; 1 stays as 2",
	 false},
	{"changed places, each with a duplicate that tells",
	 "file 1 timerfd clock=5; file 2 timerfd clock=6;"
	 "fd 3 file=2; fd 5 file=1; fd 8 file=1; fd 9 file=2",
	 "file 1 timerfd clock=5; file 2 timerfd clock=6; fd 3 file=1; fd 5 file=2; fd 8 file=1;"
	 "fd 9 file=2",
	 "park 5; park 3; close 3; close 5; place 3; place 5; 1 stays as 1; 2 stays as 2", false},
	{"moved to another number", "file 1 timerfd clock=5; fd 3 file=1",
	 "file 1 timerfd clock=5; fd 4 file=1", "close 3; make file 1; place 4", false},
	{"close-on-exec set", "file 1 eventfd; fd 3 file=1 cloexec", "file 1 eventfd; fd 3 file=1",
	 "cloexec 3; 1 stays as 1", false},
	{"close-on-exec of a new one", "", "file 1 eventfd; fd 3 file=1 cloexec",
	 "make file 1; place 3", false},
	{"a pipe whole", "file 1 pipe id=7; file 2 pipe id=7 flags=1; fd 3 file=1; fd 4 file=2",
	 "file 1 pipe id=7; file 2 pipe id=7 flags=1; fd 3 file=1; fd 4 file=2",
	 "1 stays as 1; 2 stays as 2", false},
	{"a pipe of which one end is closed: both are made", "file 1 pipe id=7; fd 3 file=1",
	 "file 1 pipe id=7; file 2 pipe id=7 flags=1; fd 3 file=1; fd 4 file=2",
	 "close 3; make file 1; make file 2; place 3; place 4", false},
	{"and its neighbour stays",
	 "file 1 pipe id=7; file 2 pipe id=8; file 3 pipe id=8 flags=1;"
	 "fd 3 file=1; fd 5 file=2; fd 6 file=3",
	 "file 1 pipe id=7; file 2 pipe id=7 flags=1; file 3 pipe id=8; file 4 pipe id=8 flags=1;"
	 "fd 3 file=1; fd 4 file=2; fd 5 file=3; fd 6 file=4",
	 "close 3; make file 1; make file 2; place 3; place 4; 2 stays as 3; 3 stays as 4", false},
	{"a duplicated end stays shared", "file 1 pipe id=7; fd 3 file=1; fd 6 file=1",
	 "file 1 pipe id=7; file 2 pipe id=7 flags=1; fd 3 file=1; fd 4 file=2; fd 6 file=1",
	 "close 3; close 6; make file 1; make file 2; place 3; place 4; place 6", false},
	{"a blank process keeps nothing", "file 1 eventfd; fd 3 file=1",
	 "file 1 eventfd; fd 3 file=1", "close 3; make file 1; place 3", true},
	{"an external pipe that stays", "file 1 pipe id=7 external; fd 3 file=1",
	 "file 1 pipe id=7 external; fd 3 file=1", "1 stays as 1", false},
};

static int plan_of(const struct row *row, Sn__Image *have, Sn__Image *want, struct plan *plan,
		   struct sn_err *err)
{
	*plan = (struct plan){.have = have, .want = want, .blank = row->blank};
	return kind_descriptors.plan(plan, have->tasks[0], want->tasks[0], err);
}

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(rows); i++) {
		AUTO_MODEL have = model_of(rows[i].have);
		AUTO_MODEL want = model_of(rows[i].want);
		sn_auto_free char *text = NULL;
		struct sn_err err = {0};
		struct plan plan;

		if (plan_of(&rows[i], have, want, &plan, &err) < 0)
			fail_msg("%s: %s", rows[i].name, err.text);
		text = text_of(&plan);
		free(plan.steps);
		if (strcmp(text, rows[i].plan) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].name, text, rows[i].plan);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		struct row row;
		const char *why;
	} refused[] = {
		{{"external", "",
		  "file 1 eventfd; file 2 pipe id=7 external; fd 3 file=1; fd 8 file=2", NULL,
		  false},
		 "fd 8 (pipe): the pipe's other end is held by another process"},
		{{"external, in a new process", "file 1 pipe id=7 external; fd 3 file=1",
		  "file 1 pipe id=7 external; fd 3 file=1", NULL, true},
		 "fd 3 (pipe): the pipe's other end is held by another process"},
		{{"unknown", "", "file 1 something; fd 3 file=1", NULL, false},
		 "open file 1 is of a kind that is not handled"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(refused); i++) {
		AUTO_MODEL have = model_of(refused[i].row.have);
		AUTO_MODEL want = model_of(refused[i].row.want);
		struct sn_err err = {0};
		struct plan plan;

		assert_int_equal(plan_of(&refused[i].row, have, want, &plan, &err), -1);
		assert_string_equal(err.text, refused[i].why);
		free(plan.steps);
	}
}

/* ---- random tables, carried out ---- */

enum { FDS = 6, FILES = 5, ROUNDS = 20000, FIRST_FD = 3, PARKED = 32, NEW = 100 };

/* What a number refers to: a living description's id, or NEW and the wanted id. */
struct table {
	uint32_t fds[FIRST_FD + FDS];
	bool cloexec[FIRST_FD + FDS];
	uint32_t at_hand[FILES + 1]; /* by wanted id: what applying_made would know */
};

static void carry_out(struct table *t, const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];
		const char *operation = operations[step->end];
		const Sn__OpenFile *file = (const Sn__OpenFile *)step->want;
		const Sn__Descriptor *goal = (const Sn__Descriptor *)step->want;

		if (strcmp(operation, "park") == 0) {
			assert_int_not_equal(t->fds[step->start], 0);
			t->at_hand[file->id] = t->fds[step->start];
		} else if (strcmp(operation, "close") == 0) {
			assert_int_not_equal(t->fds[step->start], 0);
			t->fds[step->start] = 0;
		} else if (strcmp(operation, "make") == 0) {
			t->at_hand[file->id] = NEW + file->id;
		} else if (strcmp(operation, "place") == 0) {
			if (!step->have) {
				assert_int_not_equal(t->at_hand[goal->file_id], 0);
				t->fds[goal->fd] = t->at_hand[goal->file_id];
			}
			t->cloexec[goal->fd] = goal->cloexec;
		}
	}
}

static char *random_table(unsigned *seed)
{
	static const char *const kinds_of[] = {"eventfd",	  "eventfd semaphore",
					       "timerfd clock=5", "timerfd clock=6",
					       "pipe id=7",	  "pipe id=7 flags=1"};
	size_t size, files = 1 + (size_t)rand_r(seed) % FILES, i;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	for (i = 1; i <= files; i++)
		fprintf(f, "file %zu %s;", i,
			kinds_of[(size_t)rand_r(seed) % sn_countof(kinds_of)]);
	/* every description has a number: else it would not exist */
	for (i = 0; i < FDS; i++)
		if (i < files || rand_r(seed) % 2)
			fprintf(f, "fd %zu file=%zu%s;", FIRST_FD + i,
				i < files ? i + 1 : 1 + (size_t)rand_r(seed) % files,
				rand_r(seed) % 4 ? "" : " cloexec");
	fclose(f);
	return text;
}

/* Which numbers share a description is as wanted, and each is of the right kind. */
static void assert_same_table(const struct table *t, const struct plan *plan, const char *what)
{
	const Sn__Task *want = plan->want->tasks[0];
	uint32_t refers[FILES + 1] = {0};
	size_t i, placed = 0;

	for (i = 0; i < FIRST_FD + FDS; i++)
		placed += t->fds[i] != 0;
	if (placed != want->n_descriptors)
		fail_msg("%zu numbers instead of %zu: %s", placed, want->n_descriptors, what);
	for (i = 0; i < want->n_descriptors; i++) {
		const Sn__Descriptor *d = want->descriptors[i];
		const Sn__OpenFile *goal = descriptor_file(plan->want, d->file_id);
		uint32_t is = t->fds[d->fd];

		if (refers[d->file_id] && refers[d->file_id] != is)
			fail_msg("fd %u is not shared: %s", d->fd, what);
		refers[d->file_id] = is;
		if (t->cloexec[d->fd] != (bool)d->cloexec)
			fail_msg("fd %u: close-on-exec: %s", d->fd, what);
		if (is == NEW + d->file_id)
			continue;
		if (is >= NEW || is == 0)
			fail_msg("fd %u: wrong description: %s", d->fd, what);
		if (!descriptor_kind(goal)->file->same(descriptor_file(plan->have, is), goal))
			fail_msg("fd %u: wrong description: %s", d->fd, what);
	}
	for (i = 1; i <= FILES; i++) /* two descriptions are never one */
		for (placed = i + 1; placed <= FILES; placed++)
			if (refers[i] && refers[i] == refers[placed])
				fail_msg("files %zu and %zu are one: %s", i, placed, what);
}

static void test_random_tables(void **state)
{
	unsigned round;

	(void)state;
	for (round = 1; round <= ROUNDS; round++) {
		unsigned seed = round;
		sn_auto_free char *from = random_table(&seed);
		sn_auto_free char *to = random_table(&seed);
		sn_auto_free char *what = sn_asprintf("seed %u\nhave %s\nwant %s", round, from, to);
		AUTO_MODEL have = model_of(from);
		AUTO_MODEL want = model_of(to);
		struct plan plan = {.have = have, .want = want, .blank = round % 8 == 0};
		struct table table = {0};
		struct sn_err err = {0};
		size_t i;

		if (kind_descriptors.plan(&plan, have->tasks[0], want->tasks[0], &err) < 0)
			fail_msg("%s: %s", err.text, what);
		for (i = 0; i < have->tasks[0]->n_descriptors; i++) {
			const Sn__Descriptor *d = have->tasks[0]->descriptors[i];

			table.fds[d->fd] = d->file_id;
			table.cloexec[d->fd] = d->cloexec;
		}
		carry_out(&table, &plan);
		assert_same_table(&table, &plan, what);
		free(plan.steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_random_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

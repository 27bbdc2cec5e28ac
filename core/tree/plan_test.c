// SPDX-License-Identifier: Apache-2.0
/* The whole plan of two models, line by line. Kinds with steps of their own have their own
 * tests: core/kinds/{mapping,descriptor}_test.c. */
#include "core/tree/tree.h"

#include "core/base/mem.h"
#include "core/kinds/test_models.h"

#include <fcntl.h>

/* What every plan has: the end of descriptors' work, and each thread's registers. */
#define ALWAYS "8 end descriptors 0-0x4\n"
#define LEADER "13 correct threads tid 100\n"

static const struct row {
	const char *name, *have, *want, *plan;
	bool blank;
} rows[] = {
	{"equal", "thread 100; umask 22", "thread 100; umask 22", ALWAYS LEADER, false},
	{"equal, with all there is",
	 "thread 100 name=a rseq=1000; thread 101; umask 22; object 1 memfd ino=5;"
	 "file 1 memfd object=1; fd 3 file=1; map 10-20 rw- anon; map 30-40 rw- object id=1 shared",
	 "thread 100 name=a rseq=1000; thread 101; umask 22; object 1 memfd ino=5;"
	 "file 1 memfd object=1; fd 3 file=1; map 10-20 rw- anon; map 30-40 rw- object id=1 shared",
	 "3 correct memory objects\n"
	 "6 end memory objects\n"
	 ALWAYS
	 "8 correct descriptors 0x3-0x5\n"
	 "8 correct descriptors 0x3-0x6\n"
	 LEADER
	 "13 correct threads tid 101\n", false},
	{"a kind of the process differs", "thread 100; umask 22", "thread 100; umask 77",
	 ALWAYS "9 correct directories and umask\n" LEADER, false},
	{"and one that is not there", "thread 100", "thread 100; umask 0",
	 ALWAYS "9 correct directories and umask\n" LEADER, false},
	{"a kind of a thread differs", "thread 100 name=a; thread 101 name=b",
	 "thread 100 name=a; thread 101 name=c",
	 ALWAYS "11 correct thread name tid 101\n" LEADER "13 correct threads tid 101\n", false},
	{"a surplus thread", "thread 100; thread 101; thread 102", "thread 100; thread 102",
	 "0 end threads tid 101\n" ALWAYS LEADER "13 correct threads tid 102\n", false},
	{"a missing thread", "thread 100", "thread 100; thread 101 name=b",
	 ALWAYS
	 "10 make threads tid 101\n"
	 "11 correct thread name tid 101\n"
	 LEADER
	 "13 correct threads tid 101\n", false},
	{"one for another", "thread 100; thread 101", "thread 100; thread 102",
	 "0 end threads tid 101\n" ALWAYS "10 make threads tid 102\n" LEADER
	 "13 correct threads tid 102\n", false},
	{"a restartable sequence elsewhere", "thread 100 rseq=1000", "thread 100 rseq=2000",
	 "0 correct restartable sequence tid 100\n"
	 ALWAYS
	 "11 correct restartable sequence tid 100\n"
	 LEADER, false},
	{"in a blank process, too, where it is the same", "thread 100 rseq=1000",
	 "thread 100 rseq=1000",
	 "0 correct restartable sequence tid 100\n"
	 ALWAYS
	 "11 correct restartable sequence tid 100\n"
	 LEADER, true},
	{"an object that is gone", "thread 100",
	 "thread 100; object 1 memfd ino=5; map 30-40 rw- object id=1 shared",
	 "3 make memory objects\n"
	 "4 make mappings 0x30000-0x40000\n"
	 "6 correct mappings 0x30000-0x40000\n"
	 "6 end memory objects\n"
	 ALWAYS LEADER, false},
	{"an object that stays for a blank process is made",
	 "thread 100; object 1 memfd ino=5; map 30-40 rw- object id=1 shared",
	 "thread 100; object 1 memfd ino=5; map 30-40 rw- object id=1 shared",
	 "1 end mappings 0x30000-0x40000\n"
	 "3 make memory objects\n"
	 "4 make mappings 0x30000-0x40000\n"
	 "6 correct mappings 0x30000-0x40000\n"
	 "6 end memory objects\n"
	 ALWAYS LEADER, true},
	{"stages in their order",
	 "thread 100; thread 101; umask 22; map 10-20 rw- anon; map 30-31 r-x special name=[vdso];"
	 "file 1 eventfd; fd 3 file=1",
	 "thread 100; thread 102; umask 77; map 12-20 r-- anon; map 32-33 r-x special name=[vdso];"
	 "file 1 timerfd; fd 4 file=1; object 1 anon ino=6; map 40-42 rw- object id=1 shared",
	 "0 end threads tid 101\n"
	 "1 end mappings 0x10000-0x12000\n"
	 "2 end mappings 0x1000000-0\n"
	 "2 make mappings 0x1000000-0\n"
	 "3 make memory objects\n"
	 "4 make mappings 0x40000-0x42000\n"
	 "6 correct mappings 0x12000-0x20000\n"
	 "6 correct mappings 0x40000-0x42000\n"
	 "6 end memory objects\n"
	 "8 end descriptors 0x3-0x1\n"
	 "8 make descriptors 0-0x2\n"
	 "8 correct descriptors 0x4-0x3\n"
	 ALWAYS
	 "8 correct descriptors 0x4-0x5\n"
	 "8 correct descriptors 0x4-0x6\n"
	 "9 correct directories and umask\n"
	 "10 make threads tid 102\n"
	 LEADER
	 "13 correct threads tid 102\n", false},
};

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(rows); i++) {
		const struct row *row = &rows[i];
		AUTO_MODEL have = model_of(row->have);
		AUTO_MODEL want = model_of(row->want);
		sn_auto(plan_release) struct plan plan = {0};
		sn_auto_free char *text = NULL;
		struct sn_err err = {0};

		if (plan_make(&plan, have, want, row->blank, &err) < 0)
			fail_msg("%s: %s", row->name, err.text);
		text = plan_text(&plan);
		if (strcmp(text, row->plan) != 0)
			fail_msg("%s:\n%sinstead of\n%s", row->name, text, row->plan);
	}
}

/* Steps point at what they correct, and into the two models they were made of. */
static void test_steps_point_at_models(void **state)
{
	AUTO_MODEL have = model_of("thread 100 name=a; umask 22");
	AUTO_MODEL want = model_of("thread 100 name=b; umask 77");
	sn_auto(plan_release) struct plan plan = {0};
	struct sn_err err = {0};
	size_t i, seen = 0;

	(void)state;
	assert_int_equal(plan_make(&plan, have, want, false, &err), 0);
	assert_ptr_equal(plan.have, have);
	assert_ptr_equal(plan.want, want);
	for (i = 0; i < plan.len; i++) {
		const struct step *step = &plan.steps[i];

		if (strcmp(step->kind->name, "directories and umask") == 0) {
			assert_ptr_equal(step->have, have->tasks[0]->file_system);
			assert_ptr_equal(step->want, want->tasks[0]->file_system);
			seen++;
		}
		if (strcmp(step->kind->name, "thread name") == 0) {
			assert_ptr_equal(step->have, have->tasks[0]->threads[0]->name);
			assert_ptr_equal(step->want, want->tasks[0]->threads[0]->name);
			seen++;
		}
	}
	assert_int_equal(seen, 2);
}

/* A kind that the wanted model does not have is corrected to nothing. */
static void test_nothing_wanted(void **state)
{
	AUTO_MODEL have = model_of("thread 100 name=a");
	AUTO_MODEL want = model_of("thread 100");
	sn_auto(plan_release) struct plan plan = {0};
	struct sn_err err = {0};
	size_t i;

	(void)state;
	assert_int_equal(plan_make(&plan, have, want, false, &err), 0);
	for (i = 0; i < plan.len && strcmp(plan.steps[i].kind->name, "thread name") != 0; i++)
		;
	assert_true(i < plan.len);
	assert_ptr_equal(plan.steps[i].have, have->tasks[0]->threads[0]->name);
	assert_null(plan.steps[i].want);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *have, *want, *why;
	} refused[] = {
		{"thread 100", "thread 100; file 1 pipe id=7 external; fd 3 file=1",
		 "fd 3 (pipe): the pipe's other end is held by another process"},
		{"thread 100", "thread 100; map 10-11 r-x special name=[vdso]",
		 "the snapshot's [vdso] is not this kernel's: it was taken under another kernel"},
		{"thread 100", "thread 100; file 1 something; fd 3 file=1",
		 "open file 1 is of a kind that is not handled"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(refused); i++) {
		AUTO_MODEL have = model_of(refused[i].have);
		AUTO_MODEL want = model_of(refused[i].want);
		struct sn_err err = {0};
		struct plan plan;

		assert_int_equal(plan_make(&plan, have, want, false, &err), -1);
		assert_string_equal(err.text, refused[i].why);
		assert_null(plan.steps); /* nothing is left to release, or to carry out */
	}
}

static void test_trees_are_refused(void **state)
{
	AUTO_MODEL one = model_of("thread 100");
	AUTO_MODEL two = model_of("thread 100");
	struct sn_err err = {0};
	struct plan plan;

	(void)state;
	kind_append(two, tasks, sn__task);
	assert_int_equal(plan_make(&plan, one, two, false, &err), -1);
	assert_string_equal(err.text, "a tree of 2 processes: only single processes are handled");
	assert_int_equal(plan_make(&plan, two, one, false, &err), -1);
	assert_string_equal(err.text, "a tree of 2 processes: only single processes are handled");
}

/* ---- plan_refuse ---- */

struct mapped {
	char path[64];
	int fd;
	Sn__Image *image;
};

static Sn__FileId *id_of(int fd)
{
	Sn__FileId *id = message_new(&sn__file_id__descriptor);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	id->size_bytes = (uint64_t)st.st_size;
	id->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return id;
}

static int setup(void **state)
{
	struct mapped *m = sn_calloc(1, sizeof(*m));
	Sn__Task *task;

	snprintf(m->path, sizeof(m->path), "/tmp/snapsh-plan-XXXXXX");
	m->fd = mkostemp(m->path, O_CLOEXEC);
	if (m->fd < 0 || write(m->fd, "text", 4) != 4)
		return -1;
	m->image = model_of("thread 100; map 10-11 r-- file");
	task = m->image->tasks[0];
	task->address_space = message_new(&sn__address_space__descriptor);
	kind_set_string(&task->address_space->exe, m->path);
	task->address_space->exe_file = id_of(m->fd);
	kind_set_string(&task->mappings[0]->path, m->path);
	sn__file_id__free_unpacked(task->mappings[0]->file, NULL);
	task->mappings[0]->file = id_of(m->fd);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct mapped *m = *state;

	sn__image__free_unpacked(m->image, NULL);
	unlink(m->path);
	close(m->fd);
	free(m);
	return 0;
}

static void assert_refused(const struct mapped *m, const char *fmt)
{
	struct sn_err err = {0};
	char why[256];

	snprintf(why, sizeof(why), "%s%s", m->path, fmt);
	assert_int_equal(plan_refuse(m->image, &err), -1);
	assert_string_equal(err.text, why);
}

static void test_files_that_changed(void **state)
{
	struct mapped *m = *state;
	Sn__Task *task = m->image->tasks[0];
	struct sn_err err = {0};

	assert_int_equal(plan_refuse(m->image, &err), 0);
	assert_int_equal(pwrite(m->fd, "longer text", 11, 0), 11);
	assert_refused(m, " has changed since the snapshot: restore it first");
	/* the same length, another time: the program alone is asked first, then what is mapped */
	task->address_space->exe_file->size_bytes = 11;
	assert_refused(m, " has changed since the snapshot: restore it first");
	sn__file_id__free_unpacked(task->address_space->exe_file, NULL);
	task->address_space->exe_file = id_of(m->fd);
	assert_refused(m, " has changed since the snapshot: restore it first");
	task->mappings[0]->shared = true; /* what changes with everybody is no reason */
	assert_int_equal(plan_refuse(m->image, &err), 0);
	unlink(m->path);
	assert_refused(m, ", mapped by the snapshot: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_steps_point_at_models),
		cmocka_unit_test(test_nothing_wanted),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_trees_are_refused),
		cmocka_unit_test_setup_teardown(test_files_that_changed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

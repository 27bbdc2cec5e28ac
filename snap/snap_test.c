// SPDX-License-Identifier: Apache-2.0
/* The use cases on a living child: take, revert, undo, restore; and how they fail. */
#include "snap/test_rig.h"

#include <errno.h>

static void test_take(void **state)
{
	struct rig *rig = *state;
	struct catalog_snapshot first = take(rig, NULL), second;

	assert_int_equal(first.id, 1);
	assert_int_equal(first.parent, 0);
	assert_int_equal(first.tasks, 1);
	assert_int_equal(first.threads, 1);
	assert_true(first.dirty_pages >= STATE_PAGES);
	assert_int_equal(first.dirty_pages, first.resident_pages);
	assert_true(first.copied_bytes >= first.dirty_pages * PAGE_BYTES);
	assert_true(first.stop_ns > 0 && first.stop_ns <= first.wall_ns);
	assert_well(rig);
	second = take(rig, NULL);
	assert_int_equal(second.id, 2);
	assert_int_equal(second.parent, 1);
	assert_int_equal(session_app(rig->session)->current, 2);
	assert_well(rig);
	if (strcmp(second.tracker, "compare") == 0)
		return;
	/* its stack, and what SIGUSR1 writes */
	assert_true(second.dirty_pages >= 17 && second.dirty_pages < 40);
	assert_true(second.stored_bytes < first.stored_bytes);
}

static void test_comparing(void **state)
{
	static const struct take_options compare = {.tracker = "compare"};
	struct rig *rig = *state;
	struct catalog_snapshot first = take(rig, &compare), second;

	change(rig);
	second = take(rig, &compare);
	assert_string_equal(second.tracker, "compare");
	assert_true(second.copied_bytes >= STATE_PAGES * PAGE_BYTES); /* all is read */
	assert_true(second.stored_bytes < first.stored_bytes / 2);    /* little is stored */
}

static void revert_to(struct rig *rig, int64_t id, int value)
{
	struct revert_result result = {0};

	OK(rig, snap_revert(rig->session, id, &result, &rig->err));
	assert_string_equal(result.mode, "in-place");
	assert_int_equal(result.to, id);
	assert_int_equal(session_app(rig->session)->current, id);
	assert_int_equal(session_app(rig->session)->undo, result.undo);
	assert_int_equal(result.notes.count, 0);
	assert_int_equal(value_of(rig), value);
	snap_notes_release(&result.notes);
}

static void test_revert_and_undo(void **state)
{
	struct rig *rig = *state;
	struct revert_result result = {0};
	struct catalog_snapshot undo;

	take(rig, NULL);
	change(rig);
	change(rig);
	revert_to(rig, 1, 1);
	assert_int_equal(catalog_snapshot_find(rig->cat, session_app(rig->session)->id, 2, &undo,
					       &rig->err),
			 1);
	assert_int_equal(undo.taker, TAKEN_BY_REVERT);
	assert_well(rig);
	OK(rig, snap_undo(rig->session, &result, &rig->err));
	assert_int_equal(result.to, 2);
	assert_int_equal(value_of(rig), 3);
	snap_notes_release(&result.notes);
	assert_well(rig);
}

/* Every one of a chain, in an order that is not theirs; the next snapshot counts from there. */
static void test_chain(void **state)
{
	static const int64_t order[] = {3, 1, 5, 2, 4, 1, 5};
	struct rig *rig = *state;
	size_t i;

	for (i = 1; i <= 5; i++) {
		assert_int_equal(take(rig, NULL).id, i);
		change(rig);
	}
	for (i = 0; i < sn_countof(order); i++) {
		struct catalog_snapshot after;

		revert_to(rig, order[i], (int)order[i]);
		after = take(rig, NULL);
		assert_int_equal(after.parent, order[i]);
		change(rig);
		revert_to(rig, after.id, (int)order[i]);
		assert_well(rig);
	}
}

static void restore_to(struct rig *rig, int64_t id, int value)
{
	static const struct restore_options options = {0};
	struct restore_result result = {0};
	pid_t was = rig->pid;

	end(rig);
	OK(rig, snap_restore(rig->session, id, &options, &result, &rig->err));
	rig->pid = result.pid;
	assert_int_equal(result.pid, was);
	assert_int_equal(result.from, id);
	assert_int_equal(result.notes.count, 0);
	assert_true(result.filled_pages >= STATE_PAGES);
	assert_int_equal(value_of(rig), value);
	snap_notes_release(&result.notes);
	assert_well(rig);
}

static void test_restore(void **state)
{
	struct rig *rig = *state;
	struct catalog_snapshot after;

	skip_unless(geteuid() == 0, "a pid of one's choice takes CAP_CHECKPOINT_RESTORE");
	take(rig, NULL);
	change(rig);
	take(rig, NULL);
	change(rig);
	restore_to(rig, 1, 1);
	restore_to(rig, 2, 2);
	after = take(rig, NULL);
	assert_int_equal(after.parent, 2);
	if (strcmp(after.tracker, "compare") != 0) /* tracked from its first moment */
		assert_true(after.dirty_pages < 60);
	revert_to(rig, 1, 1);
	restore_to(rig, after.id, 3);
}

static void test_restore_of_the_living(void **state)
{
	static const struct restore_options options = {0};
	struct rig *rig = *state;
	struct restore_result result;
	sn_auto_free char *why = NULL;

	skip_unless(geteuid() == 0, "a pid of one's choice takes CAP_CHECKPOINT_RESTORE");
	take(rig, NULL);
	assert_int_equal(snap_restore(rig->session, 1, &options, &result, &rig->err), -1);
	why = sn_asprintf("restore child@1: pid %d is taken by %d (%.15s): end it first", rig->pid,
			  rig->pid, program_invocation_short_name);
	assert_string_equal(rig->err.text, why);
	assert_well(rig);
}

static void test_restore_of_a_zombie(void **state)
{
	static const struct restore_options options = {0};
	struct rig *rig = *state;
	struct restore_result result;
	sn_auto_free char *why = NULL;

	skip_unless(geteuid() == 0, "a pid of one's choice takes CAP_CHECKPOINT_RESTORE");
	take(rig, NULL);
	kill(rig->pid, SIGKILL);
	wait_state(rig, 'Z');
	assert_int_equal(snap_restore(rig->session, 1, &options, &result, &rig->err), -1);
	why = sn_asprintf("restore child@1: pid %d is taken: it has ended, but its parent, %d "
			  "(%.15s), has not waited for it yet",
			  rig->pid, getpid(), program_invocation_short_name);
	assert_string_equal(rig->err.text, why);
	restore_to(rig, 1, 1);
}

/* ---- what ends, stops and goes away ---- */

static void test_then(void **state)
{
	static const struct take_options stop = {.then = TAKE_THEN_STOP},
					 kill_it = {.then = TAKE_THEN_KILL};
	struct rig *rig = *state;
	struct catalog_snapshot taken;

	take(rig, &stop);
	wait_state(rig, 'T');
	take(rig, NULL); /* of what stands still */
	wait_state(rig, 'T');
	kill(rig->pid, SIGCONT);
	assert_well(rig);
	revert_to(rig, 2, 1); /* stopped it was */
	wait_state(rig, 'T');
	revert_to(rig, 1, 1); /* and this one not yet */
	assert_well(rig);
	take(rig, &kill_it);
	waitpid(rig->pid, NULL, 0);
	rig->pid = 0;
	FAILS(rig, snap_take(rig->session, &stop, &taken, &rig->err),
	      "child is not running: `snapsh restore child@latest` brings it back");
}

static void test_a_keeper_comes_and_goes(void **state)
{
	struct rig *rig = *state;
	struct catalog_app app;
	int round;

	take(rig, NULL);
	for (round = 2; round < 5; round++) {
		change(rig);
		app = *session_app(rig->session);
		session_close(rig->session);
		rig->session = NULL;
		assert_well(rig);
		open_session(rig, &app);
		OK(rig, session_adopt(rig->session, rig->pid, &rig->err));
		take(rig, NULL);
		assert_int_equal(session_app(rig->session)->current, round);
	}
	revert_to(rig, 1, 1);
	revert_to(rig, 3, 5);
	assert_well(rig);
}

/* ---- failures change nothing ---- */

static void test_tags(void **state)
{
	static const struct take_options tagged = {.tag = "here", .message = "a message"};
	struct rig *rig = *state;
	struct catalog_snapshot taken = take(rig, &tagged);

	assert_string_equal(taken.tag, "here");
	assert_string_equal(taken.message, "a message");
	FAILS(rig, snap_take(rig->session, &tagged, &taken, &rig->err),
	      "snap child: the tag here is taken by snapshot 1");
	assert_int_equal(count_snapshots(rig), 1);
	assert_well(rig);
}

static void count_damage(void *arg, const struct catalog_finding *finding)
{
	*(int *)arg += finding->damage != NULL;
}

/* What the application stands on goes, and its pages with it: the next snapshot says so, the one
 * after it has all that it needs. */
static void test_base_dropped(void **state)
{
	static const struct take_options plain = {0};
	struct rig *rig = *state;
	int64_t app_id = session_app(rig->session)->id, only = take(rig, NULL).id;
	struct catalog_collected collected;
	struct catalog_verified verified;
	struct catalog_snapshot taken;
	int damages = 0;

	OK(rig, catalog_snapshots_drop(rig->cat, app_id, &only, 1, &rig->err));
	OK(rig, catalog_gc(rig->cat, false, &collected, &rig->err));
	assert_int_equal(snap_take(rig->session, &plain, &taken, &rig->err), -1);
	assert_non_null(strstr(rig->err.text, "was dropped meanwhile"));
	assert_well(rig);
	taken = take(rig, NULL);
	assert_int_equal(taken.parent, 0);
	OK(rig, catalog_verify(rig->cat, app_id, taken.id, count_damage, &damages, &verified,
			       &rig->err));
	assert_int_equal(damages, 0);
	assert_well(rig);
	revert_to(rig, taken.id, value_of(rig) - 1);
}

static void test_nothing_to_go_back_to(void **state)
{
	struct rig *rig = *state;
	struct revert_result result = {0};

	assert_int_equal(snap_revert(rig->session, 7, &result, &rig->err), -1);
	assert_non_null(strstr(rig->err.text, "7"));
	assert_int_equal(count_snapshots(rig), 0); /* no automatic one either */
	assert_int_equal(snap_undo(rig->session, &result, &rig->err), -1);
	assert_well(rig);
}

/* What the failed one had taken from the tracker is in the next. */
static void test_full_disk(void **state)
{
	static const struct take_options plain = {0};
	struct rlimit was, none = {64 << 10, RLIM_INFINITY};
	struct rig *rig = *state;
	struct catalog_snapshot taken;

	take(rig, NULL);
	change(rig);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	none.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(snap_take(rig->session, &plain, &taken, &rig->err), -1);
	assert_non_null(strstr(rig->err.text, "snap child: store"));
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(count_snapshots(rig), 1);
	assert_int_equal(session_app(rig->session)->current, 1);
	taken = take(rig, NULL);
	assert_well(rig);
	revert_to(rig, 1, 1);
	revert_to(rig, taken.id, 2);
	assert_well(rig);
}

static void test_adopt_refusals(void **state)
{
	struct rig *rig = *state;
	const struct catalog_app other = {.name = "other", .exit_status = -1};
	struct catalog_app app = other, ours = *session_app(rig->session);
	struct session *second = NULL;
	sn_auto_free char *ourselves = sn_asprintf("attach: process %d is snapsh itself", getpid());
	sn_auto_free char *managed =
		sn_asprintf("attach: process %d is managed already, as child", rig->pid);

	ours.keeper_pid = getpid(); /* who says so is the keeper */
	OK(rig, catalog_app_update(rig->cat, &ours, &rig->err));
	OK(rig, catalog_app_add(rig->cat, &app, &rig->err));
	OK(rig, session_open(&second, rig->cat, &app, &rig->err));
	FAILS(rig, session_adopt(second, 1 << 22, &rig->err),
	      "attach: there is no process 4194304");
	FAILS(rig, session_adopt(second, getpid(), &rig->err), ourselves);
	FAILS(rig, session_adopt(second, rig->pid, &rig->err), managed);
	session_close(second);
	assert_well(rig);
}

/* Both models of the living process, with nothing between them. */
static void test_look(void **state)
{
	struct rig *rig = *state;
	Sn__Image *live = NULL, *stored = NULL;

	take(rig, NULL);
	OK(rig, snap_image_live(rig->session, &live, &rig->err));
	OK(rig, snap_image_load(rig->cat, session_app(rig->session)->id, 1, &stored, &rig->err));
	assert_int_equal(live->tasks[0]->pid, rig->pid);
	assert_int_equal(stored->tasks[0]->n_mappings, live->tasks[0]->n_mappings);
	assert_int_equal(stored->tasks[0]->threads[0]->registers->rip,
			 live->tasks[0]->threads[0]->registers->rip);
	assert_int_equal(count_snapshots(rig), 1);
	sn__image__free_unpacked(live, NULL);
	sn__image__free_unpacked(stored, NULL);
	assert_int_equal(snap_image_load(rig->cat, session_app(rig->session)->id, 9, &stored,
					 &rig->err),
			 -1);
	assert_well(rig);
}

/* ---- references ---- */

static void test_references(void **state)
{
	static const struct {
		const char *ref, *selected;
		int64_t id; /* 0: refused */
		const char *why;
	} refs[] = {
		{"child@1", NULL, 1, NULL},
		{"child@latest", NULL, 3, NULL},
		{"child@~0", NULL, 3, NULL},
		{"child@~2", NULL, 1, NULL},
		{"child@two", NULL, 2, NULL},
		{"2", "child", 2, NULL},
		{"latest", "child", 3, NULL},
		{"~1", "child", 2, NULL},
		{"two", "child", 2, NULL},
		{"child@1", "other", 1, NULL},
		{"1", NULL, 0,
		 "which of 2 applications, child or other? name one: `snapsh apps` lists them"},
		{"1", "other", 0, "other has no snapshot 1: `snapsh list other` shows them"},
		{"latest", "other", 0, "other has 0 snapshots"},
		{"child@~3", NULL, 0, "child has 3 snapshots"},
		{"child@4", NULL, 0, "child has no snapshot 4: `snapsh list child` shows them"},
		{"child@", NULL, 0, "child has no snapshot : `snapsh list child` shows them"},
		{"nobody@1", NULL, 0, "there is no application nobody in the catalog"},
		{"@1", NULL, 0, "@1 names no application: NAME@1, or 1 without the @"},
	};
	static const struct take_options two = {.tag = "two"};
	struct rig *rig = *state;
	struct catalog_app app = {.name = "other", .exit_status = -1};
	struct catalog_snapshot snap;
	size_t i;

	OK(rig, catalog_app_add(rig->cat, &app, &rig->err));
	take(rig, NULL);
	take(rig, &two);
	take(rig, NULL);
	for (i = 0; i < sn_countof(refs); i++) {
		int result =
			snap_ref(rig->cat, refs[i].ref, refs[i].selected, &app, &snap, &rig->err);

		print_message("%s\n", refs[i].ref);
		assert_int_equal(result, refs[i].id ? 0 : -1);
		if (refs[i].id) {
			assert_int_equal(snap.id, refs[i].id);
			assert_string_equal(app.name, "child");
		} else {
			assert_memory_equal(rig->err.text, refs[i].why, strlen(refs[i].why));
		}
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(test_not_under_a_sanitizer)};
	const struct CMUnitTest tests[] = {
		TEST(test_take),
		TEST(test_comparing),
		TEST(test_revert_and_undo),
		TEST(test_chain),
		TEST(test_restore),
		TEST(test_restore_of_the_living),
		TEST(test_restore_of_a_zombie),
		TEST(test_then),
		TEST(test_a_keeper_comes_and_goes),
		TEST(test_tags),
		TEST(test_base_dropped),
		TEST(test_nothing_to_go_back_to),
		TEST(test_full_disk),
		TEST(test_adopt_refusals),
		TEST(test_look),
		TEST(test_references),
	};

	if (SANITIZED)
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The kinds of a process and of a thread, each against a living child: its state is read,
 * the child changes it, the state is put back and read again, and the child itself looks at
 * what it got. As root everything runs twice, the second time as an ordinary user.
 */
#include "core/kinds/test_state_rig.h"

#include <grp.h>

enum { NOBODY = 65534 };

static void test_what_is_read(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK model = NULL;
	const Sn__Thread *boss, *worker;

	order(rig, ORDER_A);
	model = snap(rig);
	boss = model->threads[0];
	worker = model->threads[1];
	assert_string_equal(model->file_system->cwd, rig->s->directory[0]);
	assert_string_equal(model->file_system->root, "/");
	assert_int_equal(model->file_system->umask, 027);
	assert_int_equal(model->personality->persona, ADDR_NO_RANDOMIZE);
	assert_int_equal(model->limits->n_limits, RLIM_NLIMITS);
	assert_int_equal(model->limits->limits[RLIMIT_NOFILE]->soft, 200);
	assert_int_equal(model->dumpable->coredump_filter, 0x11);
	assert_int_equal(model->dumpable->dumpable, geteuid() != 0);
	assert_true(model->dumpable->child_subreaper);
	assert_int_equal(model->dumpable->thp_disable, 1);
	assert_int_equal(model->oom->score_adj, 200);
	assert_int_equal(model->interval_timers->n_timers, 1);
	assert_int_equal(model->signal_queue->n_siginfos, 5);
	assert_int_equal(boss->signal_queue->n_siginfos, 4);
	assert_int_equal(worker->signal_queue->n_siginfos, 2);
	assert_int_equal(model->posix_timers->n_timers, 3);
	assert_int_equal(model->posix_timers->timers[1]->id, 2);
	assert_int_equal(model->posix_timers->timers[1]->tid, rig->s->tids[1]);
	assert_int_equal(model->posix_timers->timers[1]->notify, SIGEV_THREAD_ID);
	assert_int_equal(model->posix_timers->timers[2]->notify, SIGEV_NONE);
	assert_int_equal(model->posix_timers->timers[0]->interval_ns, LONG_S / 10 * 1000000000ull);
	assert_string_equal(boss->name->name, "boss");
	assert_string_equal(worker->name->name, "worker \"1\"");
	assert_int_equal(worker->scheduling->nice, 5);
	assert_int_equal(worker->scheduling->timer_slack_ns, 12345);
	assert_int_equal(worker->scheduling->io_priority, 2 << 13 | 6);
	assert_int_equal(worker->parent_death->signal, SIGHUP);
	assert_int_equal(worker->processor_control->tsc, PR_TSC_SIGSEGV);
	assert_int_equal(worker->alt_stack->size_bytes, STACK_BYTES);
	assert_int_equal(worker->alt_stack->flags, (uint32_t)AUTODISARM);
	assert_int_not_equal(worker->area->clear_child_tid, 0);
	assert_int_equal(worker->area->robust_list_bytes, 24);
	assert_int_equal(worker->credentials->euid, geteuid());
	if (geteuid() == 0) {
		assert_int_equal(worker->credentials->n_groups, 3);
		assert_int_equal(worker->credentials->cap_inheritable, 6);
		assert_int_equal(worker->credentials->cap_ambient, 4);
		assert_int_equal(worker->credentials->securebits, SECBIT_NO_CAP_AMBIENT_RAISE);
	}
}

static void test_actions_that_are_read(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK model = NULL;
	uint64_t seen = 0;
	size_t i;

	order(rig, ORDER_A);
	model = snap(rig);
	for (i = 0; i < model->signal_actions->n_actions; i++) {
		const Sn__SignalAction *action = model->signal_actions->actions[i];

		seen |= UINT64_C(1) << (action->signal - 1);
		if (action->signal == (uint32_t)SIGCHLD)
			assert_true(action->flags & SA_NOCLDWAIT);
		if (action->signal == (uint32_t)SIGHUP)
			assert_int_equal(action->handler, (uintptr_t)SIG_DFL);
		if (action->signal == (uint32_t)SIGUSR1) {
			assert_int_equal(action->handler, (uintptr_t)on_signal);
			assert_true(action->flags & SA_RESTART);
			assert_int_not_equal(action->restorer, 0);
			assert_int_equal(action->mask, UINT64_C(1) << (SIGRTMIN + 7 - 1));
		}
	}
	assert_true(seen & UINT64_C(1) << (SIGCHLD - 1));
	assert_true(seen & UINT64_C(1) << (SIGUSR1 - 1));
	assert_true(seen & UINT64_C(1) << (SIGTERM - 1));
	assert_false(seen & UINT64_C(1) << (SIGTTIN - 1));
	assert_false(seen & UINT64_C(1) << (SIGKILL - 1));
}

/* A state is put back over another, and over itself. */
static void test_back(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK a = NULL;
	AUTO_TASK b = NULL;
	AUTO_TASK again = NULL;
	int round;

	order(rig, ORDER_A);
	a = snap(rig);
	order(rig, ORDER_B);
	for (round = 0; round < 2; round++) {
		hold(rig);
		task_free(&b);
		b = read_all(rig);
		assert_int_equal(message_equal((void *)a->signal_queue, (void *)b->signal_queue),
				 round);
		OK(rig, become(rig, b, a, false));
		task_free(&again);
		again = read_all(rig);
		let_go(rig);
		assert_same(a, again);
	}
	assert_string_equal(rig->notes, "");
	order(rig, REPORT);
	assert_int_equal(rig->s->pdeath, SIGHUP);
	assert_int_equal(rig->s->dumpable, geteuid() != 0);
}

static void assert_taken(const struct rig *rig, int thread, int at, int sig, long value)
{
	const siginfo_t *info = &rig->s->taken[thread][at];

	assert_true(at < rig->s->taken_count[thread]);
	assert_int_equal(info->si_signo, sig);
	if (value) {
		assert_int_equal((intptr_t)info->si_value.sival_ptr, value);
		assert_int_equal(info->si_code, SI_QUEUE);
	} else {
		assert_true(info->si_code == SI_USER || info->si_code == SI_TKILL);
		assert_int_equal(info->si_pid, rig->pid);
	}
}

/* Each pending signal is there once, with what it carried, and none of the later ones. */
static void test_signals_are_taken_once(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK a = NULL;
	AUTO_TASK b = NULL;

	order(rig, ORDER_A);
	a = snap(rig);
	order(rig, ORDER_B);
	hold(rig);
	b = read_all(rig);
	OK(rig, become(rig, b, a, false));
	let_go(rig);
	order(rig, TAKE_SIGNALS);
	/* the worker takes its own, then lowest first what is shared */
	assert_int_equal(rig->s->taken_count[1], 2 + 5);
	assert_taken(rig, 1, 0, SIGURG, 11);
	assert_taken(rig, 1, 1, SIGRTMIN + 2, 10);
	assert_taken(rig, 1, 2, SIGUSR1, 0);
	assert_taken(rig, 1, 3, SIGCHLD, 2);
	assert_taken(rig, 1, 4, SIGURG, 1);
	assert_taken(rig, 1, 5, SIGRTMIN + 1, 3);
	assert_taken(rig, 1, 6, SIGRTMIN + 1, 4);
	assert_int_equal(rig->s->taken_count[0], 4);
	assert_taken(rig, 0, 0, SIGUSR1, 0);
	assert_taken(rig, 0, 1, SIGALRM, 7);
	assert_taken(rig, 0, 2, SIGURG, 6);
	assert_taken(rig, 0, 3, SIGRTMIN + 1, 5);
}

static void add_pending(Sn__SignalQueue *queue, int sig)
{
	const siginfo_t info = {.si_signo = sig, .si_code = SI_KERNEL};

	queue->siginfos = sn_realloc(queue->siginfos, queue->n_siginfos + 1,
				     sizeof(*queue->siginfos));
	queue->siginfos[queue->n_siginfos] = (ProtobufCBinaryData){0};
	kind_set_bytes(&queue->siginfos[queue->n_siginfos++], &info, sizeof(info));
}

/* Those the interpreter would use itself, in threads that do not block them yet. */
static void test_quiet_signals_stay(void **state)
{
	static const int quiet[] = {SIGURG, SIGWINCH, SIGCHLD};
	struct rig *rig = *state;
	AUTO_TASK have = NULL;
	AUTO_TASK want = NULL;
	size_t round, i;

	hold(rig);
	have = read_all(rig);
	want = message_copy(&have->base);
	for (round = 0; round < sn_countof(quiet); round++) {
		AUTO_TASK after = NULL;

		assert_false(task_leader(&rig->task)->home_mask >> (quiet[round] - 1) & 1);
		for (i = 0; i < THREADS; i++)
			add_pending(want->threads[i]->signal_queue, quiet[round]);
		add_pending(want->signal_queue, quiet[round]);
		/* by now the leader uses it */
		remote_begin(rig->remote);
		remote_call(rig->remote, "getpid", SYS_getpid, 0);
		OK(rig, remote_run(rig->remote, rig->pid, &rig->err));
		OK(rig, become(rig, have, want, false));
		after = read_all(rig);
		assert_same(want, after);
		OK(rig, become(rig, after, have, false));
	}
	let_go(rig);
}

/* A thread that blocks everything is served in rounds too, and what comes to it meanwhile
 * is there afterwards. */
static void test_blocked_threads_are_quick(void **state)
{
	struct rig *rig = *state;

	order(rig, ORDER_A);
	order(rig, ORDER_B);
	hold(rig);
	remote_begin(rig->remote);
	remote_call(rig->remote, "kill", SYS_kill, (uint64_t)rig->pid, SIGURG);
	OK(rig, remote_run(rig->remote, rig->pid, &rig->err));
	assert_false(task_leader(&rig->task)->in_syscall_stop);
	let_go(rig);
	order(rig, TAKE_SIGNALS);
	assert_int_equal(rig->s->taken_count[1], 1 + 3);
	assert_taken(rig, 1, 2, SIGURG, 0);
	assert_int_equal(rig->s->taken_count[0], 2);
}

/* A signal sent while the process is being changed is not lost. */
static void test_news_stay(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK a = NULL;
	AUTO_TASK b = NULL;
	AUTO_TASK after = NULL;
	size_t n;

	order(rig, ORDER_A);
	a = snap(rig);
	order(rig, ORDER_B);
	hold(rig);
	b = read_all(rig);
	kill(rig->pid, SIGQUIT);
	OK(rig, become(rig, b, a, false));
	after = read_all(rig);
	let_go(rig);
	n = after->signal_queue->n_siginfos;
	assert_int_equal(n, a->signal_queue->n_siginfos + 1);
	assert_int_equal(((const siginfo_t *)after->signal_queue->siginfos[n - 1].data)->si_signo,
			 SIGQUIT);
}

/* Timers of the later state that fire while it is being taken back leave nothing behind. */
static void assert_silent(struct rig *rig, Sn__Task *a, enum order what, bool private)
{
	AUTO_TASK b = NULL;
	AUTO_TASK after = NULL;
	sn_auto_free uint8_t *fired = NULL;
	size_t count;

	rig->s->order[0] = what;
	while (rig->s->order[0] != STAY)
		usleep(500);
	hold(rig);
	b = read_all(rig);
	usleep(FIRST_MS * 1000 + 20000);
	OK(rig, task_pending(rig->s->tids[private], !private, &fired, &count, &rig->err));
	assert_true(count > (private ? b->threads[1]->signal_queue : b->signal_queue)->n_siginfos);
	OK(rig, become(rig, b, a, false));
	after = read_all(rig);
	let_go(rig);
	assert_same(a, after);
}

static void test_old_timers_are_silent(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK none = snap(rig);
	AUTO_TASK a = NULL;

	assert_silent(rig, none, FAST_INTERVAL, false);
	order(rig, ORDER_A);
	a = snap(rig);
	assert_silent(rig, a, FAST_POSIX, true);
}

/* One whose signal is pending stands still, with nothing left but its interval. */
static void test_interval_timer_goes_on(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK a = NULL;
	AUTO_TASK b = NULL;
	int round;

	order(rig, ORDER_A);
	order(rig, ORDER_B); /* blocks all */
	order(rig, FAST_INTERVAL);
	usleep(FIRST_MS * 1000 + 20000);
	a = snap(rig);
	assert_int_equal(a->interval_timers->n_timers, 1);
	assert_int_equal(a->interval_timers->timers[0]->value_us, 0);
	order(rig, NO_INTERVAL);
	order(rig, TAKE_SIGNALS);
	hold(rig);
	b = read_all(rig);
	assert_int_equal(b->interval_timers->n_timers, 0);
	assert_int_equal(b->signal_queue->n_siginfos, 0);
	OK(rig, become(rig, b, a, false));
	let_go(rig);
	for (round = 0; round < 2; round++) { /* the pending one, and the next */
		order(rig, TAKE_SIGNALS);
		assert_int_equal(rig->s->taken[1][2 * !round].si_signo, SIGALRM);
		assert_int_equal(rig->s->taken[1][2 * !round].si_code, SI_KERNEL);
		usleep(20000);
	}
}

static void test_on_the_signal_stack(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK a = NULL;
	AUTO_TASK b = NULL;
	AUTO_TASK after = NULL;

	order(rig, ORDER_A);
	a = snap(rig);
	order(rig, ORDER_B); /* its stack has no SS_AUTODISARM: the thread stays on it */
	rig->s->order[1] = STAND_ON_STACK;
	while (!rig->s->on_stack)
		usleep(500);
	hold(rig);
	b = read_all(rig);
	assert_int_equal(b->threads[1]->alt_stack->flags, 0);
	assert_int_not_equal(b->threads[1]->alt_stack->sp, a->threads[1]->alt_stack->sp);
	assert_true(task_thread(&rig->task, rig->s->tids[1])->home.rsp -
			    b->threads[1]->alt_stack->sp < STACK_BYTES);
	OK(rig, become(rig, b, a, false));
	after = read_all(rig);
	assert_same(a, after);
	OK(rig, become(rig, after, b, false));
	let_go(rig);
	rig->s->leave_stack = 1;
	while (rig->s->order[1] != STAY)
		usleep(500);
}

/* Without PR_TIMER_CREATE_RESTORE_IDS: gaps by counting, nothing twice. */
static void test_timers_by_counting(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK none = NULL;
	AUTO_TASK want = NULL;
	AUTO_TASK after = NULL;
	Sn__PosixTimer *timer;
	int i;

	rig->caps.timer_restore_ids = false;
	hold(rig);
	none = read_all(rig);
	want = message_copy(&none->base);
	for (i = 1; i <= 3; i++) {
		timer = kind_append(want->posix_timers, timers, sn__posix_timer);
		timer->id = i * i * i * i * i * 25;
		timer->clock = CLOCK_MONOTONIC;
		timer->notify = i == 2 ? SIGEV_SIGNAL | SIGEV_THREAD_ID : SIGEV_SIGNAL;
		timer->tid = i == 2 ? rig->s->tids[1] : 0;
		timer->signal = (uint32_t)SIGRTMIN + 4;
		timer->value = (uint64_t)i;
		timer->value_ns = LONG_S * 1000000000ull;
	}
	OK(rig, become(rig, none, want, true));
	after = read_all(rig);
	assert_same(want, after);
	OK(rig, become(rig, after, none, false));
	assert_int_equal(become(rig, none, want, false), -1);
	let_go(rig);
	assert_non_null(strstr(rig->err.text, "timer 25: its number has gone by (the next is "));
}

/* In a blank process what is registered is given up before its memory goes. */
static void test_rseq_in_a_blank(void **state)
{
	struct rig *rig = *state;
	struct plan plan = {.blank = true};
	AUTO_TASK model = NULL;
	AUTO_TASK bare = NULL;
	struct applying a = {.task = &rig->task, .caps = &rig->caps, .blank = true};
	struct sn_err err;

	hold(rig);
	model = read_all(rig);
	assert_int_not_equal(model->threads[1]->rseq->pointer, 0);
	assert_int_equal(kind_rseq.plan(&plan, model, model, &err), 0);
	assert_int_equal(plan.len, 2 * THREADS);
	a.remote = rig->remote;
	remote_begin(rig->remote);
	OK(rig, run_stage(rig, &a, &plan, STAGE_RELEASE));
	let_go(rig);
	bare = snap(rig);
	assert_int_equal(bare->threads[0]->rseq->pointer, 0);
	assert_int_equal(bare->threads[1]->rseq->pointer, 0);
	hold(rig);
	a.remote = rig->remote;
	remote_begin(rig->remote);
	OK(rig, run_stage(rig, &a, &plan, STAGE_THREAD));
	let_go(rig);
	free(plan.steps);
	task_free(&bare);
	bare = snap(rig);
	assert_true(message_equal((void *)bare->threads[1]->rseq, (void *)model->threads[1]->rseq));
}

/* What a later state has given away for good is refused before anything is touched. */
static void test_refused_credentials(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK have = snap(rig);
	AUTO_TASK want = message_copy(&have->base);
	Sn__Credentials *from = have->threads[1]->credentials;
	Sn__Credentials *to = want->threads[1]->credentials;
	struct plan plan = {0};

	from->cap_permitted = from->cap_effective = 0;
	to->cap_permitted = 1 << CAP_CHOWN | 1 << CAP_KILL;
	assert_int_equal(make_plan(rig, &plan, have, want), -1);
	assert_non_null(strstr(rig->err.text, "permitted capabilities: cap_chown cannot be had "
					      "again"));
	to->cap_permitted = to->cap_effective = 0;
	to->ruid = to->euid = to->suid = to->fsuid = 12345;
	assert_int_equal(make_plan(rig, &plan, have, want), -1);
	assert_non_null(strstr(rig->err.text, "cannot become user 12345 (it has no CAP_SETUID)"));
	to->ruid = to->euid = to->suid = to->fsuid = from->ruid;
	from->no_new_privs = true;
	assert_int_equal(make_plan(rig, &plan, have, want), -1);
	assert_non_null(strstr(rig->err.text, "no_new_privs cannot be taken back"));
	free(plan.steps);
}

/* The way down: root becomes somebody with little left. What hangs on it holds. */
static void test_privileges_are_dropped(void **state)
{
	const uint64_t kept = UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_KILL;
	struct rig *rig = *state;
	AUTO_TASK have = NULL;
	AUTO_TASK want = NULL;
	AUTO_TASK after = NULL;
	size_t i;

	skip_unless(geteuid() == 0, "it takes root");
	order(rig, ORDER_A);
	have = snap(rig);
	want = message_copy(&have->base);
	want->dumpable->dumpable = 1;
	hold(rig);
	OK(rig, become(rig, have, want, false));
	for (i = 0; i < THREADS; i++) {
		Sn__Credentials *to = want->threads[i]->credentials;

		to->ruid = to->euid = to->suid = to->fsuid = 1000;
		to->rgid = to->egid = to->sgid = to->fsgid = 1001;
		to->n_groups = 1;
		to->groups[0] = 44;
		to->cap_permitted = to->cap_inheritable = kept;
		to->cap_effective = UINT64_C(1) << CAP_KILL;
		to->cap_ambient = UINT64_C(1) << CAP_NET_BIND_SERVICE;
		to->cap_bounding &= ~(UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_SETUID);
		to->securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
		to->no_new_privs = true;
	}
	/* the change itself would make it 0: that nothing else differs shows that it is set */
	have->dumpable->dumpable = want->dumpable->dumpable = 1;
	want->limits->limits[RLIMIT_NOFILE]->hard = 300;
	OK(rig, become(rig, have, want, false));
	after = read_all(rig);
	let_go(rig);
	assert_same(want, after);
	assert_int_equal(after->dumpable->dumpable, 1);
	assert_int_equal(after->threads[1]->parent_death->signal, SIGHUP);
	hold(rig);
	assert_int_equal(become(rig, after, have, false), -1);
	let_go(rig);
	assert_non_null(strstr(rig->err.text, "credentials of thread "));
}

static void test_limit_that_cannot_be_raised(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK have = NULL;
	AUTO_TASK want = NULL;

	skip_unless(!rig->caps.cap_sys_resource, "CAP_SYS_RESOURCE may raise any limit");
	hold(rig);
	have = read_all(rig);
	want = message_copy(&have->base);
	want->limits->limits[RLIMIT_NOFILE]->hard++;
	want->file_system->umask = 01;
	assert_int_equal(become(rig, have, want, false), -1);
	task_free(&want);
	want = read_all(rig);
	let_go(rig);
	assert_non_null(strstr(rig->err.text, "set RLIMIT_NOFILE to "));
	assert_non_null(strstr(rig->err.text, "(to raise a hard limit takes CAP_SYS_RESOURCE)"));
	assert_int_not_equal(want->file_system->umask, 01); /* it came first */
}

static void test_root_directory(void **state)
{
	struct rig *rig = *state;
	AUTO_TASK have = NULL;
	AUTO_TASK want = NULL;
	AUTO_TASK after = NULL;

	skip_unless(geteuid() == 0, "it takes root");
	hold(rig);
	have = read_all(rig);
	want = message_copy(&have->base);
	kind_set_string(&want->file_system->root, rig->s->directory[1]);
	kind_set_string(&want->file_system->cwd, rig->s->directory[1]);
	OK(rig, become(rig, have, want, false));
	after = read_all(rig);
	assert_same(want, after);
	assert_int_equal(become(rig, after, have, false), -1);
	let_go(rig);
	assert_non_null(strstr(rig->err.text, "root directory /: the process cannot leave /tmp/"));
}

static void test_removed_directory(void **state)
{
	struct rig *rig = *state;
	struct reading r = {.task = &rig->task, .caps = &rig->caps, .status = "Umask:\t0022\n"};
	Sn__FileSystem model = SN__FILE_SYSTEM__INIT;

	order(rig, ORDER_A);
	rmdir(rig->s->directory[0]);
	hold(rig);
	assert_int_equal(kind_file_system.ask(&r, &model, &rig->err), -1);
	let_go(rig);
	assert_non_null(strstr(rig->err.text, "(deleted): the directory has been removed"));
	assert_int_equal(strncmp(rig->err.text, "working directory /tmp/", 23), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static int run_all(const char *user)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_what_is_read),
		LIVE(test_actions_that_are_read),
		LIVE(test_back),
		LIVE(test_signals_are_taken_once),
		LIVE(test_quiet_signals_stay),
		LIVE(test_blocked_threads_are_quick),
		LIVE(test_news_stay),
		LIVE(test_old_timers_are_silent),
		LIVE(test_interval_timer_goes_on),
		LIVE(test_on_the_signal_stack),
		LIVE(test_timers_by_counting),
		LIVE(test_rseq_in_a_blank),
		LIVE(test_refused_credentials),
		LIVE(test_privileges_are_dropped),
		LIVE(test_limit_that_cannot_be_raised),
		LIVE(test_root_directory),
		LIVE(test_removed_directory),
	};

	return cmocka_run_group_tests_name(user, tests, NULL, NULL);
}

/* An ordinary user in a process of its own, who may be looked at by others of the kind. */
static int run_as_nobody(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
			_exit(1);
		_exit(run_all("state as an ordinary user"));
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

int main(void)
{
	int failed = run_all("state");

	if (geteuid() == 0)
		failed += run_as_nobody();
	return failed;
}

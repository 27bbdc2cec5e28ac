// SPDX-License-Identifier: Apache-2.0
/* Interrupted calls, as registers in and registers out: no process takes part. */
#include "core/task/call.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include <cmocka.h>

enum {
	TID = 7,
	RIP = 0x401000,
	RSP = 0x7ffc00001008,
	SCRATCH = (RSP - 256) & ~15,
	TS = 0x7ffc00002000,  /* two seconds and a half */
	REM = 0x7ffc00002010, /* one second and a quarter: what the kernel wrote */
	BAD_TS = 0x7ffc00002020,
	NOWHERE = 0x7ffc00009000,
	MS = 1000000,
	EPOLL_PWAIT2 = 441,
};
static const uint64_t START = UINT64_C(1000000000000), SECOND = UINT64_C(1000000000);

static int peek(void *arg, uint64_t addr, void *buf, size_t len)
{
	static const int64_t ts[] = {2, 500000000}, rem[] = {1, 250000000}, bad[] = {0, 1000000000};

	(void)arg;
	assert_int_equal(len, sizeof(ts));
	if (addr != TS && addr != REM && addr != BAD_TS)
		return -1;
	memcpy(buf, addr == TS ? ts : addr == REM ? rem : bad, len);
	return 0;
}

struct stop {
	int64_t nr; /* orig_rax */
	int rax;    /* as an error number: 512 for -512 */
	uint64_t args[6];
};

static struct user_regs_struct regs_of(const struct stop *stop)
{
	return (struct user_regs_struct){
		.rip = RIP,
		.rsp = RSP,
		.orig_rax = (unsigned long long)stop->nr,
		.rax = (unsigned long long)-(long long)stop->rax,
		.rdi = stop->args[0],
		.rsi = stop->args[1],
		.rdx = stop->args[2],
		.r10 = stop->args[3],
		.r8 = stop->args[4],
		.r9 = stop->args[5],
	};
}

static uint64_t arg_of(const struct user_regs_struct *regs, int arg)
{
	const uint64_t args[] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};

	return args[arg];
}

static bool enter(struct call_log *log, struct user_regs_struct *regs, uint64_t now_ns,
		  struct call *call)
{
	return call_enter(log, TID, regs, now_ns, peek, NULL, call);
}

static void log_free(struct call_log **log)
{
	call_log_free(*log);
}

#define AUTO_LOG sn_auto(log_free) struct call_log *

/* ---- one stop: every rule ---- */

enum timeout { NONE, IN_MS, IN_TS };

/* Half a second after it was first seen the timeout is shorter by as much. */
static const struct rule {
	const char *name;
	struct stop stop;
	enum timeout timeout;
	int arg;
	uint64_t timeout_ms;
} rules[] = {
	{"nanosleep", {SYS_nanosleep, 516, {TS, REM}}, IN_TS, 0, 2500},
	{"nanosleep, none left to say", {SYS_nanosleep, 516, {TS, 0}}, IN_TS, 0, 2500},
	{"clock_nanosleep", {SYS_clock_nanosleep, 516, {1, 0, TS, REM}}, IN_TS, 2, 2500},
	{"clock_nanosleep until", {SYS_clock_nanosleep, 514, {1, 1, TS, 0}}, NONE, 0, 0},
	{"poll", {SYS_poll, 516, {NOWHERE, 1, 2500}}, IN_MS, 2, 2500},
	{"poll for ever", {SYS_poll, 514, {NOWHERE, 1, (uint32_t)-1}}, NONE, 0, 0},
	{"poll not at all", {SYS_poll, 516, {NOWHERE, 1, 0}}, IN_MS, 2, 0},
	{"futex", {SYS_futex, 516, {NOWHERE, FUTEX_WAIT_PRIVATE, 1, TS}}, IN_TS, 3, 2500},
	{"futex without a timeout", {SYS_futex, 512, {NOWHERE, FUTEX_WAIT, 1, 0}}, NONE, 0, 0},
	{"futex until", {SYS_futex, 516, {NOWHERE, FUTEX_WAIT_BITSET, 1, TS}}, NONE, 0, 0},
	{"epoll_wait", {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 2500}}, IN_MS, 3, 2500},
	{"epoll_wait for ever", {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, (uint32_t)-1}}, NONE, 0, 0},
	{"epoll_pwait", {SYS_epoll_pwait, EINTR, {3, NOWHERE, 1, 2500}}, IN_MS, 3, 2500},
	{"epoll_pwait2", {EPOLL_PWAIT2, EINTR, {3, NOWHERE, 1, TS}}, IN_TS, 3, 2500},
	{"epoll_pwait2 for ever", {EPOLL_PWAIT2, EINTR, {3, NOWHERE, 1, 0}}, NONE, 0, 0},
	{"sigtimedwait", {SYS_rt_sigtimedwait, EINTR, {NOWHERE, 0, TS, 8}}, IN_TS, 2, 2500},
	{"sigwait", {SYS_rt_sigtimedwait, EINTR, {NOWHERE, 0, 0, 8}}, NONE, 0, 0},
	{"semtimedop", {SYS_semtimedop, EINTR, {1, NOWHERE, 1, TS}}, IN_TS, 3, 2500},
	{"io_getevents", {SYS_io_getevents, EINTR, {1, 1, 1, NOWHERE, TS}}, IN_TS, 4, 2500},
	{"semop", {SYS_semop, EINTR, {1, NOWHERE, 1}}, NONE, 0, 0},
	{"read", {SYS_read, 512, {3, NOWHERE, 1}}, NONE, 0, 0},
	{"read with SO_RCVTIMEO", {SYS_read, EINTR, {3, NOWHERE, 1}}, NONE, 0, 0},
	{"accept4", {SYS_accept4, EINTR, {3, 0, 0, 0}}, NONE, 0, 0},
	{"recvfrom", {SYS_recvfrom, 512, {3, NOWHERE, 1}}, NONE, 0, 0},
	{"recvmsg", {SYS_recvmsg, EINTR, {3, NOWHERE}}, NONE, 0, 0},
	{"connect", {SYS_connect, EINTR, {3, NOWHERE, 16}}, NONE, 0, 0},
	{"wait4", {SYS_wait4, 512, {(uint64_t)-1}}, NONE, 0, 0},
	{"pause", {SYS_pause, 514, {0}}, NONE, 0, 0},
	{"ppoll, where the kernel counts down", {SYS_ppoll, 514, {NOWHERE, 1, TS}}, NONE, 0, 0},
	{"a call of no rule that never began again", {SYS_flock, 513, {3, 2}}, NONE, 0, 0},
	{"a timeout that is none", {SYS_futex, 516, {NOWHERE, FUTEX_WAIT, 1, BAD_TS}}, NONE, 0, 0},
	{"a timeout nobody can read", {SYS_nanosleep, 516, {NOWHERE, 0}}, NONE, 0, 0},
};

/* Where the kernel has put what remains it is exact: REM. */
static uint64_t left_ns(const struct rule *rule, uint64_t spent_ns)
{
	uint64_t whole = rule->timeout_ms * MS;

	if (arg_of(&(struct user_regs_struct){.rsi = rule->stop.args[1], .r10 = rule->stop.args[3]},
		   rule->arg == 0 ? 1 : 3) == REM)
		return SECOND + SECOND / 4;
	return spent_ns < whole ? whole - spent_ns : 0;
}

static void assert_timeout(const struct rule *rule, const struct user_regs_struct *regs,
			   const struct call_scratch *scratch, uint64_t ns)
{
	if (rule->timeout != IN_TS)
		assert_int_equal(scratch->addr, 0);
	if (rule->timeout == IN_MS)
		assert_int_equal(arg_of(regs, rule->arg), ns / MS);
	if (rule->timeout != IN_TS)
		return;
	assert_int_equal(scratch->addr, SCRATCH);
	assert_int_equal(arg_of(regs, rule->arg), SCRATCH);
	assert_int_equal(scratch->timespec[0], ns / SECOND);
	assert_int_equal(scratch->timespec[1], ns % SECOND);
}

static void assert_other_registers(const struct user_regs_struct *regs, const struct rule *rule)
{
	struct user_regs_struct was = regs_of(&rule->stop);
	int i;

	for (i = 0; i < 6; i++)
		if (rule->timeout == NONE || i != rule->arg)
			assert_int_equal(arg_of(regs, i), arg_of(&was, i));
	assert_int_equal(regs->rsp, RSP);
}

static void check_enter(const struct rule *rule, struct call_log *log,
			struct user_regs_struct *regs, struct call *call)
{
	bool plain = rule->stop.rax == EINTR;

	assert_int_equal(enter(log, regs, START, call), plain);
	assert_int_equal(call->nr, rule->stop.nr);
	assert_int_equal(call->restart_block, rule->stop.rax == 516);
	assert_int_equal(-(long long)regs->rax, plain ? 514 : rule->stop.rax);
	assert_int_equal(regs->orig_rax, rule->stop.nr);
	assert_int_equal(regs->rip, RIP);
	assert_other_registers(regs, rule);
	assert_int_equal(call->has_timeout, rule->timeout != NONE);
	if (rule->timeout == NONE)
		return;
	assert_int_equal(call->timeout_ns, rule->timeout_ms * MS);
	assert_int_equal(call->remaining_ns, left_ns(rule, 0));
}

/* The same life: with a restart block the kernel knows what remains, else it is said. */
static void check_leave(const struct rule *rule, struct call_log *log, struct user_regs_struct regs)
{
	const struct user_regs_struct was = regs;
	struct call_scratch scratch;
	bool block = rule->stop.rax == 516;

	call_leave(log, TID, &regs, START + SECOND / 2, &scratch);
	assert_int_equal(regs.rax, was.rax);
	assert_int_equal(regs.orig_rax, was.orig_rax);
	assert_int_equal(regs.rip, RIP);
	assert_other_registers(&regs, rule);
	if (block || rule->timeout == NONE) {
		assert_int_equal(scratch.addr, 0);
		assert_memory_equal(&regs, &was, sizeof(regs));
	} else {
		assert_timeout(rule, &regs, &scratch,
			       rule->timeout_ms * MS - (rule->timeout_ms ? SECOND / 2 : 0));
	}
}

/* A new life has no restart block: the call itself is issued again. */
static void check_reissue(const struct rule *rule, struct user_regs_struct regs,
			  const struct call *call)
{
	const struct user_regs_struct was = regs;
	struct call_scratch scratch;

	call_reissue(call, &regs, &scratch);
	assert_int_equal(-(long long)regs.rax, rule->stop.rax == 516 ? 514 : -(long long)was.rax);
	assert_int_equal(regs.orig_rax, rule->stop.nr);
	assert_int_equal(regs.rip, RIP);
	assert_other_registers(&regs, rule);
	assert_timeout(rule, &regs, &scratch, call->remaining_ns);
}

/* No kernel is asked: back on the instruction, as the program came to it. */
static void check_rewind(const struct rule *rule, struct user_regs_struct regs,
			 const struct call *call)
{
	const struct user_regs_struct was = regs;
	int i;

	call_rewind(call, &regs);
	assert_int_equal(regs.rip, RIP - 2);
	assert_int_equal(regs.rax, rule->stop.nr);
	for (i = 0; i < 6; i++)
		assert_int_equal(arg_of(&regs, i), arg_of(&was, i));
}

static void test_every_rule(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(rules); i++) {
		AUTO_LOG log = call_log_new();
		struct user_regs_struct regs = regs_of(&rules[i].stop);
		struct call call;

		print_message("%s\n", rules[i].name);
		check_enter(&rules[i], log, &regs, &call);
		check_leave(&rules[i], log, regs);
		check_reissue(&rules[i], regs, &call);
		check_rewind(&rules[i], regs, &call);
	}
}

/* ---- in no call ---- */

static void test_no_call(void **state)
{
	static const struct stop stops[] = {
		{-1, 0, {0}},
		{-1, 514, {0}}, /* rax of its own that looks like one */
		{SYS_read, 0, {3}},
		{SYS_read, -5, {3}},		    /* it has read five bytes */
		{SYS_poll, EINTR, {NOWHERE, 1, 9}}, /* a signal did that, the program will see it */
		{SYS_close, EINTR, {3}},
		{SYS_epoll_wait, EBADF, {3}},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(stops); i++) {
		AUTO_LOG log = call_log_new();
		struct user_regs_struct regs = regs_of(&stops[i]), was = regs;
		struct call_scratch scratch;
		struct call call;

		print_message("stop %zu\n", i);
		assert_false(enter(log, &regs, START, &call));
		assert_int_equal(call.nr, -1);
		assert_false(call.has_timeout);
		call_leave(log, TID, &regs, START + SECOND, &scratch);
		assert_int_equal(scratch.addr, 0);
		call_reissue(&call, &regs, &scratch);
		assert_int_equal(scratch.addr, 0);
		call_rewind(&call, &regs);
		assert_memory_equal(&regs, &was, sizeof(regs));
	}
}

/* ---- several stops in one sleep ---- */

/* The kernel restarts it by restart_syscall: number and timeout are those of the first. */
static void test_second_stop_of_a_sleep(void **state)
{
	AUTO_LOG log = call_log_new();
	struct stop stop = {SYS_nanosleep, 516, {TS, 0}};
	struct user_regs_struct regs = regs_of(&stop);
	struct call_scratch scratch;
	struct call call;
	int i;

	(void)state;
	enter(log, &regs, START, &call);
	for (i = 1; i <= 3; i++) {
		uint64_t now = START + (uint64_t)i * SECOND / 2;

		call_leave(log, TID, &regs, now, &scratch);
		stop.nr = SYS_restart_syscall;
		regs = regs_of(&stop);
		assert_false(enter(log, &regs, now, &call));
		assert_int_equal(call.nr, SYS_nanosleep);
		assert_true(call.restart_block);
		assert_int_equal(call.timeout_ns, SECOND * 5 / 2);
		assert_int_equal(call.remaining_ns, SECOND * 5 / 2 - (uint64_t)i * SECOND / 2);
	}
	/* and a new life gets the number that its registers have lost */
	call_reissue(&call, &regs, &scratch);
	assert_int_equal(regs.orig_rax, SYS_nanosleep);
	assert_int_equal(regs.rdi, SCRATCH);
	assert_int_equal(scratch.timespec[0], 1);
	assert_int_equal(scratch.timespec[1], 0);
}

/* What the program never gave: the shortened timeout is taken for the whole at no stop. */
static void test_shortened_timeouts(void **state)
{
	static const struct {
		const char *name;
		struct stop stop;
		int arg;
	} calls[] = {
		{"epoll_wait", {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 2500}}, 3},
		{"epoll_pwait2", {EPOLL_PWAIT2, EINTR, {3, NOWHERE, 1, TS}}, 3},
		{"sigtimedwait", {SYS_rt_sigtimedwait, EINTR, {NOWHERE, 0, TS, 8}}, 2},
	};
	size_t c;
	int i;

	(void)state;
	for (c = 0; c < sn_countof(calls); c++) {
		AUTO_LOG log = call_log_new();
		struct user_regs_struct regs = regs_of(&calls[c].stop);
		struct call_scratch scratch;
		struct call call;
		uint64_t left;

		print_message("%s\n", calls[c].name);
		for (i = 0; i < 30; i++) {
			uint64_t now = START + (uint64_t)i * SECOND / 10;

			/* rax as the kernel leaves it; the timeout as we left it */
			regs.rax = (unsigned long long)-EINTR;
			assert_true(enter(log, &regs, now, &call));
			assert_int_equal(call.timeout_ns, SECOND * 5 / 2);
			left = i < 25 ? SECOND * 5 / 2 - (uint64_t)i * SECOND / 10 : 0;
			assert_int_equal(call.remaining_ns, left);
			assert_int_equal(arg_of(&regs, calls[c].arg),
					 calls[c].stop.args[calls[c].arg]);
			/* a stop of two milliseconds; what is less than one does not show */
			call_leave(log, TID, &regs, now + 2 * MS, &scratch);
			left -= left ? 2 * MS : 0;
			assert_int_equal(scratch.addr ? (uint64_t)scratch.timespec[0] * SECOND +
								(uint64_t)scratch.timespec[1]
						      : arg_of(&regs, calls[c].arg) * MS,
					 left);
		}
	}
}

/* Milliseconds are rounded up: a call never ends before its time. */
static void test_rounding(void **state)
{
	AUTO_LOG log = call_log_new();
	const struct stop stop = {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 100}};
	struct user_regs_struct regs = regs_of(&stop);
	struct call_scratch scratch;
	struct call call;

	(void)state;
	enter(log, &regs, START, &call);
	call_leave(log, TID, &regs, START + 40 * MS + 1, &scratch);
	assert_int_equal(regs.r10, 60);
	regs.rax = (unsigned long long)-EINTR;
	enter(log, &regs, START + 99 * MS + 999999, &call);
	assert_int_equal(call.remaining_ns, 1);
	call_leave(log, TID, &regs, START + 99 * MS + 999999, &scratch);
	assert_int_equal(regs.r10, 1);
}

/* The same call, made anew, begins with its whole time; so does one from elsewhere. */
static void test_another_call(void **state)
{
	static const struct stop poll = {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 2500}};
	static const struct stop none = {-1, 0, {0}};
	AUTO_LOG log = call_log_new();
	struct user_regs_struct regs = regs_of(&poll);
	struct call_scratch scratch;
	struct call call;

	(void)state;
	enter(log, &regs, START, &call);
	call_leave(log, TID, &regs, START, &scratch);
	regs = regs_of(&poll); /* the timeout is the program's own again */
	enter(log, &regs, START + SECOND, &call);
	assert_int_equal(call.remaining_ns, SECOND * 5 / 2);
	call_leave(log, TID, &regs, START + 2 * SECOND, &scratch);
	assert_int_equal(regs.r10, 1500);

	regs.rip += 32; /* what we left, in another call */
	regs.rax = (unsigned long long)-EINTR;
	enter(log, &regs, START + 2 * SECOND, &call);
	assert_int_equal(call.timeout_ns, SECOND * 3 / 2);
	assert_int_equal(call.remaining_ns, SECOND * 3 / 2);

	regs = regs_of(&none); /* it was seen outside in between */
	enter(log, &regs, START + 3 * SECOND, &call);
	regs = regs_of(&poll);
	regs.orig_rax = SYS_restart_syscall;
	regs.rax = (unsigned long long)-516LL;
	enter(log, &regs, START + 4 * SECOND, &call);
	assert_int_not_equal(call.nr, SYS_epoll_wait);
}

/* A thread's log is its own. */
static void test_threads_apart(void **state)
{
	static const struct stop stop = {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 2500}};
	AUTO_LOG log = call_log_new();
	struct call call;
	int tid;

	(void)state;
	for (tid = 1; tid <= 100; tid++) {
		struct user_regs_struct regs = regs_of(&stop);
		struct call_scratch scratch;

		call_enter(log, tid, &regs, START + (uint64_t)tid * MS, peek, NULL, &call);
		assert_int_equal(call.remaining_ns, SECOND * 5 / 2);
		call_leave(log, tid, &regs, START + (uint64_t)tid * MS + SECOND, &scratch);
		assert_int_equal(regs.r10, 1500);
	}
}

/* It slept before it was first stopped, and somebody knows since when. */
static void test_it_began_earlier(void **state)
{
	static const struct stop stop = {SYS_epoll_wait, EINTR, {3, NOWHERE, 1, 2500}};
	AUTO_LOG log = call_log_new();
	struct user_regs_struct regs = regs_of(&stop);
	struct call_scratch scratch;
	struct call call;

	(void)state;
	enter(log, &regs, START, &call);
	call_began(log, TID, START + SECOND); /* later than the first look: says nothing */
	call_began(log, TID, START - SECOND);
	call_leave(log, TID, &regs, START + SECOND / 2, &scratch);
	assert_int_equal(regs.r10, 1000);
}

/* ---- restarted before we came ---- */

static void test_guess(void **state)
{
	static const struct {
		const char *name;
		uint64_t args[6];
		int64_t nr;
		bool has_timeout;
	} guesses[] = {
		{"clock_nanosleep", {1, 0, TS, 0}, SYS_clock_nanosleep, true},
		{"clock_nanosleep that says what remains",
		 {1, 0, TS, REM},
		 SYS_clock_nanosleep,
		 true},
		{"nanosleep", {TS, 0}, SYS_nanosleep, true},
		{"nanosleep that says what remains", {TS, REM}, SYS_nanosleep, true},
		{"futex", {NOWHERE, FUTEX_WAIT_PRIVATE, 1, TS}, SYS_futex, true},
		{"futex among processes", {NOWHERE, FUTEX_WAIT, 1, TS}, SYS_futex, true},
		{"futex until",
		 {NOWHERE, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, TS},
		 SYS_futex,
		 false},
		{"poll", {NOWHERE, 1, 2500}, SYS_poll, true},
		{"poll of nothing", {0, 0, 2500}, SYS_poll, true},
		{"poll of many", {NOWHERE, 300, 2500}, SYS_poll, true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(guesses); i++) {
		AUTO_LOG log = call_log_new();
		struct stop stop = {SYS_restart_syscall, 516, {0}};
		struct user_regs_struct regs;
		struct call_scratch scratch;
		struct call call;

		print_message("%s\n", guesses[i].name);
		memcpy(stop.args, guesses[i].args, sizeof(stop.args));
		regs = regs_of(&stop);
		assert_false(enter(log, &regs, START, &call));
		assert_int_equal(call.nr, guesses[i].nr);
		assert_int_equal(call.has_timeout, guesses[i].has_timeout);
		call_reissue(&call, &regs, &scratch);
		assert_int_equal(regs.orig_rax, guesses[i].nr);
		assert_int_equal(-(long long)regs.rax, 514);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_rule),
		cmocka_unit_test(test_no_call),
		cmocka_unit_test(test_second_stop_of_a_sleep),
		cmocka_unit_test(test_shortened_timeouts),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_another_call),
		cmocka_unit_test(test_threads_apart),
		cmocka_unit_test(test_it_began_earlier),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/task/call.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, RED_ZONE_BYTES = 128, FUTEX_OP_MASK = 127 };

enum timeout {
	TIMEOUT_NONE,
	TIMEOUT_MS, /* an int of milliseconds in the register, negative: none */
	TIMEOUT_TS, /* the address of a struct timespec, 0: none */
};

/*
 * How the calls that can sleep behave when interrupted. Calls that are not here have
 * no relative timeout, or the kernel itself writes back what remains (ppoll, select).
 * Which return EINTR: signal(7); seen on Linux 6.18 for each.
 */
struct call_rule {
	int nr;
	bool plain_eintr;
	enum timeout timeout;
	int arg;
	int remaining_arg; /* where the kernel has put what remains of it; -1: nowhere */
};

static const struct call_rule rules[] = {
	{SYS_nanosleep, false, TIMEOUT_TS, 0, 1},
	{SYS_clock_nanosleep, false, TIMEOUT_TS, 2, 3},
	{SYS_poll, false, TIMEOUT_MS, 2, -1},
	{SYS_futex, false, TIMEOUT_TS, 3, -1},
	{SYS_epoll_wait, true, TIMEOUT_MS, 3, -1},
	{SYS_epoll_pwait, true, TIMEOUT_MS, 3, -1},
	{441 /* epoll_pwait2 */, true, TIMEOUT_TS, 3, -1},
	{SYS_rt_sigtimedwait, true, TIMEOUT_TS, 2, -1},
	{SYS_semtimedop, true, TIMEOUT_TS, 3, -1},
	{SYS_io_getevents, true, TIMEOUT_TS, 4, -1},
	{SYS_semop, true, TIMEOUT_NONE, 0, -1},
	/* those of sockets do so when SO_RCVTIMEO or SO_SNDTIMEO is set, socket(7) */
	{SYS_read, true, TIMEOUT_NONE, 0, -1},
	{SYS_readv, true, TIMEOUT_NONE, 0, -1},
	{SYS_write, true, TIMEOUT_NONE, 0, -1},
	{SYS_writev, true, TIMEOUT_NONE, 0, -1},
	{SYS_connect, true, TIMEOUT_NONE, 0, -1},
	{SYS_accept, true, TIMEOUT_NONE, 0, -1},
	{SYS_accept4, true, TIMEOUT_NONE, 0, -1},
	{SYS_recvfrom, true, TIMEOUT_NONE, 0, -1},
	{SYS_recvmsg, true, TIMEOUT_NONE, 0, -1},
	{SYS_recvmmsg, true, TIMEOUT_NONE, 0, -1},
	{SYS_sendto, true, TIMEOUT_NONE, 0, -1},
	{SYS_sendmsg, true, TIMEOUT_NONE, 0, -1},
};

struct entry {
	pid_t tid;
	int64_t nr;
	uint64_t rip, rsp;
	uint64_t own_arg;     /* the timeout argument as the program gave it */
	uint64_t patched_arg; /* as call_leave has set it; own_arg when it has not */
	bool has_timeout;
	uint64_t timeout_ns, first_seen_ns;
};

struct call_log {
	struct entry *entries;
	size_t len, cap;
};

struct call_log *call_log_new(void)
{
	return sn_calloc(1, sizeof(struct call_log));
}

void call_log_free(struct call_log *log)
{
	if (!log)
		return;
	free(log->entries);
	free(log);
}

static struct entry *entry_of(struct call_log *log, pid_t tid)
{
	size_t i;

	for (i = 0; i < log->len; i++)
		if (log->entries[i].tid == tid)
			return &log->entries[i];
	if (log->len == log->cap) {
		log->cap = log->cap ? 2 * log->cap : 16;
		log->entries = sn_realloc(log->entries, log->cap, sizeof(*log->entries));
	}
	log->entries[log->len] = (struct entry){.tid = tid, .nr = -1};
	return &log->entries[log->len++];
}

static unsigned long long *arg_of(struct user_regs_struct *regs, int arg)
{
	unsigned long long *const args[] = {&regs->rdi, &regs->rsi, &regs->rdx,
					    &regs->r10, &regs->r8,  &regs->r9};

	return args[arg];
}

static const struct call_rule *rule_of(int64_t nr)
{
	size_t i;

	for (i = 0; i < sn_countof(rules); i++)
		if (rules[i].nr == nr)
			return &rules[i];
	return NULL;
}

/* The rule's timeout, when this very call has one that is relative. */
static bool is_relative(const struct call_rule *rule, struct user_regs_struct *regs)
{
	if (!rule || rule->timeout == TIMEOUT_NONE)
		return false;
	if (rule->nr == SYS_clock_nanosleep && regs->rsi != 0)
		return false; /* TIMER_ABSTIME */
	if (rule->nr == SYS_futex && (regs->rsi & FUTEX_OP_MASK) != FUTEX_WAIT)
		return false; /* the others are absolute */
	if (rule->timeout == TIMEOUT_MS)
		return (int)*arg_of(regs, rule->arg) >= 0;
	return *arg_of(regs, rule->arg) != 0;
}

static bool peek_ts(call_peek_fn peek, void *arg, uint64_t addr, uint64_t *ns)
{
	int64_t ts[2];

	if (addr == 0 || peek(arg, addr, ts, sizeof(ts)) < 0)
		return false;
	if (ts[0] < 0 || ts[1] < 0 || ts[1] >= NS_PER_S || ts[0] > INT64_MAX / NS_PER_S - 1)
		return false;
	*ns = (uint64_t)ts[0] * NS_PER_S + (uint64_t)ts[1];
	return true;
}

static void first_sight(struct entry *e, const struct call_rule *rule,
			struct user_regs_struct *regs, uint64_t since_ns, call_peek_fn peek,
			void *arg)
{
	e->rip = regs->rip;
	e->rsp = regs->rsp;
	e->first_seen_ns = since_ns;
	e->has_timeout = false;
	if (!is_relative(rule, regs))
		return;
	e->own_arg = e->patched_arg = *arg_of(regs, rule->arg);
	if (rule->timeout == TIMEOUT_MS) {
		e->timeout_ns = (uint64_t)(int)e->own_arg * NS_PER_MS;
		e->has_timeout = true;
	} else {
		e->has_timeout = peek_ts(peek, arg, e->own_arg, &e->timeout_ns);
	}
}

/* Whether the thread is in the call it was in when it was last looked at. A restarted call
 * shows by its number, or by the timeout that only we can have put there. */
static bool is_same_call(const struct entry *e, struct user_regs_struct *regs)
{
	const struct call_rule *rule = rule_of(e->nr);

	if (e->nr < 0 || e->rip != regs->rip || e->rsp != regs->rsp)
		return false;
	if (regs->orig_rax == SYS_restart_syscall)
		return true;
	return rule && (int64_t)regs->orig_rax == e->nr && e->has_timeout &&
	       e->patched_arg != e->own_arg && *arg_of(regs, rule->arg) == e->patched_arg;
}

static uint64_t remaining(const struct entry *e, uint64_t now_ns)
{
	uint64_t spent = now_ns - e->first_seen_ns;

	return spent < e->timeout_ns ? e->timeout_ns - spent : 0;
}

static bool in_call(const struct user_regs_struct *regs)
{
	switch (-(int64_t)regs->rax) {
	case KERNEL_ERESTARTSYS:
	case KERNEL_ERESTARTNOINTR:
	case KERNEL_ERESTARTNOHAND:
	case KERNEL_ERESTART_RESTARTBLOCK:
		return (int64_t)regs->orig_rax >= 0;
	case EINTR: {
		const struct call_rule *rule = rule_of((int64_t)regs->orig_rax);

		return rule && rule->plain_eintr;
	}
	default:
		return false;
	}
}

/*
 * The number of a call first seen when it was already restarted (its keeper died). Four
 * calls leave a restart block; their arguments, still in the registers, tell them apart.
 */
static int64_t guess_nr(const struct user_regs_struct *regs, call_peek_fn peek, void *arg)
{
	enum { CLOCKS = 12, FUTEX_FLAGS = 0x1ff, LOWEST_POINTER = 0x10000 };
	uint64_t op = regs->rsi & FUTEX_OP_MASK, ns;
	bool futex = (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET) &&
		     (regs->rsi & ~(uint64_t)FUTEX_FLAGS) == 0 && regs->rdi % 4 == 0 &&
		     peek_ts(peek, arg, regs->r10, &ns);

	if (regs->rdi < CLOCKS && regs->rsi == 0 && peek_ts(peek, arg, regs->rdx, &ns))
		return SYS_clock_nanosleep;
	if (regs->rsi >= LOWEST_POINTER)
		return SYS_nanosleep;
	if (futex && (regs->rsi != 0 || !peek_ts(peek, arg, regs->rdi, &ns)))
		return SYS_futex;
	if (regs->rsi == 0 && peek_ts(peek, arg, regs->rdi, &ns))
		return SYS_nanosleep;
	return SYS_poll;
}

bool call_enter(struct call_log *log, pid_t tid, struct user_regs_struct *regs,
		uint64_t now_ns, call_peek_fn peek, void *arg, struct call *call)
{
	struct entry *e = entry_of(log, tid);
	const struct call_rule *rule;
	bool changed = false;

	*call = (struct call){.nr = -1};
	if (!in_call(regs)) {
		e->nr = -1;
		return false;
	}
	call->restart_block = -(int64_t)regs->rax == KERNEL_ERESTART_RESTARTBLOCK;
	if ((int64_t)regs->rax == -EINTR) {
		regs->rax = (unsigned long long)-KERNEL_ERESTARTNOHAND;
		changed = true;
	}
	if (is_same_call(e, regs)) {
		rule = rule_of(e->nr);
		if (e->has_timeout)
			*arg_of(regs, rule->arg) = e->own_arg;
	} else {
		e->nr = (int64_t)regs->orig_rax;
		if (e->nr == SYS_restart_syscall)
			e->nr = guess_nr(regs, peek, arg);
		rule = rule_of(e->nr);
		first_sight(e, rule, regs, now_ns, peek, arg);
	}
	call->nr = e->nr;
	call->has_timeout = e->has_timeout;
	if (e->has_timeout) {
		call->timeout_ns = e->timeout_ns;
		call->remaining_ns = remaining(e, now_ns);
	}
	if (e->has_timeout && call->restart_block && rule->remaining_arg >= 0) {
		uint64_t addr = *arg_of(regs, rule->remaining_arg), left;

		/* the kernel wrote it when it interrupted the sleep: exact */
		if (peek_ts(peek, arg, addr, &left))
			call->remaining_ns = left;
	}
	return changed;
}

void call_began(struct call_log *log, pid_t tid, uint64_t since_ns)
{
	struct entry *e = entry_of(log, tid);

	if (since_ns < e->first_seen_ns)
		e->first_seen_ns = since_ns;
}

static void set_timeout(const struct call_rule *rule, struct user_regs_struct *regs,
			uint64_t left_ns, struct call_scratch *scratch)
{
	if (rule->timeout == TIMEOUT_MS) {
		*arg_of(regs, rule->arg) = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
		return;
	}
	scratch->addr = (regs->rsp - 2 * RED_ZONE_BYTES) & ~UINT64_C(15);
	scratch->timespec[0] = (int64_t)(left_ns / NS_PER_S);
	scratch->timespec[1] = (int64_t)(left_ns % NS_PER_S);
	*arg_of(regs, rule->arg) = scratch->addr;
}

void call_leave(struct call_log *log, pid_t tid, struct user_regs_struct *regs, uint64_t now_ns,
		struct call_scratch *scratch)
{
	struct entry *e = entry_of(log, tid);
	const struct call_rule *rule = rule_of(e->nr);

	scratch->addr = 0;
	/* with a restart block the kernel itself knows what remains */
	if (!rule || !e->has_timeout || -(int64_t)regs->rax == KERNEL_ERESTART_RESTARTBLOCK)
		return;
	set_timeout(rule, regs, remaining(e, now_ns), scratch);
	e->patched_arg = *arg_of(regs, rule->arg);
}

void call_reissue(const struct call *call, struct user_regs_struct *regs,
		  struct call_scratch *scratch)
{
	const struct call_rule *rule = rule_of(call->nr);

	scratch->addr = 0;
	if (!in_call(regs) || call->nr < 0)
		return;
	regs->orig_rax = (unsigned long long)call->nr;
	if (-(int64_t)regs->rax == KERNEL_ERESTART_RESTARTBLOCK)
		regs->rax = (unsigned long long)-KERNEL_ERESTARTNOHAND;
	if (rule && call->has_timeout)
		set_timeout(rule, regs, call->remaining_ns, scratch);
}

void call_rewind(const struct call *call, struct user_regs_struct *regs)
{
	enum { SYSCALL_INSN_BYTES = 2 };

	if (!in_call(regs) || call->nr < 0)
		return;
	regs->rip -= SYSCALL_INSN_BYTES;
	regs->rax = (unsigned long long)call->nr;
}

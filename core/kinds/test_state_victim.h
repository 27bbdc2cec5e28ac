/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child state_test.c looks at and changes: two threads that take orders through shared
 * memory. State A is rich; B differs from it in everything, and leaves the way back open.
 */
#ifndef CORE_KINDS_TEST_STATE_VICTIM_H
#define CORE_KINDS_TEST_STATE_VICTIM_H

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	TAKEN = 32, /* pending signals a thread reports at most */
	STACK_BYTES = 64 * 1024,
	LONG_S = 3000,
	FIRST_MS = 120, /* when fast timers fire first: after the freeze */
	THREADS = 2,
	AUTODISARM = INT_MIN, /* SS_AUTODISARM, which the C library does not have */
};

enum order {
	STAY,           /* done */
	ORDER_A,
	ORDER_B,
	TAKE_SIGNALS,   /* dequeue what is pending, into `taken` */
	FAST_INTERVAL,  /* a periodic interval timer of milliseconds */
	NO_INTERVAL,    /* none */
	FAST_POSIX,     /* a POSIX timer of milliseconds */
	STAND_ON_STACK, /* stay on the signal stack until leave_stack */
	REPORT,
};

struct shared {
	atomic_int order[THREADS]; /* back to STAY when done */
	atomic_int on_stack, leave_stack;
	char failed[128];
	char directory[2][64];
	pid_t parent, tids[THREADS];
	siginfo_t taken[THREADS][TAKEN];
	int taken_count[THREADS];
	int timer[4];
	int dumpable, pdeath, status;
};

struct victim_thread {
	struct shared *s;
	int number;
	void *stack[2];
};

static void must(struct shared *s, bool ok, const char *what)
{
	if (!ok && !s->failed[0])
		snprintf(s->failed, sizeof(s->failed), "%s: %s", what, strerror(errno));
}

#define MUST(s, call) must(s, (call) >= 0, #call)

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

/* SIGWINCH on the alternate stack: stays there until told. */
static void on_stack(int sig, siginfo_t *info, void *context)
{
	struct shared *s = info->si_value.sival_ptr;

	(void)sig;
	(void)context;
	s->on_stack = 1;
	while (!s->leave_stack)
		usleep(1000);
}

static void act(struct shared *s, int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags};

	sigaddset(&action.sa_mask, SIGRTMIN + 7);
	MUST(s, sigaction(sig, &action, NULL));
}

static void actions(struct shared *s, bool b)
{
	act(s, SIGUSR1, on_signal, b ? SA_SIGINFO | SA_NODEFER : SA_SIGINFO | SA_RESTART);
	act(s, SIGWINCH, on_stack, SA_SIGINFO | SA_ONSTACK);
	act(s, SIGRTMIN + 3, on_signal, b ? SA_SIGINFO | SA_RESETHAND : SA_SIGINFO);
	signal(SIGTERM, b ? SIG_DFL : SIG_IGN);
	signal(SIGHUP, b ? SIG_IGN : SIG_DFL);
	act(s, SIGURG, on_signal, SA_SIGINFO | SA_RESTART);
	if (b)
		signal(SIGURG, SIG_DFL);
	struct sigaction children = {.sa_flags = b ? 0 : SA_NOCLDWAIT};

	MUST(s, sigaction(SIGCHLD, &children, NULL));
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGWINCH);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void to_self(struct shared *s, int sig, long value, bool thread)
{
	siginfo_t info = {.si_signo = sig, .si_code = SI_QUEUE};

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)value;
	if (thread)
		MUST(s, syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, &info));
	else
		MUST(s, syscall(SYS_rt_sigqueueinfo, getpid(), sig, &info));
}

static void take_signals(struct shared *s, int number)
{
	const struct timespec none = {0};
	sigset_t all;
	int n;

	sigfillset(&all);
	for (n = 0; n < TAKEN; n++)
		if (sigtimedwait(&all, &s->taken[number][n], &none) < 0)
			break;
	s->taken_count[number] = n;
}

static void drain(struct shared *s, int number)
{
	take_signals(s, number);
	s->taken_count[number] = 0;
}

static void leader_signals(struct shared *s, bool b)
{
	drain(s, 0);
	if (b) {
		to_self(s, SIGRTMIN + 1, 99, false);
		to_self(s, SIGUSR2, 98, false);
		to_self(s, SIGRTMIN + 1, 97, true);
		to_self(s, SIGCHLD, 96, true);
		return;
	}
	/* every signal that is nothing by default among them */
	to_self(s, SIGURG, 1, false);
	to_self(s, SIGCHLD, 2, false);
	to_self(s, SIGRTMIN + 1, 3, false);
	to_self(s, SIGRTMIN + 1, 4, false);
	kill(getpid(), SIGUSR1);
	to_self(s, SIGRTMIN + 1, 5, true);
	to_self(s, SIGURG, 6, true);
	to_self(s, SIGALRM, 7, true);
	syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
}

static void make_timer(struct shared *s, int slot, clockid_t clock, int notify, int seconds)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGRTMIN + 5};
	struct itimerspec value = {{seconds / 10, 0}, {seconds, 500}};

	event.sigev_value.sival_ptr = &s->timer[slot];
	event._sigev_un._tid = s->tids[1];
	MUST(s, syscall(SYS_timer_create, clock, &event, &s->timer[slot]));
	MUST(s, syscall(SYS_timer_settime, s->timer[slot], 0, &value, NULL));
}

static void timers(struct shared *s, bool b)
{
	struct itimerspec stop = {0};

	if (!b) {
		make_timer(s, 0, CLOCK_MONOTONIC, SIGEV_SIGNAL, LONG_S);
		make_timer(s, 1, CLOCK_REALTIME, SIGEV_SIGNAL, LONG_S); /* a gap */
		make_timer(s, 2, CLOCK_REALTIME, SIGEV_THREAD_ID, LONG_S / 2);
		make_timer(s, 3, CLOCK_PROCESS_CPUTIME_ID, SIGEV_NONE, LONG_S / 3);
		MUST(s, syscall(SYS_timer_delete, s->timer[1]));
		return;
	}
	MUST(s, syscall(SYS_timer_settime, s->timer[0], 0, &stop, NULL));
	MUST(s, syscall(SYS_timer_delete, s->timer[2]));
	make_timer(s, 1, CLOCK_BOOTTIME, SIGEV_SIGNAL, LONG_S / 4);
}

static void set_limit(struct shared *s, int which, rlim_t soft)
{
	struct rlimit limit;

	MUST(s, getrlimit(which, &limit));
	limit.rlim_cur = soft;
	MUST(s, setrlimit(which, &limit));
}

static void write_proc(struct shared *s, const char *path, const char *text)
{
	sn_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	MUST(s, fd);
	must(s, write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
}

static void process_state(struct shared *s, bool b)
{
	const struct itimerval real = {{7, 0}, {LONG_S, 0}}, none = {0};

	actions(s, b);
	timers(s, b);
	setitimer(ITIMER_REAL, b ? &none : &real, NULL);
	set_limit(s, RLIMIT_NOFILE, b ? 64 : 200);
	set_limit(s, RLIMIT_CORE, b ? 4096 : 0);
	MUST(s, chdir(s->directory[b]));
	umask(b ? 077 : 027);
	MUST(s, personality(b ? 0 : ADDR_NO_RANDOMIZE));
	write_proc(s, "/proc/self/coredump_filter", b ? "0x33" : "0x11");
	write_proc(s, "/proc/self/oom_score_adj", b ? "300" : "200");
	MUST(s, prctl(PR_SET_CHILD_SUBREAPER, !b));
	MUST(s, prctl(PR_SET_THP_DISABLE, !b, 0, 0, 0));
	if (geteuid() == 0)
		MUST(s, prctl(PR_SET_DUMPABLE, b, 0, 0, 0));
}

static void set_caps(struct shared *s, uint64_t effective, uint64_t permitted,
		     uint64_t inheritable)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		 (uint32_t)(inheritable >> 32)},
	};

	MUST(s, syscall(SYS_capset, &header, data));
}

static uint64_t permitted(struct shared *s)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	MUST(s, syscall(SYS_capget, &header, data));
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static void credentials(struct shared *s, bool b)
{
	const gid_t groups[2][3] = {{4, 24, 27}, {5, 6, 7}};
	const uint64_t all = permitted(s), few = all & ~(UINT64_C(1) << CAP_CHOWN);

	if (geteuid() != 0)
		return;
	MUST(s, syscall(SYS_setgroups, b ? 1 : 3, groups[b]));
	MUST(s, syscall(SYS_setresgid, b ? 7 : 0, 0, b ? 9 : 0));
	MUST(s, syscall(SYS_setresuid, b ? 11 : 0, 0, 0));
	MUST(s, prctl(PR_SET_SECUREBITS, b ? 0 : SECBIT_NO_SETUID_FIXUP));
	set_caps(s, b ? all : few, all, b ? 0 : 6);
	if (!b) {
		MUST(s, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 2, 0, 0));
		MUST(s, prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE));
	}
}

static void thread_state(struct victim_thread *t, bool b)
{
	const stack_t stack = {.ss_sp = t->stack[b], .ss_size = STACK_BYTES,
			       .ss_flags = b ? 0 : (int)AUTODISARM};
	struct shared *s = t->s;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	if (b)
		CPU_SET(0, &cpus);
	MUST(s, sigaltstack(&stack, NULL));
	MUST(s, prctl(PR_SET_NAME, b ? "later" : t->number ? "worker \"1\"" : "boss"));
	MUST(s, sched_setaffinity(0, sizeof(cpus), &cpus));
	/* lowering a nice value is for the privileged: the ordinary user's stays */
	MUST(s, setpriority(PRIO_PROCESS, 0, b && geteuid() == 0 ? 9 : 5));
	MUST(s, prctl(PR_SET_TIMERSLACK, b ? 70000 : 12345));
	MUST(s, syscall(SYS_ioprio_set, 1, 0, b ? 2 << 13 | 3 : 2 << 13 | 6));
	MUST(s, prctl(PR_SET_TSC, b ? PR_TSC_ENABLE : PR_TSC_SIGSEGV));
	credentials(s, b);
	/* credentials reset it */
	MUST(s, prctl(PR_SET_PDEATHSIG, b ? SIGKILL : SIGHUP));
}

static void arm_interval(struct shared *s, bool on)
{
	const struct itimerval soon = {{0, 5000}, {0, FIRST_MS * 1000}}, none = {0};

	MUST(s, setitimer(ITIMER_REAL, on ? &soon : &none, NULL));
}

static void arm_posix(struct shared *s)
{
	const struct itimerspec often = {{0, 5000000}, {0, FIRST_MS * 1000000}};

	MUST(s, syscall(SYS_timer_settime, s->timer[0], 0, &often, NULL));
	MUST(s, syscall(SYS_timer_settime, s->timer[2], 0, &often, NULL));
}

static void stand_on_stack(struct shared *s)
{
	siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_QUEUE};

	info.si_value.sival_ptr = s;
	MUST(s, syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGWINCH, &info));
}

static void obey(struct victim_thread *t, enum order order)
{
	bool b = order == ORDER_B;

	switch (order) {
	case ORDER_A:
	case ORDER_B:
		block_all();
		thread_state(t, b);
		if (t->number == 0) {
			process_state(t->s, b);
			leader_signals(t->s, b);
			return;
		}
		drain(t->s, 1);
		to_self(t->s, SIGRTMIN + 2, b ? 90 : 10, true);
		to_self(t->s, SIGURG, b ? 91 : 11, true);
		return;
	case TAKE_SIGNALS:
		take_signals(t->s, t->number);
		return;
	case FAST_INTERVAL:
	case NO_INTERVAL:
		arm_interval(t->s, order == FAST_INTERVAL);
		return;
	case FAST_POSIX:
		arm_posix(t->s);
		return;
	case STAND_ON_STACK:
		stand_on_stack(t->s);
		return;
	case REPORT:
		t->s->dumpable = prctl(PR_GET_DUMPABLE);
		MUST(t->s, prctl(PR_GET_PDEATHSIG, &t->s->pdeath));
		return;
	case STAY:
		return;
	}
}

static void *live(void *arg)
{
	struct victim_thread *t = arg;
	struct shared *s = t->s;

	t->stack[0] = sn_malloc(STACK_BYTES);
	t->stack[1] = sn_malloc(STACK_BYTES);
	s->tids[t->number] = gettid();
	/* the tests end with us by a signal that state A blocks */
	while (getppid() == s->parent) {
		if (s->order[t->number] != STAY) {
			obey(t, (enum order)s->order[t->number]);
			s->order[t->number] = STAY;
		}
		usleep(500);
	}
	_exit(0);
}

static void victim_main(struct shared *s)
{
	struct victim_thread boss = {.s = s, .number = 0}, worker = {.s = s, .number = 1};
	pthread_t t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_create(&t, NULL, live, &worker);
	live(&boss);
}

#endif

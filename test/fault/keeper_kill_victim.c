// SPDX-License-Identifier: Apache-2.0
/*
 * keeper_kill_victim FILE - threads that would notice if they were disturbed
 *
 * Each thread does one thing over and over and holds the kernel and the processor to
 * their word: a sleep that returns early, a call that says EINTR, a datum that is lost
 * or comes twice, a register that is not what it was. What they count is in FILE,
 * shared, where another process reads it as it stands (struct report): there it
 * outlives the process, and going back to a snapshot does not take an error back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 16, WAIT_NS = 2000000, WAIT_MS = 2 };

struct report {
	uint64_t ready;
	uint64_t threads;
	uint64_t errors;
	uint64_t epoll_eintr; /* the one EINTR that cannot be ruled out: core/task/task.c */
	uint64_t beats[THREADS_MAX];
	char names[THREADS_MAX][16];
	char first[256]; /* error */
};

static struct report *report;
static int sequence_pipe[2], quiet_pipe[2];
static pthread_t spinner;
static uint64_t signals_sent, signals_seen;

static void fault(const char *fmt, ...)
{
	va_list args;

	if (__atomic_fetch_add(&report->errors, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	va_start(args, fmt);
	vsnprintf(report->first, sizeof(report->first), fmt, args);
	va_end(args);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A call that was to last `wanted_ns` and to end with `wanted`, errno `wanted_errno`. */
static void check_wait(const char *what, uint64_t begun_ns, uint64_t wanted_ns, long got,
		       long wanted, int wanted_errno)
{
	uint64_t took_ns = now_ns() - begun_ns;

	if (got != wanted || (got < 0 && errno != wanted_errno))
		fault("%s: returned %ld, %s", what, got, got < 0 ? strerror(errno) : "no error");
	else if (took_ns < wanted_ns)
		fault("%s: returned after %lu of %lu ns", what, took_ns, wanted_ns);
}

static void sleeping(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS};
	uint64_t begun = now_ns();

	check_wait("nanosleep", begun, WAIT_NS, nanosleep(&span, NULL), 0, 0);
}

static void futex_timeout(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS};
	uint64_t begun = now_ns();
	uint32_t word = 0;
	long got = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0);

	check_wait("futex", begun, WAIT_NS, got, -1, ETIMEDOUT);
}

static void polling(void)
{
	struct pollfd poll_fd = {.fd = quiet_pipe[0], .events = POLLIN};
	uint64_t begun = now_ns();

	check_wait("poll", begun, WAIT_NS, poll(&poll_fd, 1, WAIT_MS), 0, 0);
}

static void epolling(void)
{
	static __thread int epfd = -1;
	struct epoll_event event = {.events = EPOLLIN};
	uint64_t begun;
	int got;

	if (epfd < 0) {
		epfd = epoll_create1(0);
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, quiet_pipe[0], &event) < 0)
			fault("epoll_ctl: %s", strerror(errno));
	}
	begun = now_ns();
	got = epoll_wait(epfd, &event, 1, WAIT_MS);
	if (got < 0 && errno == EINTR)
		__atomic_fetch_add(&report->epoll_eintr, 1, __ATOMIC_SEQ_CST);
	else
		check_wait("epoll_wait", begun, WAIT_NS, got, 0, 0);
}

static void writing(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS / 2};
	static uint64_t next;

	if (write(sequence_pipe[1], &next, sizeof(next)) != sizeof(next))
		fault("write: %s", strerror(errno));
	next++;
	nanosleep(&span, NULL);
}

static void reading(void)
{
	static uint64_t next;
	uint64_t got;
	ssize_t len = read(sequence_pipe[0], &got, sizeof(got));

	if (len != sizeof(got))
		fault("read: returned %zd, %s", len, len < 0 ? strerror(errno) : "no error");
	else if (got != next)
		fault("read: %lu came, not %lu", got, next);
	next++;
}

/* Two threads that wake each other, for ever. */
static uint32_t ball;

static void ping_pong(uint32_t mine)
{
	uint32_t seen;
	long got;

	while ((seen = __atomic_load_n(&ball, __ATOMIC_SEQ_CST)) % 2 != mine) {
		got = syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		if (got < 0 && errno != EAGAIN)
			fault("futex without a limit: %s", strerror(errno));
	}
	__atomic_store_n(&ball, seen + 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void ping(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS / 8};

	ping_pong(0);
	nanosleep(&span, NULL);
}

static void pong(void)
{
	ping_pong(1);
}

/* clang-format off */
#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) \
	op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD(n) "movups " #n "*16(%[put]), %%xmm" #n "\n"
#define STORE(n) "movups %%xmm" #n ", " #n "*16(%[got])\n"
#define VECTORS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
	"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
/* clang-format on */

static void fill(uint64_t (*put)[2])
{
	static __thread uint64_t round;
	unsigned int i;

	round++;
	for (i = 0; i < 16; i++) {
		put[i][0] = round * 0x9e3779b97f4a7c15 + i;
		put[i][1] = ~put[i][0];
	}
}

/* All vector registers and both roundings, left alone while a loop turns. */
static void spinning(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS / 8};
	unsigned short control = 0x0f7f, was;   /* x87: towards zero */
	unsigned int mxcsr = 0x7f80, mxcsr_was; /* SSE: the same */
	uint64_t put[16][2], got[16][2];
	long turns = 300000;

	fill(put);
	asm volatile("fldcw %0\nldmxcsr %1" : : "m"(control), "m"(mxcsr));
	asm volatile(EACH(LOAD) "1: dec %[turns]\njnz 1b\n" EACH(STORE)
		     : [turns] "+r"(turns)
		     : [put] "r"(put), [got] "r"(got)
		     : "memory", "cc", VECTORS);
	asm volatile("fnstcw %0\nstmxcsr %1" : "=m"(was), "=m"(mxcsr_was));
	if (memcmp(put, got, sizeof(put)) != 0)
		fault("vector registers changed in a loop");
	if (was != control || mxcsr_was != mxcsr)
		fault("rounding: x87 %#x, SSE %#x", was, mxcsr_was);
	nanosleep(&span, NULL); /* signals are for this thread: it may return early */
}

/* The same over a system call, which leaves them alone too. */
static void calling(void)
{
	struct timespec span = {.tv_nsec = WAIT_NS};
	uint64_t put[16][2], got[16][2];
	long status = SYS_nanosleep;

	fill(put);
	asm volatile(EACH(LOAD) "syscall\n" EACH(STORE)
		     : "+a"(status)
		     : [put] "r"(put), [got] "r"(got), "D"(&span), "S"(0L)
		     : "rcx", "r11", "memory", "cc", VECTORS);
	if (status != 0)
		fault("nanosleep: %s", strerror((int)-status));
	if (memcmp(put, got, sizeof(put)) != 0)
		fault("vector registers changed over a call");
}

static void on_signal(int nr, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code != SI_QUEUE || (uint64_t)info->si_value.sival_ptr != signals_seen)
		fault("signal %d: %lu came with code %d, not %lu", nr,
		      (uint64_t)info->si_value.sival_ptr, info->si_code, signals_seen);
	signals_seen++;
}

/* Numbered signals for the spinner: none lost, none twice, none out of order. */
static void signalling(void)
{
	union sigval value = {.sival_ptr = (void *)signals_sent};
	struct timespec span = {.tv_nsec = WAIT_NS};

	if (pthread_sigqueue(spinner, SIGRTMIN + 1, value) != 0)
		fault("pthread_sigqueue: %s", strerror(errno));
	signals_sent++;
	nanosleep(&span, NULL);
}

/* Memory that changes all over, and sums up. */
static void writing_memory(void)
{
	enum { WORDS = 1 << 17, STEPS = 64 };
	static uint64_t *words, total, seed = 1, turn;
	struct timespec span = {.tv_nsec = WAIT_NS};
	uint64_t sum = 0;
	unsigned int i;

	turn++;
	if (!words)
		words = calloc(WORDS, sizeof(*words));
	for (i = 0; i < STEPS; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		words[(seed >> 33) % WORDS] += seed & 0xff;
		total += seed & 0xff;
	}
	for (i = 0; i < WORDS && turn % 64 == 0; i++)
		sum += words[i];
	if (turn % 64 == 0 && sum != total)
		fault("memory: the sum is %lu, not %lu", sum, total);
	nanosleep(&span, NULL);
}

struct work {
	const char *name;
	void (*turn)(void);
};

static const struct work works[] = {
	{"spinning", spinning},
	{"calling", calling},
	{"nanosleep", sleeping},
	{"futex", futex_timeout},
	{"poll", polling},
	{"epoll_wait", epolling},
	{"read", reading},
	{"write", writing},
	{"ping", ping},
	{"pong", pong},
	{"signals", signalling},
	{"memory", writing_memory},
};

static void *run(void *arg)
{
	const struct work *work = arg;
	size_t number = (size_t)(work - works);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	if (work->turn == spinning)
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;) {
		work->turn();
		__atomic_fetch_add(&report->beats[number], 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int open_report(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*report)) < 0)
		return -1;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return report == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	if (argc != 2 || open_report(argv[1]) < 0 || pipe(sequence_pipe) < 0 ||
	    pipe(quiet_pipe) < 0 || sigaction(SIGRTMIN + 1, &action, NULL) < 0 ||
	    pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) {
		perror("keeper_kill_victim");
		return 1;
	}
	report->threads = sizeof(works) / sizeof(works[0]);
	for (i = 0; i < report->threads; i++) {
		pthread_t thread;

		snprintf(report->names[i], sizeof(report->names[i]), "%s", works[i].name);
		if (pthread_create(&thread, NULL, run, (void *)&works[i]) != 0)
			return 1;
		if (i == 0)
			spinner = thread;
	}
	report->ready = 1;
	for (;;)
		pause();
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The table of features, and the child that tries them one after another.
 *
 * `next` in the shared memory is the row at work, and lies beyond the table when
 * all is done: a child that dies tells by it which probe was its end, and another
 * one goes on behind that row. The shared memory also names the children of the
 * child: where we are a subreaper (or the init of a container) they become ours
 * when it dies, and a zombie would be left behind.
 */
#include "core/kernel/caps.h"
#include "core/base/guard.h"
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>

enum {
	TIME_LIMIT_S = 2, /* of a child; all rows together take some milliseconds */
};

/* The first fields of a row; what its absence costs follows. */
#define ROW(field, function, number) #field, offsetof(struct kernel_caps, field), function, number
#define FEATURE(field) ROW(field, probe_##field, -1)
#define CAPABILITY(field, number) ROW(field, probe_capability, number)

static const struct feature features[] = {
	{FEATURE(pagemap),
	 "a snapshot cannot tell present pages from absent ones: nothing can be snapshotted"},
	{FEATURE(soft_dirty),
	 "this tracker is not there; without another changed pages are found by comparing: "
	 "a snapshot reads all memory"},
	{FEATURE(pagemap_scan),
	 "page tables are read entry by entry: scanning takes several times as long, and "
	 "userfaultfd cannot track"},
	{FEATURE(pagemap_scan_soft_dirty),
	 "soft-dirty bits, where there are any, are read entry by entry: slower with large "
	 "memory"},
	{FEATURE(userfaultfd),
	 "the userfaultfd tracker is not there, and a restore fills memory more slowly"},
	{FEATURE(uffd_wp_async),
	 "the userfaultfd tracker is not there; without another changed pages are found by "
	 "comparing: a snapshot reads all memory"},
	{FEATURE(uffd_wp_unpopulated),
	 "the userfaultfd tracker is not there: pages touched for the first time would go "
	 "unnoticed"},
	{FEATURE(pagemap_scan_holes),
	 "the userfaultfd tracker scans several times as long: what was dropped has to be looked "
	 "for page by page"},
	{FEATURE(uffd_wp_hugetlbfs_shmem),
	 "changed pages of shared memory are found by comparing"},
	{FEATURE(fork_seen),
	 "changed pages of shared memory are found by comparing"},
	{FEATURE(shmem_times),
	 "changed pages of shared memory are found by comparing"},
	{FEATURE(uffd_copy),
	 "a restore fills memory more slowly, and the snapshot after it compares"},
	{FEATURE(uffd_kernel_faults),
	 "nothing at present: tracking and restoring do without it"},

	{ROW(ptrace, probe_ptrace_child, -1),
	 "no process can be stopped: nothing works but looking into the catalog"},
	{FEATURE(ptrace_unrelated),
	 "`attach` fails for processes that snapsh did not start; sysctl "
	 "kernel.yama.ptrace_scope=0 or cap_sys_ptrace allows it"},
	{FEATURE(rseq),
	 "a process with restartable sequences (any of today's libc) is refused"},
	{FEATURE(xstate),
	 "vector registers cannot be saved: nothing can be snapshotted"},
	{FEATURE(proc_mem_force),
	 "pages that the application itself may not write are put back more slowly, after "
	 "changing their protection"},
	{FEATURE(process_vm_readv),
	 "memory is copied through /proc/PID/mem: several times slower"},
	{FEATURE(pidfd_open),
	 "the end of an application is noticed late, and a reused pid may be taken for it"},
	{FEATURE(pidfd_getfd),
	 "the userfaultfd tracker is not there, and queued data of pipes and sockets cannot "
	 "be read"},
	{FEATURE(kcmp),
	 "descriptors that share an open file cannot be told for sure from those that only "
	 "look alike"},
	{FEATURE(proc_children),
	 "finding the children of a process reads all of /proc"},
	{FEATURE(proc_timers),
	 "a process with POSIX timers is refused"},
	{FEATURE(procmap_query),
	 "nothing but time: mappings are looked up in the text of /proc/PID/maps"},
	{FEATURE(map_files),
	 "a mapped file that was deleted can be read only as far as the application has it "
	 "mapped"},
	{FEATURE(sock_diag),
	 "the peer of a connected unix socket is not known: it counts as outside the "
	 "application"},

	{FEATURE(clone3),
	 "`restore` fails: it cannot give processes their pids again"},
	{FEATURE(clone3_set_tid),
	 "`restore` fails: it cannot give processes their pids again; needs "
	 "cap_checkpoint_restore or cap_sys_admin"},
	{FEATURE(mm_map),
	 "a restored process shows a wrong command line and heap limits in /proc, and its "
	 "heap may fail to grow"},
	{FEATURE(mm_map_exe),
	 "a restored process shows snapsh as its executable"},
	{FEATURE(timer_restore_ids),
	 "ids of POSIX timers are reached by counting: slow for high ids"},
	{FEATURE(anon_vma_name),
	 "names of anonymous mappings are lost on restore"},
	{FEATURE(memfd),
	 "a process with a memfd is refused"},
	{FEATURE(memfd_noexec),
	 "nothing: applications here cannot have made such a memfd"},
	{FEATURE(guard_regions),
	 "nothing: applications here cannot have made such regions"},
	{FEATURE(huge_pages),
	 "nothing is lost: restored memory lies on small pages"},
	{FEATURE(hugetlb),
	 "a restore of mappings with MAP_HUGETLB fails"},

	{FEATURE(amx),
	 "nothing, but a snapshot with live tiles cannot be restored here"},
	{FEATURE(shadow_stack),
	 "nothing: applications here cannot have one"},

	{CAPABILITY(cap_sys_ptrace, CAP_SYS_PTRACE),
	 "only processes of the same user are reached, and none that gained privileges"},
	{CAPABILITY(cap_checkpoint_restore, CAP_CHECKPOINT_RESTORE),
	 "restoring with the old pids needs cap_sys_admin instead"},
	{CAPABILITY(cap_sys_admin, CAP_SYS_ADMIN),
	 "restoring with the old pids needs cap_checkpoint_restore instead"},
	{CAPABILITY(cap_sys_resource, CAP_SYS_RESOURCE),
	 "limits above the present hard limits, pipes above the allowed size and a lower "
	 "oom_score_adj cannot be given back"},
	{CAPABILITY(cap_sys_nice, CAP_SYS_NICE),
	 "real-time scheduling and a higher priority cannot be given back"},
	{CAPABILITY(cap_kill, CAP_KILL),
	 "other users' applications cannot be stopped or ended"},
	{CAPABILITY(cap_setuid, CAP_SETUID),
	 "a process with other user ids cannot be restored"},
	{CAPABILITY(cap_setgid, CAP_SETGID),
	 "a process with other group ids cannot be restored"},
	{CAPABILITY(cap_setpcap, CAP_SETPCAP),
	 "reduced bounding sets and raised inheritable capabilities cannot be given back"},
	{CAPABILITY(cap_net_admin, CAP_NET_ADMIN),
	 "socket marks, high priorities and buffers above the allowed size cannot be given "
	 "back"},
	{CAPABILITY(cap_net_raw, CAP_NET_RAW),
	 "raw and packet sockets cannot be restored"},
	{CAPABILITY(cap_dac_override, CAP_DAC_OVERRIDE),
	 "files that this user may not open cannot be opened again on restore"},
	{CAPABILITY(cap_ipc_lock, CAP_IPC_LOCK),
	 "locked memory above RLIMIT_MEMLOCK cannot be restored"},
	{CAPABILITY(cap_sys_chroot, CAP_SYS_CHROOT),
	 "a process with a root directory of its own cannot be restored"},
};

static_assert(sn_countof(features) <= KERNEL_CAPS_MAX, "raise KERNEL_CAPS_MAX");

struct shared {
	struct kernel_caps caps;
	volatile size_t next; /* the row at work */
	pid_t kin[PROBE_KIN_MAX];
};

/* ---- what probes share ---- */

static void say(struct probe *p, const char *fmt, va_list args)
{
	vsnprintf(p->detail, KERNEL_CAP_DETAIL_BYTES, fmt, args);
}

bool probe_yes(struct probe *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(p, fmt, args);
	va_end(args);
	return true;
}

bool probe_no(struct probe *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(p, fmt, args);
	va_end(args);
	return false;
}

bool probe_no_sys(struct probe *p, const char *fmt, ...)
{
	const char *why = strerrordesc_np(errno); /* unlike strerror: never allocates */
	va_list args;
	size_t len;

	va_start(args, fmt);
	say(p, fmt, args);
	va_end(args);
	len = strlen(p->detail);
	snprintf(p->detail + len, KERNEL_CAP_DETAIL_BYTES - len, ": %s",
		 why ? why : "unknown error");
	return false;
}

volatile uint8_t *probe_pages(size_t pages)
{
	void *mem = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

ssize_t probe_read(const char *path, char *text, size_t size)
{
	sn_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, text, size - 1);
	if (len < 0)
		return -1;
	text[len] = '\0';
	return len;
}

long probe_read_number(const char *path, long missing)
{
	char text[32], *end;
	long number;

	if (probe_read(path, text, sizeof(text)) <= 0)
		return missing;
	number = strtol(text, &end, 10);
	return end == text ? missing : number;
}

/* ---- processes ---- */

/*
 * A copy of this process that sends no signal when it ends. The raw call, since
 * fork(2) cannot do without SIGCHLD and runs the handlers of pthread_atfork.
 */
static pid_t copy_self(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

static int wait_for(pid_t pid, int *status)
{
	while (waitpid(pid, status, __WALL) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* Ends this child with its parent; `parent` is who that should be still. */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		leave(1);
}

pid_t probe_start(struct probe *p, enum probe_kin kin, int (*run)(struct probe *p))
{
	pid_t self = getpid(), pid = copy_self();

	if (pid == 0) {
		end_with(self);
		leave(run(p));
	}
	if (pid > 0)
		p->kin[kin] = pid;
	return pid;
}

int probe_wait(struct probe *p, enum probe_kin kin)
{
	int status;

	if (wait_for(p->kin[kin], &status) < 0)
		return -1;
	p->kin[kin] = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t probe_subject(const struct probe *p)
{
	return p->kin[PROBE_SUBJECT];
}

/* ---- the child ---- */

static int sleep_on(struct probe *p)
{
	(void)p;
	while (pause() < 0)
		;
	return 0;
}

/* What cannot be had stays away; the probes that need it say so. */
static void prepare(struct probe *p)
{
	int ends[2];

	p->page = probe_pages(2);
	p->pipe_read = -1;
	p->pipe_write = -1;
	if (!p->page)
		return;
	p->page[0] = PROBE_MARK;
	p->page[PAGE_BYTES] = PROBE_MARK;
	mprotect((void *)(p->page + PAGE_BYTES), PAGE_BYTES, PROT_READ);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
		p->pipe_read = ends[0];
		p->pipe_write = ends[1];
	}
	probe_start(p, PROBE_SUBJECT, sleep_on);
	if (p->pipe_write >= 0)
		close(p->pipe_write);
	p->page[0] = 0;
}

static void finish(struct probe *p)
{
	if (probe_subject(p)) {
		kill(probe_subject(p), SIGKILL);
		probe_wait(p, PROBE_SUBJECT);
	}
}

static _Noreturn void try_rows(struct shared *shared)
{
	struct probe p = {.caps = &shared->caps, .kin = shared->kin};
	sigset_t alarm_only;

	/* Everything is blocked; only the time limit may end us. */
	signal(SIGALRM, SIG_DFL);
	alarm(TIME_LIMIT_S);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);

	prepare(&p);
	for (; shared->next < sn_countof(features); shared->next++) {
		p.feature = &features[shared->next];
		p.detail = shared->caps.detail[shared->next];
		*(bool *)((char *)p.caps + p.feature->offset) = p.feature->probe(&p);
	}
	finish(&p);
	leave(0);
}

/* ---- the caller's side ---- */

/* Reaps what a dead child left, should it have become ours. */
static void reap_kin(struct shared *shared)
{
	int status;

	for (size_t i = 0; i < PROBE_KIN_MAX; i++) {
		if (shared->kin[i])
			wait_for(shared->kin[i], &status);
		shared->kin[i] = 0;
	}
}

/* One child, from row `next` to the end of the table or its own. */
static int run_child(struct shared *shared, struct sn_err *err)
{
	size_t first = shared->next;
	pid_t self = getpid(), pid = copy_self();
	int status = 0;
	size_t row;

	if (pid == 0) {
		end_with(self);
		try_rows(shared);
	}
	if (pid < 0)
		return sn_fail_sys(err, "probe the kernel: start a process");
	if (wait_for(pid, &status) < 0)
		return sn_fail_sys(err, "probe the kernel: wait for process %d", pid);
	reap_kin(shared);
	row = shared->next;
	if (row == sn_countof(features))
		return 0;
	if (!WIFSIGNALED(status))
		return sn_fail(err, "probe the kernel: process %d ended at %s, status %#x", pid,
			       features[first].name, (unsigned)status);
	snprintf(shared->caps.detail[row], KERNEL_CAP_DETAIL_BYTES,
		 WTERMSIG(status) == SIGALRM ? "trying it took more than %d s"
					     : "trying it was ended by signal %d",
		 WTERMSIG(status) == SIGALRM ? TIME_LIMIT_S : WTERMSIG(status));
	shared->next = row + 1;
	return 0;
}

static int run_children(struct shared *shared, struct sn_err *err)
{
	sigset_t all, before;
	int result = 0;

	/* Blocked before there is a child: no handler of the caller's ever runs in it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	while (result == 0 && shared->next < sn_countof(features))
		result = run_child(shared, err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}

int kernel_probe(struct kernel_caps *caps, struct sn_err *err)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int result;

	if (shared == MAP_FAILED)
		return sn_fail_sys(err, "probe the kernel: map %zu bytes", sizeof(*shared));
	shared->caps.yama_ptrace_scope = -1;
	shared->caps.unprivileged_userfaultfd = -1;
	result = probe_capabilities(&shared->caps, err);
	if (result == 0)
		result = run_children(shared, err);
	if (result == 0)
		*caps = shared->caps;
	munmap(shared, sizeof(*shared));
	return result;
}

size_t kernel_caps_list(const struct kernel_caps *caps, struct kernel_cap *rows, size_t max)
{
	for (size_t i = 0; i < sn_countof(features) && i < max; i++) {
		rows[i].name = features[i].name;
		rows[i].present = *(const bool *)((const char *)caps + features[i].offset);
		rows[i].detail = caps->detail[i];
		rows[i].cost = features[i].cost;
	}
	return sn_countof(features);
}

const char *kernel_caps_detail(const struct kernel_caps *caps, const char *name)
{
	for (size_t i = 0; i < sn_countof(features); i++)
		if (!strcmp(features[i].name, name))
			return caps->detail[i];
	return NULL;
}

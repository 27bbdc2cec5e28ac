// SPDX-License-Identifier: Apache-2.0
/*
 * What rebuilds a process: pids, the bounds of its memory, ids of its timers.
 *
 * Sources: clone(2) with set_tid (Linux 5.5), PR_SET_MM_MAP(2const), proc_pid_stat(5),
 * timer_create(2), proc_pid_timers(5); PR_TIMER_CREATE_RESTORE_IDS came with commit
 * ec2d0c04624b "posix-timers: Provide a mechanism to allocate a given timer ID".
 */
#include "core/base/guard.h"
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum {
	PID_TRIES = 8,
	TIMER_ID = 4711,
};

/* ---- pids ---- */

/* A child that ends at once and is waited for: its pid, -1 with errno. */
static pid_t clone_once(pid_t wanted)
{
	struct clone_args args = {0}; /* exit_signal 0: nobody is told */
	pid_t pid;

	if (wanted) {
		args.set_tid = (uintptr_t)&wanted;
		args.set_tid_size = 1;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		for (;;)
			syscall(SYS_exit_group, 0);
	if (pid > 0)
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	return pid;
}

bool probe_clone3(struct probe *p)
{
	if (clone_once(0) < 0)
		return probe_no_sys(p, "clone3");
	return probe_yes(p, "works");
}

/* High pids are given out last, and one given so does not move the kernel's counter. */
bool probe_clone3_set_tid(struct probe *p)
{
	long top = probe_read_number("/proc/sys/kernel/pid_max", 32768);
	pid_t pid = -1;

	if (!p->caps->clone3)
		return probe_no(p, "needs clone3");
	errno = EEXIST;
	for (int i = 1; i <= PID_TRIES && pid < 0 && errno == EEXIST; i++) {
		pid_t wanted = (pid_t)(top - i);

		pid = clone_once(wanted);
		if (pid >= 0 && pid != wanted)
			return probe_no(p, "asked for pid %d, got %d", wanted, pid);
	}
	if (pid < 0 && errno == EPERM)
		return probe_no_sys(p, "needs cap_checkpoint_restore or cap_sys_admin");
	if (pid < 0)
		return probe_no_sys(p, "clone3 with set_tid");
	return probe_yes(p, "works");
}

/* ---- the bounds of memory ---- */

/* Fields of proc_pid_stat(5), by their numbers there. */
enum {
	STAT_STATE = 3,
	STAT_START_CODE = 26,
	STAT_END_CODE = 27,
	STAT_START_STACK = 28,
	STAT_START_DATA = 45,
	STAT_END_DATA = 46,
	STAT_START_BRK = 47,
	STAT_ARG_START = 48,
	STAT_ARG_END = 49,
	STAT_ENV_START = 50,
	STAT_ENV_END = 51,
	STAT_FIELDS = 53,
};

static int read_stat(unsigned long *field)
{
	char text[1024], *at;

	if (probe_read("/proc/self/stat", text, sizeof(text)) < 0)
		return -1;
	at = strrchr(text, ')');
	if (!at || strlen(at) < 4) {
		errno = EBADMSG;
		return -1;
	}
	at += 3; /* over the state, a letter */
	for (int i = STAT_STATE + 1; i < STAT_FIELDS; i++)
		field[i] = strtoul(at, &at, 10);
	return 0;
}

/* Our own bounds as they are, ready to be set again. */
static int read_bounds(struct prctl_mm_map *map)
{
	unsigned long field[STAT_FIELDS];

	if (read_stat(field) < 0)
		return -1;
	*map = (struct prctl_mm_map){
		.start_code = field[STAT_START_CODE],
		.end_code = field[STAT_END_CODE],
		.start_data = field[STAT_START_DATA],
		.end_data = field[STAT_END_DATA],
		.start_brk = field[STAT_START_BRK],
		.brk = (unsigned long)syscall(SYS_brk, 0),
		.start_stack = field[STAT_START_STACK],
		.arg_start = field[STAT_ARG_START],
		.arg_end = field[STAT_ARG_END],
		.env_start = field[STAT_ENV_START],
		.env_end = field[STAT_ENV_END],
		.exe_fd = (__u32)-1,
	};
	return 0;
}

static int set_bounds(const struct prctl_mm_map *map)
{
	return prctl(PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map), 0);
}

bool probe_mm_map(struct probe *p)
{
	unsigned long field[STAT_FIELDS];
	struct prctl_mm_map map;
	unsigned size = 0;

	if (prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) < 0)
		return probe_no_sys(p, "PR_SET_MM_MAP_SIZE (CONFIG_CHECKPOINT_RESTORE)");
	p->caps->mm_map_bytes = size;
	if (read_bounds(&map) < 0)
		return probe_no_sys(p, "read /proc/PID/stat");
	if (map.arg_start < map.arg_end)
		map.arg_start++;
	if (set_bounds(&map) < 0)
		return probe_no_sys(p, "PR_SET_MM_MAP");
	if (read_stat(field) < 0 || field[STAT_ARG_START] != map.arg_start)
		return probe_no(p, "what was set does not arrive");
	return probe_yes(p, "%u bytes", size);
}

/*
 * The executable of a running program is busy, which the kernel says only after
 * it has seen that we may: EBUSY is a yes.
 */
bool probe_mm_map_exe(struct probe *p)
{
	sn_auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct prctl_mm_map map;

	if (!p->caps->mm_map)
		return probe_no(p, "needs mm_map");
	if (exe < 0 || read_bounds(&map) < 0)
		return probe_no_sys(p, "open /proc/PID/exe");
	map.exe_fd = (__u32)exe;
	if (set_bounds(&map) == 0 || errno == EBUSY)
		return probe_yes(p, "works");
	if (errno == EPERM)
		return probe_no_sys(p, "needs cap_checkpoint_restore or cap_sys_admin");
	return probe_no_sys(p, "PR_SET_MM_MAP with exe_fd");
}

/* ---- timers ---- */

/* The raw calls: glibc's timer_t is not the kernel's id. */
static int make_timer(int *id)
{
	struct sigevent quiet = {.sigev_notify = SIGEV_NONE};

	return (int)syscall(SYS_timer_create, CLOCK_MONOTONIC, &quiet, id);
}

bool probe_timer_restore_ids(struct probe *p)
{
	int id = TIMER_ID, made;

	if (prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0) < 0)
		return probe_no_sys(p, "PR_TIMER_CREATE_RESTORE_IDS");
	made = make_timer(&id);
	prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0, 0);
	if (made < 0)
		return probe_no_sys(p, "make a timer with an id of choice");
	syscall(SYS_timer_delete, id);
	if (id != TIMER_ID)
		return probe_no(p, "asked for timer %d, got %d", TIMER_ID, id);
	return probe_yes(p, "works");
}

bool probe_proc_timers(struct probe *p)
{
	char text[256], wanted[24];
	ssize_t len;
	int id = 0;

	if (make_timer(&id) < 0)
		return probe_no_sys(p, "timer_create");
	len = probe_read("/proc/self/timers", text, sizeof(text));
	if (len < 0)
		probe_no_sys(p, "read /proc/PID/timers");
	syscall(SYS_timer_delete, id);
	if (len < 0)
		return false;
	snprintf(wanted, sizeof(wanted), "ID: %d\n", id);
	if (!strstr(text, wanted))
		return probe_no(p, "a timer is missing in it");
	return probe_yes(p, "works");
}

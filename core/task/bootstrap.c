// SPDX-License-Identifier: Apache-2.0
#include "core/task/bootstrap.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/frame.h"
#include "core/task/trace.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	RED_ZONE_BYTES = 128,
	SCAN_BYTES = 1 << 20,
	SCAN_MAX_BYTES = 64 << 20, /* of program text: more is not worth the wait */
	EFLAGS_PLAIN = 0x202,
	MAX_ERRNO = 4095,
};

static const uint8_t code_syscall[] = {0x0f, 0x05};
static const uint8_t code_syscall_ret[] = {0x0f, 0x05, 0xc3};
static const uint8_t code_restorer_long[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
static const uint8_t code_restorer[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};

static void find(const uint8_t *text, size_t len, uint64_t addr, const void *code,
		 size_t code_bytes, uint64_t *found)
{
	const uint8_t *at = *found ? NULL : memmem(text, len, code, code_bytes);

	if (at)
		*found = addr + (uint64_t)(at - text);
}

static void find_all(const uint8_t *text, size_t len, uint64_t addr, struct remote_gadgets *g)
{
	find(text, len, addr, code_syscall, sizeof(code_syscall), &g->syscall);
	find(text, len, addr, code_syscall_ret, sizeof(code_syscall_ret), &g->syscall_ret);
	find(text, len, addr, code_restorer_long, sizeof(code_restorer_long), &g->restorer);
	find(text, len, addr, code_restorer, sizeof(code_restorer), &g->restorer);
}

int remote_find_gadgets(pid_t pid, const struct proc_maps *maps, struct remote_gadgets *g,
			struct sn_err *err)
{
	sn_auto_free uint8_t *text = sn_malloc(SCAN_BYTES);
	uint64_t read_bytes = 0;
	size_t i;

	*g = (struct remote_gadgets){0};
	for (i = 0; i < maps->len && !(g->syscall_ret && g->restorer); i++) {
		const struct proc_map *map = &maps->maps[i];
		uint64_t at;

		/* writable code may be a lost window, or gone the next moment */
		if (!(map->prot & PROT_EXEC) || !(map->prot & PROT_READ) ||
		    (map->prot & PROT_WRITE) ||
		    strcmp(map->path, "[vsyscall]") == 0 || read_bytes > SCAN_MAX_BYTES)
			continue;
		for (at = map->start; at < map->end; at += SCAN_BYTES) {
			size_t len = map->end - at < SCAN_BYTES ? map->end - at : SCAN_BYTES;
			struct iovec local = {text, len}, remote = {(void *)at, len};
			ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

			if (n < 0 && errno != EFAULT)
				return sn_fail_sys(err, "read the program text of process %d", pid);
			if (n > 0)
				find_all(text, (size_t)n, at, g);
			read_bytes += len;
		}
	}
	if (!g->syscall)
		return sn_fail(err, "process %d has no system call instruction we can use", pid);
	return 0;
}

static void check(const struct task *task, const void *code, size_t len, uint64_t *addr)
{
	uint8_t now[16];
	struct sn_err ignored;

	if (*addr && (task_peek(task, *addr, now, len, &ignored) < 0 ||
		      memcmp(now, code, len) != 0))
		*addr = 0;
}

void bootstrap_check_gadgets(const struct task *task, struct remote_gadgets *g)
{
	uint64_t both = g->restorer;

	check(task, code_syscall, sizeof(code_syscall), &g->syscall);
	check(task, code_syscall_ret, sizeof(code_syscall_ret), &g->syscall_ret);
	check(task, code_restorer, sizeof(code_restorer), &both);
	check(task, code_restorer_long, sizeof(code_restorer_long), &g->restorer);
	if (both)
		g->restorer = both;
}

/* Lays the leader's way home on its stack; where, or 0 when there can be none. */
static uint64_t lay_way_home(struct task *task, const struct remote_gadgets *gadgets)
{
	struct task_thread *leader = task_leader(task);
	uint8_t frame[FRAME_MAX_BYTES];
	struct sn_err ignored;
	uint64_t addr;
	size_t len;

	if (!gadgets->syscall_ret || !gadgets->restorer)
		return 0;
	len = frame_build(frame, leader, 0, 0); /* its length alone */
	addr = (leader->home.rsp - RED_ZONE_BYTES - len) & ~UINT64_C(63);
	frame_build(frame, leader, addr, gadgets->restorer);
	return task_borrow(task, addr, frame, len, &ignored) < 0 ? 0 : addr;
}

/* Continues to the next syscall stop. */
static int step(struct task_thread *leader, struct sn_err *err)
{
	struct trace_stop stop;

	do {
		if (trace_continue(leader->tid, 0, true, err) < 0 ||
		    trace_wait(leader->tid, &stop, err) < 0)
			return -1;
		if (stop.kind == STOP_SIGNAL && stop.signal == SIGSTOP)
			leader->owed_signal = SIGSTOP;
		else if (stop.kind == STOP_SIGNAL)
			return sn_fail(err, "signal %d in thread %d", stop.signal, leader->tid);
	} while (stop.kind != STOP_SYSCALL);
	return 0;
}

static int call(struct task *task, const struct remote_gadgets *gadgets, long nr,
		const uint64_t args[6], int64_t *result, struct sn_err *err)
{
	struct task_thread *leader = task_leader(task);
	struct user_regs_struct regs = leader->home;
	uint64_t way_home = lay_way_home(task, gadgets);

	regs.rip = way_home ? gadgets->syscall_ret : gadgets->syscall;
	regs.rsp = way_home ? way_home : regs.rsp;
	regs.rax = (unsigned long long)nr;
	regs.orig_rax = (unsigned long long)-1;
	regs.eflags = EFLAGS_PLAIN;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	leader->away = true;
	leader->in_syscall_stop = true;
	if (trace_set_regs(leader->tid, &regs, err) < 0 ||
	    trace_set_mask(leader->tid, ~UINT64_C(0), err) < 0 || step(leader, err) < 0 ||
	    step(leader, err) < 0 || trace_get_regs(leader->tid, &regs, err) < 0)
		return -1;
	*result = (int64_t)regs.rax;
	return 0;
}

int bootstrap_map(struct task *task, const struct remote_gadgets *gadgets, uint64_t addr,
		  size_t len, struct sn_err *err)
{
	const uint64_t args[6] = {addr, len, BOOTSTRAP_PROT,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
				  (uint64_t)-1, 0};
	int64_t result = 0;

	if (!gadgets->syscall)
		return sn_fail(err, "no system call instruction to use");
	if (call(task, gadgets, SYS_mmap, args, &result, err) < 0)
		return sn_ctx(err, "map the window");
	if (result < 0 && result >= -MAX_ERRNO)
		return sn_fail_code(err, (int)-result, "map the window");
	return 0;
}

int bootstrap_unmap(struct task *task, const struct remote_gadgets *gadgets, uint64_t addr,
		    size_t len, struct sn_err *err)
{
	const uint64_t args[6] = {addr, len};
	int64_t result = 0;

	if (call(task, gadgets, SYS_munmap, args, &result, err) < 0)
		return sn_ctx(err, "unmap the window");
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Sources: ptrace(2), "PTRACE_SEIZE" and PTRACE_GET_RSEQ_CONFIGURATION (Linux 5.13);
 * proc_pid_mem(5); Documentation/arch/x86/xstate.rst.
 */
#include "core/task/probe_ptrace.h"
#include "core/base/guard.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

enum {
	XSTATE_ROOM_BYTES = 64 << 10, /* with AMX 11 KiB are used */
	WRITTEN = 0xa5,
};

static int try_stop(pid_t pid)
{
	struct user_regs_struct regs;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return errno;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return errno;
	if (!WIFSTOPPED(status))
		return ESRCH;
	return ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0 ? errno : 0;
}

static int try_rseq(pid_t pid)
{
	struct __ptrace_rseq_configuration rseq = {0};
	long size = ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof(rseq), &rseq);

	if (size < 0)
		return errno;
	return (size_t)size == sizeof(rseq) ? 0 : EOVERFLOW;
}

static int try_xstate(pid_t pid, size_t *bytes)
{
	struct iovec room = {.iov_len = XSTATE_ROOM_BYTES};
	int result = 0;

	room.iov_base = mmap(NULL, XSTATE_ROOM_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room.iov_base == MAP_FAILED)
		return errno;
	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &room) < 0)
		result = errno;
	else
		*bytes = room.iov_len;
	munmap(room.iov_base, XSTATE_ROOM_BYTES);
	return result;
}

static int try_force_write(pid_t pid, volatile void *readonly)
{
	off_t at = (off_t)(uintptr_t)readonly;
	uint8_t byte = WRITTEN;
	char path[40];
	sn_auto_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, &byte, 1, at) != 1)
		return errno;
	byte = 0;
	if (pread(fd, &byte, 1, at) != 1)
		return errno;
	return byte == WRITTEN ? 0 : EIO;
}

void probe_ptrace(pid_t pid, volatile void *readonly, struct probe_ptrace *result)
{
	int stop = try_stop(pid);

	*result = (struct probe_ptrace){stop, stop, stop, 0, stop};
	if (!stop) {
		result->rseq = try_rseq(pid);
		result->xstate = try_xstate(pid, &result->xstate_bytes);
		result->force_write = try_force_write(pid, readonly);
	}
	/* Also after half a stop: detaching what is not attached does no harm. */
	if (ptrace(PTRACE_DETACH, pid, 0, 0) < 0 && !stop)
		result->stop = errno;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What stops and reads another process: tried on the subject, a sleeping child of
 * the probing child.
 *
 * Sources: ptrace(2), pidfd_open(2), pidfd_getfd(2), kcmp(2), process_vm_readv(2),
 * sock_diag(7), proc_tid_children(5), Documentation/admin-guide/LSM/Yama.rst.
 */
#include "core/base/guard.h"
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* ---- ptrace ---- */

static const struct probe_ptrace *traced(struct probe *p)
{
	if (!p->traced)
		probe_ptrace(probe_subject(p), p->page + PAGE_BYTES, &p->trace);
	p->traced = true;
	return &p->trace;
}

bool probe_ptrace_child(struct probe *p)
{
	if (!probe_subject(p))
		return probe_no(p, "no process could be started to try it on");
	errno = traced(p)->stop;
	if (errno)
		return probe_no_sys(p, "seize and interrupt a child");
	return probe_yes(p, "works");
}

/* An answer of the tracer, which was asked in one go. */
static bool trace_answer(struct probe *p, int code, const char *what)
{
	errno = code;
	if (code)
		return probe_no_sys(p, "%s", what);
	return probe_yes(p, "works");
}

bool probe_rseq(struct probe *p)
{
	if (!p->caps->ptrace)
		return probe_no(p, "needs ptrace");
	return trace_answer(p, traced(p)->rseq, "PTRACE_GET_RSEQ_CONFIGURATION (Linux 5.13)");
}

bool probe_xstate(struct probe *p)
{
	if (!p->caps->ptrace)
		return probe_no(p, "needs ptrace");
	p->caps->xstate_bytes = traced(p)->xstate_bytes;
	if (traced(p)->xstate)
		return trace_answer(p, traced(p)->xstate, "read NT_X86_XSTATE");
	return probe_yes(p, "%zu bytes", p->caps->xstate_bytes);
}

bool probe_proc_mem_force(struct probe *p)
{
	if (!p->caps->ptrace)
		return probe_no(p, "needs ptrace");
	return trace_answer(p, traced(p)->force_write,
			    "write a read-only page by /proc/PID/mem (proc_mem.force_override)");
}

/* In a child: reads its parent, which is no descendant, by the same rule as attaching. */
static int read_parent(struct probe *p)
{
	uint8_t byte;
	struct iovec to = {&byte, 1}, from = {(void *)p->page, 1};

	return process_vm_readv(getppid(), &to, 1, &from, 1, 0) == 1 ? 0 : errno;
}

bool probe_ptrace_unrelated(struct probe *p)
{
	int code;

	p->caps->yama_ptrace_scope =
		(int)probe_read_number("/proc/sys/kernel/yama/ptrace_scope", -1);
	if (!p->page || probe_start(p, PROBE_HELPER, read_parent) < 0)
		return probe_no(p, "no process could be started to try it on");
	code = probe_wait(p, PROBE_HELPER);
	if (code < 0)
		return probe_no(p, "the process that tried it was killed");
	errno = code;
	if (code)
		return probe_no_sys(p, "kernel.yama.ptrace_scope=%d", p->caps->yama_ptrace_scope);
	if (p->caps->yama_ptrace_scope < 0)
		return probe_yes(p, "no kernel.yama.ptrace_scope");
	return probe_yes(p, "kernel.yama.ptrace_scope=%d", p->caps->yama_ptrace_scope);
}

/* ---- memory and descriptors ---- */

bool probe_process_vm_readv(struct probe *p)
{
	uint8_t byte = 0;
	struct iovec here = {&byte, 1}, there = {(void *)p->page, 1};

	if (!probe_subject(p))
		return probe_no(p, "no process could be started to try it on");
	if (process_vm_readv(probe_subject(p), &here, 1, &there, 1, 0) != 1)
		return probe_no_sys(p, "process_vm_readv");
	if (byte != PROBE_MARK)
		return probe_no(p, "it read something else");
	byte = 1;
	if (process_vm_writev(probe_subject(p), &here, 1, &there, 1, 0) != 1)
		return probe_no_sys(p, "process_vm_writev");
	byte = 0;
	if (process_vm_readv(probe_subject(p), &here, 1, &there, 1, 0) != 1 || byte != 1)
		return probe_no(p, "what was written does not arrive");
	return probe_yes(p, "works");
}

static int open_subject(struct probe *p)
{
	return (int)syscall(SYS_pidfd_open, probe_subject(p), 0);
}

bool probe_pidfd_open(struct probe *p)
{
	sn_auto_fd int fd = -1;
	struct pollfd poll_one = {.events = POLLIN};

	if (!probe_subject(p))
		return probe_no(p, "no process could be started to try it on");
	fd = open_subject(p);
	if (fd < 0)
		return probe_no_sys(p, "pidfd_open");
	poll_one.fd = fd;
	if (poll(&poll_one, 1, 0) != 0)
		return probe_no(p, "a living process polls as ended");
	return probe_yes(p, "works");
}

/* The subject alone has the writing end: what goes in there comes out here. */
bool probe_pidfd_getfd(struct probe *p)
{
	sn_auto_fd int pidfd = -1, taken = -1;
	char byte = 1;

	if (!p->caps->pidfd_open || p->pipe_write < 0)
		return probe_no(p, "needs pidfd_open");
	pidfd = open_subject(p);
	taken = (int)syscall(SYS_pidfd_getfd, pidfd, p->pipe_write, 0);
	if (taken < 0)
		return probe_no_sys(p, "pidfd_getfd");
	if (write(taken, &byte, 1) != 1 || read(p->pipe_read, &byte, 1) != 1)
		return probe_no(p, "the descriptor is not the one that was asked for");
	return probe_yes(p, "works");
}

bool probe_kcmp(struct probe *p)
{
	pid_t self = getpid(), subject = probe_subject(p);
	long same, other;

	if (!subject || p->pipe_read < 0)
		return probe_no(p, "no process could be started to try it on");
	same = syscall(SYS_kcmp, self, subject, KCMP_FILE, p->pipe_read, p->pipe_read);
	other = syscall(SYS_kcmp, self, subject, KCMP_FILE, p->pipe_read, p->pipe_write);
	if (same < 0 || other < 0)
		return probe_no_sys(p, "kcmp(KCMP_FILE)");
	if (same != 0 || other == 0)
		return probe_no(p, "it does not tell one open file from another");
	return probe_yes(p, "works");
}

bool probe_proc_children(struct probe *p)
{
	char path[64], text[64], wanted[16];

	if (!probe_subject(p))
		return probe_no(p, "no process could be started to try it on");
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if (probe_read(path, text, sizeof(text)) < 0)
		return probe_no_sys(p, "read /proc/PID/task/TID/children");
	snprintf(wanted, sizeof(wanted), "%d ", probe_subject(p));
	if (!strstr(text, wanted))
		return probe_no(p, "a child is missing in it");
	return probe_yes(p, "works");
}

/* ---- unix sockets ---- */

/* The peer's inode that the kernel names for one; 0 with errno. */
static ino_t diag_peer(int netlink, ino_t ino)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} ask = {
		.head = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.body = {
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0U,
			.udiag_ino = (__u32)ino,
			.udiag_show = UDIAG_SHOW_PEER,
			.udiag_cookie = {~0U, ~0U},
		},
	};
	_Alignas(struct nlmsghdr) char answer[512];
	struct nlmsghdr *head = (struct nlmsghdr *)answer;
	struct rtattr *attr;
	ssize_t len;
	int rest;

	if (send(netlink, &ask, sizeof(ask), 0) < 0)
		return 0;
	len = recv(netlink, answer, sizeof(answer), MSG_DONTWAIT);
	if (len < 0)
		return 0;
	errno = EBADMSG;
	if (!NLMSG_OK(head, (unsigned)len))
		return 0;
	if (head->nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(head))->error;
		return 0;
	}
	attr = (struct rtattr *)((char *)NLMSG_DATA(head) +
				 NLMSG_ALIGN(sizeof(struct unix_diag_msg)));
	rest = (int)(answer + head->nlmsg_len - (char *)attr);
	for (; RTA_OK(attr, rest); attr = RTA_NEXT(attr, rest))
		if (attr->rta_type == UNIX_DIAG_PEER)
			return *(__u32 *)RTA_DATA(attr);
	return 0;
}

bool probe_sock_diag(struct probe *p)
{
	sn_auto_fd int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	sn_auto_fd int one = -1, two = -1;
	struct stat one_stat, two_stat;
	int pair[2];
	ino_t peer;

	if (netlink < 0)
		return probe_no_sys(p, "open NETLINK_SOCK_DIAG");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return probe_no_sys(p, "socketpair");
	one = pair[0];
	two = pair[1];
	if (fstat(one, &one_stat) < 0 || fstat(two, &two_stat) < 0)
		return probe_no_sys(p, "fstat");
	peer = diag_peer(netlink, one_stat.st_ino);
	if (!peer)
		return probe_no_sys(p, "ask for a unix socket (unix_diag)");
	if (peer != two_stat.st_ino)
		return probe_no(p, "it names the wrong peer");
	return probe_yes(p, "works");
}

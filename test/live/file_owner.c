// SPDX-License-Identifier: Apache-2.0
/* Who gets SIGIO: F_SETOWN_EX, F_SETSIG, O_ASYNC of fcntl(2), on a pipe and a socket. */
#include "victim.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

struct state {
	int pipe[2], socket[2];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	struct f_owner_ex owner = { .type = v->generation % 2 ? F_OWNER_PID : F_OWNER_TID,
				    .pid = getpid() };

	CHECK(v, fcntl(s->pipe[0], F_SETOWN_EX, &owner) == 0, "F_SETOWN_EX");
	CHECK(v, fcntl(s->pipe[0], F_SETSIG, SIGRTMIN + (int)v->generation % 8) == 0, "F_SETSIG");
	owner.type = F_OWNER_PGRP;
	CHECK(v, fcntl(s->socket[0], F_SETOWN_EX, &owner) == 0, "F_SETOWN_EX of the socket");
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct f_owner_ex owner = { 0 };
	struct timespec none = { 0 };
	int number = SIGRTMIN + (int)v->generation % 8;
	siginfo_t info;
	sigset_t set;
	char byte;

	CHECK(v, fcntl(s->pipe[0], F_GETOWN_EX, &owner) == 0 && owner.pid == getpid() &&
		 owner.type == (v->generation % 2 ? F_OWNER_PID : F_OWNER_TID),
	      "owner is %d, type %d", owner.pid, owner.type);
	CHECK(v, fcntl(s->pipe[0], F_GETSIG) == number, "signal");
	CHECK(v, fcntl(s->pipe[0], F_GETFL) & O_ASYNC, "O_ASYNC");
	CHECK(v, fcntl(s->socket[0], F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_PGRP &&
		 owner.pid == getpid(), "the socket's owner is %d, type %d", owner.pid, owner.type);
	/* And it works: a byte makes the signal, which is blocked and waited for. */
	CHECK(v, write(s->pipe[1], "x", 1) == 1 && read(s->pipe[0], &byte, 1) == 1, "pipe");
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK(v, sigtimedwait(&set, &info, &none) == number && info.si_fd == s->pipe[0],
	      "no signal for what was written");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	sigset_t set;

	victim_start(&v, argc, argv);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	NEED(&v, setpgid(0, 0) == 0 || getpgid(0) == getpid());
	NEED(&v, pipe(s.pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s.socket) == 0);
	change(&v, &s);
	NEED(&v, fcntl(s.pipe[0], F_SETFL, O_ASYNC) == 0);
	victim_serve(&v, change, verify, &s);
}

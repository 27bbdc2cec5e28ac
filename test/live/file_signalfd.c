// SPDX-License-Identifier: Apache-2.0
/* signalfd: its mask, and signals waiting to be read from it with their values. */
#include "victim.h"
#include <signal.h>
#include <sys/signalfd.h>

enum { QUEUED = 4 };

struct state {
	int fd;
};

static void fill(struct victim *v)
{
	for (int i = 0; i < QUEUED; i++) {
		union sigval value = { .sival_int = (int)v->generation * 100 + i };

		CHECK(v, sigqueue(getpid(), SIGRTMIN + 3, value) == 0, "sigqueue");
	}
}

static void mask(const struct victim *v, sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGRTMIN + 3);
	sigaddset(set, SIGRTMIN + 4 + (int)v->generation % 8);
}

static void drain(struct state *s)
{
	struct signalfd_siginfo info;

	while (read(s->fd, &info, sizeof(info)) == sizeof(info))
		;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	sigset_t set;

	drain(s);
	mask(v, &set);
	CHECK(v, signalfd(s->fd, &set, 0) == s->fd, "signalfd: %s", strerror(errno));
	fill(v);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct signalfd_siginfo info;

	for (int i = 0; i < QUEUED; i++) {
		CHECK(v, read(s->fd, &info, sizeof(info)) == sizeof(info), "signal %d: %s", i,
		      strerror(errno));
		CHECK(v, info.ssi_signo == (unsigned)SIGRTMIN + 3 && info.ssi_code == SI_QUEUE,
		      "signal %u, code %d", info.ssi_signo, info.ssi_code);
		CHECK(v, info.ssi_int == (int)v->generation * 100 + i, "value %d", info.ssi_int);
		CHECK(v, info.ssi_pid == (unsigned)getpid() && info.ssi_uid == getuid(), "sender");
	}
	CHECK(v, read(s->fd, &info, sizeof(info)) < 0 && errno == EAGAIN, "a signal too many");
	/* The mask: a signal of this generation's is seen, one of the next's is not. */
	raise(SIGRTMIN + 4 + (int)(v->generation + 1) % 8);
	CHECK(v, read(s->fd, &info, sizeof(info)) < 0 && errno == EAGAIN, "mask too wide");
	raise(SIGRTMIN + 4 + (int)v->generation % 8);
	CHECK(v, read(s->fd, &info, sizeof(info)) == sizeof(info), "mask too narrow");
	sigtimedwait(&(sigset_t){ { ~0ul } }, NULL, &(struct timespec){ 0 });
	fill(v);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	sigset_t all;

	victim_start(&v, argc, argv);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	mask(&v, &all);
	s.fd = signalfd(-1, &all, SFD_NONBLOCK);
	NEED(&v, s.fd >= 0);
	fill(&v);
	victim_serve(&v, change, verify, &s);
}

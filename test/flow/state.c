// SPDX-License-Identifier: Apache-2.0
/* Signals that are handled, ignored, blocked and pending, and timers of all kinds. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void on_user(int sig)
{
	(void)sig;
}

static void check(int failed)
{
	if (failed)
		exit(1);
}

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	check(sigprocmask(SIG_BLOCK, &set, NULL));
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_user};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec often = {{7, 0}, {5000, 0}}, once = {{0, 0}, {6000, 0}};
	struct itimerval real = {{0, 0}, {7000, 0}};
	timer_t timer;
	int fd;

	check(sigaction(SIGUSR1, &action, NULL));
	signal(SIGPIPE, SIG_IGN);
	block(SIGUSR2);
	block(SIGALRM);
	check(raise(SIGUSR2));
	check(timer_create(CLOCK_MONOTONIC, &event, &timer));
	check(timer_settime(timer, 0, &often, NULL));
	check(setitimer(ITIMER_REAL, &real, NULL));
	fd = timerfd_create(CLOCK_BOOTTIME, 0);
	check(fd < 0 || timerfd_settime(fd, 0, &once, NULL));
	check(timerfd_create(CLOCK_REALTIME, 0) < 0);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

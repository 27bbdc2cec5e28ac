// SPDX-License-Identifier: Apache-2.0
/*
 * The application `run` starts: a session leader on a terminal of its own, with the
 * signal state, limits, directory and environment of the one who typed `run`.
 */
#include "shell/keeper.h"

#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* What failed in the child, by a pipe that a successful exec closes. */
struct failure {
	int code;
	char step[32];
};

static _Noreturn void give_up(int report, const char *step)
{
	struct failure failure = {.code = errno};

	memcpy(failure.step, step, strnlen(step, sizeof(failure.step) - 1));
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void child(const struct keeper_inherited *inherited, const char *tty,
			    char *const *argv, int report)
{
	int fd;

	if (setsid() < 0)
		give_up(report, "make a session");
	fd = open(tty, O_RDWR | O_NOCTTY);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
		give_up(report, "open its terminal");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	setrlimit(RLIMIT_NOFILE, &inherited->files);
	for (size_t i = 0; i < KEEPER_ACTIONS; i++)
		sigaction(keeper_actions[i].signal, &inherited->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
	execvp(argv[0], argv);
	give_up(report, "exec");
}

int keeper_spawn(const struct keeper_inherited *inherited, const char *tty, char *const *argv,
		 pid_t *pid, struct sn_err *err)
{
	struct failure failure = {0};
	sn_auto_fd int report = -1;
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return sn_fail_sys(err, "run %s: make a pipe", argv[0]);
	report = ends[0];
	*pid = fork();
	if (*pid == 0)
		child(inherited, tty, argv, ends[1]);
	close(ends[1]);
	if (*pid < 0)
		return sn_fail_sys(err, "run %s: fork", argv[0]);
	do {
		n = read(report, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	waitpid(*pid, NULL, 0);
	return sn_fail_code(err, failure.code, "run %s: %s", argv[0], failure.step);
}

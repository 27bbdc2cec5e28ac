// SPDX-License-Identifier: Apache-2.0
#include "shell/background.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/progress.h"
#include "shell/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const char *const roles[] = {"keeper", "console", "gc"};

const char *background_role(const char *argv0)
{
	for (size_t i = 0; argv0 && i < sn_countof(roles); i++) {
		sn_auto_free char *start = sn_asprintf("snapsh: %s ", roles[i]);

		if (strncmp(argv0, start, strlen(start)) == 0)
			return roles[i];
	}
	return NULL;
}

/* In the process to be: nothing of the starter is kept but environment, directory,
 * limits and signal state, which an application started later is to have. */
static _Noreturn void become(char *title, int link)
{
	char *argv[] = {title, NULL};
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	dup2(link, BACKGROUND_LINK);
	close_range(BACKGROUND_LINK + 1, ~0U, 0);
	execv("/proc/self/exe", argv);
	dprintf(BACKGROUND_LINK, "{\"ok\":false,\"error\":\"start %s: %s\"}\n", title,
		strerror(errno));
	_exit(127);
}

/* Above the standard files and the link, so that putting those into place overwrites
 * nothing still needed, also where the starter came without standard files. */
static int make_link(int ends[2], struct sn_err *err)
{
	sn_auto_fd int low0 = -1;
	sn_auto_fd int low1 = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return sn_fail_sys(err, "make a socket pair");
	low0 = ends[0];
	low1 = ends[1];
	ends[0] = fcntl(low0, F_DUPFD_CLOEXEC, BACKGROUND_LINK + 1);
	ends[1] = fcntl(low1, F_DUPFD_CLOEXEC, BACKGROUND_LINK + 1);
	if (ends[0] < 0 || ends[1] < 0)
		return sn_fail_sys(err, "make a socket pair");
	return 0;
}

static int launch(const char *role, const char *name, int *link, struct sn_err *err)
{
	sn_auto_free char *title = sn_asprintf("snapsh: %s %s", role, name);
	int ends[2];
	pid_t pid;

	if (make_link(ends, err) < 0)
		return -1;
	*link = ends[0];
	pid = fork();
	if (pid < 0) {
		sn_fail_sys(err, "fork");
		close(ends[1]);
		return -1;
	}
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			become(title, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int background_start(const char *role, const char *name, json_t *spec, struct progress *progress,
		     int *link, json_t **result, struct sn_err *err)
{
	sn_auto_fd int own = -1;
	json_t *answer = NULL, *value = NULL;
	int rc;

	rc = launch(role, name, &own, err);
	/* One that could not even start has closed its end, but left its reason. */
	if (rc == 0)
		wire_send(own, spec, err);
	json_decref(spec);
	if (rc == 0)
		rc = progress_answer(progress, own, &answer, err);
	if (rc < 0)
		return sn_ctx(err, "start the %s of %s", role, name);
	if (rc == 0)
		return sn_fail(err, "the %s of %s ended before it was ready", role, name);
	rc = wire_answer(answer, &value, err);
	json_decref(answer);
	if (rc < 0)
		return -1;
	if (result)
		*result = value;
	else
		json_decref(value);
	if (link)
		*link = sn_steal_fd(&own);
	return 0;
}

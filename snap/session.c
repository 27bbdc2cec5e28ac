// SPDX-License-Identifier: Apache-2.0
#include "snap/session.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/refuse.h"
#include "core/task/proc.h"
#include "snap/lazy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

uint64_t session_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int session_open(struct session **session, struct catalog *cat, const struct catalog_app *app,
		 struct sn_err *err)
{
	struct session *s = sn_calloc(1, sizeof(*s));

	s->cat = cat;
	s->app = *app;
	s->pidfd = -1;
	s->log = call_log_new();
	if (kernel_probe(&s->caps, err) < 0) {
		session_close(s);
		return -1;
	}
	*session = s;
	return 0;
}

void session_close(struct session *session)
{
	struct sn_err ignored;

	if (!session)
		return;
	session_attend(session, &ignored);
	lazy_end(session->lazy);
	tracker_close(session->tracker);
	smaps_source_close(&session->flags);
	call_log_free(session->log);
	page_buffer_release(&session->buffer);
	pagemap_release(&session->base);
	if (session->numbers)
		sn__image__free_unpacked(session->numbers, NULL);
	sn_guard_fd(&session->pidfd);
	free(session);
}

pid_t session_pid(const struct session *session)
{
	return session->app.pid;
}

int session_pidfd(const struct session *session)
{
	return session->pidfd;
}

const struct catalog_app *session_app(const struct session *session)
{
	return &session->app;
}

int session_save(struct session *session, struct sn_err *err)
{
	if (!session->app.id)
		return 0; /* a look at whether it could be taken in: there is no row yet */
	return catalog_app_update(session->cat, &session->app, err);
}

int session_alive(const struct session *session, struct sn_err *err)
{
	if (session->app.pid > 0 && session->pidfd >= 0 &&
	    syscall(SYS_pidfd_send_signal, session->pidfd, 0, NULL, 0) == 0)
		return 0;
	return sn_fail(err, "%s is not running: `snapsh restore %s@latest` brings it back",
		       session->app.name, session->app.name);
}

/* Readable once the whole process has ended, pidfd_open(2). */
static bool ends_within(const struct session *session, int limit_ms)
{
	struct pollfd end = {session->pidfd, POLLIN, 0};

	return session->pidfd >= 0 && poll(&end, 1, limit_ms) == 1;
}

int session_failed(const struct session *session, struct sn_err *err)
{
	enum { SOON_MS = 30, TEARDOWN_MS = 10000 };

	/* its memory may take long to go */
	if (!ends_within(session, SOON_MS) &&
	    !(proc_ending(session->app.pid) && ends_within(session, TEARDOWN_MS)))
		return -1;
	return sn_fail_code(err, ESRCH, "the application has ended in the middle of it");
}

int session_load_base(struct session *session, struct sn_err *err)
{
	if (session->base_id == session->app.current)
		return 0;
	pagemap_clear(&session->base);
	session->base_id = 0;
	if (session->app.current &&
	    catalog_map_load(session->cat, session->app.id, session->app.current, &session->base,
			     err) < 0)
		return -1;
	session->base_id = session->app.current;
	return 0;
}

void session_forget_base(struct session *session)
{
	struct catalog_app row;
	struct sn_err ignored;

	/* its locations may name nothing any more, also when there is no other to load */
	pagemap_clear(&session->base);
	session->base_id = 0;
	if (catalog_app_find(session->cat, session->app.name, &row, &ignored) == 1)
		session->app.current = row.current;
}

/* ---- taking a process in ---- */

static int refuse_pid(pid_t pid, struct sn_err *err)
{
	sn_auto_free char *status = NULL;
	uint64_t tracer = 0;
	char who[64];

	if (pid <= 1 || kill(pid, 0) < 0) {
		if (pid > 1 && errno == EPERM)
			return sn_fail(err, "process %s is another user's: it takes CAP_SYS_PTRACE",
				       proc_who(pid, who, sizeof(who)));
		return sn_fail(err, "there is no process %d", pid);
	}
	if (pid == getpid())
		return sn_fail(err, "process %d is snapsh itself", pid);
	status = proc_read(pid, "status", NULL, err);
	if (!status)
		return -1;
	if (proc_field(status, "TracerPid", 10, &tracer) && tracer)
		return sn_fail(err, "process %d is being debugged by %s: end that first", pid,
			       proc_who((pid_t)tracer, who, sizeof(who)));
	if (kinds_refuse_status(status, err) < 0 || kinds_refuse_program(pid, err) < 0)
		return sn_ctx(err, "process %d", pid);
	return 0;
}

static int refuse_managed(struct session *session, pid_t pid, struct sn_err *err)
{
	sn_auto_free struct catalog_app *apps = NULL;
	struct proc_stat stat;
	size_t count, i;

	if (proc_stat(pid, &stat, err) < 0 ||
	    catalog_app_list(session->cat, &apps, &count, err) < 0)
		return -1;
	for (i = 0; i < count; i++)
		if (apps[i].id != session->app.id && apps[i].pid == pid &&
		    apps[i].start_ticks == stat.start_ticks && apps[i].keeper_pid > 0 &&
		    kill(apps[i].keeper_pid, 0) == 0)
			return sn_fail(err, "process %d is managed already, as %s", pid,
				       apps[i].name);
	return 0;
}

int session_set_pid(struct session *session, pid_t pid, struct sn_err *err)
{
	struct proc_stat stat = {0};
	int pidfd = -1;

	if (pid) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0)
			return sn_fail_sys(err, "process %d", pid);
		if (proc_stat(pid, &stat, err) < 0) {
			close(pidfd);
			return -1;
		}
	}
	sn_guard_fd(&session->pidfd);
	session->pidfd = pidfd;
	session->app.pid = pid;
	session->app.start_ticks = stat.start_ticks;
	tracker_close(session->tracker);
	session->tracker = NULL;
	return session_save(session, err);
}

int session_adopt(struct session *session, pid_t pid, struct sn_err *err)
{
	if (refuse_pid(pid, err) < 0 || refuse_managed(session, pid, err) < 0 ||
	    session_set_pid(session, pid, err) < 0)
		return sn_ctx(err, "attach");
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "shell/keeper.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/app.h"
#include "shell/background.h"
#include "shell/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum {
	FIRST_PEER = 5,	       /* of what is polled */
	PEERS_MAX = 64,	       /* more wait until one goes */
	REQUEST_MAX = 1 << 20, /* bytes of one request */
	ANSWER_LIMIT_S = 10,   /* how long a client may take to read its answer */
	LOCK_TRIES = 300,
	LOCK_PAUSE_NS = 10000000,
	TELL_NS = 200000000,
};

const struct keeper_action keeper_actions[KEEPER_ACTIONS] = {
	{SIGHUP, SIG_IGN},
	{SIGPIPE, SIG_IGN},
	{SIGXFSZ, SIG_IGN}, /* a write past a limit fails, and is reported */
	{SIGCHLD, SIG_DFL}, /* or nobody could be waited for */
};

/* A connection and what came in so far. */
struct peer {
	int fd; /* -1: free */
	char *line;
	size_t len;
};

/* ---- the application's row ---- */

int keeper_save(struct keeper *k, struct sn_err *err)
{
	if (k->session) {
		const struct catalog_app *row = session_app(k->session);

		k->app.current = row->current;
		k->app.undo = row->undo;
		k->app.pid = row->pid;
		k->app.start_ticks = row->start_ticks;
	}
	return catalog_app_update(k->catalog, &k->app, err);
}

/* Into apps/NAME.log: there is nobody to tell. */
static void log_error(const char *what, const struct keeper *k, const struct sn_err *err)
{
	fprintf(stderr, "%s %s: %s\n", what, k->app.name, err->text);
}

/* Lets go and takes our name away: nobody asks us any more. */
static void let_go(struct keeper *k)
{
	session_close(k->session);
	k->session = NULL;
	k->done = true;
	if (k->listener >= 0)
		wire_unlink(k->apps_dir, k->app.name, "sock");
}

/* wait(2) status of our child; -1 when it is not ours. */
static int reap(int pidfd)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return -1;
	switch (info.si_code) {
	case CLD_EXITED:
		return info.si_status << 8;
	case CLD_DUMPED:
		return info.si_status | 0x80;
	default:
		return info.si_status;
	}
}

int keeper_ended(struct keeper *k, int pidfd, struct sn_err *err)
{
	int rc;

	if (k->session) {
		k->app.current = session_app(k->session)->current;
		k->app.undo = session_app(k->session)->undo;
	}
	k->app.exit_status = reap(pidfd);
	session_close(k->session);
	k->session = NULL;
	k->app.pid = k->app.keeper_pid = k->app.console_pid = 0;
	rc = k->app.id ? 0 : catalog_app_add(k->catalog, &k->app, err);
	if (rc == 0)
		rc = keeper_save(k, err);
	let_go(k);
	return rc;
}

int keeper_detach(struct keeper *k, struct sn_err *err)
{
	k->app.keeper_pid = 0;
	if (keeper_save(k, err) < 0)
		return -1;
	let_go(k);
	return 0;
}

bool keeper_wait_end(struct keeper *k, int limit_ms)
{
	struct pollfd end = {session_pidfd(k->session), POLLIN, 0};

	struct sn_err err;

	if (poll(&end, 1, limit_ms) != 1)
		return false;
	if (keeper_ended(k, end.fd, &err) < 0)
		log_error("end", k, &err);
	return true;
}

/* ---- who waits ---- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Never waits: the application may stand still. */
static void tell_waiter(void *arg, uint64_t done, uint64_t total)
{
	struct keeper *k = arg;
	int64_t now = now_ns();
	char line[80];
	int len;

	if (now - k->told_ns < TELL_NS)
		return;
	k->told_ns = now;
	len = snprintf(line, sizeof(line), "{\"progress\":[%" PRIu64 ",%" PRIu64 "]}\n", done,
		       total);
	if (send(k->waiter, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
		catalog_watch(k->catalog, NULL, NULL);
}

/* -1: nobody. */
static void set_waiter(struct keeper *k, int fd, const json_t *message)
{
	bool asks = fd >= 0 && json_is_true(json_object_get(message, "progress"));

	k->waiter = fd;
	k->told_ns = now_ns();
	catalog_watch(k->catalog, asks ? tell_waiter : NULL, k);
}

/* ---- serving ---- */

static void peer_end(struct peer *peer)
{
	close(peer->fd);
	free(peer->line);
	*peer = (struct peer){.fd = -1};
}

static void peer_accept(struct keeper *k, struct peer *peers)
{
	struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
	sn_auto_fd int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || !wire_peer_allowed(fd))
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (peers[i].fd >= 0)
			continue;
		peers[i].fd = sn_steal_fd(&fd);
		return;
	}
}

/* A whole request, or NULL while there is none; a peer that ended or errs is ended. */
static json_t *peer_read(struct peer *peer)
{
	char bytes[4096];
	ssize_t n = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	json_t *message;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (n <= 0 || peer->len + (size_t)n > REQUEST_MAX) {
		peer_end(peer);
		return NULL;
	}
	peer->line = sn_realloc(peer->line, peer->len + (size_t)n, 1);
	memcpy(peer->line + peer->len, bytes, (size_t)n);
	peer->len += (size_t)n;
	if (peer->line[peer->len - 1] != '\n')
		return NULL;
	message = json_loadb(peer->line, peer->len, 0, NULL);
	peer->len = 0;
	return message ? message : json_null();
}

static void peer_serve(struct keeper *k, struct peer *peer)
{
	json_t *message = peer_read(peer);
	struct sn_err err;
	json_t *answer;

	if (!message)
		return;
	set_waiter(k, peer->fd, message);
	answer = keeper_answer(k, message);
	set_waiter(k, -1, NULL);
	/* in front, for a byte behind the line might be read with it, and the descriptor lost */
	if ((k->passed >= 0 && wire_send_fd(peer->fd, k->passed, &err) < 0) ||
	    wire_send(peer->fd, answer, &err) < 0)
		peer_end(peer);
	sn_guard_fd(&k->passed);
	k->passed = -1;
	json_decref(answer);
	json_decref(message);
}

static void serve(struct keeper *k)
{
	struct peer peers[PEERS_MAX];
	struct sn_err err;

	for (size_t i = 0; i < PEERS_MAX; i++)
		peers[i] = (struct peer){.fd = -1};
	while (!k->done) {
		/* A revert may have made it anew: the pidfd is asked for each time. */
		struct pollfd polls[FIRST_PEER + PEERS_MAX] = {
			{session_pidfd(k->session), POLLIN, 0},
			{k->signals, POLLIN, 0},
			{-1, POLLIN, 0},
			{session_attend_fd(k->session), POLLIN, 0},
			{k->timer, POLLIN, 0},
		};

		for (size_t i = 0; i < PEERS_MAX; i++) {
			polls[FIRST_PEER + i] = (struct pollfd){peers[i].fd, POLLIN, 0};
			if (peers[i].fd < 0)
				polls[2].fd = k->listener;
		}
		if (poll(polls, sn_countof(polls), -1) < 0)
			continue;
		/* before its end: this may say why it was ended */
		if (polls[3].revents && session_attend(k->session, &err) < 0)
			log_error("attend", k, &err);
		if (polls[0].revents) {
			if (keeper_ended(k, polls[0].fd, &err) < 0)
				log_error("end", k, &err);
			break;
		}
		if (polls[1].revents) {
			if (keeper_detach(k, &err) < 0)
				log_error("detach", k, &err);
			break;
		}
		if (polls[4].revents)
			keeper_auto_tick(k);
		if (polls[2].revents)
			peer_accept(k, peers);
		for (size_t i = 0; i < PEERS_MAX && !k->done; i++) {
			if (polls[FIRST_PEER + i].fd >= 0 && polls[FIRST_PEER + i].revents)
				peer_serve(k, &peers[i]);
		}
	}
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (peers[i].fd >= 0)
			peer_end(&peers[i]);
	}
}

/* ---- beginning and end ---- */

static void set_process(struct keeper *k)
{
	struct rlimit files;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, &k->inherited.mask);
	k->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	for (size_t i = 0; i < KEEPER_ACTIONS; i++)
		sigaction(keeper_actions[i].signal,
			  &(struct sigaction){.sa_handler = keeper_actions[i].handler},
			  &k->inherited.actions[i]);

	/* Each open file of the application may be held by us for a moment. */
	getrlimit(RLIMIT_NOFILE, &k->inherited.files);
	files = k->inherited.files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_NAME, "snapsh-keeper");
}

/* apps/NAME.log becomes our standard error, its lock makes us the keeper of NAME. One
 * that is just ending is waited for. */
static int take_lock(struct keeper *k, const char *name, struct sn_err *err)
{
	sn_auto_free char *file = sn_asprintf("%s.log", name);

	k->lock = openat(k->apps_dir, file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (k->lock < 0)
		return sn_fail_sys(err, "open apps/%s", file);
	for (int i = 0; flock(k->lock, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			return sn_fail_sys(err, "lock apps/%s", file);
		if (i == LOCK_TRIES)
			return sn_fail(err, "%s has a keeper already", name);
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
	}
	if (ftruncate(k->lock, 0) < 0)
		return sn_fail_sys(err, "empty apps/%s", file);
	dup2(k->lock, STDERR_FILENO);
	return 0;
}

static int prepare(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err)
{
	const char *name = wire_string(spec, "name");
	int rc;

	if (!k->catalog_dir || !name || app_name_check(name, err) < 0)
		return sn_fail(err, "a keeper is not started by hand");
	k->apps_dir = wire_apps_dir(k->catalog_dir, err);
	if (k->apps_dir < 0 || take_lock(k, name, err) < 0 ||
	    catalog_open(&k->catalog, k->catalog_dir, err) < 0)
		return -1;
	/* Whoever asks before we have begun waits for the answer. */
	k->listener = wire_listen(k->apps_dir, name, "sock", err);
	if (k->listener < 0)
		return -1;
	set_waiter(k, BACKGROUND_LINK, spec);
	rc = keeper_begin(k, spec, result, err);
	set_waiter(k, -1, NULL);
	return rc;
}

/* Tells the starter, and closes the link: from now on clients come by the socket. */
static int tell_starter(json_t *answer)
{
	struct sn_err err;
	int rc = wire_send(BACKGROUND_LINK, answer, &err);

	json_decref(answer);
	close(BACKGROUND_LINK);
	return rc;
}

/* A start that failed leaves no socket, and of a name that never came to be no file. */
static void clean_up(struct keeper *k, const json_t *spec)
{
	static const char *const kinds[] = {"sock", "log", "console"};
	const char *name = wire_string(spec, "name");

	session_close(k->session);
	if (k->listener < 0)
		return;
	for (size_t i = 0; i < (k->app.id ? 1 : sn_countof(kinds)); i++)
		wire_unlink(k->apps_dir, name, kinds[i]);
}

int keeper_main(void)
{
	struct keeper k = {
		.apps_dir = -1, .lock = -1, .listener = -1, .timer = -1, .passed = -1};
	sn_auto_free char *catalog_dir = NULL;
	json_t *spec = NULL, *result = NULL;
	struct sn_err err;

	fcntl(BACKGROUND_LINK, F_SETFD, FD_CLOEXEC);
	if (wire_receive(BACKGROUND_LINK, &spec, &err) != 1)
		return 1;
	set_process(&k);
	k.catalog_dir = catalog_dir = wire_unbytes(json_object_get(spec, "catalog"), NULL);
	if (prepare(&k, spec, &result, &err) < 0) {
		clean_up(&k, spec);
		json_decref(spec);
		catalog_close(k.catalog);
		tell_starter(wire_failed(&err));
		return 1;
	}
	json_decref(spec);
	/* A starter that is gone has lost its interest, not the application. */
	tell_starter(wire_done(result));
	if (k.app.auto_interval_ns && keeper_auto_start(&k, &err) < 0)
		log_error("auto", &k, &err);
	if (!k.done && chdir("/") == 0)
		serve(&k);
	catalog_close(k.catalog);
	return 0;
}

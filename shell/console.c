// SPDX-License-Identifier: Apache-2.0
/*
 * States of the loop: open (no application yet: `link` is held), living (`pidfd` is
 * held), draining (the application has ended). From living on, the loop leaves only
 * through draining. The slave side is held open too: an application that closes its
 * terminal and opens it again is no end, and reads of the master do not fail.
 */
#include "shell/console.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/alternate.h"
#include "shell/background.h"
#include "shell/console_log.h"
#include "shell/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>

enum {
	CLIENTS_MAX = 8,
	OUT_HIGH = 64 << 10, /* a client that has so much to read holds the output up */
	READ_BYTES = 16 << 10,
	QUIET_MS = 50,	   /* so long nothing after the end: all is drained */
	EXPECT_MS = 10000, /* how long a client that was announced may take */
	FLUSH_MS = 5000,   /* how long clients may take to read the rest */
};

struct client {
	int fd; /* -1: free */
	bool greeted;
	char in[CONSOLE_FRAME_HEAD + CONSOLE_FRAME_MAX];
	size_t in_len;
	char *out;
	size_t out_len;
};

struct holder {
	int apps_dir;
	const char *name;
	int listener;
	int master;
	int slave;
	int link;
	int pidfd;
	bool expect;
	struct console_log log;
	struct alternate alternate;
	char typed[CONSOLE_FRAME_MAX]; /* what the terminal did not take yet */
	size_t typed_len;
	struct client clients[CLIENTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* ---- clients ---- */

static void client_end(struct client *client)
{
	close(client->fd);
	free(client->out);
	*client = (struct client){.fd = -1};
}

static void client_add(struct client *client, const char *bytes, size_t len)
{
	client->out = sn_realloc(client->out, client->out_len + len, 1);
	memcpy(client->out + client->out_len, bytes, len);
	client->out_len += len;
}

static void client_flush(struct client *client)
{
	ssize_t n;

	if (!client->out_len)
		return;
	n = send(client->fd, client->out, client->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_end(client);
	if (n <= 0)
		return;
	client->out_len -= (size_t)n;
	memmove(client->out, client->out + n, client->out_len);
}

static void client_accept(struct holder *h)
{
	sn_auto_fd int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || !wire_peer_allowed(fd))
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (h->clients[i].fd >= 0)
			continue;
		h->clients[i].fd = sn_steal_fd(&fd);
		return;
	}
}

/* Told that the size is another a program draws its screen anew: told also when it is not, for
 * who has just come sees nothing yet. */
static void set_size(struct holder *h, const unsigned char *bytes)
{
	pid_t foreground = tcgetpgrp(h->master);
	struct winsize before = {0}, size = {
		.ws_row = (unsigned short)(bytes[0] | bytes[1] << 8),
		.ws_col = (unsigned short)(bytes[2] | bytes[3] << 8),
	};

	if (!size.ws_row || !size.ws_col)
		return;
	ioctl(h->master, TIOCGWINSZ, &before);
	ioctl(h->master, TIOCSWINSZ, &size);
	if (before.ws_row == size.ws_row && before.ws_col == size.ws_col && foreground > 0)
		kill(-foreground, SIGWINCH);
}

/* Where lines are read, the character that means end of file; else nothing: a program
 * that reads single keys would take it for one. */
static void type_end(struct holder *h)
{
	struct termios termios;

	if (tcgetattr(h->master, &termios) < 0 || !(termios.c_lflag & ICANON))
		return;
	h->typed[0] = (char)termios.c_cc[VEOF];
	h->typed_len = 1;
}

static void greet(struct holder *h, struct client *client, bool replay)
{
	sn_auto_free char *printed = NULL;
	size_t len;

	client->greeted = true;
	h->expect = false;
	if (!replay) {
		if (h->alternate.on)
			client_add(client, ALTERNATE_ENTER, strlen(ALTERNATE_ENTER));
		return;
	}
	printed = console_log_read(&h->log, &len);
	client_add(client, printed, len);
}

static void frame_do(struct holder *h, struct client *client, char type, const char *bytes,
		     size_t len)
{
	switch (type) {
	case CONSOLE_HELLO:
		if (!client->greeted)
			greet(h, client, len && bytes[0]);
		break;
	case CONSOLE_DATA:
		memcpy(h->typed, bytes, len);
		h->typed_len = len;
		break;
	case CONSOLE_SIZE:
		if (len == 4)
			set_size(h, (const unsigned char *)bytes);
		break;
	case CONSOLE_END:
		type_end(h);
		break;
	}
}

static void type_on(struct holder *h)
{
	ssize_t n = write(h->master, h->typed, h->typed_len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		n = (ssize_t)h->typed_len; /* the terminal is gone */
	if (n <= 0)
		return;
	h->typed_len -= (size_t)n;
	memmove(h->typed, h->typed + n, h->typed_len);
}

/* Whole frames of one client, until the terminal takes no more. */
static void client_frames(struct holder *h, struct client *client)
{
	while (client->fd >= 0 && client->in_len >= CONSOLE_FRAME_HEAD && !h->typed_len) {
		const unsigned char *head = (const unsigned char *)client->in;
		size_t len = (size_t)(head[1] | head[2] << 8);

		if (len > CONSOLE_FRAME_MAX) {
			client_end(client);
			return;
		}
		if (client->in_len < CONSOLE_FRAME_HEAD + len)
			return;
		frame_do(h, client, client->in[0], client->in + CONSOLE_FRAME_HEAD, len);
		client->in_len -= CONSOLE_FRAME_HEAD + len;
		memmove(client->in, client->in + CONSOLE_FRAME_HEAD + len, client->in_len);
		if (h->typed_len)
			type_on(h);
	}
}

static void client_read(struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len,
			 sizeof(client->in) - client->in_len, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_end(client);
	else if (n > 0)
		client->in_len += (size_t)n;
}

/* ---- the terminal ---- */

/* A slave of our own, in the place of one that was hung up (vhangup(2)). */
static void hold_slave(struct holder *h)
{
	if (h->slave >= 0)
		close(h->slave);
	h->slave = ioctl(h->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Passes on what was printed. False: nothing more there. */
static bool drain(struct holder *h)
{
	char bytes[READ_BYTES];
	ssize_t n = read(h->master, bytes, sizeof(bytes));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	console_log_add(&h->log, bytes, (size_t)n);
	alternate_watch(&h->alternate, bytes, (size_t)n);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (h->clients[i].fd < 0 || !h->clients[i].greeted)
			continue;
		client_add(&h->clients[i], bytes, (size_t)n);
		client_flush(&h->clients[i]);
	}
	return true;
}

static bool held_up(const struct holder *h)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (h->clients[i].out_len > OUT_HIGH)
			return true;
	}
	return false;
}

static bool unread(const struct holder *h)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (h->clients[i].out_len)
			return true;
	}
	return false;
}

/* ---- the loop ---- */

enum {
	POLL_MASTER,
	POLL_OWNER, /* the link, then the pidfd */
	POLL_LISTENER,
	POLL_CLIENTS,
	POLL_COUNT = POLL_CLIENTS + CLIENTS_MAX,
};

static void fill_polls(const struct holder *h, struct pollfd *polls)
{
	polls[POLL_MASTER] = (struct pollfd){.fd = h->master};
	if (!held_up(h))
		polls[POLL_MASTER].events |= POLLIN;
	if (h->typed_len)
		polls[POLL_MASTER].events |= POLLOUT;
	/* A hangup is reported unasked and would spin while the output is held up. */
	if (!polls[POLL_MASTER].events)
		polls[POLL_MASTER].fd = -1;
	polls[POLL_OWNER] = (struct pollfd){h->pidfd >= 0 ? h->pidfd : h->link, POLLIN, 0};
	polls[POLL_LISTENER] = (struct pollfd){h->listener, POLLIN, 0};
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &h->clients[i];

		polls[POLL_CLIENTS + i] = (struct pollfd){.fd = c->fd};
		if (c->in_len < sizeof(c->in))
			polls[POLL_CLIENTS + i].events |= POLLIN;
		if (c->out_len)
			polls[POLL_CLIENTS + i].events |= POLLOUT;
	}
}

static void serve_clients(struct holder *h, const struct pollfd *polls)
{
	if (polls[POLL_LISTENER].revents & POLLIN)
		client_accept(h);
	if (h->typed_len && (polls[POLL_MASTER].revents & POLLOUT))
		type_on(h);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &h->clients[i];
		short revents = polls[POLL_CLIENTS + i].revents;

		/* One accepted just now has no result yet: the slot was free. */
		if (c->fd < 0 || polls[POLL_CLIENTS + i].fd < 0)
			continue;
		if (revents & POLLIN)
			client_read(c);
		else if (revents & (POLLHUP | POLLERR))
			client_end(c);
		if (c->fd >= 0)
			client_frames(h, c);
		if (c->fd >= 0 && c->out_len)
			client_flush(c);
	}
}

/* Until the application has ended. False: it never began. */
static bool live(struct holder *h)
{
	struct pollfd polls[POLL_COUNT];

	for (;;) {
		fill_polls(h, polls);
		if (poll(polls, POLL_COUNT, -1) < 0)
			continue;
		if (polls[POLL_MASTER].revents & (POLLIN | POLLHUP | POLLERR) && !drain(h) &&
		    polls[POLL_MASTER].revents & POLLHUP)
			hold_slave(h);
		serve_clients(h, polls);
		if (!polls[POLL_OWNER].revents)
			continue;
		if (h->pidfd >= 0)
			return true;
		h->pidfd = wire_receive_fd(h->link);
		if (h->pidfd < 0)
			return false;
		close(h->link);
		h->link = -1;
	}
}

/* The rest of what was printed, to the log and to those who watch. */
static void finish(struct holder *h)
{
	int64_t start_ms = now_ms(), last_ms = start_ms;
	bool expected = h->expect;

	for (;;) {
		struct pollfd polls[POLL_COUNT];
		int64_t now = now_ms();
		bool quiet = now - last_ms >= QUIET_MS;

		if (expected && !h->expect) {
			expected = false;
			start_ms = now;
		}
		if (quiet && !h->expect && !unread(h))
			return;
		if (now - start_ms >= (h->expect ? EXPECT_MS : FLUSH_MS))
			return;
		fill_polls(h, polls);
		polls[POLL_OWNER].fd = -1;
		polls[POLL_MASTER] = (struct pollfd){quiet ? -1 : h->master, POLLIN, 0};
		if (poll(polls, POLL_COUNT, QUIET_MS) < 0)
			continue;
		if (polls[POLL_MASTER].revents && drain(h))
			last_ms = now_ms();
		else if (polls[POLL_MASTER].revents & (POLLHUP | POLLERR))
			last_ms = now - QUIET_MS;
		serve_clients(h, polls);
	}
}

/* ---- beginning and end ---- */

static int open_terminal(struct holder *h, const json_t *spec, char *tty, size_t size,
			 struct sn_err *err)
{
	struct winsize winsize = {
		.ws_row = (unsigned short)wire_number(spec, "rows"),
		.ws_col = (unsigned short)wire_number(spec, "cols"),
	};

	h->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (h->master < 0 || unlockpt(h->master) < 0 || ptsname_r(h->master, tty, size) != 0)
		return sn_fail_sys(err, "open a terminal");
	hold_slave(h);
	if (h->slave < 0)
		return sn_fail_sys(err, "open %s", tty);
	if (winsize.ws_row && winsize.ws_col)
		ioctl(h->master, TIOCSWINSZ, &winsize);
	return 0;
}

static int begin(struct holder *h, const json_t *spec, json_t **result, struct sn_err *err)
{
	sn_auto_free char *catalog = wire_unbytes(json_object_get(spec, "catalog"), NULL);
	char tty[64];

	h->name = wire_string(spec, "name");
	h->expect = json_is_true(json_object_get(spec, "expect"));
	if (!catalog || !h->name)
		return sn_fail(err, "a console is not started by hand");
	h->apps_dir = wire_apps_dir(catalog, err);
	if (h->apps_dir < 0 || console_log_open(&h->log, h->apps_dir, h->name, err) < 0 ||
	    open_terminal(h, spec, tty, sizeof(tty), err) < 0)
		return -1;
	h->listener = wire_listen(h->apps_dir, h->name, "tty", err);
	if (h->listener < 0)
		return -1;
	*result = json_pack("{s:i, s:s}", "pid", (int)getpid(), "tty", tty);
	return 0;
}

int console_main(void)
{
	struct holder h = {.listener = -1, .master = -1, .slave = -1, .pidfd = -1};
	json_t *spec = NULL, *result = NULL, *answer;
	struct sn_err err;
	sigset_t none;
	int rc;

	/* The starter's state of signals is the application's, not ours. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "snapsh-console");
	h.link = BACKGROUND_LINK;
	fcntl(h.link, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		h.clients[i].fd = -1;

	if (wire_receive(h.link, &spec, &err) != 1)
		return 1;
	rc = begin(&h, spec, &result, &err);
	answer = rc < 0 ? wire_failed(&err) : wire_done(result);
	if (wire_send(h.link, answer, &err) < 0)
		rc = -1;
	json_decref(answer);
	if (chdir("/") < 0 || rc < 0)
		return 1;
	if (live(&h))
		finish(&h);
	wire_unlink(h.apps_dir, h.name, "tty");
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (h.clients[i].fd >= 0)
			client_end(&h.clients[i]);
	}
	json_decref(spec);
	return 0;
}

/* ---- the keeper's side ---- */

int console_start(struct console *console, const char *catalog_dir, const char *name,
		  const struct console_options *options, struct sn_err *err)
{
	json_t *result = NULL;
	json_t *spec = json_pack("{s:o, s:s, s:i, s:i, s:b}", "catalog",
				 wire_bytes(catalog_dir, strlen(catalog_dir)), "name", name, "rows",
				 (int)options->rows, "cols", (int)options->cols, "expect",
				 options->expect);

	console->link = -1;
	if (background_start("console", name, spec, NULL, &console->link, &result, err) < 0)
		return -1;
	console->pid = (pid_t)wire_number(result, "pid");
	snprintf(console->tty, sizeof(console->tty), "%s", wire_string(result, "tty"));
	json_decref(result);
	return 0;
}

int console_hand(struct console *console, int pidfd, struct sn_err *err)
{
	return wire_send_fd(console->link, pidfd, err);
}

void console_release(struct console *console)
{
	if (console->link >= 0)
		close(console->link);
	console->link = -1;
}

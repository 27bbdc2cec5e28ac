// SPDX-License-Identifier: Apache-2.0
#include "shell/terminal.h"

#include "core/base/guard.h"
#include "shell/alternate.h"
#include "shell/console.h"
#include "shell/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

enum {
	KEY_LEAVE = 0x1d, /* Ctrl-] */
	READ_BYTES = 16 << 10,
};

/* This terminal, and how it was. */
struct own_terminal {
	bool raw;
	struct termios before;
	sigset_t mask_before;
	int signals;
	struct alternate alternate; /* what the application made of it */
};

void terminal_size(unsigned *rows, unsigned *cols)
{
	struct winsize size;

	*rows = *cols = 0;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	*rows = size.ws_row;
	*cols = size.ws_col;
}

static void own_leave(struct own_terminal *own)
{
	if (own->raw && own->alternate.on && isatty(STDOUT_FILENO) &&
	    write(STDOUT_FILENO, ALTERNATE_LEAVE, strlen(ALTERNATE_LEAVE)) < 0)
		own->alternate.on = false;
	if (own->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &own->before);
	if (own->signals >= 0) {
		close(own->signals);
		sigprocmask(SIG_SETMASK, &own->mask_before, NULL);
	}
}

/* Signals that would end us are read, so that the terminal is put back first. */
static int own_enter(struct own_terminal *own, struct sn_err *err)
{
	static const int caught[] = {SIGWINCH, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
	struct termios raw;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sn_countof(caught); i++)
		sigaddset(&set, caught[i]);
	own->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (own->signals < 0)
		return sn_fail_sys(err, "watch for signals");
	sigprocmask(SIG_BLOCK, &set, &own->mask_before);
	if (tcgetattr(STDIN_FILENO, &own->before) < 0)
		return 0;
	raw = own->before;
	cfmakeraw(&raw);
	own->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	return 0;
}

static int send_frame(int fd, char type, const void *bytes, size_t len, struct sn_err *err)
{
	char frame[CONSOLE_FRAME_HEAD + CONSOLE_FRAME_MAX];
	size_t sent = 0;

	frame[0] = type;
	frame[1] = (char)(len & 255);
	frame[2] = (char)(len >> 8);
	memcpy(frame + CONSOLE_FRAME_HEAD, bytes, len);
	len += CONSOLE_FRAME_HEAD;
	while (sent < len) {
		ssize_t n = send(fd, frame + sent, len - sent, MSG_NOSIGNAL);

		/* A console that ended is seen where its output is read. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0)
			return sn_fail_sys(err, "send to the terminal");
		sent += (size_t)n;
	}
	return 0;
}

static int send_size(int fd, struct sn_err *err)
{
	unsigned char bytes[4];
	unsigned rows, cols;

	terminal_size(&rows, &cols);
	if (!rows || !cols)
		return 0;
	bytes[0] = (unsigned char)(rows & 255);
	bytes[1] = (unsigned char)(rows >> 8);
	bytes[2] = (unsigned char)(cols & 255);
	bytes[3] = (unsigned char)(cols >> 8);
	return send_frame(fd, CONSOLE_SIZE, bytes, sizeof(bytes), err);
}

/* One read of standard input. 1 go on, 0 the key that leaves, -1. *more: not at its end. */
static int pass_typed(int fd, bool tty, bool *more, struct sn_err *err)
{
	char bytes[CONSOLE_FRAME_MAX];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	char *key;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n <= 0) {
		*more = false;
		return send_frame(fd, CONSOLE_END, "", 0, err) < 0 ? -1 : 1;
	}
	key = tty ? memchr(bytes, KEY_LEAVE, (size_t)n) : NULL;
	if (key)
		n = key - bytes;
	if (n && send_frame(fd, CONSOLE_DATA, bytes, (size_t)n, err) < 0)
		return -1;
	return key ? 0 : 1;
}

/* One read of the console. 1 go on, 0 it ended, -1; *left when nobody reads ours. */
static int pass_printed(int fd, struct alternate *alternate, bool *left, struct sn_err *err)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno != ECONNRESET)
		return sn_fail_sys(err, "read the terminal");
	if (n <= 0)
		return 0;
	alternate_watch(alternate, bytes, (size_t)n);
	for (ssize_t done = 0; done < n;) {
		ssize_t w = write(STDOUT_FILENO, bytes + done, (size_t)(n - done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0) {
			*left = true;
			return 0;
		}
		done += w;
	}
	return 1;
}

/* 1 go on, 0 a signal that ends. */
static int take_signal(int fd, int signals, struct sn_err *err)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 1;
	if (info.ssi_signo == SIGWINCH)
		return send_size(fd, err) < 0 ? -1 : 1;
	return info.ssi_signo == SIGPIPE;
}

/* A send of one frame does not block. */
static bool takes_frame(int fd)
{
	struct pollfd out = {fd, POLLOUT, 0};

	return poll(&out, 1, 0) == 1;
}

/*
 * What is typed is read only when the console takes it: blocked in a send we would not
 * read its output, and the application, held up by that, would not read its input.
 */
static int pass_through(int fd, struct own_terminal *own, bool *left, struct sn_err *err)
{
	bool more = true, full = false;
	int rc = 1;

	while (rc > 0) {
		struct pollfd polls[] = {
			{fd, full ? POLLIN | POLLOUT : POLLIN, 0},
			{own->signals, POLLIN, 0},
			{more && !full ? STDIN_FILENO : -1, POLLIN, 0},
		};

		if (poll(polls, sn_countof(polls), -1) < 0)
			continue;
		if (polls[1].revents) {
			rc = take_signal(fd, own->signals, err);
			*left = rc == 0;
		}
		if (rc > 0 && polls[2].revents) {
			full = !takes_frame(fd);
			if (!full)
				rc = pass_typed(fd, own->raw, &more, err);
			*left = rc == 0;
		} else if (polls[0].revents & POLLOUT) {
			full = false;
		}
		if (rc > 0 && polls[0].revents & ~POLLOUT)
			rc = pass_printed(fd, &own->alternate, left, err);
	}
	return rc;
}

int terminal_use(int apps_dir, const char *name, bool replay, bool *left, struct sn_err *err)
{
	sn_auto(own_leave) struct own_terminal own = {.signals = -1};
	char hello = replay ? 1 : 0;
	sn_auto_fd int fd = wire_connect(apps_dir, name, "tty", err);

	*left = false;
	if (fd < 0)
		return -1;
	if (own_enter(&own, err) < 0 || send_frame(fd, CONSOLE_HELLO, &hello, 1, err) < 0 ||
	    send_size(fd, err) < 0)
		return -1;
	return pass_through(fd, &own, left, err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * gdbserver: bytes between a client and snap/inspect/gdb_stub.h. A snapshot is memory, so only
 * this machine is listened to, and of it only the same user and root. SIGINT is read here, so
 * that it ends the serving and not a shell around it.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/looking.h"
#include "shell/tcp_peer.h"
#include "snap/inspect/gdb_stub.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

/* A pipe or socket that can be written to takes this much at once without blocking, pipe(7). */
enum { WRITE_BYTES = 4096, READ_BYTES = 16384 };

struct server {
	struct inspect *in;
	int signals;
	int listener; /* -1: no other client is taken */
	sigset_t mask_before;
	struct sigaction pipe_before;
};

enum verdict {
	VERDICT_ON,
	VERDICT_LEFT,	/* the client */
	VERDICT_ENOUGH, /* Ctrl-C */
};

static void server_release(struct server *server)
{
	if (server->listener >= 0)
		close(server->listener);
	if (server->signals >= 0) {
		close(server->signals);
		sigaction(SIGPIPE, &server->pipe_before, NULL);
		sigprocmask(SIG_SETMASK, &server->mask_before, NULL);
	}
}

static int server_init(struct server *server, struct sn_err *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->signals < 0)
		return sn_fail_sys(err, "watch for signals");
	sigprocmask(SIG_BLOCK, &set, &server->mask_before);
	sigaction(SIGPIPE, &ignore, &server->pipe_before);
	return 0;
}

/* One at a time: another client is told so by the end of its connection. */
static void turn_away(int listener)
{
	sn_auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Waits until `fd` can be read, or written. */
static enum verdict wait_for(struct server *server, int fd, short events)
{
	struct pollfd polls[3] = {
		{server->signals, POLLIN, 0},
		{fd, events, 0},
		{server->listener, POLLIN, 0},
	};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(polls, sn_countof(polls), -1) < 0)
			continue;
		if (polls[0].revents && read(server->signals, &info, sizeof(info)) > 0)
			return VERDICT_ENOUGH;
		if (polls[1].revents)
			return VERDICT_ON;
		if (polls[2].revents)
			turn_away(server->listener);
	}
}

static enum verdict send_all(struct server *server, int fd, const char *bytes, size_t len)
{
	enum verdict verdict = VERDICT_ON;

	while (len > 0) {
		ssize_t n;

		verdict = wait_for(server, fd, POLLOUT);
		if (verdict != VERDICT_ON)
			return verdict;
		n = write(fd, bytes, len < WRITE_BYTES ? len : WRITE_BYTES);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return VERDICT_LEFT;
		bytes += n;
		len -= (size_t)n;
	}
	return verdict;
}

/* What came, and what is answered. */
static enum verdict exchange(struct server *server, struct gdb_stub *stub, int in, int out)
{
	enum verdict verdict = wait_for(server, in, POLLIN);
	sn_auto_free char *answer = NULL;
	char bytes[READ_BYTES];
	size_t len;
	FILE *text;
	ssize_t n;
	bool on;

	if (verdict != VERDICT_ON)
		return verdict;
	n = read(in, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return VERDICT_ON;
	if (n <= 0)
		return VERDICT_LEFT;
	text = open_memstream(&answer, &len);
	if (!text)
		abort();
	on = gdb_stub_input(stub, bytes, (size_t)n, text);
	fclose(text);
	verdict = send_all(server, out, answer, len);
	return verdict == VERDICT_ON && !on ? VERDICT_LEFT : verdict;
}

static enum verdict serve_client(struct server *server, int in, int out)
{
	struct gdb_stub *stub = gdb_stub_open(server->in);
	enum verdict verdict;

	do
		verdict = exchange(server, stub, in, out);
	while (verdict == VERDICT_ON);
	gdb_stub_close(stub);
	return verdict;
}

/* ---- TCP ---- */

/* ":PORT"; 0: any that is free. */
static int parse_port(struct request *rq, const char *text, uint16_t *port, struct sn_err *err)
{
	size_t digits = strspn(text + 1, "0123456789");

	if (text[0] != ':' || !digits || digits > 5 || text[1 + digits] ||
	    strtoul(text + 1, NULL, 10) > UINT16_MAX)
		return request_usage(
			rq, err, "gdbserver: \"%s\" is neither :PORT, up to :65535, nor -", text);
	*port = (uint16_t)strtoul(text + 1, NULL, 10);
	return 0;
}

static int listen_at(struct server *server, uint16_t *port, struct sn_err *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)},
		.sin_port = htons(*port),
	};
	socklen_t size = sizeof(address);
	const int yes = 1;

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return sn_fail_sys(err, "make a socket");
	setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(server->listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(server->listener, 4) < 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &size) < 0)
		return sn_fail_sys(err, "listen at port %u", *port);
	*port = ntohs(address.sin_port);
	return 0;
}

/* How to connect, at once: the result of a command is printed at its end only. */
static int announce(const struct request *rq, const struct looking *looking, uint16_t port,
		    struct sn_err *err)
{
	sn_auto_free char *name = looking_name(looking);
	json_t *line;

	if (rq->json) {
		line = json_pack("{s:s, s:i}", "ref", name, "port", port);
		json_dumpf(line, stdout, JSON_INDENT(2));
		json_decref(line);
		putchar('\n');
	} else {
		printf("%s: gdb -ex 'target remote :%u'\n", name, port);
	}
	return fflush(stdout) == 0 ? 0 : sn_fail_sys(err, "write the result");
}

/* The next client that may: *fd. */
static enum verdict next_client(struct server *server, int *fd)
{
	const int yes = 1;
	struct pollfd polls[2] = {{server->signals, POLLIN, 0}, {server->listener, POLLIN, 0}};
	struct signalfd_siginfo info;
	struct sn_err why;

	for (;;) {
		if (poll(polls, sn_countof(polls), -1) < 0)
			continue;
		if (polls[0].revents && read(server->signals, &info, sizeof(info)) > 0)
			return VERDICT_ENOUGH;
		*fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (*fd < 0)
			continue;
		if (tcp_peer_allowed(*fd, &why) == 0)
			break;
		fprintf(stderr, "warning: %s\n", why.text);
		close(*fd);
	}
	/* answers are short, and each is waited for */
	setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return VERDICT_ON;
}

static void serve_port(struct server *server, bool stay)
{
	enum verdict verdict;

	do {
		sn_auto_fd int fd = -1;

		verdict = next_client(server, &fd);
		if (!stay && verdict == VERDICT_ON) {
			close(server->listener);
			server->listener = -1;
		}
		if (verdict == VERDICT_ON)
			verdict = serve_client(server, fd, fd);
	} while (stay && verdict != VERDICT_ENOUGH);
}

int cmd_gdbserver(struct request *rq, struct sn_err *err)
{
	const char *where = request_word(rq, 1);
	bool stay = request_option(rq, "stay") != NULL, pipe;
	sn_auto(server_release) struct server server = {.signals = -1, .listener = -1};
	struct looking *looking;
	uint16_t port = 0;

	if (stay && request_option(rq, "once"))
		return request_usage(rq, err, "gdbserver: --once and --stay exclude each other");
	pipe = where && strcmp(where, "-") == 0;
	if (where && !pipe && parse_port(rq, where, &port, err) < 0)
		return -1;
	looking = looking_once(rq, rq->words[0], err);
	if (!looking)
		return -1;
	server.in = looking->in;
	if (server_init(&server, err) < 0)
		return -1;
	if (pipe) {
		serve_client(&server, STDIN_FILENO, STDOUT_FILENO);
		return 0;
	}
	if (listen_at(&server, &port, err) < 0 || announce(rq, looking, port, err) < 0)
		return -1;
	serve_port(&server, stay);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Messages that wait in unix sockets are looked at and left where they are. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/unix_queue.h"
#include "proto/field.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

struct ends {
	int fd[2];
};

static void close_ends(struct ends *e)
{
	close(e->fd[0]);
	close(e->fd[1]);
}

static struct ends make_pair(int type)
{
	struct ends e;

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, e.fd), 0);
	return e;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_DONTWAIT), strlen(text));
}

static int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void release_socket(Sn__UnixSocket **s)
{
	if (*s)
		sn__unix_socket__free_unpacked(*s, NULL);
}

static Sn__UnixSocket *peek(int fd, int type)
{
	Sn__UnixSocket *s = message_new(&sn__unix_socket__descriptor);
	struct sn_err err = {0};

	s->type = (uint32_t)type;
	if (unix_queue_peek(fd, s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static void expect_message(const Sn__UnixSocket *s, size_t i, const char *text)
{
	assert_true(i < s->n_queued);
	assert_int_equal(s->queued[i].len, strlen(text));
	assert_memory_equal(s->queued[i].data, text, strlen(text));
}

static void test_peek_stream(void **state)
{
	sn_auto(close_ends) struct ends e = make_pair(SOCK_STREAM);
	sn_auto(release_socket) Sn__UnixSocket *s = peek(e.fd[0], SOCK_STREAM), *t = NULL;
	sn_auto_free char *much = sn_calloc(1, 150000);
	char bytes[16];

	(void)state;
	assert_int_equal(s->n_queued, 0);
	send_text(e.fd[1], "one");
	send_text(e.fd[1], "two");
	sn__unix_socket__free_unpacked(s, NULL);
	s = peek(e.fd[0], SOCK_STREAM);
	assert_int_equal(s->n_queued, 1);
	expect_message(s, 0, "onetwo");
	assert_int_equal(recv(e.fd[0], bytes, sizeof(bytes), MSG_DONTWAIT), 6);
	assert_int_equal(send(e.fd[1], much, 150000, MSG_DONTWAIT), 150000);
	shutdown(e.fd[1], SHUT_WR);
	t = peek(e.fd[0], SOCK_STREAM);
	assert_int_equal(t->n_queued, 1);
	assert_int_equal(t->queued[0].len, 150000);
}

static void expect_untouched(int fd, const char *const *texts, size_t count)
{
	char bytes[16];
	size_t i;

	for (i = 0; i < count; i++) {
		assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), strlen(texts[i]));
		assert_memory_equal(bytes, texts[i], strlen(texts[i]));
	}
	assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void peek_messages(int type, bool credentials, int offset)
{
	static const char *const texts[] = {"a", "three", "of them"};
	sn_auto(close_ends) struct ends e = make_pair(type);
	sn_auto(release_socket) Sn__UnixSocket *s = NULL, *t = NULL;
	size_t i;

	if (credentials)
		set_int(e.fd[0], SOL_SOCKET, SO_PASSCRED, 1);
	set_int(e.fd[0], SOL_SOCKET, SO_PEEK_OFF, offset);
	for (i = 0; i < sn_countof(texts); i++)
		send_text(e.fd[1], texts[i]);
	s = peek(e.fd[0], type);
	t = peek(e.fd[0], type); /* a second look sees the same */
	assert_int_equal(s->n_queued, sn_countof(texts));
	for (i = 0; i < sn_countof(texts); i++)
		expect_message(s, i, texts[i]);
	assert_true(unix_queue_equal(s, t));
	assert_int_equal(get_int(e.fd[0], SOL_SOCKET, SO_PEEK_OFF), offset);
	set_int(e.fd[0], SOL_SOCKET, SO_PEEK_OFF, -1);
	expect_untouched(e.fd[0], texts, sn_countof(texts));
}

static void test_peek_messages(void **state)
{
	(void)state;
	peek_messages(SOCK_DGRAM, false, -1);
	peek_messages(SOCK_DGRAM, true, 0);
	peek_messages(SOCK_SEQPACKET, false, 0);
	peek_messages(SOCK_SEQPACKET, true, -1);
}

static void test_peek_large_and_empty(void **state)
{
	sn_auto(close_ends) struct ends e = make_pair(SOCK_DGRAM);
	sn_auto_free char *much = sn_malloc(140000);
	sn_auto(release_socket) Sn__UnixSocket *s = NULL;
	struct sn_err err;

	(void)state;
	memset(much, 'm', 140000);
	assert_int_equal(send(e.fd[1], "", 0, 0), 0);
	send_text(e.fd[1], "x");
	assert_int_equal(send(e.fd[1], much, 140000, MSG_DONTWAIT), 140000);
	s = peek(e.fd[0], SOCK_DGRAM);
	sn__unix_socket__free_unpacked(s, NULL);
	s = peek(e.fd[0], SOCK_DGRAM);
	assert_int_equal(s->n_queued, 3);
	expect_message(s, 0, "");
	expect_message(s, 1, "x");
	assert_int_equal(s->queued[2].len, 140000);
	assert_memory_equal(s->queued[2].data, much, 140000);
	assert_int_equal(unix_queue_drain(e.fd[0], SOCK_DGRAM, &err), 0);
	expect_untouched(e.fd[0], NULL, 0);
}

static void test_senders(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX}, from = {.sun_family = AF_UNIX};
	sn_auto_fd int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
	sn_auto_fd int named = socket(AF_UNIX, SOCK_DGRAM, 0), nameless = -1;
	sn_auto(release_socket) Sn__UnixSocket *s = NULL;
	socklen_t to_len = sizeof(to), from_len = sizeof(from);

	(void)state;
	nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
	/* the kernel chooses an abstract address for each */
	assert_int_equal(bind(receiver, (struct sockaddr *)&to, sizeof(sa_family_t)), 0);
	assert_int_equal(bind(named, (struct sockaddr *)&from, sizeof(sa_family_t)), 0);
	getsockname(receiver, (struct sockaddr *)&to, &to_len);
	getsockname(named, (struct sockaddr *)&from, &from_len);
	assert_int_equal(sendto(nameless, "n", 1, 0, (struct sockaddr *)&to, to_len), 1);
	s = peek(receiver, SOCK_DGRAM);
	assert_int_equal(s->n_queued_from, 0);
	assert_int_equal(sendto(named, "m", 1, 0, (struct sockaddr *)&to, to_len), 1);
	sn__unix_socket__free_unpacked(s, NULL);
	s = peek(receiver, SOCK_DGRAM);
	assert_int_equal(s->n_queued_from, 2);
	assert_int_equal(s->queued_from[0].len, 0);
	assert_int_equal(s->queued_from[1].len, from_len - sizeof(sa_family_t));
	assert_memory_equal(s->queued_from[1].data, from.sun_path, s->queued_from[1].len);
}

static void send_fd(int socket, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec iov = {"f", 1};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1,
				.msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &header, 0), 1);
}

static void test_descriptors_are_refused(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(types); i++) {
		sn_auto(close_ends) struct ends e = make_pair(types[i]);
		sn_auto(release_socket) Sn__UnixSocket *s =
			message_new(&sn__unix_socket__descriptor);
		struct sn_err err;
		int before = lowest_fd();

		s->type = (uint32_t)types[i];
		send_text(e.fd[1], "plain");
		send_fd(e.fd[1], STDIN_FILENO);
		assert_int_equal(unix_queue_peek(e.fd[0], s, &err), -1);
		assert_string_equal(err.text, "a message that waits carries open files");
		assert_int_equal(lowest_fd(), before); /* what arrived is closed */
		assert_int_equal(get_int(e.fd[0], SOL_SOCKET, SO_PEEK_OFF), -1);
	}
}

/* An error that waits belongs to the application. */
static void test_waiting_error_stays(void **state)
{
	sn_auto(close_ends) struct ends e = make_pair(SOCK_SEQPACKET);
	sn_auto(release_socket) Sn__UnixSocket *s = NULL;
	char byte;

	(void)state;
	send_text(e.fd[0], "never read");
	close(e.fd[1]);
	e.fd[1] = dup(e.fd[0]);
	s = peek(e.fd[0], SOCK_SEQPACKET);
	assert_int_equal(s->n_queued, 0);
	assert_int_equal(recv(e.fd[0], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peek_stream),
		cmocka_unit_test(test_peek_messages),
		cmocka_unit_test(test_peek_large_and_empty),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_descriptors_are_refused),
		cmocka_unit_test(test_waiting_error_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

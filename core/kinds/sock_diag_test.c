// SPDX-License-Identifier: Apache-2.0
/* sock_diag: real questions about sockets of our own, and answers that are none. */
#include "core/base/guard.h"
#include "core/kinds/sock_diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static uint32_t inode(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	return (uint32_t)stat.st_ino;
}

static void test_diag_of_a_pair(void **state)
{
	sn_auto(close_ends) struct ends e = make_pair(SOCK_STREAM);
	struct unix_diag diag;
	struct sn_err err = {0};

	(void)state;
	if (unix_diag(e.fd[0], inode(e.fd[0]), &diag, &err) < 0) {
		print_message("no sock_diag here: %s\n", err.text);
		skip();
	}
	assert_int_equal(diag.ino, inode(e.fd[0]));
	assert_int_equal(diag.type, SOCK_STREAM);
	assert_int_equal(diag.state, TCP_ESTABLISHED);
	assert_true(diag.has_peer);
	assert_int_equal(diag.peer_ino, inode(e.fd[1]));
	assert_int_equal(diag.shutdown, 0);
	shutdown(e.fd[0], SHUT_WR);
	assert_int_equal(unix_diag(e.fd[0], inode(e.fd[0]), &diag, &err), 0);
	assert_int_equal(diag.shutdown, 2);
	/* the cookie tells a socket from another one with its inode */
	assert_int_equal(unix_diag(e.fd[1], inode(e.fd[0]), &diag, &err), -1);
	assert_int_equal(err.code, ESTALE);
}

static void test_diag_of_a_listener(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(at);
	sn_auto_fd int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	sn_auto_fd int client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct unix_diag diag;
	struct sn_err err = {0};

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 7), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	assert_int_equal(connect(client, (struct sockaddr *)&at, len), 0);
	if (unix_diag(listener, inode(listener), &diag, &err) < 0)
		skip();
	assert_int_equal(diag.send_queue, 7);
	assert_int_equal(diag.receive_queue, 1);
	assert_int_equal(unix_diag(client, inode(client), &diag, &err), 0);
	assert_true(diag.has_peer);
	assert_int_equal(diag.peer_ino, 0); /* nobody has accepted it */
}

static void test_malformed_answers(void **state)
{
	struct {
		struct nlmsghdr header;
		uint8_t rest[48];
	} answer = {.header = {.nlmsg_len = sizeof(answer), .nlmsg_type = 20}};
	struct nlattr bad = {.nla_len = 400, .nla_type = 2}, tiny = {.nla_len = 1, .nla_type = 2};
	struct unix_diag diag;
	struct sn_err err;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(answer); len++) /* cut short anywhere */
		assert_int_equal(unix_diag_parse((uint8_t *)&answer, len, &diag, &err), -1);
	memcpy(answer.rest + 16, &bad, sizeof(bad));
	assert_int_equal(unix_diag_parse((uint8_t *)&answer, sizeof(answer), &diag, &err), -1);
	memcpy(answer.rest + 16, &tiny, sizeof(tiny));
	assert_int_equal(unix_diag_parse((uint8_t *)&answer, sizeof(answer), &diag, &err), -1);
	answer.header.nlmsg_len = 8; /* less than it is */
	assert_int_equal(unix_diag_parse((uint8_t *)&answer, sizeof(answer), &diag, &err), -1);
	answer.header.nlmsg_type = NLMSG_ERROR;
	memset(answer.rest, 0xff, sizeof(answer.rest)); /* -1: EPERM */
	assert_int_equal(unix_diag_parse((uint8_t *)&answer, sizeof(answer), &diag, &err), -1);
	assert_int_equal(err.code, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diag_of_a_pair),
		cmocka_unit_test(test_diag_of_a_listener),
		cmocka_unit_test(test_malformed_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

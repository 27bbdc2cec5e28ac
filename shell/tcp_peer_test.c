// SPDX-License-Identifier: Apache-2.0
#include "shell/tcp_peer.h"

#include "core/base/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A listener at 2000, its side of a connection, the peer's, one that nobody holds, one
 * of another machine, and one of AF_INET6. */
static const char lines[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
	" inode\n"
	"   0: 0100007F:07D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0"
	" 10 1 0000000000000000 100 0 0 10 0\n"
	"   1: 0100007F:07D0 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0"
	" 11 1 0000000000000000 20 4 30 10 -1\n"
	"   2: 0100007F:9C40 0100007F:07D0 01 00000000:00000000 00:00000000 00000000  1000        0"
	" 12 1 0000000000000000 20 4 30 10 -1\n"
	"   3: 0100007F:9C41 0100007F:07D0 05 00000000:00000000 00:00000000 00000000     0        0"
	" 0 1 0000000000000000 20 4 30 10 -1\n"
	"   4: 0200000A:9C42 0100007F:07D0 01 00000000:00000000 00:00000000 00000000  1000        0"
	" 13 1 0000000000000000 20 4 30 10 -1\n"
	"   5: 0000000000000000FFFF00000100007F:9C43 0000000000000000FFFF00000100007F:07D0 01"
	" 00000000:00000000 00:00000000 00000000  1001        0"
	" 14 1 0000000000000000 20 4 30 10 -1\n"
	"rubbish\n";

static void table(void **state)
{
	static const struct {
		uint16_t port, peer;
		bool found;
		uid_t uid;
	} cases[] = {
		{40000, 2000, true, 1000}, {2000, 40000, true, 0},    {40001, 2000, false, 0},
		{40002, 2000, false, 0},   {40003, 2000, true, 1001}, {2000, 0, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		sn_auto_file FILE *in = fmemopen((char *)lines, strlen(lines), "r");
		uid_t uid = 0;

		assert_int_equal(tcp_owner(in, cases[i].port, cases[i].peer, &uid), cases[i].found);
		assert_int_equal(uid, cases[i].uid);
	}
}

/* Both ends ours; then the other one closed. */
static void own(void **state)
{
	struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, ""};
	socklen_t size = sizeof(address);
	sn_auto_fd int listener = socket(AF_INET, SOCK_STREAM, 0);
	sn_auto_fd int fd = -1;
	int peer = socket(AF_INET, SOCK_STREAM, 0);
	struct sn_err err;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(peer, (struct sockaddr *)&address, size), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(tcp_peer_allowed(fd, &err), 0);
	close(peer);
	assert_int_equal(tcp_peer_allowed(fd, &err), -1);
	assert_string_equal(err.text, "refused a connection: it is not known whose it is");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Sockets without a target: names, who holds an address, what may stay and what cannot be. */
#include "core/base/guard.h"
#include "core/kinds/inet_socket.h"
#include "core/kinds/socket_holder.h"
#include "core/kinds/socket_name.h"
#include "core/kinds/unix_address.h"
#include "core/kinds/unix_socket.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

/* ---- names ---- */

static void expect_name(const void *address, size_t len, const char *name)
{
	char buf[SOCKET_NAME_BYTES];

	assert_string_equal(socket_address_name(address, len, buf, sizeof(buf)), name);
}

static void test_address_names(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(6379)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x.sock"};
	char small[6];

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	expect_name(&in, sizeof(in), "127.0.0.1:6379");
	expect_name(&in6, sizeof(in6), "[::1]:80");
	expect_name(&un, sizeof(un), "/run/x.sock");
	memcpy(un.sun_path, "\0ab\0c", 5);
	expect_name(&un, offsetof(struct sockaddr_un, sun_path) + 5, "@ab@c");
	expect_name(&un, offsetof(struct sockaddr_un, sun_path), "nowhere");
	expect_name(NULL, 0, "nowhere");
	expect_name(&in, 4, "nowhere"); /* cut short */
	assert_string_equal(unix_address_name("/a/long/path", 12, small, sizeof(small)), "/a/lo");
	assert_string_equal(unix_address_name("a\nb", 3, small, sizeof(small)), "a?b");
}

static void expect_description(int fd, const char *text)
{
	char buf[128];

	assert_true(fd >= 0);
	assert_int_equal(socket_describe(NULL, fd, buf, sizeof(buf)), 0);
	assert_string_equal(buf, text);
	close(fd);
}

static void test_descriptions(void **state)
{
	char buf[16];

	(void)state;
	expect_description(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE),
			   "netlink socket (NETLINK_ROUTE)");
	expect_description(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG),
			   "netlink socket (NETLINK_SOCK_DIAG)");
	expect_description(socket(AF_UNIX, SOCK_STREAM, 0), "unix socket");
	expect_description(socket(AF_INET, SOCK_DGRAM, 0), "IPv4 socket (UDP)");
	assert_int_equal(socket_describe(NULL, STDIN_FILENO, buf, sizeof(buf)), -1);
}

static void test_unix_address(void **state)
{
	char longest[108];
	ProtobufCBinaryData path = {5, (uint8_t *)"/a/b\0"}, abstract = {4, (uint8_t *)"\0abc"};
	ProtobufCBinaryData full = {sizeof(longest), (uint8_t *)longest}, none = {0};
	struct sockaddr_un un;

	(void)state;
	path.len = 4;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(unix_address_make(&path, &un), 2 + 4 + 1);
	assert_string_equal(un.sun_path, "/a/b");
	assert_int_equal(unix_address_make(&abstract, &un), 2 + 4);
	assert_memory_equal(un.sun_path, "\0abc", 4);
	assert_int_equal(unix_address_make(&full, &un), sizeof(un));
	assert_int_equal(unix_address_make(&none, &un), 2);
	assert_true(unix_address_is_path(&path));
	assert_false(unix_address_is_path(&abstract));
	assert_false(unix_address_is_path(&none));
}

/* ---- /proc/net ---- */

static void test_inet_lines(void **state)
{
	static const char listener[] =
		"   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000"
		"     0        0 53760 1 ffff8881 100 0 0 10 0";
	static const char remains[] =
		"   1: 0100007F:18EB 0100007F:C350 06 00000000:00000000 03:0000152D 00000000"
		"     0        0 0 3 ffff8881";
	static const char six[] =
		"   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000"
		" 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 f 100 0 0 10 0";
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(6379)};
	struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct inet_line line;

	(void)state;
	assert_false(inet_line_parse("  sl  local_address rem_address   st", AF_INET, &line));
	assert_false(inet_line_parse("", AF_INET, &line));
	assert_false(inet_line_parse(six, AF_INET, &line));
	assert_false(inet_line_parse(listener, AF_INET6, &line));
	assert_true(inet_line_parse(listener, AF_INET, &line));
	assert_int_equal(line.ino, 53760);
	assert_int_equal(line.state, TCP_LISTEN);
	assert_int_equal(line.ends.local_port, 6379);
	assert_false(inet_line_remains(&line));
	assert_true(inet_line_conflicts(&line, &at, sizeof(at))); /* any address */
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(inet_line_conflicts(&line, &at, sizeof(at)));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_false(inet_line_conflicts(&line, &at, sizeof(at)));
	assert_true(inet_line_parse(remains, AF_INET, &line));
	assert_true(inet_line_remains(&line));
	assert_int_equal(line.left_s, 55);
	assert_int_equal(line.ends.remote_port, 50000);
	assert_true(inet_line_parse(six, AF_INET6, &line));
	assert_true(inet_line_conflicts(&line, &at6, sizeof(at6)));
	at6.sin6_port = htons(81);
	assert_false(inet_line_conflicts(&line, &at6, sizeof(at6)));
	assert_false(inet_line_conflicts(&line, &at6, 3));
}

static void test_unix_lines(void **state)
{
	static const char bound[] = "ffff8881: 00000002 00000000 00010000 0001 01 5151 /run/x y";
	static const char accepted[] = "ffff8881: 00000003 00000000 00000000 0001 03 5152 /run/x y";
	static const char datagrams[] = "ffff8881: 00000003 00000000 00000000 0002 03 5154 /run/z";
	static const char abstract[] = "ffff8881: 00000002 00000000 00010000 0001 01 5153 @abc";

	(void)state;
	assert_int_equal(unix_line_parse(bound, "/run/x y", 8), 5151);
	assert_int_equal(unix_line_parse(bound, "/run/x", 6), 0);
	assert_int_equal(unix_line_parse(accepted, "/run/x y", 8), 0);
	assert_int_equal(unix_line_parse(datagrams, "/run/z", 6), 5154);
	assert_int_equal(unix_line_parse(abstract, "\0abc", 4), 5153);
	assert_int_equal(unix_line_parse("Num RefCount Protocol Flags Type St Inode Path", "x", 1),
			 0);
}

static void test_holder(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(at), un_len = sizeof(un);
	sn_auto_fd int tcp = socket(AF_INET, SOCK_STREAM, 0);
	sn_auto_fd int un_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char who[64], me[16];

	(void)state;
	assert_int_equal(bind(tcp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(tcp, 1), 0);
	getsockname(tcp, (struct sockaddr *)&at, &len);
	snprintf(me, sizeof(me), "%d (", getpid());
	inet_holder(getpid(), IPPROTO_TCP, &at, len, who, sizeof(who));
	assert_memory_equal(who, me, strlen(me));
	inet_holder(getpid(), IPPROTO_UDP, &at, len, who, sizeof(who));
	assert_string_equal(who, "another process"); /* nobody we see */
	assert_int_equal(bind(un_fd, (struct sockaddr *)&un, sizeof(sa_family_t)), 0);
	getsockname(un_fd, (struct sockaddr *)&un, &un_len);
	unix_holder(getpid(), un.sun_path, un_len - sizeof(sa_family_t), who, sizeof(who));
	assert_memory_equal(who, me, strlen(me));
}

/* ---- what may stay, what cannot be ---- */

struct file {
	Sn__OpenFile file;
	Sn__UnixSocket local;
	Sn__InetSocket inet;
};

static struct file unix_file(int type, Sn__UnixSocket__State state, uint64_t ino, uint64_t peer)
{
	struct file f = {SN__OPEN_FILE__INIT, SN__UNIX_SOCKET__INIT, SN__INET_SOCKET__INIT};

	f.file.ino = ino;
	f.file.object_case = SN__OPEN_FILE__OBJECT_UNIX_SOCKET;
	f.local.type = (uint32_t)type;
	f.local.state = state;
	f.local.peer_ino = peer;
	return f;
}

static bool unix_same(struct file *have, struct file *want)
{
	have->file.unix_socket = &have->local;
	want->file.unix_socket = &want->local;
	return kind_unix_socket.file->same(&have->file, &want->file);
}

static void test_unix_same(void **state)
{
	struct file a = unix_file(SOCK_STREAM, SN__UNIX_SOCKET__STATE__CONNECTED, 10, 11), b = a;
	struct file peer = unix_file(SOCK_STREAM, SN__UNIX_SOCKET__STATE__CONNECTED, 11, 10);
	ProtobufCBinaryData message = {1, (uint8_t *)"m"};

	(void)state;
	assert_true(unix_same(&a, &b));
	peer.file.unix_socket = &peer.local;
	assert_int_equal(kind_unix_socket.file->group(&a.file),
			 kind_unix_socket.file->group(&peer.file));
	b.local.n_queued = 1;
	b.local.queued = &message;
	assert_true(unix_same(&a, &b)); /* can be filled again */
	a.local.shutdown = b.local.shutdown = 1;
	assert_false(unix_same(&a, &b)); /* cannot: the other end sends no more */
	b.local.external = true;
	assert_true(unix_same(&a, &b));
	b.file.ino = 12;
	assert_false(unix_same(&a, &b));
	a = b = unix_file(SOCK_STREAM, SN__UNIX_SOCKET__STATE__LISTENING, 10, 0);
	b.file.ino = 99;
	assert_true(unix_same(&a, &b)); /* one listener is like another */
	assert_int_equal(kind_unix_socket.file->group(&a.file), 0);
	b.local.address = message;
	assert_false(unix_same(&a, &b));
	b.local.address.len = 0;
	b.local.mode = 0140755;
	assert_false(unix_same(&a, &b)); /* the file is gone */
}

static bool inet_same(struct file *have, struct file *want)
{
	have->file.inet_socket = &have->inet;
	want->file.inet_socket = &want->inet;
	return kind_inet_socket.file->same(&have->file, &want->file);
}

static void test_inet_same(void **state)
{
	struct file a = {SN__OPEN_FILE__INIT, SN__UNIX_SOCKET__INIT, SN__INET_SOCKET__INIT}, b;

	(void)state;
	a.inet.type = SOCK_STREAM;
	a.inet.state = SN__INET_SOCKET__STATE__CONNECTED;
	a.file.ino = 5;
	b = a;
	assert_true(inet_same(&a, &b));
	b.file.ino = 6; /* another connection */
	assert_false(inet_same(&a, &b));
	a.inet.state = b.inet.state = SN__INET_SOCKET__STATE__LISTENING;
	assert_true(inet_same(&a, &b));
	a.inet.state = SN__INET_SOCKET__STATE__BOUND;
	assert_false(inet_same(&a, &b));
	a.inet.state = b.inet.state;
	a.inet.family = AF_INET6;
	assert_false(inet_same(&a, &b));
}

static void test_refuse(void **state)
{
	struct file f = unix_file(SOCK_DGRAM, SN__UNIX_SOCKET__STATE__IDLE, 10, 0);
	ProtobufCBinaryData large = {2 << 20, NULL};

	(void)state;
	f.file.unix_socket = &f.local;
	assert_null(kind_unix_socket.file->refuse(NULL, &f.file));
	f.local.n_queued = 1;
	f.local.queued = &large;
	assert_non_null(kind_unix_socket.file->refuse(NULL, &f.file));
	f.local.type = SOCK_STREAM; /* goes over in pieces */
	assert_null(kind_unix_socket.file->refuse(NULL, &f.file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_names),
		cmocka_unit_test(test_descriptions),
		cmocka_unit_test(test_unix_address),
		cmocka_unit_test(test_inet_lines),
		cmocka_unit_test(test_unix_lines),
		cmocka_unit_test(test_holder),
		cmocka_unit_test(test_unix_same),
		cmocka_unit_test(test_inet_same),
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets without a target: names, options from one socket to another, messages looked at
 * and left where they are, what sock_diag and /proc/net say, what may stay.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/inet_socket.h"
#include "core/kinds/sock_diag.h"
#include "core/kinds/socket_holder.h"
#include "core/kinds/socket_name.h"
#include "core/kinds/sockopt.h"
#include "core/kinds/unix_address.h"
#include "core/kinds/unix_queue.h"
#include "core/kinds/unix_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
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

static uint32_t inode(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	return (uint32_t)stat.st_ino;
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

/* ---- options ---- */

struct options {
	Sn__SocketOption **list;
	size_t count;
};

static void release_options(struct options *o)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		sn__socket_option__free_unpacked(o->list[i], NULL);
	free(o->list);
}

static struct options read_options(int fd, unsigned what)
{
	struct options o = {0};
	struct sn_err err = {0};

	if (sockopt_read(fd, what, &o.list, &o.count, &err) < 0)
		fail_msg("%s", err.text);
	return o;
}

static bool has_option(const struct options *o, int level, int name)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		if (o->list[i]->level == level && o->list[i]->name == name)
			return true;
	return false;
}

static bool same_options(const struct options *a, const struct options *b)
{
	return sockopt_equal(a->list, a->count, b->list, b->count);
}

static void no_failure(void *arg, const char *name, int code)
{
	(void)arg;
	fail_msg("%s: %s", name, strerror(code));
}

static void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		fail_msg("%s: %s", sockopt_name(level, name), strerror(errno));
}

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static const struct {
	int family, type;
	unsigned what;
} sorts[] = {
	{AF_UNIX, SOCK_STREAM, SOCKOPT_UNIX},
	{AF_UNIX, SOCK_DGRAM, SOCKOPT_UNIX},
	{AF_INET, SOCK_STREAM, SOCKOPT_IP | SOCKOPT_TCP},
	{AF_INET6, SOCK_STREAM, SOCKOPT_IP | SOCKOPT_IP6 | SOCKOPT_TCP},
	{AF_INET, SOCK_DGRAM, SOCKOPT_IP | SOCKOPT_UDP},
	{AF_INET6, SOCK_DGRAM, SOCKOPT_IP | SOCKOPT_IP6 | SOCKOPT_UDP},
};

/* The table's defaults are the kernel's: a new socket shows only what the system chooses. */
static void test_new_sockets(void **state)
{
	static const struct {
		int level, name;
	} system[] = {
		{SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_BUSY_POLL},
		{IPPROTO_IP, IP_TTL}, {IPPROTO_IP, IP_MTU_DISCOVER}, {IPPROTO_IP, IP_MULTICAST_ALL},
		{IPPROTO_IPV6, IPV6_V6ONLY}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
		{IPPROTO_IPV6, IPV6_MTU_DISCOVER}, {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL},
		{IPPROTO_IPV6, IPV6_MULTICAST_HOPS}, {IPPROTO_TCP, TCP_KEEPIDLE},
		{IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT},
		{IPPROTO_TCP, TCP_CONGESTION}, {IPPROTO_TCP, TCP_SYNCNT},
		{IPPROTO_TCP, TCP_LINGER2}, {IPPROTO_TCP, TCP_MAXSEG},
	};
	size_t i, k, s;

	(void)state;
	for (s = 0; s < sn_countof(sorts); s++) {
		sn_auto_fd int fd = socket(sorts[s].family, sorts[s].type, 0);
		sn_auto(release_options) struct options o = {0};

		if (fd < 0 && sorts[s].family == AF_INET6)
			continue; /* not every machine has it */
		o = read_options(fd, sorts[s].what);
		for (i = 0; i < o.count; i++) {
			for (k = 0; k < sn_countof(system); k++)
				if (system[k].level == o.list[i]->level &&
				    system[k].name == o.list[i]->name)
					break;
			if (k == sn_countof(system))
				fail_msg("%s of a new socket",
					 sockopt_name(o.list[i]->level, o.list[i]->name));
		}
	}
}

static void set_much(int fd, unsigned what)
{
	struct linger linger = {1, 7};
	struct timeval timeout = {3, 500000};

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, SOL_SOCKET, SO_RCVBUF, 20000);
	set_int(fd, SOL_SOCKET, SO_PRIORITY, 4);
	set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	if (what & SOCKOPT_UNIX) {
		set_int(fd, SOL_SOCKET, SO_PASSCRED, 1);
		set_int(fd, SOL_SOCKET, SO_PEEK_OFF, 17);
	}
	if (what & SOCKOPT_TCP) {
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 123);
		set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 4567);
		set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
		set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, 9);
	}
	if (what & SOCKOPT_UDP)
		set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (what & SOCKOPT_IP)
		set_int(fd, IPPROTO_IP, IP_TTL, 33);
	if (what & SOCKOPT_IP6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static void test_options_go_over(void **state)
{
	size_t s;

	(void)state;
	for (s = 0; s < sn_countof(sorts); s++) {
		sn_auto_fd int from = socket(sorts[s].family, sorts[s].type, 0);
		sn_auto_fd int to = socket(sorts[s].family, sorts[s].type, 0);
		sn_auto(release_options) struct options before = {0}, set = {0}, there = {0},
							back = {0};

		if (from < 0 && sorts[s].family == AF_INET6)
			continue;
		before = read_options(to, sorts[s].what);
		set_much(from, sorts[s].what);
		set = read_options(from, sorts[s].what);
		assert_false(same_options(&before, &set));
		sockopt_write(to, sorts[s].what, set.list, set.count, no_failure, NULL);
		there = read_options(to, sorts[s].what);
		assert_true(same_options(&there, &set));
		assert_int_equal(get_int(to, SOL_SOCKET, SO_RCVBUF), 40000);
		/* a living socket goes back to what it had not set */
		sockopt_write(to, sorts[s].what, before.list, before.count, no_failure, NULL);
		back = read_options(to, sorts[s].what);
		assert_true(same_options(&back, &before));
	}
}

/* A TCP buffer nobody has set keeps growing with the traffic. */
static void test_free_buffers(void **state)
{
	sn_auto_fd int from = socket(AF_INET, SOCK_STREAM, 0);
	sn_auto_fd int to = socket(AF_INET, SOCK_STREAM, 0);
	unsigned what = SOCKOPT_IP | SOCKOPT_TCP;
	sn_auto(release_options) struct options o = read_options(from, what);

	(void)state;
	assert_false(has_option(&o, SOL_SOCKET, SO_RCVBUF));
	set_int(to, SOL_SOCKET, SO_SNDBUF, 30000);
	sockopt_write(to, what, o.list, o.count, no_failure, NULL);
	assert_int_equal(get_int(to, SOL_SOCKET, SO_BUF_LOCK), 0);
}

static void test_filter(void **state)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};
	struct sock_fprog program = {sn_countof(code), code};
	struct sock_filter back[4];
	sn_auto_fd int from = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned what = SOCKOPT_IP | SOCKOPT_UDP;
	sn_auto(release_options) struct options none = read_options(from, what), o = {0};
	socklen_t len = sn_countof(back);

	(void)state;
	assert_int_equal(setsockopt(from, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				    sizeof(program)), 0);
	o = read_options(from, what);
	assert_true(has_option(&o, SOL_SOCKET, SO_ATTACH_FILTER));
	sockopt_write(to, what, o.list, o.count, no_failure, NULL);
	assert_int_equal(getsockopt(to, SOL_SOCKET, SO_GET_FILTER, back, &len), 0);
	assert_int_equal(len, 1);
	assert_memory_equal(back, code, sizeof(code));
	sockopt_write(to, what, none.list, none.count, no_failure, NULL);
	len = sn_countof(back);
	assert_int_equal(getsockopt(to, SOL_SOCKET, SO_GET_FILTER, back, &len), 0);
	assert_int_equal(len, 0);
}

static void note_failure(void *arg, const char *name, int code)
{
	(void)code;
	snprintf(arg, 32, "%s", name);
}

static void test_refused_option(void **state)
{
	uint8_t odd[3] = {1, 2, 3};
	Sn__SocketOption option = SN__SOCKET_OPTION__INIT, *list[] = {&option};
	sn_auto_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
	char failed[32] = "";

	(void)state;
	option.level = IPPROTO_TCP;
	option.name = TCP_CONGESTION;
	option.value = (ProtobufCBinaryData){sizeof(odd), odd};
	sockopt_write(fd, SOCKOPT_IP | SOCKOPT_TCP, list, 1, note_failure, failed);
	assert_string_equal(failed, "TCP_CONGESTION");
}

/* ---- messages that wait ---- */

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

/* ---- sock_diag ---- */

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
	sn_auto_fd int tcp = socket(AF_INET, SOCK_STREAM, 0), un_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
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
		cmocka_unit_test(test_new_sockets),
		cmocka_unit_test(test_options_go_over),
		cmocka_unit_test(test_free_buffers),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_refused_option),
		cmocka_unit_test(test_peek_stream),
		cmocka_unit_test(test_peek_messages),
		cmocka_unit_test(test_peek_large_and_empty),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_descriptors_are_refused),
		cmocka_unit_test(test_waiting_error_stays),
		cmocka_unit_test(test_diag_of_a_pair),
		cmocka_unit_test(test_diag_of_a_listener),
		cmocka_unit_test(test_malformed_answers),
		cmocka_unit_test(test_inet_lines),
		cmocka_unit_test(test_unix_lines),
		cmocka_unit_test(test_holder),
		cmocka_unit_test(test_unix_same),
		cmocka_unit_test(test_inet_same),
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

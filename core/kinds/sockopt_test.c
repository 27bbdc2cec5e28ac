// SPDX-License-Identifier: Apache-2.0
/* Options of sockets: the table's defaults are the kernel's, and what one socket has goes over
 * to another and back. */
#include "core/base/guard.h"
#include "core/kinds/sockopt.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_sockets),
		cmocka_unit_test(test_options_go_over),
		cmocka_unit_test(test_free_buffers),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_refused_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

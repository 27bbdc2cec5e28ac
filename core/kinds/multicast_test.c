// SPDX-License-Identifier: Apache-2.0
/* Multicast memberships: the kernel's lists, and a membership that goes from one socket of
 * ours to another and is left again. */
#include "core/base/guard.h"
#include "core/kinds/multicast.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static struct options memberships(int fd, int family)
{
	struct options o = {0};
	struct sn_err err = {0};

	if (multicast_read(getpid(), fd, family, &o.list, &o.count, &err) < 0)
		fail_msg("%s", err.text);
	return o;
}

static void no_failure(void *arg, const char *name, int code)
{
	(void)arg;
	fail_msg("%s: %s", name, strerror(code));
}

static void test_lists(void **state)
{
	static const char igmp[] =
		"Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
		"1\tlo        :     1      V3\n"
		"\t\t\t\t010000E0     1 0:00000000\t\t0\n"
		"12\teth0      :     2      V3\n"
		"\t\t\t\tFB0000E0     1 0:00000000\t\t0\n"
		"\t\t\t\t010000E0     1 0:00000000\t\t0\n";
	static const char igmp6[] =
		"1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
		"2    eth0            ff0200000000000000000001ff1e\n" /* cut short */
		"2    eth0            ff0200000000000000000000000000fb     1 00000004 0";
	const char *at = igmp;
	struct multicast_group group;
	struct sockaddr_in *in = (struct sockaddr_in *)&group.group;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&group.group;
	uint32_t interface = 0;

	(void)state;
	assert_true(multicast_next(&at, AF_INET, &interface, &group));
	assert_int_equal(group.interface, 1);
	assert_string_equal(inet_ntoa(in->sin_addr), "224.0.0.1");
	assert_true(multicast_next(&at, AF_INET, &interface, &group));
	assert_int_equal(group.interface, 12);
	assert_string_equal(inet_ntoa(in->sin_addr), "224.0.0.251");
	assert_true(multicast_next(&at, AF_INET, &interface, &group));
	assert_false(multicast_next(&at, AF_INET, &interface, &group));
	at = igmp6;
	assert_true(multicast_next(&at, AF_INET6, &interface, &group));
	assert_int_equal(in6->sin6_addr.s6_addr[15], 1);
	assert_true(multicast_next(&at, AF_INET6, &interface, &group));
	assert_int_equal(group.interface, 2);
	assert_int_equal(in6->sin6_addr.s6_addr[15], 0xfb);
	assert_false(multicast_next(&at, AF_INET6, &interface, &group));
}

static struct group_req request(int family)
{
	struct group_req r = {.gr_interface = if_nametoindex("lo")};
	struct sockaddr_in *in = (struct sockaddr_in *)&r.gr_group;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&r.gr_group;

	if (family == AF_INET) {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, "239.193.77.7", &in->sin_addr);
	} else {
		in6->sin6_family = AF_INET6;
		inet_pton(AF_INET6, "ff15::7707", &in6->sin6_addr);
	}
	return r;
}

static void block_somebody(int fd, struct group_req group)
{
	struct group_source_req r = {.gsr_interface = group.gr_interface,
				     .gsr_group = group.gr_group};
	struct sockaddr_in *in = (struct sockaddr_in *)&r.gsr_source;

	in->sin_family = AF_INET;
	inet_pton(AF_INET, "10.9.8.7", &in->sin_addr);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, &r, sizeof(r)), 0);
}

static void go_over(int family, int level, bool block)
{
	sn_auto_fd int from = socket(family, SOCK_DGRAM, 0), to = socket(family, SOCK_DGRAM, 0);
	sn_auto(release_options) struct options none = {0}, set = {0}, there = {0}, back = {0};
	struct group_req group = request(family);

	if (from < 0 && family == AF_INET6)
		return; /* not every machine has it */
	none = memberships(from, family);
	assert_int_equal(none.count, 0);
	if (setsockopt(from, level, MCAST_JOIN_GROUP, &group, sizeof(group)) < 0)
		skip();
	if (block)
		block_somebody(from, group);
	set = memberships(from, family);
	assert_int_equal(set.count, 1);
	multicast_write(to, none.list, none.count, set.list, set.count, no_failure, NULL);
	there = memberships(to, family);
	assert_true(sockopt_equal(there.list, there.count, set.list, set.count));
	multicast_write(to, there.list, there.count, none.list, none.count, no_failure, NULL);
	back = memberships(to, family);
	assert_int_equal(back.count, 0);
}

static void test_go_over(void **state)
{
	(void)state;
	go_over(AF_INET, IPPROTO_IP, false);
	go_over(AF_INET, IPPROTO_IP, true);
	go_over(AF_INET6, IPPROTO_IPV6, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_go_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

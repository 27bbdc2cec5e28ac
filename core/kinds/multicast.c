// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/multicast.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_SOURCES = 64 }; /* sysctl net.ipv4.igmp_max_msf: 10, net.ipv6.mld_max_msf: 64 */

/* ---- which groups there are ---- */

/* "1\tlo        :     1      V3" begins an interface, "\t\t\t\t010000E0     1 0:00000000" is one
 * of its groups, as it lies in memory. */
static bool parse_igmp(const char *line, uint32_t *interface, struct multicast_group *group)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&group->group;
	unsigned value;

	if (isdigit((unsigned char)line[0])) {
		*interface = (uint32_t)strtoul(line, NULL, 10);
		return false;
	}
	if (line[0] != '\t' || sscanf(line, " %8x", &value) != 1)
		return false;
	*group = (struct multicast_group){.level = IPPROTO_IP, .interface = *interface};
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = value;
	return true;
}

/* "1    lo              ff020000000000000000000000000001     1 0000000C 0" */
static bool parse_igmp6(const char *line, struct multicast_group *group)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&group->group;
	unsigned interface, byte;
	char address[33];
	size_t i;

	if (sscanf(line, "%u %*s %32[0-9a-f]", &interface, address) != 2 ||
	    strlen(address) != 32)
		return false;
	*group = (struct multicast_group){.level = IPPROTO_IPV6, .interface = interface};
	in6->sin6_family = AF_INET6;
	for (i = 0; i < 16; i++) {
		sscanf(address + 2 * i, "%2x", &byte);
		in6->sin6_addr.s6_addr[i] = (uint8_t)byte;
	}
	return true;
}

bool multicast_next(const char **at, int family, uint32_t *interface,
		    struct multicast_group *group)
{
	while (**at) {
		const char *line = *at;

		*at += strcspn(line, "\n");
		if (**at)
			++*at;
		if (family == AF_INET6 ? parse_igmp6(line, group)
				       : parse_igmp(line, interface, group))
			return true;
	}
	return false;
}

/* ---- reading ---- */

static int read_one(int fd, const struct multicast_group *group, Sn__SocketOption ***options,
		    size_t *count, struct sn_err *err)
{
	_Alignas(struct group_filter) uint8_t room[GROUP_FILTER_SIZE(MAX_SOURCES)];
	struct group_filter *filter = (struct group_filter *)room;
	socklen_t len = sizeof(room);
	Sn__SocketOption *option;

	memset(room, 0, sizeof(room));
	filter->gf_interface = group->interface;
	filter->gf_group = group->group;
	filter->gf_numsrc = MAX_SOURCES;
	if (getsockopt(fd, group->level, MCAST_MSFILTER, filter, &len) < 0)
		return 0; /* not a member */
	if (filter->gf_numsrc > MAX_SOURCES)
		return sn_fail(err, "a multicast membership with %u sources", filter->gf_numsrc);
	option = sn_malloc(sizeof(*option));
	sn__socket_option__init(option);
	option->level = group->level;
	option->name = MCAST_MSFILTER;
	option->value.len = GROUP_FILTER_SIZE(filter->gf_numsrc);
	option->value.data = memcpy(sn_malloc(option->value.len), filter, option->value.len);
	*options = sn_realloc(*options, *count + 1, sizeof(**options));
	(*options)[(*count)++] = option;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const ProtobufCBinaryData *x = &(*(Sn__SocketOption *const *)a)->value;
	const ProtobufCBinaryData *y = &(*(Sn__SocketOption *const *)b)->value;
	int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

int multicast_read(pid_t pid, int fd, int family, Sn__SocketOption ***options, size_t *count,
		   struct sn_err *err)
{
	static const int families[] = {AF_INET, AF_INET6}; /* an IPv6 socket may be in both */
	size_t first = *count, i;

	for (i = 0; i < (family == AF_INET6 ? 2 : 1); i++) {
		struct multicast_group group;
		struct sn_err ignored; /* a system without IPv6 */
		sn_auto_free char *text = proc_read(
			pid, families[i] == AF_INET6 ? "net/igmp6" : "net/igmp", NULL, &ignored);
		const char *at = text ? text : "";
		uint32_t interface = 0;

		while (multicast_next(&at, families[i], &interface, &group))
			if (read_one(fd, &group, options, count, err) < 0)
				return -1;
	}
	/* the kernel's order is that of joining: no difference between two models */
	if (*count > first + 1)
		qsort(*options + first, *count - first, sizeof(**options), by_value);
	return 0;
}

/* ---- writing ---- */

static bool is_membership(const Sn__SocketOption *option)
{
	return option->name == MCAST_MSFILTER &&
	       (option->level == IPPROTO_IP || option->level == IPPROTO_IPV6) &&
	       option->value.len >= GROUP_FILTER_SIZE(0);
}

static struct group_req request_of(const Sn__SocketOption *option)
{
	struct group_filter filter;
	struct group_req request = {0};

	memcpy(&filter, option->value.data, GROUP_FILTER_SIZE(0));
	request.gr_interface = filter.gf_interface;
	request.gr_group = filter.gf_group;
	return request;
}

static const Sn__SocketOption *find(const Sn__SocketOption *membership,
				    Sn__SocketOption *const *list, size_t count)
{
	struct group_req wanted = request_of(membership);
	size_t i;

	for (i = 0; i < count; i++) {
		struct group_req there;

		if (!is_membership(list[i]) || list[i]->level != membership->level)
			continue;
		there = request_of(list[i]);
		if (memcmp(&there, &wanted, sizeof(there)) == 0)
			return list[i];
	}
	return NULL;
}

/* A new membership takes every source: exclude nobody. */
static bool takes_all(const Sn__SocketOption *option)
{
	struct group_filter filter;

	memcpy(&filter, option->value.data, GROUP_FILTER_SIZE(0));
	return filter.gf_fmode == MCAST_EXCLUDE && filter.gf_numsrc == 0;
}

static int join(int fd, const Sn__SocketOption *option, const Sn__SocketOption *have)
{
	struct group_req request = request_of(option);

	if (!have && setsockopt(fd, option->level, MCAST_JOIN_GROUP, &request,
				sizeof(request)) < 0)
		return -1;
	if (!have && takes_all(option))
		return 0;
	if (have && have->value.len == option->value.len &&
	    memcmp(have->value.data, option->value.data, have->value.len) == 0)
		return 0;
	return setsockopt(fd, option->level, MCAST_MSFILTER, option->value.data,
			  (socklen_t)option->value.len);
}

void multicast_write(int fd, Sn__SocketOption *const *have, size_t have_count,
		     Sn__SocketOption *const *want, size_t want_count,
		     sockopt_failed_fn *failed, void *arg)
{
	struct group_req request;
	size_t i;

	for (i = 0; i < have_count; i++) {
		if (!is_membership(have[i]) || find(have[i], want, want_count))
			continue;
		request = request_of(have[i]);
		if (setsockopt(fd, have[i]->level, MCAST_LEAVE_GROUP, &request,
			       sizeof(request)) < 0)
			failed(arg, "a multicast membership", errno);
	}
	for (i = 0; i < want_count; i++)
		if (is_membership(want[i]) &&
		    join(fd, want[i], find(want[i], have, have_count)) < 0)
			failed(arg, "a multicast membership", errno);
}

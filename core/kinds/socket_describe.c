// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/socket_describe.h"

#include "core/base/guard.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

struct named {
	int number;
	const char *name;
};

static const struct named families[] = {
	{AF_UNIX, "unix"},	{AF_INET, "IPv4"},	  {AF_INET6, "IPv6"},
	{AF_NETLINK, "netlink"}, {AF_PACKET, "packet"},	  {AF_VSOCK, "vsock"},
	{AF_BLUETOOTH, "bluetooth"}, {AF_CAN, "CAN"},	  {AF_ALG, "crypto (AF_ALG)"},
	{AF_TIPC, "TIPC"},	{AF_KEY, "IPsec key"},	  {AF_XDP, "XDP"},
	{AF_RDS, "RDS"},	{AF_KCM, "KCM"},	  {AF_QIPCRTR, "QIPCRTR"},
	{AF_SMC, "SMC"},	{AF_NFC, "NFC"},	  {AF_PPPOX, "PPP"},
};

static const struct named netlink_protocols[] = {
	{NETLINK_ROUTE, "NETLINK_ROUTE"},
	{NETLINK_USERSOCK, "NETLINK_USERSOCK"},
	{NETLINK_SOCK_DIAG, "NETLINK_SOCK_DIAG"},
	{NETLINK_NFLOG, "NETLINK_NFLOG"},
	{NETLINK_XFRM, "NETLINK_XFRM"},
	{NETLINK_SELINUX, "NETLINK_SELINUX"},
	{NETLINK_AUDIT, "NETLINK_AUDIT"},
	{NETLINK_CONNECTOR, "NETLINK_CONNECTOR"},
	{NETLINK_NETFILTER, "NETLINK_NETFILTER"},
	{NETLINK_KOBJECT_UEVENT, "NETLINK_KOBJECT_UEVENT"},
	{NETLINK_GENERIC, "NETLINK_GENERIC"},
	{NETLINK_CRYPTO, "NETLINK_CRYPTO"},
};

static const struct named inet_protocols[] = {
	{IPPROTO_ICMP, "ICMP"}, {IPPROTO_ICMPV6, "ICMPv6"}, {IPPROTO_SCTP, "SCTP"},
	{IPPROTO_DCCP, "DCCP"}, {IPPROTO_UDPLITE, "UDP-Lite"}, {IPPROTO_RAW, "raw IP"},
	{IPPROTO_TCP, "TCP"}, {IPPROTO_UDP, "UDP"}, {IPPROTO_MPTCP, "MPTCP"},
};

static const char *name_of(const struct named *table, size_t count, int number)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (table[i].number == number)
			return table[i].name;
	return NULL;
}

int socket_describe(const struct file_probe *probe, int local_fd, char *buf, size_t size)
{
	int family = 0, type = 0, protocol = 0;
	socklen_t len = sizeof(int);
	const char *family_name, *protocol_name = NULL;

	(void)probe;
	if (getsockopt(local_fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 ||
	    getsockopt(local_fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(local_fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		return -1;
	family_name = name_of(families, sn_countof(families), family);
	if (family == AF_NETLINK)
		protocol_name = name_of(netlink_protocols, sn_countof(netlink_protocols), protocol);
	else if (family == AF_INET || family == AF_INET6)
		protocol_name = name_of(inet_protocols, sn_countof(inet_protocols), protocol);
	if (!family_name)
		snprintf(buf, size, "socket of address family %d", family);
	else if (protocol_name)
		snprintf(buf, size, "%s%s socket (%s)", type == SOCK_RAW && family != AF_NETLINK ?
			 "raw " : "", family_name, protocol_name);
	else if (protocol)
		snprintf(buf, size, "%s socket (protocol %d)", family_name, protocol);
	else
		snprintf(buf, size, "%s socket", family_name);
	return 0;
}

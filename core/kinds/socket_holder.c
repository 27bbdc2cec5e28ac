// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/socket_holder.h"

#include "core/base/guard.h"
#include "core/kinds/socket_name.h"
#include "core/task/proc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { USER_HZ = 100, TIMER_REMAINS = 3 }; /* clock ticks in /proc; "tr" of TIME_WAIT */

/* ---- inet ---- */

/* "0100007F:18EB": 32-bit words as they lie in memory, the port in host order. */
static bool parse_end(const char *text, int family, uint8_t address[16], uint16_t *port)
{
	size_t words = family == AF_INET6 ? 4 : 1, i;
	unsigned long value;
	char word[9] = "", *end;

	memset(address, 0, 16);
	if (strlen(text) < words * 8 + 5 || text[words * 8] != ':')
		return false;
	for (i = 0; i < words; i++) {
		uint32_t raw;

		memcpy(word, text + i * 8, 8);
		raw = (uint32_t)strtoul(word, &end, 16);
		if (*end)
			return false;
		memcpy(address + i * 4, &raw, sizeof(raw));
	}
	value = strtoul(text + words * 8 + 1, &end, 16);
	*port = (uint16_t)value;
	return *end == '\0' && value <= UINT16_MAX;
}

bool inet_line_parse(const char *line, int family, struct inet_line *parsed)
{
	char local[48], remote[48];
	unsigned timer;
	unsigned long when;

	*parsed = (struct inet_line){.ends = {.family = family}};
	if (sscanf(line, " %*u: %47s %47s %x %*x:%*x %x:%lx %*x %*u %*u %lu", local, remote,
		   &parsed->state, &timer, &when, &parsed->ino) != 6)
		return false;
	if (timer == TIMER_REMAINS)
		parsed->left_s = (unsigned)((when + USER_HZ - 1) / USER_HZ);
	return parse_end(local, family, parsed->ends.local, &parsed->ends.local_port) &&
	       parse_end(remote, family, parsed->ends.remote, &parsed->ends.remote_port);
}

/* Any address as 16 bytes, IPv4 mapped; *any: it stands for all of them. */
static void as_ip6(int family, const void *address, uint8_t bytes[16], bool *any)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t zeros[16];

	*any = memcmp(address, zeros, family == AF_INET ? 4 : 16) == 0;
	if (family == AF_INET) {
		memcpy(bytes, mapped, sizeof(mapped));
		memcpy(bytes + sizeof(mapped), address, 4);
	} else {
		memcpy(bytes, address, 16);
	}
}

static const void *address_of(const void *address, size_t len, int *family, uint16_t *port)
{
	const struct sockaddr *any = address;

	*family = len >= sizeof(any->sa_family) ? any->sa_family : AF_UNSPEC;
	if (*family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		*port = ntohs(((const struct sockaddr_in *)address)->sin_port);
		return &((const struct sockaddr_in *)address)->sin_addr;
	}
	if (*family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		*port = ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
		return &((const struct sockaddr_in6 *)address)->sin6_addr;
	}
	return NULL;
}

bool inet_line_conflicts(const struct inet_line *line, const void *address, size_t len)
{
	uint8_t theirs[16], ours[16];
	bool their_any, our_any;
	uint16_t port;
	int family;
	const void *bytes = address_of(address, len, &family, &port);

	if (!bytes || line->ends.local_port != port)
		return false;
	as_ip6(family, bytes, ours, &our_any);
	as_ip6(line->ends.family, line->ends.local, theirs, &their_any);
	return our_any || their_any || memcmp(ours, theirs, sizeof(ours)) == 0;
}

bool inet_line_remains(const struct inet_line *line)
{
	static const unsigned closing = 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 |
					1 << TCP_TIME_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING;

	return line->ino == 0 && line->state < 32 && (closing >> line->state & 1);
}

typedef void inet_line_fn(const struct inet_line *line, void *arg);

static void each_line(pid_t pid, int protocol, const void *address, size_t len, inet_line_fn *fn,
		      void *arg)
{
	static const int table_families[] = {AF_INET, AF_INET6};
	size_t i;

	for (i = 0; i < sn_countof(table_families); i++) {
		int family = table_families[i];
		struct inet_line parsed;
		struct sn_err ignored;
		sn_auto_free char *text = NULL;
		char *rest, *line, name[16];

		snprintf(name, sizeof(name), "net/%s%s", protocol == IPPROTO_UDP ? "udp" : "tcp",
			 family == AF_INET6 ? "6" : "");
		rest = text = proc_read(pid, name, NULL, &ignored);
		while ((line = strsep(&rest, "\n")))
			if (inet_line_parse(line, family, &parsed) &&
			    inet_line_conflicts(&parsed, address, len))
				fn(&parsed, arg);
	}
}

/* ---- whose a socket is ---- */

static bool holds(pid_t pid, uint64_t ino)
{
	char path[64], want[64], link[64];
	sn_auto_dir DIR *dir = NULL;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", ino);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			if (strcmp(link, want) == 0)
				return true;
		}
	}
	return false;
}

static const char *who_holds(uint64_t ino, char *buf, size_t size)
{
	sn_auto_dir DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (ino && dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    holds((pid_t)atoi(entry->d_name), ino))
			return proc_who((pid_t)atoi(entry->d_name), buf, size);
	snprintf(buf, size, "another process");
	return buf;
}

struct found {
	uint64_t ino;
	unsigned left_s;
	bool remains;
	unsigned destroyed;
};

static void note_holder(const struct inet_line *line, void *arg)
{
	struct found *found = arg;

	if (line->ino && (!found->ino || line->state == TCP_LISTEN))
		found->ino = line->ino;
	if (inet_line_remains(line)) {
		found->remains = true;
		if (line->left_s > found->left_s)
			found->left_s = line->left_s;
	}
}

const char *inet_holder(pid_t pid, int protocol, const void *address, size_t len, char *buf,
			size_t size)
{
	struct found found = {0};

	each_line(pid, protocol, address, len, note_holder, &found);
	if (found.ino || !found.remains)
		return who_holds(found.ino, buf, size);
	if (found.left_s)
		snprintf(buf, size, "a closing connection, for %u s more", found.left_s);
	else
		snprintf(buf, size, "a closing connection");
	return buf;
}

static void destroy_remains(const struct inet_line *line, void *arg)
{
	struct found *found = arg;
	struct sn_err ignored;

	if (inet_line_remains(line) && tcp_destroy(&line->ends, &ignored) == 0)
		found->destroyed++;
}

unsigned inet_clear_remains(pid_t pid, const void *address, size_t len)
{
	struct found found = {0};

	each_line(pid, IPPROTO_TCP, address, len, destroy_remains, &found);
	return found.destroyed;
}

/* ---- unix ---- */

/* "Num RefCount Protocol Flags Type St Inode Path"; a stream whose state is not 01 is a
 * connection, which shows the listener's address as its own. */
uint64_t unix_line_parse(const char *line, const void *address, size_t len)
{
	char name[SOCKET_NAME_BYTES];
	unsigned type, state;
	unsigned long ino;
	int at = 0;

	if (sscanf(line, "%*x: %*x %*x %*x %x %x %lu %n", &type, &state, &ino, &at) != 3 ||
	    at == 0 || (type != SOCK_DGRAM && state != 1))
		return 0;
	return strcmp(line + at, unix_address_name(address, len, name, sizeof(name))) ? 0 : ino;
}

const char *unix_holder(pid_t pid, const void *address, size_t len, char *buf, size_t size)
{
	struct sn_err ignored;
	sn_auto_free char *text = proc_read(pid, "net/unix", NULL, &ignored);
	char *rest = text, *line;
	uint64_t ino = 0;

	while (!ino && (line = strsep(&rest, "\n")))
		ino = unix_line_parse(line, address, len);
	return who_holds(ino, buf, size);
}

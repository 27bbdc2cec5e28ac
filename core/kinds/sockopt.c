// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/sockopt.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/field.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Newer than the headers of Debian 12, from include/uapi/asm-generic/socket.h, linux/in.h,
 * linux/in6.h and linux/tcp.h; an older kernel says that it does not have them. */
enum {
	SNEW_SO_PASSPIDFD = 76,
	SNEW_SO_PASSRIGHTS = 83,
	SNEW_IP_LOCAL_PORT_RANGE = 51,
	SNEW_IPV6_FREEBIND = 78,
	SNEW_TCP_TX_DELAY = 37,
	BUF_LOCK_SEND = 1, /* of SO_BUF_LOCK */
	BUF_LOCK_RECEIVE = 2,
};

enum {
	VALUE_BYTES = 64, /* of all but a filter */
	MAX_FILTER = 4096, /* BPF_MAXINSNS */
};

enum form {
	FORM_INT,
	FORM_BUFFER, /* int; the kernel doubles what is written, socket(7) */
	FORM_LINGER,
	FORM_TIME,
	FORM_NAME,
	FORM_FILTER, /* struct sock_filter[], read as SO_GET_FILTER */
};

enum {
	ROW_CONNECTED = 1 << 8, /* also of a TCP connection */
	ROW_SYSTEM = 1 << 9,    /* the default is the system's */
	ANY = SOCKOPT_UNIX | SOCKOPT_IP,
	KEPT = ANY | ROW_CONNECTED,
	IP = SOCKOPT_IP,
	IP6 = SOCKOPT_IP6,
	TCP = SOCKOPT_TCP,
	UDP = SOCKOPT_UDP,
	TCP_KEPT = SOCKOPT_TCP | ROW_CONNECTED,
};

struct row {
	int level, name;
	const char *text;
	enum form form;
	unsigned on;   /* SOCKOPT_*, ROW_* */
	int normal;    /* default of a FORM_INT; all others have zeros */
};

#define SOL(name, form, on, normal) {SOL_SOCKET, name, #name, form, on, normal}
#define OPT(level, name, on, normal) {level, name, #name, FORM_INT, on, normal}

/* In the order of writing. */
static const struct row rows[] = {
	SOL(SO_REUSEADDR, FORM_INT, ANY, 0),
	SOL(SO_REUSEPORT, FORM_INT, IP, 0),
	SOL(SO_KEEPALIVE, FORM_INT, KEPT, 0),
	SOL(SO_LINGER, FORM_LINGER, KEPT, 0),
	SOL(SO_SNDBUF, FORM_BUFFER, KEPT | ROW_SYSTEM, 0),
	SOL(SO_RCVBUF, FORM_BUFFER, KEPT | ROW_SYSTEM, 0),
	SOL(SO_BUF_LOCK, FORM_INT, KEPT, 0),
	SOL(SO_RCVTIMEO, FORM_TIME, KEPT, 0),
	SOL(SO_SNDTIMEO, FORM_TIME, KEPT, 0),
	SOL(SO_RCVLOWAT, FORM_INT, KEPT, 1),
	SOL(SO_OOBINLINE, FORM_INT, KEPT, 0),
	SOL(SO_BROADCAST, FORM_INT, IP, 0),
	SOL(SO_DONTROUTE, FORM_INT, IP, 0),
	SOL(SO_MARK, FORM_INT, IP | ROW_CONNECTED, 0),
	SOL(SO_RCVMARK, FORM_INT, UDP, 0),
	SOL(SO_BINDTODEVICE, FORM_NAME, IP | ROW_CONNECTED, 0),
	SOL(SO_NO_CHECK, FORM_INT, UDP, 0),
	SOL(SO_TIMESTAMP_OLD, FORM_INT, ANY, 0),
	SOL(SO_TIMESTAMPNS_OLD, FORM_INT, ANY, 0),
	SOL(SO_TIMESTAMP_NEW, FORM_INT, ANY, 0),
	SOL(SO_TIMESTAMPNS_NEW, FORM_INT, ANY, 0),
	SOL(SO_TIMESTAMPING_OLD, FORM_INT, ANY, 0),
	SOL(SO_RXQ_OVFL, FORM_INT, ANY, 0),
	SOL(SO_SELECT_ERR_QUEUE, FORM_INT, ANY, 0),
	SOL(SO_ZEROCOPY, FORM_INT, IP | ROW_CONNECTED, 0),
	SOL(SO_BUSY_POLL, FORM_INT, IP | ROW_SYSTEM, 0),
	SOL(SO_PREFER_BUSY_POLL, FORM_INT, IP, 0),
	SOL(SO_MAX_PACING_RATE, FORM_INT, IP | ROW_CONNECTED, -1),
	SOL(SO_PEEK_OFF, FORM_INT, KEPT, -1),
	SOL(SO_PASSCRED, FORM_INT, SOCKOPT_UNIX, 0),
	SOL(SO_PASSSEC, FORM_INT, SOCKOPT_UNIX, 0),
	{SOL_SOCKET, SNEW_SO_PASSPIDFD, "SO_PASSPIDFD", FORM_INT, SOCKOPT_UNIX, 0},
	{SOL_SOCKET, SNEW_SO_PASSRIGHTS, "SO_PASSRIGHTS", FORM_INT, SOCKOPT_UNIX, 1},
	SOL(SO_ATTACH_FILTER, FORM_FILTER, KEPT, 0),
	SOL(SO_LOCK_FILTER, FORM_INT, KEPT, 0),

	OPT(IPPROTO_IP, IP_TOS, IP | ROW_CONNECTED, 0),
	SOL(SO_PRIORITY, FORM_INT, KEPT, 0), /* IP_TOS sets it too */
	OPT(IPPROTO_IP, IP_TTL, IP | ROW_SYSTEM, 0),
	OPT(IPPROTO_IP, IP_MINTTL, IP, 0),
	OPT(IPPROTO_IP, IP_MTU_DISCOVER, IP | ROW_SYSTEM, 0),
	OPT(IPPROTO_IP, IP_FREEBIND, IP, 0),
	OPT(IPPROTO_IP, IP_TRANSPARENT, IP, 0),
	OPT(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, IP, 0),
	{IPPROTO_IP, SNEW_IP_LOCAL_PORT_RANGE, "IP_LOCAL_PORT_RANGE", FORM_INT, IP, 0},
	OPT(IPPROTO_IP, IP_PKTINFO, IP, 0),
	OPT(IPPROTO_IP, IP_RECVTTL, IP, 0),
	OPT(IPPROTO_IP, IP_RECVTOS, IP, 0),
	OPT(IPPROTO_IP, IP_RECVOPTS, IP, 0),
	OPT(IPPROTO_IP, IP_RETOPTS, IP, 0),
	OPT(IPPROTO_IP, IP_RECVERR, IP, 0),
	OPT(IPPROTO_IP, IP_RECVORIGDSTADDR, IP, 0),
	OPT(IPPROTO_IP, IP_RECVFRAGSIZE, IP, 0),
	OPT(IPPROTO_IP, IP_PASSSEC, IP, 0),
	OPT(IPPROTO_IP, IP_UNICAST_IF, IP, 0),
	OPT(IPPROTO_IP, IP_MULTICAST_TTL, UDP, 1),
	OPT(IPPROTO_IP, IP_MULTICAST_LOOP, UDP, 1),
	OPT(IPPROTO_IP, IP_MULTICAST_ALL, UDP | ROW_SYSTEM, 0),
	OPT(IPPROTO_IP, IP_MULTICAST_IF, UDP, 0),

	OPT(IPPROTO_IPV6, IPV6_V6ONLY, IP6 | ROW_SYSTEM, 0),
	OPT(IPPROTO_IPV6, IPV6_TCLASS, IP6 | ROW_CONNECTED, 0),
	OPT(IPPROTO_IPV6, IPV6_UNICAST_HOPS, IP6 | ROW_SYSTEM, 0),
	OPT(IPPROTO_IPV6, IPV6_MINHOPCOUNT, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP6 | ROW_SYSTEM, 0),
	OPT(IPPROTO_IPV6, IPV6_DONTFRAG, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, IP6 | ROW_SYSTEM, 0),
	{IPPROTO_IPV6, SNEW_IPV6_FREEBIND, "IPV6_FREEBIND", FORM_INT, IP6, 0},
	OPT(IPPROTO_IPV6, IPV6_TRANSPARENT, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_RECVPKTINFO, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_RECVTCLASS, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_RECVERR, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_UNICAST_IF, IP6, 0),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IP6 | ROW_SYSTEM, 0),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, IP6, 1),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_ALL, IP6, 1),
	OPT(IPPROTO_IPV6, IPV6_MULTICAST_IF, IP6, 0),

	OPT(IPPROTO_TCP, TCP_NODELAY, TCP_KEPT, 0),
	OPT(IPPROTO_TCP, TCP_CORK, TCP_KEPT, 0),
	OPT(IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEPT | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_KEEPINTVL, TCP_KEPT | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_KEEPCNT, TCP_KEPT | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_KEPT, 0),
	{IPPROTO_TCP, TCP_CONGESTION, "TCP_CONGESTION", FORM_NAME, TCP_KEPT | ROW_SYSTEM, 0},
	OPT(IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_KEPT, 0),
	OPT(IPPROTO_TCP, TCP_INQ, TCP_KEPT, 0),
	{IPPROTO_TCP, SNEW_TCP_TX_DELAY, "TCP_TX_DELAY", FORM_INT, TCP_KEPT, 0},
	OPT(IPPROTO_TCP, TCP_QUICKACK, TCP, 1),
	OPT(IPPROTO_TCP, TCP_SYNCNT, TCP | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_LINGER2, TCP | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_MAXSEG, TCP | ROW_SYSTEM, 0),
	OPT(IPPROTO_TCP, TCP_WINDOW_CLAMP, TCP, 0),
	OPT(IPPROTO_TCP, TCP_DEFER_ACCEPT, TCP, 0),
	OPT(IPPROTO_TCP, TCP_FASTOPEN, TCP, 0),
	OPT(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, TCP, 0),
	OPT(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, TCP, 0),
	OPT(IPPROTO_TCP, TCP_SAVE_SYN, TCP, 0),
	OPT(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, TCP, 0),

	OPT(IPPROTO_UDP, UDP_CORK, UDP, 0),
	OPT(IPPROTO_UDP, UDP_SEGMENT, UDP, 0),
	OPT(IPPROTO_UDP, UDP_GRO, UDP, 0),
	OPT(IPPROTO_UDP, UDP_NO_CHECK6_TX, UDP, 0),
	OPT(IPPROTO_UDP, UDP_NO_CHECK6_RX, UDP, 0),
};

static bool concerns(const struct row *row, unsigned what)
{
	return (row->on & what & ~SOCKOPT_CONNECTED) &&
	       (!(what & SOCKOPT_CONNECTED) || (row->on & ROW_CONNECTED));
}

const char *sockopt_name(int level, int name)
{
	size_t i;

	for (i = 0; i < sn_countof(rows); i++)
		if (rows[i].level == level && rows[i].name == name)
			return rows[i].text;
	return NULL;
}

bool sockopt_equal(Sn__SocketOption *const *a, size_t a_count, Sn__SocketOption *const *b,
		   size_t b_count)
{
	size_t i;

	if (a_count != b_count)
		return false;
	for (i = 0; i < a_count; i++)
		if (!message_equal(&a[i]->base, &b[i]->base))
			return false;
	return true;
}

/* ---- one value ---- */

struct value {
	_Alignas(struct timeval) uint8_t bytes[VALUE_BYTES];
	size_t len;
	struct sock_filter *filter; /* FORM_FILTER: instead of bytes */
};

static void value_release(struct value *value)
{
	free(value->filter);
}

static const void *value_bytes(const struct value *value)
{
	return value->filter ? (const void *)value->filter : value->bytes;
}

static void normal_value(const struct row *row, struct value *value)
{
	static const size_t sizes[] = {
		[FORM_INT] = sizeof(int),
		[FORM_BUFFER] = sizeof(int),
		[FORM_LINGER] = sizeof(struct linger),
		[FORM_TIME] = sizeof(struct timeval),
	};

	*value = (struct value){.len = row->form < sn_countof(sizes) ? sizes[row->form] : 0};
	if (row->form == FORM_INT)
		memcpy(value->bytes, &row->normal, sizeof(row->normal));
}

/* The length is that of the filter, in instructions: SO_GET_FILTER, socket(7). */
static int get_filter(int fd, struct value *value)
{
	socklen_t count = 0;

	*value = (struct value){0};
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &count) < 0)
		return -1;
	if (count == 0 || count > MAX_FILTER)
		return 0;
	value->filter = sn_calloc(count, sizeof(*value->filter));
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, value->filter, &count) < 0)
		return -1;
	value->len = count * sizeof(*value->filter);
	return 0;
}

static int get_value(int fd, const struct row *row, struct value *value)
{
	socklen_t len;

	if (row->form == FORM_FILTER)
		return get_filter(fd, value);
	normal_value(row, value);
	len = row->form == FORM_NAME ? VALUE_BYTES : (socklen_t)value->len;
	if (getsockopt(fd, row->level, row->name, value->bytes, &len) < 0)
		return -1;
	value->len = row->form == FORM_NAME ? strnlen((char *)value->bytes, len) : len;
	/* a time that was set once stays behind when lingering is off */
	if (row->form == FORM_LINGER && ((struct linger *)value->bytes)->l_onoff == 0)
		normal_value(row, value);
	return 0;
}

static bool value_equal(const struct value *a, const struct value *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(value_bytes(a), value_bytes(b), a->len) == 0);
}

/* ---- reading ---- */

/* A TCP buffer nobody has set grows with the traffic: writing its size would end that. */
static bool buffer_is_free(const struct row *row, unsigned what, int locks)
{
	int lock = row->name == SO_SNDBUF ? BUF_LOCK_SEND : BUF_LOCK_RECEIVE;

	return row->form == FORM_BUFFER && (what & SOCKOPT_TCP) && locks >= 0 && !(locks & lock);
}

static void append(const struct row *row, const struct value *value, Sn__SocketOption ***options,
		   size_t *count)
{
	Sn__SocketOption *option = sn_malloc(sizeof(*option));

	sn__socket_option__init(option);
	option->level = row->level;
	option->name = row->name;
	option->value.data = sn_malloc(value->len);
	option->value.len = value->len;
	if (value->len)
		memcpy(option->value.data, value_bytes(value), value->len);
	*options = sn_realloc(*options, *count + 1, sizeof(**options));
	(*options)[(*count)++] = option;
}

int sockopt_read(int fd, unsigned what, Sn__SocketOption ***options, size_t *count,
		 struct sn_err *err)
{
	int locks = -1;
	socklen_t len = sizeof(locks);
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locks, &len) < 0)
		locks = -1;
	for (i = 0; i < sn_countof(rows); i++) {
		const struct row *row = &rows[i];
		sn_auto(value_release) struct value value = {0};
		struct value normal;

		if (!concerns(row, what) || buffer_is_free(row, what, locks))
			continue;
		if (get_value(fd, row, &value) < 0) {
			if (row->form == FORM_FILTER && errno == EACCES)
				return sn_fail(err, "a BPF program is attached");
			continue; /* not of this kernel, or not of this socket */
		}
		normal_value(row, &normal);
		if ((row->on & ROW_SYSTEM) || !value_equal(&value, &normal))
			append(row, &value, options, count);
	}
	return 0;
}

/* ---- writing ---- */

/* What is wanted of one row; false when that is not known: the system's default. */
static bool wanted(const struct row *row, Sn__SocketOption *const *options, size_t count,
		   struct value *value)
{
	size_t i;

	normal_value(row, value);
	for (i = 0; i < count; i++) {
		const Sn__SocketOption *option = options[i];

		if (option->level != row->level || option->name != row->name)
			continue;
		value->len = option->value.len;
		if (row->form == FORM_FILTER) {
			value->filter = sn_malloc(value->len);
			memcpy(value->filter, option->value.data, value->len);
		} else if (value->len <= VALUE_BYTES && value->len) {
			memcpy(value->bytes, option->value.data, value->len);
		}
		return value->len <= VALUE_BYTES || row->form == FORM_FILTER;
	}
	return !(row->on & ROW_SYSTEM);
}

static int set_buffer(int fd, const struct row *row, const struct value *value)
{
	int force = row->name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
	int size;

	if (value->len != sizeof(size)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&size, value->bytes, sizeof(size));
	size /= 2;
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) == 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, row->name, &size, sizeof(size));
}

static int set_filter(int fd, const struct value *value)
{
	struct sock_fprog program = {(unsigned short)(value->len / sizeof(*value->filter)),
				     value->filter};
	int none = 0;

	if (value->len == 0)
		return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int set_value(int fd, const struct row *row, const struct value *value)
{
	if (row->form == FORM_FILTER)
		return set_filter(fd, value);
	if (row->form == FORM_BUFFER)
		return set_buffer(fd, row, value);
	return setsockopt(fd, row->level, row->name, value->bytes, (socklen_t)value->len);
}

void sockopt_write(int fd, unsigned what, Sn__SocketOption *const *options, size_t count,
		   sockopt_failed_fn *failed, void *arg)
{
	size_t i;

	for (i = 0; i < sn_countof(rows); i++) {
		const struct row *row = &rows[i];
		sn_auto(value_release) struct value want = {0};
		sn_auto(value_release) struct value have = {0};
		struct value normal;

		if (!concerns(row, what) || !wanted(row, options, count, &want))
			continue;
		normal_value(row, &normal);
		if (get_value(fd, row, &have) < 0 && value_equal(&want, &normal))
			continue;
		if (!value_equal(&have, &want) && set_value(fd, row, &want) < 0)
			failed(arg, row->text, errno);
	}
}

// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/sock_diag.h"

#include "core/base/guard.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct unix_question {
	struct nlmsghdr header;
	struct unix_diag_req request;
};

struct destroy_question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 request;
};

/* ---- talking ---- */

/* One question, one answer: its length, or -1 with errno. */
static ssize_t converse(const void *question, size_t len, void *answer, size_t size)
{
	sn_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 || send(fd, question, len, 0) < 0)
		return -1;
	/* the kernel answers within send(2): there is nothing to wait for */
	return recv(fd, answer, size, MSG_DONTWAIT);
}

/* ---- unix sockets ---- */

static void unix_question(struct unix_question *question, int fd, uint32_t ino)
{
	uint32_t cookie[2] = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE};
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) < 0)
		cookie[0] = cookie[1] = INET_DIAG_NOCOOKIE;
	*question = (struct unix_question){
		.header = {.nlmsg_len = sizeof(*question),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST},
		.request = {.sdiag_family = AF_UNIX,
			    .udiag_states = UINT32_MAX,
			    .udiag_ino = ino,
			    .udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
			    .udiag_cookie = {cookie[0], cookie[1]}},
	};
}

int unix_diag(int fd, uint32_t ino, struct unix_diag *diag, struct sn_err *err)
{
	struct unix_question question;
	uint8_t answer[DIAG_ANSWER_BYTES];
	ssize_t n;

	unix_question(&question, fd, ino);
	n = converse(&question, sizeof(question), answer, sizeof(answer));
	if (n < 0)
		return sn_fail_sys(err, "sock_diag");
	return unix_diag_parse(answer, (size_t)n, diag, err);
}

/* The descriptor lives within one batch, which always runs to its end. */
void unix_diag_queue(int fd, uint32_t ino, struct remote *remote, struct unix_diag_asked *asked)
{
	struct unix_question question;
	struct remote_call *netlink, *call;
	uint64_t addr;

	unix_question(&question, fd, ino);
	asked->answer = remote_room(remote, DIAG_ANSWER_BYTES, &addr);
	netlink = remote_try(remote, "open a netlink socket", SYS_socket, AF_NETLINK,
			     SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	call = remote_try(remote, "ask for a socket by sock_diag", SYS_sendto, 0,
			  remote_data(remote, &question, sizeof(question)), sizeof(question),
			  MSG_DONTWAIT);
	remote_ref(call, 0, netlink);
	call = remote_try(remote, "sock_diag", SYS_recvfrom, 0, addr, DIAG_ANSWER_BYTES,
			  MSG_DONTWAIT);
	remote_ref(call, 0, netlink);
	asked->call = call;
	call = remote_try(remote, "close a netlink socket", SYS_close, 0);
	remote_ref(call, 0, netlink);
}

int unix_diag_take(const struct unix_diag_asked *asked, struct unix_diag *diag,
		   struct sn_err *err)
{
	if (asked->call->result < 0)
		return sn_fail_code(err, (int)asked->call->result, "%s", asked->call->what);
	return unix_diag_parse(asked->answer, (size_t)asked->call->result, diag, err);
}

static void take_attribute(struct unix_diag *diag, unsigned type, const void *value, size_t len)
{
	struct unix_diag_rqlen queues;

	switch (type) {
	case UNIX_DIAG_PEER:
		if (len >= sizeof(diag->peer_ino)) {
			memcpy(&diag->peer_ino, value, sizeof(diag->peer_ino));
			diag->has_peer = true;
		}
		break;
	case UNIX_DIAG_RQLEN:
		if (len >= sizeof(queues)) {
			memcpy(&queues, value, sizeof(queues));
			diag->receive_queue = queues.udiag_rqueue;
			diag->send_queue = queues.udiag_wqueue;
		}
		break;
	case UNIX_DIAG_SHUTDOWN:
		if (len >= 1)
			memcpy(&diag->shutdown, value, 1);
		break;
	}
}

static int parse_error(const uint8_t *answer, size_t len, struct sn_err *err)
{
	struct nlmsgerr error;

	if (len < NLMSG_HDRLEN + sizeof(error))
		return sn_fail(err, "sock_diag: a short answer");
	memcpy(&error, answer + NLMSG_HDRLEN, sizeof(error));
	return sn_fail_code(err, error.error ? error.error : EPROTO, "sock_diag");
}

int unix_diag_parse(const uint8_t *answer, size_t len, struct unix_diag *diag, struct sn_err *err)
{
	struct nlmsghdr header;
	struct unix_diag_msg message;
	struct nlattr attribute;
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(message));

	if (len < sizeof(header))
		return sn_fail(err, "sock_diag: no answer");
	memcpy(&header, answer, sizeof(header));
	if (header.nlmsg_type == NLMSG_ERROR)
		return parse_error(answer, len, err);
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len > len ||
	    header.nlmsg_len < at)
		return sn_fail(err, "sock_diag: a malformed answer");
	memcpy(&message, answer + NLMSG_HDRLEN, sizeof(message));
	*diag = (struct unix_diag){.ino = message.udiag_ino,
				   .type = message.udiag_type,
				   .state = message.udiag_state};
	while (at + sizeof(attribute) <= header.nlmsg_len) {
		memcpy(&attribute, answer + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN ||
		    attribute.nla_len > header.nlmsg_len - at)
			return sn_fail(err, "sock_diag: a malformed attribute");
		take_attribute(diag, attribute.nla_type & NLA_TYPE_MASK,
			       answer + at + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN);
		at += NLA_ALIGN(attribute.nla_len);
	}
	return 0;
}

/* ---- remains of TCP connections ---- */

int tcp_destroy(const struct tcp_ends *ends, struct sn_err *err)
{
	struct destroy_question question = {
		.header = {.nlmsg_len = sizeof(question),
			   .nlmsg_type = SOCK_DESTROY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.request = {.sdiag_family = (uint8_t)ends->family,
			    .sdiag_protocol = IPPROTO_TCP,
			    .idiag_states = UINT32_MAX,
			    .id = {.idiag_sport = htons(ends->local_port),
				   .idiag_dport = htons(ends->remote_port),
				   .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
	uint8_t answer[DIAG_ANSWER_BYTES];
	struct nlmsgerr error;
	ssize_t n;

	memcpy(question.request.id.idiag_src, ends->local, sizeof(ends->local));
	memcpy(question.request.id.idiag_dst, ends->remote, sizeof(ends->remote));
	n = converse(&question, sizeof(question), answer, sizeof(answer));
	if (n < 0)
		return sn_fail_sys(err, "sock_diag");
	if ((size_t)n < NLMSG_HDRLEN + sizeof(error))
		return sn_fail(err, "sock_diag: a short answer");
	memcpy(&error, answer + NLMSG_HDRLEN, sizeof(error));
	return error.error ? sn_fail_code(err, error.error, "sock_diag") : 0;
}

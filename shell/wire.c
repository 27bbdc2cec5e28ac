// SPDX-License-Identifier: Apache-2.0
#include "shell/wire.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	LINE_MAX_BYTES = 256 << 20, /* an image of many threads is a long line */
	BACKLOG = 16,
};

int wire_apps_dir(const char *catalog_dir, struct sn_err *err)
{
	sn_auto_free char *path = sn_asprintf("%s/apps", catalog_dir);
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return sn_fail_sys(err, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sn_fail_sys(err, "open %s", path);
	return fd;
}

static void address_of(struct sockaddr_un *address, int apps_dir, const char *name,
		       const char *kind)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s.%s", apps_dir,
		 name, kind);
}

int wire_listen(int apps_dir, const char *name, const char *kind, struct sn_err *err)
{
	struct sockaddr_un address;
	sn_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return sn_fail_sys(err, "make a socket for %s.%s", name, kind);
	address_of(&address, apps_dir, name, kind);
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, 0600) < 0 || listen(fd, BACKLOG) < 0)
		return sn_fail_sys(err, "listen at apps/%s.%s", name, kind);
	return sn_steal_fd(&fd);
}

int wire_connect(int apps_dir, const char *name, const char *kind, struct sn_err *err)
{
	struct sockaddr_un address;
	sn_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return sn_fail_sys(err, "make a socket for %s.%s", name, kind);
	address_of(&address, apps_dir, name, kind);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return sn_fail_sys(err, "connect to apps/%s.%s", name, kind);
	return sn_steal_fd(&fd);
}

void wire_unlink(int apps_dir, const char *name, const char *kind)
{
	struct sockaddr_un address;

	address_of(&address, apps_dir, name, kind);
	unlink(address.sun_path);
}

static bool peer_credentials(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0;
}

bool wire_peer_allowed(int fd)
{
	struct ucred peer;

	return peer_credentials(fd, &peer) && (peer.uid == geteuid() || peer.uid == 0);
}

pid_t wire_peer_pid(int fd)
{
	struct ucred peer;

	return peer_credentials(fd, &peer) ? peer.pid : 0;
}

static int send_all(int fd, const char *bytes, size_t len, struct sn_err *err)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sn_fail_sys(err, "send");
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int wire_send(int fd, const json_t *value, struct sn_err *err)
{
	sn_auto_free char *line = json_dumps(value, JSON_COMPACT);
	size_t len;

	if (!line)
		return sn_fail(err, "send: the message has no JSON form");
	len = strlen(line);
	line[len] = '\n'; /* in the place of the NUL */
	return send_all(fd, line, len + 1, err);
}

int wire_receive(int fd, json_t **value, struct sn_err *err)
{
	sn_auto_free char *line = NULL;
	size_t len = 0, cap = 0;
	json_error_t why;

	do {
		const char *end;
		ssize_t n;

		if (len == cap) {
			cap = cap ? cap * 2 : 4096;
			line = sn_realloc(line, cap, 1);
		}
		/* up to the line's end: another may follow at once */
		n = recv(fd, line + len, cap - len, MSG_PEEK);
		end = n > 0 ? memchr(line + len, '\n', (size_t)n) : NULL;
		if (n > 0)
			n = recv(fd, line + len, end ? (size_t)(end + 1 - line) - len : (size_t)n,
				 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			return sn_fail_sys(err, "receive");
		len += (size_t)n;
		if (len > LINE_MAX_BYTES)
			return sn_fail(err, "receive: the line is too long");
	} while (line[len - 1] != '\n');

	*value = json_loadb(line, len, 0, &why);
	if (!*value)
		return sn_fail(err, "receive: not JSON: %s", why.text);
	return 1;
}

int wire_send_fd(int fd, int passed, struct sn_err *err)
{
	char byte = 'f', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &passed, sizeof(int));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) != 1)
		return sn_fail_sys(err, "pass a descriptor");
	return 0;
}

int wire_receive_fd(int fd)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int passed = -1;

	if (recvmsg(fd, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS && cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&passed, CMSG_DATA(cmsg), sizeof(int));
	return passed;
}

json_t *wire_done(json_t *result)
{
	return json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_object());
}

json_t *wire_failed(const struct sn_err *err)
{
	return json_pack("{s:b, s:o, s:i}", "ok", 0, "error", json_text(err->text), "code",
			 err->code);
}

int wire_answer(const json_t *answer, json_t **result, struct sn_err *err)
{
	const char *text;

	if (json_is_true(json_object_get(answer, "ok"))) {
		*result = json_incref(json_object_get(answer, "result"));
		return 0;
	}
	text = json_string_value(json_object_get(answer, "error"));
	sn_fail(err, "%s", text ? text : "an answer that says nothing");
	err->code = (int)json_integer_value(json_object_get(answer, "code"));
	return -1;
}

const char *wire_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

long long wire_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

json_t *wire_bytes(const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	sn_auto_free char *text = sn_malloc(2 * len + 1);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[in[i] >> 4];
		text[2 * i + 1] = digits[in[i] & 15];
	}
	text[2 * len] = '\0';
	return json_stringn(text, 2 * len);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *wire_unbytes(const json_t *value, size_t *len)
{
	const char *text = json_string_value(value);
	size_t digits = json_string_length(value);
	sn_auto_free char *bytes = NULL;

	if (!text || digits % 2)
		return NULL;
	bytes = sn_malloc(digits / 2 + 1);
	for (size_t i = 0; i < digits / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return NULL;
		bytes[i] = (char)(high << 4 | low);
	}
	bytes[digits / 2] = '\0';
	if (len)
		*len = digits / 2;
	return sn_steal_ptr(&bytes);
}

json_t *wire_address(unsigned long addr)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%lx", addr);
	return json_string(text);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/track/missing.h"

#include "core/track/internal.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* linux/userfaultfd.h has it since 6.6. */
struct poison {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#ifndef UFFDIO_POISON
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct poison)
#endif

int tracker_miss_open(struct tracker *t, struct sn_err *err)
{
	if (t->ops != &tracker_uffd || !t->caps->uffd_copy)
		return sn_fail(err, "this kernel cannot fill memory on demand: see `snapsh check`");
	if (!t->caps->uffd_kernel_faults || !t->caps->cap_sys_ptrace)
		return sn_fail(err, "to fill memory on demand takes CAP_SYS_PTRACE");
	t->misses = true;
	return 0;
}

int tracker_miss_range(struct tracker *t, uint64_t start, uint64_t end, struct sn_err *err)
{
	struct uffdio_register range = {
		.range = {start, end - start},
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	if (ioctl(t->uffd, UFFDIO_REGISTER, &range) < 0)
		return sn_fail_sys(err, "watch for missing pages at %#lx", start);
	return 0;
}

int tracker_miss_fd(const struct tracker *t)
{
	return t->uffd;
}

static void read_message(const struct uffd_msg *msg, struct missing_event *event)
{
	*event = (struct missing_event){.fd = -1};
	switch (msg->event) {
	case UFFD_EVENT_FORK:
		event->kind = MISSING_FORKED;
		event->fd = (int)msg->arg.fork.ufd;
		break;
	case UFFD_EVENT_REMAP:
		event->kind = MISSING_MOVED;
		event->addr = msg->arg.remap.from;
		event->end = msg->arg.remap.from + msg->arg.remap.len;
		event->to = msg->arg.remap.to;
		break;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		event->kind = MISSING_GONE;
		event->addr = msg->arg.remove.start;
		event->end = msg->arg.remove.end;
		break;
	default:
		event->kind = MISSING_PAGE;
		event->addr = msg->arg.pagefault.address & ~(uint64_t)(PAGE_BYTES - 1);
		event->end = event->addr + PAGE_BYTES;
	}
}

int missing_next(int fd, int timeout_ms, struct missing_event *event)
{
	struct pollfd ready = {fd, POLLIN, 0};
	struct uffd_msg msg;

	if (poll(&ready, 1, timeout_ms) != 1)
		return 0;
	if (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		read_message(&msg, event);
		return 1;
	}
	/* whoever waited has been woken by what was placed meanwhile */
	return errno == EAGAIN && !(ready.revents & (POLLERR | POLLHUP)) ? 0 : -1;
}

/* copied: bytes, or an error number below 0 */
static enum missing_result result_of(int64_t copied)
{
	switch (-copied) {
	case EAGAIN:
		return MISSING_BUSY;
	case ESRCH:
		return MISSING_ENDED;
	case EEXIST:
		return MISSING_PLACED;
	case ENOENT:
		return MISSING_NOT;
	default:
		return copied > 0 ? MISSING_PLACED : MISSING_FAILED;
	}
}

void missing_wake(int fd, uint64_t addr)
{
	struct uffdio_range range = {addr, PAGE_BYTES};

	ioctl(fd, UFFDIO_WAKE, &range);
}

enum missing_result missing_place(int fd, uint64_t addr, const uint8_t *pages, uint64_t count,
				  bool tracked, uint64_t *placed)
{
	bool single = false; /* a call within one mapping only: mprotect(2) may have cut it */

	*placed = 0;
	while (*placed < count) {
		struct uffdio_copy copy = {
			.dst = addr + *placed * PAGE_BYTES,
			.src = (uintptr_t)(pages + *placed * PAGE_BYTES),
			.len = single ? PAGE_BYTES : (count - *placed) * PAGE_BYTES,
			.mode = tracked ? UFFDIO_COPY_MODE_WP : 0,
		};
		enum missing_result result;

		if (ioctl(fd, UFFDIO_COPY, &copy) < 0 && copy.copy == 0)
			copy.copy = -errno;
		result = result_of(copy.copy);
		if (result == MISSING_NOT && !single) {
			single = true;
			continue;
		}
		if (result != MISSING_PLACED)
			return result;
		if (copy.copy < 0)
			missing_wake(fd, copy.dst);
		*placed += copy.copy > 0 ? (uint64_t)copy.copy / PAGE_BYTES : 1;
	}
	return MISSING_PLACED;
}

enum missing_result missing_zero(int fd, uint64_t addr)
{
	struct uffdio_zeropage zero = {.range = {addr, PAGE_BYTES}};
	enum missing_result result;

	if (ioctl(fd, UFFDIO_ZEROPAGE, &zero) < 0 && zero.zeropage == 0)
		zero.zeropage = -errno;
	result = result_of(zero.zeropage);
	if (result == MISSING_PLACED)
		missing_wake(fd, addr);
	return result;
}

static void forget_event(int fd)
{
	struct missing_event event;

	if (missing_next(fd, 1, &event) == 1 && event.kind == MISSING_FORKED)
		close(event.fd);
}

void missing_poison(int fd, uint64_t addr, uint64_t count)
{
	uint64_t done = 0;

	while (done < count) {
		struct poison poison = {.range = {addr + done * PAGE_BYTES,
						  (count - done) * PAGE_BYTES}};

		if (ioctl(fd, UFFDIO_POISON, &poison) == 0)
			return;
		if (poison.updated > 0)
			done += (uint64_t)poison.updated / PAGE_BYTES;
		else if (errno == EAGAIN) /* it waits for its event to be taken */
			forget_event(fd);
		else if (errno == EEXIST || errno == ENOENT)
			done++;
		else
			return;
	}
}

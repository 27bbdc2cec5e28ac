// SPDX-License-Identifier: Apache-2.0
/* What is waiting there is the process's own signal queue, which has a kind of its own. */
#include "core/kinds/signalfd.h"

#include "core/task/proc.h"

#include <sys/syscall.h>

enum { MASK_BYTES = 8 };

static bool recognise(const struct file_probe *probe)
{
	return strcmp(probe->link, "anon_inode:[signalfd]") == 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__SignalFd *signalfd = message;

	if (!proc_field(r->probe->fdinfo, "sigmask", 16, &signalfd->mask))
		return sn_fail(err, "signalfd: the kernel does not tell its mask");
	return 0;
}

static struct remote_call *queue(struct applying *a, const Sn__SignalFd *signalfd, int fd)
{
	return remote_call(a->remote, "set up a signalfd", SYS_signalfd4, (uint64_t)fd,
			   remote_data(a->remote, &signalfd->mask, MASK_BYTES), MASK_BYTES, 0);
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct remote_call *call;

	if (applying_run(a, err) < 0)
		return -1;
	call = queue(a, want->signalfd, -1);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	return applying_made(a, want->id, (int)call->result, err);
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	(void)err;
	if (have && have->signalfd->mask != want->signalfd->mask)
		queue(a, want->signalfd, fd);
	return 0;
}

static const struct file_ops ops = {
	.recognise = recognise,
	.make = make,
	.settle = settle,
};

const struct kind kind_signalfd = {
	.name = "signalfd",
	.level = KIND_FILE,
	.field = 18,
	.ask = ask,
	.file = &ops,
};

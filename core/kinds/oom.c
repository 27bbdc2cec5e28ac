// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/oom.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	sn_auto_free char *text = proc_read(r->task->pid, "oom_score_adj", NULL, err);
	Sn__Oom *model = message;

	if (!text)
		return -1;
	model->score_adj = atoi(text);
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__Oom *model = want;
	char text[16];
	int len;
	sn_auto_fd int fd = -1;

	(void)have;
	if (!model)
		return 0;
	fd = proc_open(a->task->pid, "oom_score_adj", O_WRONLY, err);
	if (fd < 0)
		return -1;
	len = snprintf(text, sizeof(text), "%d", model->score_adj);
	if (write(fd, text, (size_t)len) == len)
		return 0;
	return sn_fail_sys(err, "set oom_score_adj to %d%s", model->score_adj,
			   errno == EACCES ? " (to lower it takes CAP_SYS_RESOURCE)" : "");
}

const struct kind kind_oom = {
	.name = "out-of-memory score",
	.level = KIND_TASK,
	.field = 29,
	.stage = STAGE_TASK,
	.ask = ask,
	.correct = correct,
};

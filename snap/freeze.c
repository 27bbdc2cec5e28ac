// SPDX-License-Identifier: Apache-2.0
#include "snap/freeze.h"

#include "core/kinds/object_number.h"

int freeze(struct frozen *frozen, struct session *session, const struct collect_hints *hints,
	   const Sn__Image *for_model, struct sn_err *err)
{
	*frozen = (struct frozen){0};
	if (task_freeze(&frozen->task, session->app.pid, session->log, err) < 0)
		return -1;
	if (collect(&frozen->task, hints, &session->caps, for_model, &frozen->remote,
		    &frozen->image, &frozen->hole, err) < 0) {
		frozen_release(frozen);
		return -1;
	}
	objects_number(frozen->image, session->numbers);
	return 0;
}

uint64_t thaw(struct frozen *frozen)
{
	uint64_t since = frozen->task.frozen_ns;

	remote_close(frozen->remote);
	frozen->remote = NULL;
	task_thaw(&frozen->task);
	return session_now_ns() - since;
}

void frozen_release(struct frozen *frozen)
{
	thaw(frozen);
	if (frozen->image)
		sn__image__free_unpacked(frozen->image, NULL);
	frozen->image = NULL;
}

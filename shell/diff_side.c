// SPDX-License-Identifier: Apache-2.0
/* The two sides of a diff: a snapshot from the catalog, the living application from its keeper. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/client.h"
#include "shell/diff.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <sys/mman.h>

void diff_side_release(struct diff_side *side)
{
	inspect_close(side->in);
	if (side->shared)
		munmap(side->shared, side->shared_bytes);
	*side = (struct diff_side){0};
}

int diff_side_snapshot(struct request *rq, const char *ref, struct diff_side *side,
		       struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	if (!cat)
		return -1;
	return snap_ref(cat, ref, shell_selected(rq->shell), &side->app, &side->snap, err);
}

/* The model that the keeper's answer holds. */
static Sn__Image *take_image(const json_t *result)
{
	size_t len = 0;
	sn_auto_free char *packed = wire_unbytes(json_object_get(result, "image"), &len);

	return packed ? sn__image__unpack(NULL, len, (uint8_t *)packed) : NULL;
}

int diff_side_living(struct request *rq, bool memory, struct diff_side *side, struct sn_err *err)
{
	struct pagemap map = {0};
	json_t *result = NULL;
	Sn__Image *image;

	(void)memory;
	if (client_call(rq->shell, &side->app, "image", json_object(), &result, err) < 0)
		return -1;
	image = take_image(result);
	json_decref(result);
	if (!image)
		return sn_fail(err, "%s: its keeper's answer is no image", side->app.name);
	return inspect_open_living(&side->in, rq->shell->catalog, image, &map, NULL, 0, err);
}

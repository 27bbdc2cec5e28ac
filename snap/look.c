// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "proto/image.h"
#include "snap/freeze.h"

int snap_image_load(struct catalog *cat, int64_t app_id, int64_t id, Sn__Image **image,
		    struct sn_err *err)
{
	sn_auto_free uint8_t *bytes = NULL;
	size_t len;

	if (catalog_image_load(cat, app_id, id, &bytes, &len, err) < 0 ||
	    image_unpack(image, bytes, len, err) < 0)
		return sn_ctx(err, "snapshot %ld", id);
	return 0;
}

int snap_image_live(struct session *session, Sn__Image **image, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(frozen_release) struct frozen frozen = {0};

	if (session_alive(session, err) < 0 || session_attend(session, err) < 0)
		return -1;
	if (collect_prepare(&hints, session->app.pid, err) < 0 ||
	    freeze(&frozen, session, &hints, NULL, err) < 0) {
		session_failed(session, err);
		return sn_ctx(err, "look at %s", session->app.name);
	}
	*image = sn_steal_ptr(&frozen.image);
	return 0;
}

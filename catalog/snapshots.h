/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of snapshots and their images, for the other files of catalog/. All run
 * inside the caller's transaction.
 */
#ifndef CATALOG_SNAPSHOTS_H
#define CATALOG_SNAPSHOTS_H

#include "catalog/internal.h"

/* 1, 0, -1 */
int snapshot_exists(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err);

/* Fails when its tag is taken. Texts must end inside their arrays. */
int snapshot_insert(struct catalog *cat, const struct catalog_snapshot *snap,
		    struct sn_err *err);

int image_insert(struct catalog *cat, int64_t app_id, int64_t id, const uint8_t *bytes,
		 size_t len, struct sn_err *err);

#endif

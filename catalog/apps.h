/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of applications, for the other files of catalog/. Both run inside the
 * caller's transaction.
 */
#ifndef CATALOG_APPS_H
#define CATALOG_APPS_H

#include "catalog/internal.h"

struct app_row {
	struct catalog_app app;
	int64_t next_snapshot; /* the id the next one gets */
};

/* Fails when there is no such application or its row is damaged. */
int app_row_load(struct catalog *cat, int64_t id, struct app_row *row, struct sn_err *err);
/* Writes all of it but id and name. */
int app_row_store(struct catalog *cat, const struct app_row *row, struct sn_err *err);

#endif

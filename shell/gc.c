// SPDX-License-Identifier: Apache-2.0
#include "shell/gc.h"

#include "core/base/guard.h"
#include "proto/json.h"
#include "shell/background.h"
#include "shell/wire.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DROPPED_MANY = 64, TAKEN_MANY = 256 };
enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 }; /* ioprio_set(2) */

void gc_when_due(const struct catalog *cat, struct gc_due *due)
{
	const char *dir = catalog_dir(cat);
	struct sn_err unheard;

	if (due->dropped < DROPPED_MANY && due->taken < TAKEN_MANY)
		return;
	*due = (struct gc_due){0};
	background_start("gc", "of the catalog",
			 json_pack("{s:o}", "catalog", wire_bytes(dir, strlen(dir))), NULL, NULL,
			 NULL, &unheard);
}

static void be_humble(void)
{
	signal(SIGXFSZ, SIG_IGN); /* see catalog.h */
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

int gc_main(void)
{
	struct catalog_collected ignored;
	sn_auto_free char *dir = NULL;
	struct catalog *cat;
	json_t *spec, *answer;
	struct sn_err err;

	if (wire_receive(BACKGROUND_LINK, &spec, &err) != 1)
		return 1;
	dir = wire_unbytes(json_object_get(spec, "catalog"), NULL);
	json_decref(spec);
	answer = wire_done(json_object());
	wire_send(BACKGROUND_LINK, answer, &err);
	json_decref(answer);
	close(BACKGROUND_LINK); /* the starter does not wait for the rest */
	be_humble();
	if (!dir || chdir("/") < 0 || catalog_open(&cat, dir, &err) < 0)
		return 1;
	catalog_gc(cat, true, &ignored, &err);
	catalog_close(cat);
	return 0;
}

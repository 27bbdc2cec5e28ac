// SPDX-License-Identifier: Apache-2.0
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/progress.h"
#include "shell/wire.h"

#include <errno.h>

int cmd_gc(struct request *rq, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);
	struct catalog_collected got;
	struct progress *progress;
	char freed[FORMAT_MAX];
	int rc;

	if (!cat)
		return -1;
	progress = progress_begin("gc", cat);
	rc = catalog_gc(cat, false, &got, err);
	progress_end(progress);
	if (rc < 0 && err->code == EINTR)
		return sn_fail(err, "gc: interrupted; the %s given back so far stay so",
			       format_bytes(freed, got.freed_bytes));
	if (rc < 0)
		return -1;
	rq->result = json_pack("{s:I, s:I, s:I, s:I}", "freed_bytes", (json_int_t)got.freed_bytes,
			       "moved_pages", (json_int_t)got.moved_pages, "dropped_packs",
			       (json_int_t)got.dropped_packs, "joined_snapshots",
			       (json_int_t)got.joined);
	return 0;
}

void render_gc(FILE *out, const struct request *rq)
{
	long long joined = wire_number(rq->result, "joined_snapshots");
	char freed[FORMAT_MAX];

	fprintf(out, "%s given back, %lld pages moved",
		format_bytes(freed, (uint64_t)wire_number(rq->result, "freed_bytes")),
		wire_number(rq->result, "moved_pages"));
	if (joined)
		fprintf(out, "; those of %lld snapshot%s lie together now", joined,
			joined == 1 ? "" : "s");
	fputc('\n', out);
}

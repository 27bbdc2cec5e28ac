// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/looking.h"

int cmd_core(struct request *rq, struct sn_err *err)
{
	struct looking *looking = looking_once(rq, rq->words[0], err);
	const char *path = request_option(rq, "output");
	sn_auto_free char *name = NULL, *own = NULL, *text = NULL;
	uint64_t bytes;

	if (!looking)
		return -1;
	name = looking_name(looking);
	if (!path)
		path = own = sn_asprintf("%s.%ld.core", looking->app.name, (long)looking->snap.id);
	if (inspect_core(looking->in, path, &bytes, err) < 0)
		return sn_ctx(err, "core %s", name);
	text = sn_asprintf("%s written to %s\n", name, path);
	rq->result = json_pack("{s:s, s:s, s:I, s:s}", "ref", name, "file", path, "bytes",
			       (json_int_t)bytes, "text", text);
	return 0;
}

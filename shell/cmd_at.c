// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "shell/commands.h"
#include "shell/looking.h"
#include "shell/wire.h"

int cmd_at(struct request *rq, struct sn_err *err)
{
	struct looking *looking = rq->shell->at;
	sn_auto_free char *name = NULL, *text = NULL;

	if (request_word(rq, 0))
		looking = looking_select(rq, rq->words[0], err);
	else if (!looking)
		return sn_fail(err, "no snapshot is selected: at REF");
	if (!looking)
		return -1;
	name = looking_name(looking);
	if (asprintf(&text, "looking into %s\n", name) < 0)
		abort();
	rq->result = json_pack("{s:s, s:i, s:s}", "ref", name, "threads",
			       (int)inspect_threads(looking->in), "text", text);
	return 0;
}

void render_text(FILE *out, const struct request *rq)
{
	fputs(rq->text ? rq->text : wire_string(rq->result, "text"), out);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/looking.h"
#include "shell/wire.h"

#include <string.h>

static int at_off(struct request *rq)
{
	sn_auto_free char *name = looking_name(rq->shell->at);
	sn_auto_free char *text = sn_asprintf("looking into %s no longer\n", name);

	looking_close(rq->shell);
	rq->result = json_pack("{s:n, s:s}", "ref", "text", text);
	return 0;
}

int cmd_at(struct request *rq, struct sn_err *err)
{
	const char *ref = request_word(rq, 0);
	bool off = ref && strcmp(ref, "off") == 0;
	struct looking *looking = rq->shell->at;
	sn_auto_free char *name = NULL, *text = NULL;

	if (!looking && (off || !ref))
		return sn_fail(err, "no snapshot is selected: at REF");
	if (off)
		return at_off(rq);
	if (ref)
		looking = looking_select(rq, ref, err);
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

// SPDX-License-Identifier: Apache-2.0
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/wire.h"

int cmd_detach(struct request *rq, struct sn_err *err)
{
	struct catalog_app app;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	return client_call(rq->shell, &app, "detach", json_object(), &rq->result, err);
}

void render_detach(FILE *out, const struct request *rq)
{
	fprintf(out, "%s runs on as pid %lld; \"snapsh attach %lld\" manages it again\n",
		wire_string(rq->result, "name"), wire_number(rq->result, "pid"),
		wire_number(rq->result, "pid"));
}

// SPDX-License-Identifier: Apache-2.0
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/start.h"
#include "shell/wire.h"

#include <string.h>

int cmd_run(struct request *rq, struct sn_err *err)
{
	bool background = request_option(rq, "detach") || rq->json;
	json_t *argv;
	char name[64];

	if (start_name(rq, rq->words[0], name, err) < 0)
		return -1;
	argv = json_array();
	for (size_t i = 0; i < rq->word_count; i++)
		json_array_append_new(argv, wire_bytes(rq->words[i], strlen(rq->words[i])));
	if (client_start(rq->shell, name,
			 json_pack("{s:s, s:o, s:b}", "mode", "run", "argv", argv, "expect",
				   !background),
			 &rq->result, err) < 0)
		return -1;
	return background ? 0 : start_stay(rq, name, err);
}

void render_run(FILE *out, const struct request *rq)
{
	char how[FORMAT_MAX];

	if (!wire_number(rq->result, "pid"))
		fprintf(out, "%s %s\n", wire_string(rq->result, "name"),
			app_end_words(how, rq->result));
	else
		fprintf(out, "%s runs as pid %lld\n", wire_string(rq->result, "name"),
			wire_number(rq->result, "pid"));
}

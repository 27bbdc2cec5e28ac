// SPDX-License-Identifier: Apache-2.0
/* Commands about the shell itself: use, quit. */
#include "shell/client.h"
#include "shell/commands.h"

#include <string.h>

int cmd_use(struct request *rq, struct sn_err *err)
{
	struct shell *shell = rq->shell;
	struct catalog_app app;

	if (!rq->word_count) {
		shell->selected[0] = '\0';
		return 0;
	}
	if (client_app(shell, rq->words[0], &app, err) < 0)
		return -1;
	memcpy(shell->selected, app.name, sizeof(shell->selected));
	return 0;
}

int cmd_quit(struct request *rq, struct sn_err *err)
{
	(void)err;
	rq->shell->quit = true;
	return 0;
}

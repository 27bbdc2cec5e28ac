// SPDX-License-Identifier: Apache-2.0
/*
 * snapsh [-C CATALOG] [--json] COMMAND ..., or without a command the shell.
 */
#include "shell/background.h"
#include "shell/commands.h"
#include "shell/console.h"
#include "shell/gc.h"
#include "shell/keeper.h"
#include "shell/options.h"
#include "shell/repl.h"

#include <string.h>

static int run(const char **values, char **words, size_t count)
{
	char *help[] = {(char[]){"help"}, NULL};
	struct shell shell;
	int status;

	shell_init(&shell, values[GLOBAL_CATALOG]);
	shell.json = values[GLOBAL_JSON] != NULL;
	shell.no_pager = values[GLOBAL_NO_PAGER] != NULL;
	if (values[GLOBAL_FILE])
		status = repl_file(&shell, values[GLOBAL_FILE]);
	else if (values[GLOBAL_EXECUTE])
		status = repl_text(&shell, values[GLOBAL_EXECUTE]);
	else if (values[GLOBAL_HELP])
		status = command_run(&shell, help);
	else if (count)
		status = command_run(&shell, words);
	else
		status = repl_run(&shell);
	shell_fini(&shell);
	return status;
}

static int run_role(const char *role)
{
	if (strcmp(role, "keeper") == 0)
		return keeper_main();
	return strcmp(role, "gc") == 0 ? gc_main() : console_main();
}

/* A script is all there is to do. */
static int check_script(const char **values, char **words, size_t count, struct sn_err *err)
{
	if (values[GLOBAL_FILE] && values[GLOBAL_EXECUTE])
		return sn_fail(err, "-f and -e exclude each other");
	if (count && (values[GLOBAL_FILE] || values[GLOBAL_EXECUTE]))
		return sn_fail(err, "\"%s\" behind %s", words[0],
			       values[GLOBAL_FILE] ? "the script" : "the commands of -e");
	return 0;
}

int main(int argc, char **argv)
{
	const char *values[GLOBAL_COUNT] = {NULL};
	const struct option_set sets[2] = {{global_options, values}, {NULL, NULL}};
	const char *role = background_role(argv[0]);
	struct sn_err err, usage;
	size_t count;

	if (role)
		return run_role(role);
	if (options_parse(sets, true, argv + (argc > 0), &count, &err) < 0 ||
	    check_script(values, argv + (argc > 0), count, &err) < 0) {
		sn_fail(&usage, "%s; \"snapsh help\" says how it is used", err.text);
		error_print(values[GLOBAL_JSON] != NULL, &usage);
		return STATUS_USAGE;
	}
	return run(values, argv + (argc > 0), count);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/base/interrupt.h"
#include "shell/repl.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/command.h"
#include "shell/editor.h"
#include "shell/words.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

/*
 * Ctrl-C while a command runs. It ends a wait for a keeper with EINTR; for loops it stays
 * pending, see core/base/interrupt.h, until the command has ended. Keepers and applications
 * are in sessions of their own and are not sent it.
 */
static void interrupted(int signal, siginfo_t *info, void *context)
{
	ucontext_t *after = context;

	(void)info;
	sigaddset(&after->uc_sigmask, signal);
	raise(signal); /* blocked in here, so pending */
}

static void forget_interrupt(void)
{
	const struct timespec now = {0, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* One command; `status` when there is none. */
static int run_one(struct shell *shell, const char *line, int status)
{
	struct words words;
	struct sn_err err;

	if (command_split(shell, line, &words, &err) < 0) {
		command_failed(shell, shell->json, &err);
		return STATUS_USAGE;
	}
	if (words.count)
		status = command_run(shell, words.words);
	words_release(&words);
	return status;
}

/* The commands of a line, up to one that fails and has no "-" before it. */
static int run_line(struct shell *shell, const char *line, int status)
{
	for (;;) {
		bool forgiven = line[strspn(line, " \t")] == '-';
		sn_auto_free char *one = NULL;
		size_t len;

		line += forgiven ? strspn(line, " \t") + 1 : 0;
		len = words_command(line, command_of_text(shell, line) != NULL);
		one = sn_strndup(line, len);
		status = run_one(shell, one, status);
		if (sn_interrupted()) { /* also of what it has not ended: the rest of the line */
			forget_interrupt();
			return STATUS_FAILED;
		}
		if (forgiven)
			status = STATUS_DONE;
		if (!line[len] || status != STATUS_DONE || shell->quit)
			return status;
		line += len + 1;
	}
}

/* What an empty line means after this one: NULL nothing. */
static char *repetition(const struct shell *shell, const char *line)
{
	const struct command *command = command_of_text(shell, line);

	if (!command || line[words_command(line, true)])
		return NULL;
	if (command->flags & COMMAND_GOES_ON)
		return words_going_on(line, command->options);
	return command->flags & COMMAND_AGAIN ? sn_strdup(line) : NULL;
}

static int run_terminal(struct shell *shell)
{
	sn_auto_free char *again = NULL;
	struct editor editor;

	editor_open(&editor, shell);
	while (!shell->quit) {
		sn_auto_free char *line = editor_read(&editor);

		if (!line) {
			putchar('\n');
			break;
		}
		if (!*line && !again)
			continue;
		if (*line) {
			editor_keep(&editor, line);
			free(again);
			again = repetition(shell, line);
		}
		run_line(shell, *line ? line : again, STATUS_DONE);
		forget_interrupt();
	}
	editor_close(&editor);
	return STATUS_DONE;
}

/* The lines of a file; of a script up to one that fails. */
static int run_lines(struct shell *shell, FILE *in)
{
	sn_auto_free char *line = NULL;
	size_t size = 0;
	int status = STATUS_DONE;

	while (!shell->quit && getline(&line, &size, in) > 0) {
		shell->script_line++;
		status = run_line(shell, line, status);
		if (shell->script && status != STATUS_DONE)
			break;
	}
	return status;
}

int repl_file(struct shell *shell, const char *path)
{
	sn_auto_file FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct sn_err err;
	int status;

	if (file) {
		shell->interactive = true;
		shell->script = path;
		status = run_lines(shell, file);
		if (!ferror(file))
			return status;
	}
	sn_fail_sys(&err, "%s", path);
	error_print(shell->json, &err);
	return STATUS_FAILED;
}

int repl_text(struct shell *shell, const char *text)
{
	sn_auto_file FILE *lines = fmemopen((char *)text, strlen(text), "r");

	shell->interactive = true;
	shell->script = "-e";
	return lines ? run_lines(shell, lines) : STATUS_DONE;
}

int repl_run(struct shell *shell)
{
	struct sigaction action = {.sa_sigaction = interrupted, .sa_flags = SA_SIGINFO};

	shell->interactive = true;
	if (!isatty(STDIN_FILENO))
		return run_lines(shell, stdin);
	sigaction(SIGINT, &action, NULL);
	return run_terminal(shell);
}

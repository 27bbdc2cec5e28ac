// SPDX-License-Identifier: Apache-2.0
/*
 * The commands. Their order is the order of `help`.
 */
#include "shell/commands.h"

static const struct command_option run_options[] = {
	{ 'n', "name", "NAME", "name of the application; default: the program's" },
	{ 'd', "detach", NULL, "leave it in the background; else its terminal is used here, "
			       "Ctrl-] leaves it" },
	{ 0 },
};

static const struct command_option attach_options[] = {
	{ 'n', "name", "NAME", "name of the application; default: the process's" },
	{ 0 },
};

static const struct command_option kill_options[] = {
	{ 0, "term", NULL, "ask with SIGTERM first, SIGKILL five seconds later" },
	{ 0 },
};

static const struct command_option snap_options[] = {
	{ 'm', "message", "TEXT", "what to remember it by" },
	{ 't', "tag", "TAG", "a name for references: NAME@TAG" },
	{ 0, "tracker", "KIND", "how changed pages are found: auto, uffd, compare or full" },
	{ 0, "then", "WHAT", "what the application does next: run, stop or kill" },
	{ 0 },
};

static const struct command_option restore_options[] = {
	{ 'n', "name", "NAME", "manage it under this name; the snapshots stay where they are" },
	{ 'd', "detach", NULL, "leave it in the background; else its terminal is used here, "
			       "Ctrl-] leaves it" },
	{ 0, "pidfile", "FILE", "write its process id there" },
	{ 0 },
};

static const struct command commands[] = {
	{ "run", NULL, "[--] CMD...", 1, 0, "start an application under a keeper, on a terminal of its own",
	  run_options, cmd_run, render_run, COMMAND_WORDS_LAST, 0 },
	{ "attach", "adopt", "PID", 1, 1, "adopt a running process, or one whose keeper is gone",
	  attach_options, cmd_attach, render_attach, 0, 0 },
	{ "detach", NULL, "[NAME]", 0, 1, "stop managing an application, which runs on", NULL,
	  cmd_detach, render_detach, COMMAND_KEEPER, 0 },
	{ "kill", NULL, "[NAME]", 0, 1, "end an application; its snapshots stay", kill_options,
	  cmd_kill, render_kill, 0, 0 },
	{ "console", NULL, "[NAME]", 0, 1, "use an application's terminal; Ctrl-] leaves it", NULL,
	  cmd_console, NULL, 0, 0 },
	{ "apps", "ps", NULL, 0, 0, "list the applications, alive or ended", NULL, cmd_apps,
	  render_apps, 0, 0 },
	{ "snap", NULL, "[NAME]", 0, 1, "take a snapshot", snap_options, cmd_snap, render_snap,
	  COMMAND_KEEPER, 0 },
	{ "list", "ls", "[NAME]", 0, 1, "list an application's snapshots", NULL, cmd_list,
	  render_list, 0, 0 },
	{ "show", NULL, "REF", 1, 1, "show what a snapshot holds", NULL, cmd_show, render_show, 0,
	  0 },
	{ "diff", NULL, "REF [REF]", 1, 2,
	  "compare two snapshots, or one with the living application", NULL, cmd_diff, render_diff,
	  0, 2 },
	{ "revert", NULL, "REF", 1, 1, "take the living application back to a snapshot", NULL,
	  cmd_revert, render_revert, COMMAND_KEEPER, 0 },
	{ "undo", NULL, "[NAME]", 0, 1, "take the last revert back", NULL, cmd_undo, render_revert,
	  COMMAND_KEEPER, 0 },
	{ "restore", NULL, "REF", 1, 1, "bring an application that is gone back to life",
	  restore_options, cmd_restore, render_restore, 0, 0 },
	{ "drop", "rm", "REF...", 1, 0, "forget snapshots", NULL, cmd_drop, render_drop, 0, 0 },
	{ "check", NULL, NULL, 0, 0, "say what this kernel and this user can and cannot do", NULL,
	  cmd_check, render_check, 0, 0 },
	{ "use", NULL, "[NAME]", 0, 1,
	  "select the application that commands mean when they name none", NULL, cmd_use, NULL,
	  COMMAND_SHELL, 0 },
	{ "help", NULL, "[COMMAND]", 0, 1, "list the commands, or explain one", NULL, cmd_help,
	  render_help, 0, 0 },
	{ "quit", "exit", NULL, 0, 0, "leave the shell", NULL, cmd_quit, NULL, COMMAND_SHELL, 0 },
	{ 0 },
};

const struct command *command_table(void)
{
	return commands;
}

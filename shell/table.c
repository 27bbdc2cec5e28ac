// SPDX-License-Identifier: Apache-2.0
/*
 * The commands. Their order is the order of `help`.
 */
#include "shell/commands.h"

static const struct command_option run_options[] = {
	{'n', "name", "NAME", "name of the application; default: the program's"},
	{'d', "detach", NULL,
	 "leave it in the background; else its terminal is used here, "
	 "Ctrl-] leaves it"},
	{0},
};

static const struct command_option attach_options[] = {
	{'n', "name", "NAME", "name of the application; default: the process's"},
	{0},
};

static const struct command_option kill_options[] = {
	{0, "term", NULL, "ask with SIGTERM first, SIGKILL five seconds later"},
	{0},
};

static const struct command_option snap_options[] = {
	{'m', "message", "TEXT", "what to remember it by"},
	{'t', "tag", "TAG", "a name for references: NAME@TAG"},
	{0, "tracker", "KIND", "how changed pages are found: auto, soft-dirty, uffd or compare"},
	{0, "no-precopy", NULL, "read every page while the application stands still"},
	{0, "then", "WHAT", "what the application does next: run, stop or kill"},
	{0},
};

static const struct command_option restore_options[] = {
	{'n', "name", "NAME", "manage it under this name; the snapshots stay where they are"},
	{'d', "detach", NULL,
	 "leave it in the background; else its terminal is used here, "
	 "Ctrl-] leaves it"},
	{0, "lazy", NULL, "let it run at once: memory comes when touched, and in the background"},
	{0, "pidfile", "FILE", "write its process id there"},
	{0},
};

static const struct command_option look_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0},
};

static const struct command_option core_options[] = {
	{'o', "output", "FILE", "where to write it; default: NAME.ID.core"},
	{0},
};

static const struct command commands[] = {
	{
		.name = "run",
		.words = "[--] CMD...",
		.min = 1,
		.max = WORDS_ANY,
		.help = "start an application under a keeper, on a terminal of its own",
		.options = run_options,
		.run = cmd_run,
		.render = render_run,
		.flags = COMMAND_WORDS_LAST,
	},
	{
		.name = "attach",
		.aliases = "adopt",
		.words = "PID",
		.min = 1,
		.max = 1,
		.help = "adopt a running process, or one whose keeper is gone",
		.options = attach_options,
		.run = cmd_attach,
		.render = render_attach,
	},
	{
		.name = "detach",
		.words = "[NAME]",
		.max = 1,
		.help = "stop managing an application, which runs on",
		.run = cmd_detach,
		.render = render_detach,
		.flags = COMMAND_KEEPER,
	},
	{
		.name = "kill",
		.words = "[NAME]",
		.max = 1,
		.help = "end an application; its snapshots stay",
		.options = kill_options,
		.run = cmd_kill,
		.render = render_kill,
	},
	{
		.name = "console",
		.words = "[NAME]",
		.max = 1,
		.help = "use an application's terminal; Ctrl-] leaves it",
		.run = cmd_console,
	},
	{
		.name = "apps",
		.aliases = "ps",
		.help = "list the applications, alive or ended",
		.run = cmd_apps,
		.render = render_apps,
	},
	{
		.name = "snap",
		.words = "[NAME]",
		.max = 1,
		.help = "take a snapshot",
		.options = snap_options,
		.run = cmd_snap,
		.render = render_snap,
		.flags = COMMAND_KEEPER,
	},
	{
		.name = "list",
		.aliases = "ls",
		.words = "[NAME]",
		.max = 1,
		.help = "list an application's snapshots",
		.run = cmd_list,
		.render = render_list,
	},
	{
		.name = "log",
		.words = "[NAME]",
		.max = 1,
		.help = "draw the history with its branches, newest first",
		.run = cmd_log,
		.render = render_log,
	},
	{
		.name = "show",
		.words = "REF",
		.min = 1,
		.max = 1,
		.help = "show what a snapshot holds",
		.run = cmd_show,
		.render = render_show,
	},
	{
		.name = "diff",
		.words = "REF [REF]",
		.min = 1,
		.max = 2,
		.help = "compare two snapshots, or one with the living application",
		.run = cmd_diff,
		.render = render_diff,
		.failed = 2,
	},
	{
		.name = "revert",
		.words = "REF",
		.min = 1,
		.max = 1,
		.help = "take the living application back to a snapshot",
		.run = cmd_revert,
		.render = render_revert,
		.flags = COMMAND_KEEPER,
	},
	{
		.name = "undo",
		.words = "[NAME]",
		.max = 1,
		.help = "take the last revert back",
		.run = cmd_undo,
		.render = render_revert,
		.flags = COMMAND_KEEPER,
	},
	{
		.name = "restore",
		.words = "REF",
		.min = 1,
		.max = 1,
		.help = "bring an application that is gone back to life",
		.options = restore_options,
		.run = cmd_restore,
		.render = render_restore,
	},
	{
		.name = "tag",
		.words = "REF TAG",
		.min = 2,
		.max = 2,
		.help = "give a snapshot a name for references: NAME@TAG",
		.run = cmd_tag,
		.render = render_tag,
	},
	{
		.name = "untag",
		.words = "REF",
		.min = 1,
		.max = 1,
		.help = "take a snapshot's tag away; its tag alone names it, too",
		.run = cmd_untag,
		.render = render_tag,
	},
	{
		.name = "drop",
		.aliases = "rm",
		.words = "REF...",
		.min = 1,
		.max = WORDS_ANY,
		.help = "forget snapshots",
		.run = cmd_drop,
		.render = render_drop,
	},
	{
		.name = "verify",
		.words = "[REF]",
		.max = 1,
		.help = "read all that is stored, of one snapshot or of the catalog, and say what"
			" is damaged; exit status 1 when something is",
		.run = cmd_verify,
		.render = render_verify,
	},
	{
		.name = "at",
		.words = "[REF]",
		.max = 1,
		.help = "look into this snapshot from now on; without REF: which it is",
		.run = cmd_at,
		.render = render_text,
		.flags = COMMAND_SHELL,
	},
	{
		.name = "bt",
		.aliases = "backtrace where",
		.words = "[full] [COUNT]",
		.max = WORDS_ANY,
		.help = "show the stack of a thread; full: with the local variables",
		.options = look_options,
		.run = cmd_bt,
		.render = render_bt,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "core",
		.words = "REF",
		.min = 1,
		.max = 1,
		.help = "write a snapshot as an ELF core that debuggers open",
		.options = core_options,
		.run = cmd_core,
		.render = render_text,
	},
	{
		.name = "check",
		.help = "say what this kernel and this user can and cannot do",
		.run = cmd_check,
		.render = render_check,
	},
	{
		.name = "use",
		.words = "[NAME]",
		.max = 1,
		.help = "select the application that commands mean when they name none",
		.run = cmd_use,
		.flags = COMMAND_SHELL,
	},
	{
		.name = "help",
		.words = "[COMMAND]",
		.max = 1,
		.help = "list the commands, or explain one",
		.run = cmd_help,
		.render = render_help,
	},
	{
		.name = "quit",
		.aliases = "exit",
		.help = "leave the shell",
		.run = cmd_quit,
		.flags = COMMAND_SHELL,
	},
	{0},
};

const struct command *command_table(void)
{
	return commands;
}

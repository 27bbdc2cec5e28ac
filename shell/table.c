// SPDX-License-Identifier: Apache-2.0
/*
 * The commands. Their order is the order of `help`.
 */
#include "shell/commands.h"

const struct command_option global_options[] = {
	{'C', "catalog", "DIR", "where applications and snapshots are kept"},
	{0, "json", NULL, "print results, and errors, as JSON"},
	{0, "no-pager", NULL, "print at once what is longer than the terminal"},
	{'f', "file", "FILE", "run the commands in it, up to one that fails"},
	{'e', "execute", "COMMANDS", "run these, with ; between them, up to one that fails"},
	{'h', "help", NULL, "list the commands"},
	{0},
};

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
	{0, "tracker", "auto|soft-dirty|uffd|compare", "how changed pages are found"},
	{0, "no-precopy", NULL, "read every page while the application stands still"},
	{0, "then", "run|stop|kill", "what the application does next"},
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

static const struct command_option auto_options[] = {
	{0, "keep", "N", "of these snapshots the last N stay, and some more for a while"},
	{0},
};

static const struct command_option forget_options[] = {
	{0, "keep-last", "N", "the newest N stay"},
	{0, "keep-hourly", "N", "the newest of each of the last N hours that have one stays"},
	{0, "keep-daily", "N", "the same of days"},
	{0, "keep-tagged", NULL, "what has a tag stays"},
	{0, "dry-run", NULL, "only say what would go, and why the others stay"},
	{0},
};

static const struct command_option set_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'m', "message", "TEXT", "what to remember the new snapshot by; default: the expression"},
	{0, "tag", "TAG", "a name for references: NAME@TAG"},
	{0},
};

static const struct command_option look_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0},
};

static const struct command_option info_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0, "max", "N", "of `info changed`: N rows at most; default: 20"},
	{0},
};

static const struct command_option find_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'p', "pointer", NULL, "find what points at the object that EXPR denotes, or into it"},
	{0, "in", "WHAT", "look only there: heap, stack, or a mapping by a part of its name"},
	{0, "max", "N", "show N at most; default: 1000"},
	{0},
};

static const struct command_option diff_options[] = {
	{0, "stat", NULL, "only count: a line of each section and mapping"},
	{0, "only", "SECTIONS", "of tree,threads,stacks,variables,memory,mappings,..."},
	{0, "var", "EXPR", "only the members of this expression that differ"},
	{0, "mem", NULL, "the bytes that differ, in hexadecimal"},
	{'x', "examine", "ADDR[,LEN]", "the bytes of one place in both; default: 64"},
	{'n', "max", "N", "so many differences of a variable; default: 8, 0: all"},
	{'t', "thread", "THREAD", "the thread that --var means"},
	{'f', "frame", "FRAME", "the frame that --var means"},
	{0},
};

static const struct command_option when_options[] = {
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0},
};

static const struct command_option bisect_options[] = {
	{'r', "ref", "REF", "the last snapshot of the way; default: the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'a', "all", NULL, "look at each: it may turn more than once"},
	{0},
};

static const struct command_option core_options[] = {
	{'o', "output", "FILE", "where to write it; default: NAME.ID.core"},
	{0},
};

static const struct command_option help_options[] = {
	{0, "man", NULL, NULL},
	{0},
};

static const struct command_option gdbserver_options[] = {
	{0, "once", NULL, "end when the client leaves; the default"},
	{0, "stay", NULL, "serve again when the client leaves, until Ctrl-C"},
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
		.name = "auto",
		.words = "[NAME] [INTERVAL | off]",
		.max = 2,
		.help = "take a snapshot every 500ms, 2s, 10m or 1h; without: say how it is set",
		.options = auto_options,
		.run = cmd_auto,
		.render = render_auto,
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
		.words = "REF | print [OPTION] | convenience | debug-file-directory",
		.min = 1,
		.max = 2,
		.help = "show what a snapshot holds; or what was set by `set`; or the variables"
			" $NAME",
		.run = cmd_show,
		.render = render_show,
	},
	{
		.name = "diff",
		.words = "REF [REF]",
		.min = 1,
		.max = 2,
		.help = "compare two snapshots, or one with the living application",
		.options = diff_options,
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
		.name = "forget",
		.words = "[NAME]",
		.max = 1,
		.help = "drop all snapshots of an application but those that are to stay",
		.options = forget_options,
		.run = cmd_forget,
		.render = render_forget,
	},
	{
		.name = "gc",
		.help = "give the room of dropped snapshots back; nothing stands still for it",
		.run = cmd_gc,
		.render = render_gc,
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
		.words = "[REF | off]",
		.max = 1,
		.help = "look into this snapshot from now on, off: into none; without: which it is",
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
		.name = "print",
		.aliases = "p inspect",
		.words = "[/FORMAT] EXPR",
		.max = WORDS_ANY,
		.help = "evaluate an expression of C in a snapshot; formats: x d u o t a c f s z",
		.options = look_options,
		.run = cmd_print,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "x",
		.words = "[/NFU] ADDRESS",
		.max = WORDS_ANY,
		.help = "show memory as it lies: x/8xw, x/s, x/2gd; units: b h w g",
		.options = look_options,
		.run = cmd_x,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT | COMMAND_GOES_ON,
	},
	{
		.name = "set",
		.words = "var EXPR = VALUE | print OPTION [VALUE] | debug-file-directory DIRS",
		.min = 1,
		.max = WORDS_ANY,
		.help = "make a snapshot in which a variable, memory or a register is another; or"
			" say how values are printed: address, array, elements, max-depth,"
			" null-stop, pretty, repeats, symbol, union; or where debug files are",
		.options = set_options,
		.run = cmd_set,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "whatis",
		.words = "EXPR",
		.min = 1,
		.max = WORDS_ANY,
		.help = "say which type an expression has",
		.options = look_options,
		.run = cmd_whatis,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "ptype",
		.words = "EXPR",
		.min = 1,
		.max = WORDS_ANY,
		.help = "show the type of an expression, or a type, in full",
		.options = look_options,
		.run = cmd_ptype,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "frame",
		.aliases = "f",
		.words = "[LEVEL]",
		.max = WORDS_ANY,
		.help = "show a frame, and select it",
		.options = look_options,
		.run = cmd_frame,
		.render = render_frame,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "up",
		.words = "[COUNT]",
		.max = WORDS_ANY,
		.help = "select the frame that called",
		.options = look_options,
		.run = cmd_up,
		.render = render_frame,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT | COMMAND_AGAIN,
	},
	{
		.name = "down",
		.words = "[COUNT]",
		.max = WORDS_ANY,
		.help = "select the frame that was called",
		.options = look_options,
		.run = cmd_down,
		.render = render_frame,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT | COMMAND_AGAIN,
	},
	{
		.name = "thread",
		.words = "[THREAD] | apply all bt [full]",
		.max = WORDS_ANY,
		.help = "select a thread; or show the stacks of all",
		.options = look_options,
		.run = cmd_thread,
		.render = render_thread,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "info",
		.aliases = "i",
		.words = "all-registers|args|changed|files|functions|line|locals|proc|registers|"
			 "scope|sharedlibrary|signals|source|symbol|threads|timers|types|variables "
			 "[WHAT]",
		.min = 1,
		.max = WORDS_ANY,
		.help = "tell what a snapshot has of one kind",
		.options = info_options,
		.run = cmd_info,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "find",
		.words = "[/SIZE-CHAR] [/MAX-COUNT] EXPR | START, +LENGTH|END, EXPR...",
		.max = WORDS_ANY,
		.help = "look for bytes, a string or a number in memory; sizes: b h w g",
		.options = find_options,
		.run = cmd_find,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "src",
		.words = "[LINE | FILE:LINE | FUNCTION]",
		.max = WORDS_ANY,
		.help = "list lines of source; default: around the frame's",
		.options = look_options,
		.run = cmd_src,
		.render = render_text,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT | COMMAND_GOES_ON,
	},
	{
		.name = "when",
		.words = "[/FORMAT] EXPR [NAME]",
		.min = 1,
		.max = WORDS_ANY,
		.help = "show the value of an expression over all snapshots, and when it changed",
		.options = when_options,
		.run = cmd_when,
		.render = render_when,
		.flags = COMMAND_WORDS_LAST | COMMAND_TEXT,
	},
	{
		.name = "bisect",
		.words = "EXPR [NAME]",
		.min = 1,
		.max = WORDS_ANY,
		.help = "find the snapshot since which a condition is true, by looking at few;"
			" exit status 1 when it is true nowhere",
		.options = bisect_options,
		.run = cmd_bisect,
		.render = render_bisect,
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
		.name = "gdbserver",
		.words = "REF [:PORT | -]",
		.min = 1,
		.max = 2,
		.help = "let gdb attach to a snapshot: target remote :PORT, or | snapsh gdbserver"
			" REF -",
		.options = gdbserver_options,
		.run = cmd_gdbserver,
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
		.name = "completion",
		.words = "bash|zsh",
		.min = 1,
		.max = 1,
		.help = "print what makes this shell complete command lines of snapsh",
		.run = cmd_completion,
		.render = render_text,
	},
	{
		.name = "complete",
		.words = "[--] WORDS...",
		.max = WORDS_ANY,
		.help = "print how a command line may go on, one word a line",
		.run = cmd_complete,
		.render = render_complete,
		.flags = COMMAND_WORDS_LAST | COMMAND_HIDDEN,
	},
	{
		.name = "help",
		.words = "[COMMAND]",
		.max = 1,
		.help = "list the commands, or explain one",
		.options = help_options,
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

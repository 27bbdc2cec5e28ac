// SPDX-License-Identifier: Apache-2.0
#include "shell/table_options.h"

const struct command_option run_options[] = {
	{'n', "name", "NAME", "name of the application; default: the program's"},
	{'d', "detach", NULL,
	 "leave it in the background; else its terminal is used here, "
	 "Ctrl-] leaves it"},
	{0},
};

const struct command_option attach_options[] = {
	{'n', "name", "NAME", "name of the application; default: the process's"},
	{0},
};

const struct command_option kill_options[] = {
	{0, "term", NULL, "ask with SIGTERM first, SIGKILL five seconds later"},
	{0},
};

const struct command_option snap_options[] = {
	{'m', "message", "TEXT", "what to remember it by"},
	{'t', "tag", "TAG", "a name for references: NAME@TAG"},
	{0, "tracker", "auto|soft-dirty|uffd|compare", "how changed pages are found"},
	{0, "no-precopy", NULL, "read every page while the application stands still"},
	{0, "then", "run|stop|kill", "what the application does next"},
	{0},
};

const struct command_option restore_options[] = {
	{'n', "name", "NAME", "manage it under this name; the snapshots stay where they are"},
	{'d', "detach", NULL,
	 "leave it in the background; else its terminal is used here, "
	 "Ctrl-] leaves it"},
	{0, "lazy", NULL, "let it run at once: memory comes when touched, and in the background"},
	{0, "pidfile", "FILE", "write its process id there"},
	{0},
};

const struct command_option auto_options[] = {
	{0, "keep", "N", "of these snapshots the last N stay, and some more for a while"},
	{0},
};

const struct command_option forget_options[] = {
	{0, "keep-last", "N", "the newest N stay"},
	{0, "keep-hourly", "N", "the newest of each of the last N hours that have one stays"},
	{0, "keep-daily", "N", "the same of days"},
	{0, "keep-tagged", NULL, "what has a tag stays"},
	{0, "dry-run", NULL, "only say what would go, and why the others stay"},
	{0},
};

const struct command_option set_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'m', "message", "TEXT", "what to remember the new snapshot by; default: the expression"},
	{0, "tag", "TAG", "a name for references: NAME@TAG"},
	{0},
};

const struct command_option look_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0},
};

const struct command_option info_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0, "max", "N", "of `info changed`: N rows at most; default: 20"},
	{0},
};

const struct command_option find_options[] = {
	{'r', "ref", "REF", "the snapshot; default: that of `at`, else the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'p', "pointer", NULL, "find what points at the object that EXPR denotes, or into it"},
	{0, "in", "WHAT", "look only there: heap, stack, or a mapping by a part of its name"},
	{0, "max", "N", "show N at most; default: 1000"},
	{0},
};

const struct command_option diff_options[] = {
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

const struct command_option when_options[] = {
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{0},
};

const struct command_option bisect_options[] = {
	{'r', "ref", "REF", "the last snapshot of the way; default: the latest"},
	{'t', "thread", "THREAD", "the thread, as `info threads` counts them"},
	{'f', "frame", "FRAME", "the frame, as `bt` counts them"},
	{'a', "all", NULL, "look at each: it may turn more than once"},
	{0},
};

const struct command_option core_options[] = {
	{'o', "output", "FILE", "where to write it; default: NAME.ID.core"},
	{0},
};

const struct command_option help_options[] = {
	{0, "man", NULL, NULL},
	{0},
};

const struct command_option gdbserver_options[] = {
	{0, "once", NULL, "end when the client leaves; the default"},
	{0, "stay", NULL, "serve again when the client leaves, until Ctrl-C"},
	{0},
};

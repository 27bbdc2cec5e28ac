// SPDX-License-Identifier: Apache-2.0
#include "shell/help_text.h"

#include <string.h>

const char *help_group_title(enum help_group group)
{
	static const char *const titles[HELP_GROUPS] = {
		[HELP_LIFE] = "an application's life",
		[HELP_SNAPSHOTS] = "snapshots",
		[HELP_BACK] = "going back",
		[HELP_LOOKING] = "looking into a snapshot, as gdb does",
		[HELP_REST] = "snapsh itself",
	};

	return titles[group];
}

const struct help_text *help_text_of(const char *name)
{
	static const struct help_text none = {"", HELP_REST, "", "", ""};

	for (const struct help_text *t = help_texts; t->name; t++) {
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return &none;
}

const struct help_text help_texts[] = {
	/* ---- an application's life ---- */
	{"run", HELP_LIFE,
	 "Starts a command under a keeper of its own, the process that takes its snapshots. The "
	 "application has a terminal of its own, which is used from here until it ends; Ctrl-] "
	 "leaves it running. The exit status is then the application's.",
	 "snapsh run -n game ./game --level 3\n"
	 "snapsh run -d -n db -- redis-server --port 7000",
	 "console attach snap"},
	{"attach", HELP_LIFE,
	 "Adopts a process that runs already; nothing of it is changed. Of an application whose "
	 "keeper is gone the history goes on under its old name. How an adopted application ends "
	 "is its parent's to know.",
	 "snapsh attach 4711 -n myapp", "run detach apps"},
	{"detach", HELP_LIFE,
	 "Ends the keeper. The application runs on, and its snapshots stay; attach manages it "
	 "again.",
	 "snapsh detach myapp", "attach kill"},
	{"kill", HELP_LIFE,
	 "Ends an application with SIGKILL, or by SIGTERM first with --term, and returns when "
	 "that is recorded. Its snapshots stay: restore brings it back.",
	 "snapsh kill myapp\n"
	 "snapsh kill --term myapp",
	 "restore detach"},
	{"console", HELP_LIFE,
	 "Uses the terminal of an application that run or restore started: what is typed goes "
	 "there, also Ctrl-C. Ctrl-] leaves it. The end of a file or pipe that is typed is typed, "
	 "too.",
	 "snapsh console myapp", "run restore"},
	{"apps", HELP_LIFE,
	 "Lists all applications of the catalog: state, pid, the snapshot each stands at. One "
	 "with \"no keeper\" lives, but has to be attached before it can be snapshotted.",
	 "snapsh apps\n"
	 "snapsh apps --json",
	 "list use"},
	/* ---- snapshots ---- */
	{"snap", HELP_SNAPSHOTS,
	 "Takes a snapshot of the whole application. Pages that did not change since the last one "
	 "are not stored again, and most are copied while it runs: it stands still for "
	 "milliseconds. What cannot be captured faithfully is refused before it is stopped.",
	 "snapsh snap myapp -m \"before the boss\"\n"
	 "snapsh snap -t boss\n"
	 "snapsh snap --then kill myapp",
	 "auto list revert tag"},
	{"auto", HELP_SNAPSHOTS,
	 "Lets the keeper take a snapshot every so often. With --keep the last N of these stay, "
	 "and some more for a while; what has a tag, or was taken by a person, is never dropped "
	 "for it. The setting stays with the application, also over a restore.",
	 "snapsh auto myapp 500ms --keep 1000\n"
	 "snapsh auto myapp\n"
	 "snapsh auto myapp off",
	 "forget snap"},
	{"list", HELP_SNAPSHOTS,
	 "Lists the snapshots of an application, oldest first: when each was taken, what changed "
	 "since its parent, what that takes in the catalog, how long the application stood "
	 "still. The one it stands at has a *.",
	 "snapsh list myapp", "log show apps"},
	{"log", HELP_SNAPSHOTS,
	 "Draws the history with its branches, newest first: * a snapshot, o one that no person "
	 "took, @ the one the application stands at.",
	 "snapsh log myapp", "list revert"},
	{"show", HELP_SNAPSHOTS,
	 "Shows all that a snapshot holds besides the memory's contents: threads, mappings, "
	 "files, signals, timers, limits, credentials.",
	 "snapsh show myapp@3\n"
	 "snapsh show latest --json",
	 "diff info list"},
	{"diff", HELP_SNAPSHOTS,
	 "Compares two snapshots, or one with the living application: where threads are, which "
	 "variables changed, files, mappings, memory. The exit status is diff's: 0 nothing "
	 "differs, 1 something does, 2 trouble.",
	 "snapsh diff myapp@2 myapp@3\n"
	 "snapsh diff --var player boss latest\n"
	 "snapsh diff --stat 2 3",
	 "show when"},
	{"tag", HELP_SNAPSHOTS,
	 "Gives a snapshot a name, unique in its application, in the place of the one it has. "
	 "forget can keep what has one.",
	 "snapsh tag myapp@3 boss\n"
	 "snapsh revert myapp@boss",
	 "untag snap forget"},
	{"untag", HELP_SNAPSHOTS, "Takes the tag of a snapshot away. The snapshot stays.",
	 "snapsh untag myapp@boss", "tag"},
	{"drop", HELP_SNAPSHOTS,
	 "Forgets snapshots; all others stay whole, and children get the parents of those that "
	 "went. The one that a living application stands at cannot be dropped. Room is given "
	 "back by gc.",
	 "snapsh drop myapp@2\n"
	 "snapsh drop 4 5 6",
	 "forget gc"},
	{"forget", HELP_SNAPSHOTS,
	 "Drops all snapshots of an application but those that one of its options wants. What "
	 "the application stands at, and what undo goes back to, always stays.",
	 "snapsh forget myapp --keep-daily 7 --keep-tagged --dry-run\n"
	 "snapsh forget myapp --keep-last 20",
	 "drop auto gc tag"},
	{"gc", HELP_SNAPSHOTS,
	 "Gives the room of dropped snapshots back. Nothing is stopped for it, and it may be "
	 "killed at any moment. It begins by itself when many were dropped.",
	 "snapsh gc", "drop forget verify"},
	{"verify", HELP_SNAPSHOTS,
	 "Reads what is stored, each page once, and compares it with its checksums: of one "
	 "snapshot, or of the whole catalog. It says what is damaged, and which snapshots are "
	 "good. Exit status 1 when something is damaged.",
	 "snapsh verify\n"
	 "snapsh verify myapp@3",
	 "gc check"},
	/* ---- going back ---- */
	{"revert", HELP_BACK,
	 "Takes the living application back to a snapshot, in place: the same process, the same "
	 "pid. A snapshot of its state before that is taken first, so undo has a way back.",
	 "snapsh revert myapp@3\n"
	 "snapsh revert myapp@~2",
	 "undo restore log"},
	{"undo", HELP_BACK,
	 "Takes the last revert back: to the snapshot that it took before it went.",
	 "snapsh undo myapp", "revert"},
	{"restore", HELP_BACK,
	 "Brings an application that is gone back to life, with its process ids, on a new "
	 "terminal, which is used from here. It takes CAP_CHECKPOINT_RESTORE. With --lazy it runs "
	 "at once, and its memory comes when it is touched and in the background.",
	 "snapsh restore myapp@latest\n"
	 "snapsh restore -d --lazy myapp@boss",
	 "revert console check"},
	/* ---- looking into a snapshot ---- */
	{"at", HELP_LOOKING,
	 "In the shell: print, bt and the like look into this snapshot from now on. The prompt "
	 "says so. Nothing is restored, and the application may be gone. off ends it: they look "
	 "into the latest again. What is looked into cannot be dropped.",
	 "at myapp@3\n"
	 "at\n"
	 "at off",
	 "bt print use"},
	{"bt", HELP_LOOKING,
	 "Shows the stack of a thread: functions, arguments, lines. COUNT frames from the "
	 "innermost, or from the outermost with -COUNT; full: with the local variables.",
	 "snapsh bt -r myapp@3\n"
	 "bt full 5\n"
	 "bt -3",
	 "frame thread info"},
	{"frame", HELP_LOOKING,
	 "Shows a frame with its line of source, and selects it: names in expressions are meant "
	 "there from then on. By level, function or address; `frame apply` runs a command for "
	 "several.",
	 "frame 2\n"
	 "frame function main\n"
	 "frame apply all info locals",
	 "bt up down info"},
	{"up", HELP_LOOKING, "Selects the frame that called the selected one.", "up\nup 3",
	 "down frame"},
	{"down", HELP_LOOKING, "Selects the frame that was called by the selected one.", "down",
	 "up frame"},
	{"thread", HELP_LOOKING,
	 "Selects a thread by its number, as `info threads` counts them; without one says which "
	 "it is. `thread apply` runs a command for several; -q, -c and -s in front of it: without "
	 "headings, on after a failure, silent about it.",
	 "thread 2\n"
	 "thread apply all bt full\n"
	 "thread apply 1-3 print counter",
	 "bt info frame"},
	{"print", HELP_LOOKING,
	 "Evaluates an expression of C with the program's own names and types. Formats: x d u o t "
	 "a c f s z. Values are numbered, $1, and may be used again; $foo = EXPR gives one a name.",
	 "print player.items[0]@3\n"
	 "print $xmm0.v4_float\n"
	 "print /x *head->next\n"
	 "snapsh print -r myapp@3 'counter + 1'",
	 "x ptype when set"},
	{"call", HELP_LOOKING,
	 "Prints an expression that is not void. Nothing runs in a snapshot, so nothing is called.",
	 "call counter + 1", "print"},
	{"output", HELP_LOOKING,
	 "Prints a value and nothing else: without its number, without an end of line.",
	 "output/x flags", "print printf echo"},
	{"printf", HELP_LOOKING,
	 "Prints values by a format of C: %d %u %o %x %c %s %f %g %e %p, with width, precision, l "
	 "and ll. A %s is a string at an address.",
	 "printf \"%d %s\\n\", job->id, job->name", "output echo print"},
	{"echo", HELP_LOOKING, "Prints a text, for scripts. Escapes are C's; \"\\ \" is a blank.",
	 "echo here\\n", "printf"},
	{"x", HELP_LOOKING,
	 "Shows memory as it lies: so many units (N) in a format (F) of a size (U: b h w g), or "
	 "strings. An empty line goes on behind it.",
	 "x/8xw &header\n"
	 "x/s name\n"
	 "x/2gx $sp",
	 "print find"},
	{"whatis", HELP_LOOKING, "Says which type an expression has, by its name.",
	 "whatis job->next", "ptype print"},
	{"ptype", HELP_LOOKING,
	 "Shows the type of an expression, or a type, in full: structs with their members. With /o "
	 "also where each member is, how large it is, and the holes between.",
	 "ptype struct job\n"
	 "ptype/o struct job\n"
	 "ptype head",
	 "whatis print"},
	{"info", HELP_LOOKING,
	 "Tells what a snapshot has of one kind. The beginning of the word will do.",
	 "info locals\n"
	 "info registers rip\n"
	 "info threads",
	 "bt src show"},
	{"find", HELP_LOOKING,
	 "Looks for a value in memory: between two addresses as gdb does, or in all that the "
	 "snapshot has. With -p it finds each word that points at an object: who still holds it.",
	 "find \"password\"\n"
	 "find /w 0xdeadbeef\n"
	 "find -p *job",
	 "x print"},
	{"src", HELP_LOOKING,
	 "Lists lines of source: around the frame's, a line, or a function; from one to another. "
	 "Without a place it goes on behind the last ones, with - before them.",
	 "src\n"
	 "src 10,20\n"
	 "src main\n"
	 "src deep.c:40",
	 "frame info"},
	{"set", HELP_LOOKING,
	 "Makes a new snapshot in which a variable, memory or a register is another: what if? The "
	 "living application and the snapshot it is made of stay as they are; revert or restore "
	 "goes on from the new one. A variable $NAME is the session's own, and makes none.",
	 "snapsh set -r myapp@3 var lives = 99\n"
	 "set $start = &player\n"
	 "set var player.pos.x = 0",
	 "print revert restore"},
	{"when", HELP_LOOKING,
	 "Shows the value of an expression over all snapshots of an application, and between which "
	 "it changed. Numbers are plotted. Snapshots where nothing that it depends on changed are "
	 "not read.",
	 "snapsh when hp myapp\n"
	 "snapsh when 'queue.len > 10' myapp",
	 "bisect print diff"},
	{"bisect", HELP_LOOKING,
	 "Finds the first snapshot in which a condition is true by looking at few: it halves what "
	 "is between one where it is false and one where it is true.",
	 "snapsh bisect 'list->head == 0' myapp\n"
	 "snapsh bisect --all 'errors > 0' myapp",
	 "when print"},
	{"core", HELP_LOOKING,
	 "Writes a snapshot as an ELF core, readable by its owner only, for gdb and other "
	 "debuggers.",
	 "snapsh core myapp@3 -o myapp.core\n"
	 "gdb ./myapp myapp.core",
	 "gdbserver bt"},
	{"gdbserver", HELP_LOOKING,
	 "Lets gdb attach to a snapshot as to a process, without restoring it. All of gdb's "
	 "reading works, running and writing are refused. Only this user on this machine is "
	 "answered.",
	 "snapsh gdbserver myapp@3 :2345\n"
	 "gdb -ex 'target remote | snapsh gdbserver myapp@3 -'",
	 "core bt"},
	/* ---- snapsh itself ---- */
	{"check", HELP_REST,
	 "Tries what the running kernel and this user can do, and says what each absence costs.",
	 "snapsh check", "verify restore"},
	{"use", HELP_REST,
	 "In the shell: selects the application that commands mean when they name none; without "
	 "a name none again. The prompt says so.",
	 "use myapp\n"
	 "use",
	 "at apps"},
	{"completion", HELP_REST,
	 "Prints a script for bash or zsh that completes command lines of snapsh: commands, "
	 "options, applications, references.",
	 ". <(snapsh completion bash)\n"
	 "snapsh completion zsh >~/.zfunc/_snapsh",
	 "help"},
	{"help", HELP_REST, "Lists the commands by what they are for, or explains one.",
	 "snapsh help snap\n"
	 "snapsh snap --help",
	 "completion"},
	{"quit", HELP_REST,
	 "Leaves the shell, as does Ctrl-D. Applications and their keepers stay.", "quit", "use"},
	{0},
};

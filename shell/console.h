/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: the process that holds the master side of an application's terminal.
 *
 * It is a process of its own because a keeper may be killed at any moment, and the
 * application must not notice: with the master side's last descriptor closed it
 * would be sent SIGHUP. The console ends when the application has ended and all it
 * printed is in the log and with those who watch.
 *
 *	keeper -> console_start -> path of the slave -> application -> console_hand
 *	run, restore, console -> apps/NAME.tty -> terminal_use
 *
 * What is printed goes to apps/NAME.console, of which the last 256 KiB or more are
 * kept, and as it is to every client. A client sends frames: one byte of type, two
 * of length (low first), then so many bytes. It gets nothing before its hello.
 *
 *	'h'  hello; one byte: 1 to be sent first what was printed in this life
 *	'd'  typed
 *	's'  size: rows, columns, two bytes each, low first
 *	'e'  end of input: types the terminal's end-of-file character where lines are read
 *
 * A client that does not read holds the application's output up, as a terminal does.
 */
#ifndef SHELL_CONSOLE_H
#define SHELL_CONSOLE_H

#include "core/base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	CONSOLE_HELLO = 'h',
	CONSOLE_DATA = 'd',
	CONSOLE_SIZE = 's',
	CONSOLE_END = 'e',
	CONSOLE_FRAME_HEAD = 3,
	CONSOLE_FRAME_MAX = 1024, /* bytes behind the head */
};

/* A console without an application yet. */
struct console {
	int link; /* closing it before console_hand ends the console */
	pid_t pid;
	char tty[64]; /* the slave's path */
};

struct console_options {
	unsigned rows, cols; /* 0: as the kernel has it */
	/* Somebody is going to look at once: wait some seconds for a first client, even
	 * when the application ended before. */
	bool expect;
};

int console_start(struct console *console, const char *catalog_dir, const char *name,
		  const struct console_options *options, struct sn_err *err);

/* The application it is for, as a pidfd, which is borrowed. */
int console_hand(struct console *console, int pidfd, struct sn_err *err);

/* Closes the link; one that was never started has link -1. */
void console_release(struct console *console);

/* What main() calls for the role "console". */
int console_main(void);

#endif

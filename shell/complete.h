/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a line, or a command line of another shell, may go on. The table says it: names and options
 * of commands, and what their words are called there:
 *
 *	NAME     applications          FILE      files
 *	REF      references            DIR       directories
 *	COMMAND  commands              CMD       programs, then files
 *	EXPR, ADDRESS, FUNCTION, WHAT  names of the snapshot that is looked into
 *	off, run|stop|kill             themselves
 *
 *	complete_line or complete_words -> reads the struct -> complete_release
 */
#ifndef SHELL_COMPLETE_H
#define SHELL_COMPLETE_H

#include "shell/command.h"

enum complete_files {
	COMPLETE_NONE,
	COMPLETE_FILES, /* names of files besides the words */
	COMPLETE_DIRS,
};

struct complete {
	struct shell *shell;
	size_t len;	    /* what is there of the word: so many bytes at the line's end */
	const char *breaks; /* what ends a word here, as readline wants it */
	enum complete_files files;
	bool quotes;  /* '...' and "..." are the shell's here, not an expression's */
	bool open;    /* it may go on behind the word: no blank */
	size_t head;  /* bytes of the last argument before the word: of "myapp@" */
	char **words; /* sorted, each once */
	size_t count, cap;
};

/* Of a line of the shell up to the cursor. */
void complete_line(struct complete *complete, struct shell *shell, const char *line);
/* Of arguments behind "snapsh", the last not finished; NULL at the end. */
void complete_words(struct complete *complete, struct shell *shell, char **words);
void complete_release(struct complete *complete);

/* ---- between complete.c and complete_names.c ---- */

/* A copy, when it begins with `prefix`. */
void complete_add(struct complete *complete, const char *prefix, const char *word);
void complete_apps(struct complete *complete, const char *prefix);
void complete_refs(struct complete *complete, const char *prefix);
void complete_programs(struct complete *complete, const char *prefix);
/* Names at the end of an expression of the snapshot that the request means. */
void complete_expression(struct complete *complete, struct request *rq, const char *text);

/* Where the operand begins that ends at `end`: "jobs[i].owner" of "1 + jobs[i].owner". */
size_t complete_operand(const char *text, size_t end);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two moments side by side: what a person sees of the difference between them.
 *
 *	compare_open -> compare_memory, _mappings, _variables, _threads, ... -> compare_close
 *
 * The two inspects are borrowed, and are closed after the compare. Pages that lie at the same place
 * in the store are equal and are not looked at; of all others the bytes are compared once, when
 * it is opened. Everything else is asked only where some of these differ.
 *
 * Two lives of a program have other addresses: then mappings are matched by what they are (the
 * file and offset; heap; the n-th of a size), and a pointer is equal when it points to what was
 * matched with what the other one points to.
 *
 * Texts and lists are the caller's to free, with the release functions below.
 */
#ifndef SNAP_INSPECT_COMPARE_H
#define SNAP_INSPECT_COMPARE_H

#include "snap/inspect/inspect.h"

struct compare;

/* memory false: pages are not looked at, and only mappings can be asked for. */
int compare_open(struct compare **compare, struct inspect *from, struct inspect *to, bool memory,
		 struct sn_err *err);
void compare_close(struct compare *compare); /* NULL is fine */

/* Two lives with other addresses. */
bool compare_is_moved(const struct compare *compare);

/* ---- memory ---- */

/* What differs in one mapping that both have. */
struct memory_change {
	char *where; /* "heap", "stack of thread 1", "anonymous at 0x7f0000001000", "deep: data" */
	uint64_t from, to; /* where it starts on each side */
	uint64_t pages;
	uint64_t bytes;
};
void compare_memory(struct compare *compare, struct memory_change **list, size_t *count);
void memory_changes_free(struct memory_change *list, size_t count);

/* A variable, or what differs in a mapping besides variables. */
struct change_row {
	char *symbol;	  /* "numbers", "stop::calls"; NULL: no variable's */
	char *where;	  /* as in memory_change */
	uint64_t address; /* of the variable or the mapping, on the first side */
	uint64_t size;	  /* of the variable */
	uint64_t bytes;	  /* that differ */
	uint64_t pages;	  /* that they lie in */
};
/* What moved most comes first. */
void compare_changes(struct compare *compare, struct change_row **list, size_t *count);
void change_rows_free(struct change_row *list, size_t count);

/* Pages with other contents in all, and those with contents that only one side has. */
uint64_t compare_pages(const struct compare *compare);

/* 16 bytes, at an address that is a multiple of it on the first side. */
struct dump_row {
	uint64_t from_addr, to_addr;
	bool has_from, has_to; /* it can be read there */
	uint8_t from[16], to[16];
};
/* Calls row() for every such 16 bytes that differ. */
int compare_dump(struct compare *compare, void (*row)(void *arg, const struct dump_row *row),
		 void *arg, struct sn_err *err);
/* Of one place, what is equal too. Fails where neither side has memory. */
int compare_dump_at(struct compare *compare, uint64_t addr, uint64_t len,
		    void (*row)(void *arg, const struct dump_row *row), void *arg,
		    struct sn_err *err);

/* ---- mappings ---- */

enum mapping_what {
	MAPPING_CAME,
	MAPPING_WENT,
	MAPPING_REPLACED,
	MAPPING_PROTECTED,
};
struct mapping_change {
	enum mapping_what what;
	uint64_t start, end; /* on the side that has it; of both: on the first */
	char *from, *to;     /* "rw- heap"; NULL where there is none */
};
void compare_mappings(struct compare *compare, struct mapping_change **list, size_t *count);
void mapping_changes_free(struct mapping_change *list, size_t count);

/* ---- variables ---- */

/* A member, an element, or a run of elements: "game.player.hp", "table[3..7]". */
struct value_change {
	char *name;
	char *from, *to;
};
struct value_changes {
	struct value_change *list;
	size_t count;
	uint64_t more; /* that were found and are not in the list */
};

/* A global, a static (a function's is "f::x", a file's "'a.c'::x" where its name alone says not
 * which), a thread's, or a symbol without debug information. */
struct variable_change {
	char *name;
	char *type;   /* NULL: not known */
	char *module; /* its file; NULL: the program */
	uint64_t address;
	uint64_t size;
	size_t thread; /* counted from 1; 0: it is no thread's */
	struct value_changes changes;
};

/* per_variable: so many changes of each at most, 0 all. */
int compare_variables(struct compare *compare, size_t per_variable, struct variable_change **list,
		      size_t *count, struct sn_err *err);
void variable_changes_free(struct variable_change *list, size_t count);

/* An expression in a frame of both. */
int compare_expression(struct compare *compare, struct spot spot, const char *expression,
		       size_t per_variable, struct value_changes *changes, struct sn_err *err);
void value_changes_release(struct value_changes *changes);

/* ---- threads and stacks ---- */

struct thread_change {
	bool has_from, has_to;
	size_t from, to;  /* which thread, from 0 */
	char *from_place; /* "rest at deep.c:25 (in pause)" */
	char *to_place;
	char *registers; /* those that differ, when the place is the same; NULL none */
};
int compare_threads(struct compare *compare, struct thread_change **list, size_t *count,
		    struct sn_err *err);
void thread_changes_free(struct thread_change *list, size_t count);

enum frame_what {
	FRAME_CHANGED,
	FRAME_GONE, /* it has returned */
	FRAME_NEW,
};
struct frame_change {
	enum frame_what what;
	size_t from_level, to_level;
	char *from, *to; /* "recurse (depth=3) at deep.c:35" */
	struct value_changes locals;
};
/* Of one thread, the outermost frame first. */
struct stack_change {
	size_t from, to;
	char *anchor; /* the innermost of the outer frames that are the same; NULL none */
	struct frame_change *frames;
	size_t count;
	size_t more_changed, more_gone, more_new; /* that are not in the list */
};
int compare_stacks(struct compare *compare, size_t per_variable, struct stack_change **list,
		   size_t *count, struct sn_err *err);
void stack_changes_free(struct stack_change *list, size_t count);

#endif

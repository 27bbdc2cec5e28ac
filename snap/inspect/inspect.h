/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a snapshot by name and type, without restoring it. What is printed is what
 * gdb prints on a core of the same moment; doc/inspect.md has the shape.
 *
 *	inspect_open -> anything below, in any order -> inspect_close
 *
 * An inspect borrows the catalog and the debug files, is used by one thread, and keeps what it
 * has learned (modules, frames, types) until it is closed. Texts it gives are the caller's to free.
 */
#ifndef SNAP_INSPECT_INSPECT_H
#define SNAP_INSPECT_INSPECT_H

#include "catalog/catalog.h"
#include "core/base/err.h"
#include "proto/image.pb-c.h"
#include "snap/inspect/debug_files.h"

struct inspect;

int inspect_open(struct inspect **in, struct catalog *cat, struct debug_files *debug,
		 int64_t app_id, int64_t id, struct sn_err *err);
/*
 * A living process as snap_look has found it. Image and map are taken, also on failure; `pages`,
 * those that the map has with SNAP_LOC_FRESH, are borrowed.
 */
int inspect_open_living(struct inspect **in, struct catalog *cat, struct debug_files *debug,
			Sn__Image *image, struct pagemap *map, const uint8_t *pages, uint64_t count,
			struct sn_err *err);
void inspect_close(struct inspect *in); /* NULL is fine */

const Sn__Image *inspect_image(const struct inspect *in);
/* How many pages of the page map were read until now, those of the cache once. */
uint64_t inspect_pages_read(const struct inspect *in);

/* Lines a person should know before trusting what is printed: a library that changed on disk. */
size_t inspect_note_count(const struct inspect *in);
const char *inspect_note(const struct inspect *in, size_t i);

/* `len` bytes of the process's memory. Fails with gdb's words where there is none. */
int inspect_read(struct inspect *in, uint64_t addr, void *buf, size_t len, struct sn_err *err);

/* ---- threads and frames ---- */

/* Which thread, counted from 0 with the leader first, and which of its frames: what names and
 * registers of an expression mean. */
struct spot {
	size_t thread;
	size_t frame;
};

size_t inspect_threads(const struct inspect *in);
const Sn__Thread *inspect_thread(const struct inspect *in, size_t i);
/* "Thread 0x7ffff7d8a740 (LWP 4711)", malloc'd; "LWP 4711" for one without thread area. */
char *inspect_thread_title(const struct inspect *in, size_t i);

/* Unwinds on the first call. A thread has at least one frame. */
int inspect_frames(struct inspect *in, size_t thread, size_t *count, struct sn_err *err);

/* A variable and what it is; of a parameter also what it was when the function was called, where
 * that is known. */
struct named_text {
	char *name;
	char *value;
	char *entry; /* NULL: not known */
};
void named_text_free(struct named_text *list, size_t count);

/* One frame in words; what is not known is NULL or 0. */
struct frame_words {
	uint64_t pc;
	bool show_pc;	/* it is in the middle of a line, or has none */
	bool signal;	/* <signal handler called> */
	char *function; /* NULL: ?? */
	char *file;
	int line;
	char *module; /* only where there is no line */
	struct named_text *args;
	size_t arg_count;
	bool has_args; /* its parameters are known */
};
int inspect_frame(struct inspect *in, struct spot spot, struct frame_words *words,
		  struct sn_err *err);
void frame_words_release(struct frame_words *words);

/* Where it is on the stack. */
struct frame_places {
	uint64_t cfa;  /* "frame at" */
	uint64_t base; /* $fp */
	bool has_base;
	bool inlined;
	uint64_t saved_pc;
	bool sp_is_saved; /* in memory, at `sp`; else the caller's is the cfa */
	uint64_t sp;
	const char *language; /* NULL: not known */
	char *saved;	      /* "rbp at 0x7ffe..., rip at 0x7ffe..." */
};
int inspect_frame_places(struct inspect *in, struct spot spot, struct frame_places *places,
			 struct sn_err *err);
void frame_places_release(struct frame_places *places);

/* The innermost frame of the spot's thread that is a function's, or is at an address. */
int inspect_find_function(struct inspect *in, const char *name, struct spot *spot,
			  struct sn_err *err);
int inspect_find_address(struct inspect *in, const char *expression, struct spot *spot,
			 struct sn_err *err);

/* The local variables of a frame, or its parameters, innermost block first. ENODATA: it has no
 * debug information. */
int inspect_variables(struct inspect *in, struct spot spot, bool parameters,
		      struct named_text **list, size_t *count, struct sn_err *err);

/* ---- expressions ---- */

/* gdb's `set print`. UINT64_MAX of a limit: there is none. */
struct print_options {
	uint64_t elements;  /* of arrays and texts that are printed */
	uint64_t repeats;   /* more equal elements than that are one with a count */
	uint64_t max_depth; /* of structs and arrays in another */
	bool pretty;	    /* a member a line */
	bool array;	    /* an element a line */
	bool indexes;	    /* of elements, in front of them */
	bool address;	    /* of pointers */
	bool symbol;	    /* that a pointer to data points to */
	bool unions;	    /* within others */
	bool null_stop;	    /* texts end at their first NUL */
};
/* As they are in gdb at first. */
struct print_options inspect_print_defaults(void);
/* How values are printed; borrowed, NULL: the defaults. */
void inspect_set_print(struct inspect *in, const struct print_options *options);

/*
 * gdb's convenience variables, $foo: those of a session, which has several inspects one after
 * another. Assigning to them is no assignment to the process. Borrowed by an inspect until it is
 * closed.
 */
struct variables;
struct variables *variables_new(void);
void variables_free(struct variables *variables); /* NULL is fine */
/* Counts the assignments to them. */
uint64_t variables_changes(const struct variables *variables);
void inspect_set_variables(struct inspect *in, struct variables *variables);
/* A line of each, the latest first. */
int inspect_variables_text(struct inspect *in, struct spot spot, char **text, struct sn_err *err);

/* What `print` says: "$1 = 5" is number 1, text "5"; without a number for the history when it is a
 * void. letter: of /x, /d, ...; 0 none. */
struct printed {
	size_t number;
	char *type;
	char *text;
	bool is_void;
};
int inspect_print(struct inspect *in, struct spot spot, char letter, const char *expression,
		  struct printed *printed, struct sn_err *err);
void printed_release(struct printed *printed);

/* A value alone, not kept. */
int inspect_output(struct inspect *in, struct spot spot, char letter, const char *expression,
		   char **text, struct sn_err *err);
/* "\"FORMAT\", EXPR...", with C's directives and escapes. */
int inspect_printf(struct inspect *in, struct spot spot, const char *words, char **text,
		   struct sn_err *err);

enum type_detail {
	TYPE_BY_NAME, /* whatis */
	TYPE_IN_FULL, /* ptype */
	TYPE_OFFSETS, /* ptype/o: with "type = " in the midst */
};
/* The type of an expression, or of a type's name. */
int inspect_type(struct inspect *in, struct spot spot, enum type_detail detail,
		 const char *expression, char **text, struct sn_err *err);

/* `x`: format is what stands behind the slash, "4xw"; an empty expression goes on behind
 * the last. */
int inspect_examine(struct inspect *in, struct spot spot, const char *format,
		    const char *expression, char **text, struct sn_err *err);

/* ---- finding ---- */

enum {
	FIND_DEFAULT = 1000, /* hits shown of a search through all memory */
	FIND_MOST = 1000000, /* and of any */
};

struct find_query {
	/* gdb's "[/SIZE-CHAR] [/MAX-COUNT] START, +LENGTH|END, VALUE..."; a single expression is
	 * looked for in all memory. */
	const char *words;
	bool pointer;	   /* words that point at the object that the expression denotes */
	const char *where; /* "heap", "stack", a part of a mapping's name; NULL: anywhere */
	size_t max;	   /* 0: as said in the words, or FIND_DEFAULT */
};

struct find_hit {
	uint64_t addr;
	const char *mapping; /* what mapping_name says; lives as long as the inspect */
	char *symbol;	     /* "text+4"; NULL: none */
};

struct find_result {
	struct find_hit *hits;
	size_t count;
	bool more;     /* there were more than were asked for */
	bool is_range; /* memory between two addresses, gdb's form */
	bool is_empty; /* which had no bytes */
	char *warning; /* why the search of a range ended early; NULL: it did not */
};

/*
 * Of all memory that is what the snapshot has (holes only where zeros are looked for), and the
 * files of programs and libraries; those of other mappings where `where` names them.
 */
int inspect_find(struct inspect *in, struct spot spot, const struct find_query *query,
		 struct find_result *result, struct sn_err *err);
void find_result_release(struct find_result *result);

/* ---- what if: assignments ---- */

/*
 * An expression may assign (=, +=, ++, ...) where it was allowed to: then memory and registers
 * are as assigned for whatever is asked of the inspect, and nothing of it is stored before
 * snap_what_if (snap/what_if.h).
 */
void inspect_may_assign(struct inspect *in, bool may);
/* Evaluates an expression for what it assigns. */
int inspect_evaluate(struct inspect *in, struct spot spot, const char *expression,
		     struct sn_err *err);

/* Texts are the inspect's. */
struct assigned {
	const char *name; /* the left side as it was written */
	const char *was, *is;
	const char *warning; /* NULL: none */
};
/* All assignments since the inspect was opened, stored, or taken back. */
size_t inspect_assigned(const struct inspect *in, const struct assigned **list);
void inspect_take_back(struct inspect *in);

/* What it looks at; the image has what was assigned to registers. */
struct inspect_state {
	struct catalog *cat;
	int64_t app_id, id;
	const Sn__Image *image;
};
void inspect_state(const struct inspect *in, struct inspect_state *state);
/* Pages that were assigned to, malloc'd; a run at location n of `at` begins with page n - 1. */
void inspect_changed_pages(const struct inspect *in, struct pagemap *at, uint8_t **pages);
/* All that was assigned is that of snapshot `id`, and `map` its page map. */
void inspect_settle(struct inspect *in, int64_t id, const struct pagemap *map);

/* ---- what there is ---- */

/* Lines as gdb's `info` has them; `name` (may be "") restricts registers to some. */
int inspect_registers(struct inspect *in, struct spot spot, const char *names, char **text,
		      struct sn_err *err);
int inspect_symbol(struct inspect *in, struct spot spot, const char *expression, char **text,
		   struct sn_err *err);
/* Of a line, "deep.c:12", a function or "*ADDRESS"; "": the frame's. */
int inspect_line(struct inspect *in, struct spot spot, const char *where, char **text,
		 struct sn_err *err);
int inspect_libraries(struct inspect *in, char **text, struct sn_err *err);
/* The line a frame is in, as gdb shows it below a frame: "27\t\tpause();\n". */
int inspect_source_line(struct inspect *in, struct spot spot, char **text, struct sn_err *err);
/* Ten lines of source around a line, a function, or the frame's; "FIRST,LAST", "FIRST,", ",LAST":
 * from one to another. "" goes on behind the last, "-" before, as long as the frame is the same. */
int inspect_source(struct inspect *in, struct spot spot, const char *where, char **text,
		   struct sn_err *err);

/* The variables of the blocks around a line or function, and where each is kept. */
int inspect_scope(struct inspect *in, struct spot spot, const char *where, char **text,
		  struct sn_err *err);

enum symbol_kind {
	SYMBOLS_VARIABLES,
	SYMBOLS_FUNCTIONS,
	SYMBOLS_TYPES,
};
/* What there is of a kind whose name matches a basic regular expression, by file; "": all. */
int inspect_symbols(struct inspect *in, enum symbol_kind kind, const char *pattern, char **text,
		    struct sn_err *err);
/* The ELF files and where their sections are. */
int inspect_files(struct inspect *in, char **text, struct sn_err *err);
/* Of the source file that a frame is in: directory, language, compiler. */
int inspect_source_file(struct inspect *in, struct spot spot, char **text, struct sn_err *err);

/* The process, borrowed. */
const Sn__Task *inspect_task(const struct inspect *in);
/* Its arguments with blanks between, as they are in its memory, malloc'd; NULL: cannot be read. */
char *inspect_command_line(struct inspect *in);
/* As /proc/PID/maps names a mapping; "": it does not. */
const char *inspect_mapping_name(struct inspect *in, const Sn__Mapping *mapping);
/* "0x401136 <main+4>", malloc'd. */
char *inspect_address(struct inspect *in, uint64_t addr);

/* ---- names, for completion ---- */

typedef void inspect_each_name(void *arg, const char *name);

/*
 * Calls each() for what an expression may name and begins with `prefix`: variables of the
 * frame's blocks, globals, functions, enumerators, typedefs; registers when it begins
 * with "$". In no order, some twice; `name` lives as long as the inspect.
 */
int inspect_names(struct inspect *in, struct spot spot, const char *prefix, inspect_each_name *each,
		  void *arg, struct sn_err *err);
/* The same of struct, union and enum tags. */
int inspect_tags(struct inspect *in, struct spot spot, const char *prefix, inspect_each_name *each,
		 void *arg, struct sn_err *err);
/* The same of the members of an expression's type, or of what it points to. No memory is read. */
int inspect_members(struct inspect *in, struct spot spot, const char *expression,
		    const char *prefix, inspect_each_name *each, void *arg, struct sn_err *err);

/* ---- handing on ---- */

/* Writes an ELF core to `path`, anew, readable by its owner only; its size in *bytes. */
int inspect_core(struct inspect *in, const char *path, uint64_t *bytes, struct sn_err *err);

#endif

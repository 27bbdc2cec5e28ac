/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an inspect. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_INTERNAL_H
#define SNAP_INSPECT_INTERNAL_H

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "snap/inspect/debug_files.h"
#include "snap/inspect/inspect.h"
#include "snap/snap.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

/* DWARF's numbers of the registers, System V ABI for x86-64. */
enum {
	REG_RBP = 6,
	REG_RSP = 7,
	REG_RIP = 16,
	REG_COUNT = 17,
};

/* An ELF file where it lies in the process. */
struct module {
	struct inspect *in;
	const char *path; /* of the file; "[vdso]" */
	const char *name; /* as the dynamic linker calls it, else the path */
	uint64_t start, end;
	uint64_t link_map;		  /* address of its struct link_map, 0 unknown */
	uint64_t link_bias, link_dynamic; /* l_addr and l_ld there */
	size_t link_order;		  /* its place in the dynamic linker's list, from 1 */
	bool is_main;
	Dwfl_Module *dwfl; /* NULL: the file is not what it was */
	uint8_t *image;	   /* the file out of the snapshot, malloc'd; NULL: it is on disk */
	size_t image_len;
	struct symbol *symbols; /* by address, made on first use: symbols.c */
	size_t symbol_count;
	bool has_symbols;
	struct names *names; /* its global names, made on first use: lookup.c */
};

/*
 * A frame: a function that has been called, inlined ones among them. Those of one physical
 * frame have the same registers. path[0..path_len) are the scopes from the function inwards.
 */
struct frame {
	uint64_t pc;
	uint64_t look; /* in the call, where pc is behind it: what to look up */
	uint64_t regs[REG_COUNT];
	uint32_t known; /* bit i: regs[i] is known */
	bool signal;	/* a signal trampoline */
	bool has_inner; /* the next inner frame was inlined into this one */
	bool inlined;
	size_t physical; /* counts physical frames */
	struct module *module;
	Dwarf_Die cu;
	bool has_cu;
	Dwarf_Die *path;
	size_t path_len;
	Dwarf_Die inner; /* with has_inner: the inlined call */
	uint64_t bias;	 /* of addresses in the DIEs */
};

struct stack {
	struct frame *frames; /* NULL: not unwound yet */
	size_t count;
	size_t cap;
};

struct arena_chunk;
struct reads;
struct changes;

struct inspect {
	struct catalog *cat;
	int held; /* catalog_snapshot_hold; -1: somebody else sees to it that the pages stay */
	int64_t app_id, id;
	Sn__Image *image;
	const Sn__Task *task;
	struct pagemap map;
	struct debug_files *debug; /* borrowed */
	const uint8_t *fresh;	   /* pages of a living process, borrowed: SNAP_LOC_FRESH */
	uint64_t fresh_count;
	uint64_t pages_read;		 /* by the page map */
	struct catalog_locator *locator; /* borrowed; not NULL: in the place of the map */
	uint64_t layout;		 /* modules_layout */
	uint64_t serial;		 /* of a series: how many it had opened before */
	struct reads *reads;		 /* borrowed; where what is read is written down; NULL */
	struct changes *changes;	 /* what was assigned; NULL: nothing */
	bool may_assign;
	const struct print_options *print; /* borrowed; NULL: the defaults */
	struct variables *variables;	   /* the same; NULL: there are none */
	struct memory_cache *cache;
	struct mapped_file *files;
	size_t file_count;
	struct arena_chunk *arena;
	size_t arena_bytes;
	char **notes;
	size_t note_count;

	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	bool attached;
	struct module **modules; /* by address */
	size_t module_count;
	size_t link_count;    /* of the dynamic linker's list */
	struct stack *stacks; /* one a thread */
	struct stack *tops;   /* of each the first physical frame, which takes no unwinding */

	/* The unit of the frame that is looked at is in C++; without one, that of the last frame
	 * that had one, at first main's. */
	bool cplus, has_language;
	void *full_names; /* cplus.c: tsearch(3) by DIE */
	void *types;	  /* the same */
	struct type **basics;
	struct value **history; /* of print: $1 is the first */
	size_t history_count;
	struct {
		uint64_t next;
		char letter, unit;
	} examined; /* how and where `x` goes on */
	struct {
		struct place_in_source *place; /* NULL: nothing yet */
		struct spot spot;	       /* what was selected then */
		int first, next;
	} listed; /* what `src` has shown, and where it goes on */
};

/* Zeroed memory that lives as long as the inspect. */
void *inspect_alloc(struct inspect *in, size_t bytes);
char *inspect_strdup(struct inspect *in, const char *text);
void inspect_note_add(struct inspect *in, char *line); /* taken */
/* What is written to it is *text, malloc'd, and *len when it is closed. */
FILE *text_stream(char **text, size_t *len);

/*
 * For a way through many snapshots (series.c): as inspect_open, but pages are found by the
 * locator. inspect_move goes on to another snapshot, with what is known of the modules and types:
 * 1; 0: the modules are others there, nothing has changed; -1 failed, nor has it then.
 */
int inspect_open_series(struct inspect **out, struct catalog *cat, struct debug_files *debug,
			struct catalog_locator *locator, int64_t app_id, int64_t id,
			struct sn_err *err);
int inspect_move(struct inspect *in, int64_t id, struct sn_err *err);

/* ---- memory.c ---- */

/* What a page's bytes are those of: the same while this is the same. */
enum source_kind {
	SOURCE_NONE, /* there is no memory */
	SOURCE_ZERO,
	SOURCE_STORED, /* number: the location */
	SOURCE_FILE,   /* number: checksum of which file, and where in it */
	SOURCE_VDSO,
	SOURCE_ASSIGNED, /* number: its key among what was assigned */
	SOURCE_UNKNOWN,	 /* of a file that the process may write to as memory */
};

struct page_source {
	enum source_kind kind;
	uint64_t number;
};

/* *mapping: the one the address is in, or NULL. */
int memory_source(struct inspect *in, uint64_t addr, struct page_source *source,
		  const Sn__Mapping **mapping, struct sn_err *err);
bool memory_is_same(struct page_source a, struct page_source b);
/* Where a page is stored: 1; 0 it is not; -1. */
int memory_locate(struct inspect *in, uint64_t key, uint64_t *loc, struct sn_err *err);
/* Another snapshot is looked at: what is cached has to be found to be the same. */
void memory_moved(struct inspect *in);

const Sn__Mapping *memory_mapping(const struct inspect *in, uint64_t addr);
/* There is no memory at an address, in gdb's words. -1. */
int memory_none(uint64_t addr, struct sn_err *err);
/* A descriptor of the file of a mapping, borrowed; fails when it is not what it was. */
int memory_file(struct inspect *in, const Sn__Mapping *mapping, struct sn_err *err);
/* Pages at a location of the page map. */
int memory_run_read(struct inspect *in, uint64_t loc, uint64_t count, uint8_t *buf,
		    struct sn_err *err);
/* What the page map has an address's page under, of a mapping; false: it has it not, for the
 * contents are a file's. */
bool memory_key(const struct inspect *in, const Sn__Mapping *mapping, uint64_t addr, uint64_t *key);
/* Of the page of a mapping's object at this address. */
uint64_t memory_object_key(const Sn__Mapping *mapping, uint64_t addr);
int memory_read_u64(struct inspect *in, uint64_t addr, uint64_t *value, struct sn_err *err);
/* A string up to its NUL, at most max bytes, malloc'd; NULL when it cannot be read. */
char *memory_string(struct inspect *in, uint64_t addr, size_t max);
void memory_release(struct inspect *in);

/* ---- modules.c ---- */

int modules_open(struct inspect *in, struct sn_err *err);
void modules_close(struct inspect *in);
/* The module that an address is in, or NULL. */
struct module *modules_at(const struct inspect *in, uint64_t addr);
/* Checksum of which modules lie where. */
uint64_t modules_layout(const struct inspect *in);
/* Value of an entry of the auxiliary vector; 0 when it is not there. */
uint64_t modules_auxv(const struct inspect *in, uint64_t type);

/* ---- unwind.c, frames.c ---- */

int stack_unwind(struct inspect *in, size_t thread, struct stack *stack, struct sn_err *err);
/* The first physical frame only. */
int stack_top(struct inspect *in, size_t thread, struct stack *stack, struct sn_err *err);
void stacks_release(struct inspect *in);
/* Appends the frames of one physical frame: the inlined ones, then the function. */
void frames_append(struct inspect *in, struct stack *stack, const struct frame *physical);
/* At which level a frame of frames_at is. */
size_t frames_level(const struct inspect *in, size_t thread, const struct frame *frame);
/* The frame at a spot; fails when there is none. */
struct frame *frames_at(struct inspect *in, struct spot spot, struct sn_err *err);
/* A thread's registers by DWARF's numbers. */
void registers_of(const Sn__Thread *thread, uint64_t regs[REG_COUNT]);
/* Name of the function a frame is in; NULL unknown. */
const char *frame_function(struct inspect *in, const struct frame *frame);
/* The file and line a frame is at; *start where the line begins, 0 for an inlined call. False:
 * none. */
bool frame_line(struct inspect *in, const struct frame *frame, const char **file, int *line,
		uint64_t *start);
/* A function's name as gdb shows it; NULL: it has none. */
const char *die_name(Dwarf_Die *die);
/* The function that a frame with a path, or what it is inlined in, runs. */
Dwarf_Die frame_subprogram(const struct frame *frame);
/* Where the function begins that a frame, or what it is inlined in, runs, without bias. */
bool frame_entry(const struct frame *frame, uint64_t *entry);
/* What gdb's $fp is. False: not known. */
bool frame_pointer(struct inspect *in, const struct frame *frame, uint64_t *base);
/* Where a function begins, of one in several pieces the first; 0, or -1: it is nowhere. */
int die_entry(Dwarf_Die *die, Dwarf_Addr *entry);
/* The unit that an address is in, and the bias of addresses in its DIEs. */
bool find_cu(struct module *module, uint64_t addr, Dwarf_Die *cu, uint64_t *bias);
/* With -gsplit-dwarf most of a unit is in a file of its own (.dwo): that, where it is found. */
Dwarf_Die unit_whole(const Dwarf_Die *cu);

/* The parameters of a frame as a backtrace has them. */
void frame_args(struct inspect *in, struct spot spot, struct frame_words *words);

/* ---- lines.c ---- */

struct line_row {
	const char *file;
	uint64_t addr;
	int line;
	bool statement; /* it begins one */
	bool end;
	unsigned mark;
};

/* The stretch of code of one line that an address is in; addresses without bias. */
struct line_span {
	const char *file; /* as libdw has it: see line_file_name */
	int line;
	uint64_t start, end;
};
bool line_find(const Dwarf_Die *cu, uint64_t addr, struct line_span *span);
/* A file's name as the compiler was given it: gdb shows it so. */
const char *line_file_name(const Dwarf_Die *cu, const char *file);

/* Where the code of a line or function begins, said as for `info line`. */
int source_address(struct inspect *in, struct spot spot, const char *where, uint64_t *addr,
		   struct sn_err *err);

/* ---- debug_files.c ---- */

/* How libdwfl finds debug information; the files have to outlive it. */
void debug_files_callbacks(struct debug_files *files, Dwfl_Callbacks *callbacks);

/* ---- source.c ---- */

/* The language of a unit, as gdb calls it. */
const char *unit_language(Dwarf_Die *cu);
/* A file that debug information names, to read; NULL with errno: also where it is no file. */
FILE *source_open(const char *path);

/* ---- symbols.c ---- */

struct symbol {
	uint64_t addr;
	uint64_t size;
	const char *name;
	uint8_t type; /* STT_* */
};

/* All of a module, by address. */
const struct symbol *symbols_of(struct inspect *in, struct module *module, size_t *count);
/* Whether a module has symbols, which are read on the first question. */
bool symbols_load(struct inspect *in, struct module *module);
/* The symbol an address belongs to, as gdb chooses among several; NULL: none. */
const struct symbol *symbol_find(struct inspect *in, uint64_t addr);
/* Whether one that is just there has this name, with or without its default version behind it. */
bool symbol_is_at(struct inspect *in, uint64_t addr, const char *name);
/* By name, functions and data; NULL: there is none. */
const struct symbol *symbol_named(struct inspect *in, const char *name);
/* Calls each() for the names of a module's functions and data that begin with `prefix`. */
void symbols_named(struct inspect *in, struct module *module, const char *prefix,
		   void (*each)(void *arg, const char *name), void *arg);
/* Name of symbol_find, with the distance. */
const char *symbol_at(struct inspect *in, uint64_t addr, uint64_t *offset);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a gdb_stub. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_GDB_INTERNAL_H
#define SNAP_INSPECT_GDB_INTERNAL_H

#include "snap/inspect/gdb_packet.h"
#include "snap/inspect/gdb_stub.h"
#include "snap/inspect/gdb_target.h"
#include "snap/inspect/internal.h"

/* A file the client has open: on disk, or bytes. */
struct gdb_file {
	bool used;
	int fd; /* -1: bytes */
	const uint8_t *bytes;
	size_t len;
	char *own; /* malloc'd, what bytes points to; NULL: the inspect's */
};

struct gdb_stub {
	struct inspect *in;
	struct gdb_parser parser;
	bool no_ack;	/* "+" is not used any more */
	bool processes; /* threads are named pPID.TID */
	bool short_floats;
	bool over;
	size_t thread; /* the one that registers are asked of */
	size_t listed; /* threads that were told of, by qfThreadInfo */
	char *sent;    /* the last packet, malloc'd: when it is asked for again */
	size_t sent_len;
	struct gdb_layout layout;
	struct {
		size_t number; /* in the table of gdb_xfer.c */
		char *annex;   /* malloc'd; NULL: there is none */
		char *text;
		size_t len;
	} object; /* that is being read by qXfer, in parts */
	struct gdb_file *files;
	size_t file_count;
};

/* ---- gdb_threads.c ---- */

/* The thread a client names: one that is there, for "any" and "all" the selected one. */
bool gdb_thread_find(const struct gdb_stub *stub, int64_t pid, int64_t tid, size_t *thread);

/* Thread i as the client knows it. */
void gdb_put_thread(FILE *out, const struct gdb_stub *stub, size_t i);

/* Packets: "H", "T", "qC", "qfThreadInfo", "qsThreadInfo", "?". */
void gdb_select(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_is_alive(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_current(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_list(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_list_more(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_stop_reason(struct gdb_stub *stub, const char *args, FILE *out);

/* ---- gdb_xfer.c: "qXfer:" ---- */

void gdb_xfer(struct gdb_stub *stub, const char *args, FILE *out);
/* Where an object can be read from: a name to open, malloc'd; NULL: there is none. */
char *gdb_module_file(const struct module *module);
char *gdb_program_file(const struct inspect *in);

/* ---- gdb_file.c: "vFile:" ---- */

void gdb_file(struct gdb_stub *stub, const char *args, FILE *out);
void gdb_files_close(struct gdb_stub *stub);

/* ---- gdb_proc.c ---- */

/* A file of /proc as it was: "maps", "cmdline" of the process, malloc'd. False: it is none that
 * is known. */
bool gdb_proc_file(struct inspect *in, const char *path, char **text, size_t *len);
/* Where a link there points, malloc'd; NULL: it is none. */
char *gdb_proc_link(const struct inspect *in, const char *path);

#endif

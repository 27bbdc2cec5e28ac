/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where debug information in files of its own is looked for, which is the same for all that one
 * shell opens: beside the file, in directories, on the servers of DEBUGINFOD_URLS.
 *
 *	debug_files_new -> inspect_open(..., files, ...) ... -> debug_files_free
 *
 * A server that is down, or silent for some seconds, is not asked again. Used by one thread.
 */
#ifndef SNAP_INSPECT_DEBUG_FILES_H
#define SNAP_INSPECT_DEBUG_FILES_H

struct debug_files;

/* Looks in /usr/lib/debug. */
struct debug_files *debug_files_new(void);
void debug_files_free(struct debug_files *files); /* NULL is fine */

/* gdb's debug-file-directory: names with ':' between, "" none. Known files stay: for what is
 * opened from now on. */
void debug_files_set(struct debug_files *files, const char *directories);
const char *debug_files_directories(const struct debug_files *files);

/* What a person should know of the servers, once; malloc'd, NULL: nothing new. */
char *debug_files_take_note(struct debug_files *files);

#endif

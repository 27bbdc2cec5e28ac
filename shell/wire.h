/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the processes of snapsh talk: unix stream sockets in CATALOG/apps/, one JSON
 * object a line.
 *
 *	apps/NAME.sock     the keeper: {"command":"snap","args":{...}} ->
 *	                   {"ok":true,"result":{...}} or {"ok":false,"error":"..."}
 *	apps/NAME.tty      the console: see shell/console.h
 *	apps/NAME.log      what the keeper itself had to say; its lock
 *	apps/NAME.console  the end of what the application printed
 *
 * A socket's address holds 108 bytes and a catalog's path may be longer, so both
 * sides go through /proc/self/fd/DIRFD/NAME.sock. Who may speak is asked of the
 * kernel (SO_PEERCRED, unix(7)): the same user, or root.
 */
#ifndef SHELL_WIRE_H
#define SHELL_WIRE_H

#include "catalog/catalog.h"
#include "core/base/err.h"

#include <jansson.h>

/* A descriptor of CATALOG/apps, made when missing; or -1. */
int wire_apps_dir(const char *catalog_dir, struct sn_err *err);

/* A listening, non-blocking socket apps/NAME.KIND in the place of a stale one; or -1. */
int wire_listen(int apps_dir, const char *name, const char *kind, struct sn_err *err);

/* Takes the name of a listening socket away. Keeper and console each hold a lock for
 * their name, so it is their own. */
void wire_unlink(int apps_dir, const char *name, const char *kind);

/* A connected socket; or -1 with err->code ENOENT or ECONNREFUSED when nobody listens. */
int wire_connect(int apps_dir, const char *name, const char *kind, struct sn_err *err);

/* The peer is the same user, or root. */
bool wire_peer_allowed(int fd);

/* The pid of the process that called listen(2) or connect(2) at the other end; 0: unknown. */
pid_t wire_peer_pid(int fd);

/* Sends one line; blocks. The value is borrowed. */
int wire_send(int fd, const json_t *value, struct sn_err *err);

/* Receives one line from a peer that sends only one at a time; blocks. 1, or 0 when the
 * other side closed before a line was whole (or before it read ours), or -1. */
int wire_receive(int fd, json_t **value, struct sn_err *err);

/* One open file, in a message of its own. Receiving: a descriptor, or -1 for anything else. */
int wire_send_fd(int fd, int passed, struct sn_err *err);
int wire_receive_fd(int fd);

/* {"ok":true,"result":...}, taking the result; {"ok":false,"error":"..."}. */
json_t *wire_done(json_t *result);
json_t *wire_failed(const struct sn_err *err);
/* Takes an answer apart: 0 with *result (a new reference), or -1 with its error. */
int wire_answer(const json_t *answer, json_t **result, struct sn_err *err);

/* A member of an object: NULL, or 0, when it is not there or of another type. */
const char *wire_string(const json_t *object, const char *key);
long long wire_number(const json_t *object, const char *key);

/* An address as "0x...". */
json_t *wire_address(unsigned long addr);

/* Bytes as a JSON string of hexadecimal digits, and back (malloc'd, a NUL behind them;
 * NULL when it is no such string). */
json_t *wire_bytes(const void *bytes, size_t len);
char *wire_unbytes(const json_t *value, size_t *len);

#endif

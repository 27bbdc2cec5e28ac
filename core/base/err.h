/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: how a failure travels from a system call to the person who reads it.
 *
 * A fallible function returns 0 or -1 and takes a caller-owned struct sn_err as
 * its last argument. Nothing is allocated, so it is safe while a task is frozen.
 * The function that sees the failure says what was being done (sn_fail,
 * sn_fail_sys); every caller that knows more puts its words in front (sn_ctx):
 *
 *	snap myapp: freeze: seize thread 7: No such process
 *
 * All return -1, so that `return sn_fail(err, ...)` reads well. Only shell/
 * prints an error or exits.
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

struct sn_err {
	int code;        /* errno of the cause, 0 when there is none */
	char text[512];  /* one line, no newline at its end */
};

/* Starts an error with a text of its own; code becomes 0. Returns -1. */
int sn_fail(struct sn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Starts an error whose cause is errno; ": strerror" is appended. Returns -1. */
int sn_fail_sys(struct sn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for an error number in hand, positive or negative. Returns -1. */
int sn_fail_code(struct sn_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of an error. Returns -1. */
int sn_ctx(struct sn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people read them. Each writes into the caller's buffer (32 bytes are
 * enough) and returns it, so that it can stand in an argument list.
 */
#ifndef SHELL_FORMAT_H
#define SHELL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum { FORMAT_MAX = 32 };

/* "0 B", "812 B", "1.3 KiB", "42 MiB" */
const char *format_bytes(char buf[FORMAT_MAX], uint64_t bytes);

/* "812 ns", "14 us", "1.9 ms", "2.4 s" */
const char *format_ns(char buf[FORMAT_MAX], uint64_t ns);

/* Between two CLOCK_REALTIME times: "12s ago", "5m ago", "3h ago"; older than a day, or
 * from the future: the local date and time of `then_ns`. */
const char *format_age(char buf[FORMAT_MAX], int64_t then_ns, int64_t now_ns);

/* wait(2) status as words: "running on" is the caller's to know; -1: "ended",
 * "ended with status 0", "killed by SIGKILL". */
const char *format_exit(char buf[FORMAT_MAX], int status);

#endif

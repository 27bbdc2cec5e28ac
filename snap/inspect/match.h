/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for bytes, or for pointers, in memory that comes piece by piece in the order of
 * addresses. Internal to snap/inspect/.
 *
 *	match_init -> match_bytes, match_zeros, ... -> match_release
 *
 * Pieces that lie one behind the other are one memory: what begins in one and ends in the next
 * is found. Matches may overlap and come in the order of their addresses.
 */
#ifndef SNAP_INSPECT_MATCH_H
#define SNAP_INSPECT_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct match {
	const uint8_t *pattern; /* borrowed; NULL: pointers into [low, high) */
	size_t len;		/* of the pattern, > 0 */
	uint64_t low, high;
	bool (*hit)(void *arg, uint64_t addr); /* false: enough */
	void *arg;

	bool is_zeros; /* the pattern, or the null pointer, is nothing else */
	uint64_t next; /* address behind the last piece */
	uint8_t *tail; /* the end of what came, shorter than the pattern */
	size_t tail_len;
};

/* After pattern and len, or low and high, hit and arg have been set. */
void match_init(struct match *m);
void match_release(struct match *m);

/* `len` bytes at an address not below the end of the last piece. False: enough was found. */
bool match_bytes(struct match *m, uint64_t addr, const uint8_t *bytes, uint64_t len);
/* The same of zeros, which need not be at hand: only their ends are looked at, where they
 * cannot hold the pattern. */
bool match_zeros(struct match *m, uint64_t addr, uint64_t len);

#endif

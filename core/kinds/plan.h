/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: the ordered steps that bring a task from one model to another. Made by pure
 * functions from two models (no process, no privilege), carried out by core/tree/apply.c.
 */
#ifndef CORE_KINDS_PLAN_H
#define CORE_KINDS_PLAN_H

#include "core/kinds/kind.h"

enum verb { VERB_END, VERB_MAKE, VERB_CORRECT };

struct step {
	enum stage stage;
	enum verb verb;
	const struct kind *kind;
	size_t order;                  /* as added */
	const ProtobufCMessage *have;  /* what it corrects or ends, NULL: nothing */
	const ProtobufCMessage *want;  /* what it makes or corrects to, NULL: nothing */
	pid_t tid;                     /* KIND_THREAD and threads, else 0 */
	uint64_t start, end;           /* mappings: the addresses; descriptors: start = fd */
	const char *needs;             /* a row of core/kernel/caps.h without which it fails */
};

struct plan {
	struct step *steps;
	size_t len, cap;
	const Sn__Image *have, *want;
	bool blank; /* `have` is a process made to be filled: nothing of it is worth keeping */
};

/* Adds a step; order is filled in. Sorting by stage is plan_make's. */
void plan_add(struct plan *plan, struct step step);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* In which order a lazy restore fills what nobody asks for. Internal to snap/. */
#ifndef SNAP_ORDER_H
#define SNAP_ORDER_H

#include "snap/converge.h"

/*
 * goal->demanded: what earlier lazy restores of this snapshot were asked for, else those of its
 * nearest ancestor of which there were any, in the order of time. goal->order:
 *
 *	1. that;
 *	2. the pages next to it, which may have been placed along unseen;
 *	3. what the snapshot's children have changed: what was written after this moment;
 *	4. what had changed since its parent;
 *
 * and what is in none of these comes last, by key. Of what cannot be read nothing comes of it: only
 * speed depends on the order.
 */
void order_find(struct goal *goal, struct session *session);

#endif

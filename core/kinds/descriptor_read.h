/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of core/kinds/descriptor.h, which alone includes this. */
#ifndef CORE_KINDS_DESCRIPTOR_READ_H
#define CORE_KINDS_DESCRIPTOR_READ_H

#include "core/kinds/kind.h"

int descriptors_ask(struct reading *r, void *message, struct sn_err *err);
int descriptors_take(struct reading *r, void *message, struct sn_err *err);
/* Frees what ask has kept, whether take was reached or not. */
void descriptors_release(struct reading *r);

#endif

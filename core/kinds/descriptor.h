/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables: which number refers to which open file description, and making,
 * keeping, moving and ending them. What a description is, is its kind's (KIND_FILE).
 *
 * Two descriptors share a description if kcmp(2) says so: what they lead to, even the same
 * path, says nothing. A living description stays for a wanted one when a number refers to
 * both, the kind is the same and the kind says `same`.
 */
#ifndef CORE_KINDS_DESCRIPTOR_H
#define CORE_KINDS_DESCRIPTOR_H

#include "core/kinds/kind.h"

extern const struct kind kind_descriptors;

const Sn__OpenFile *descriptor_file(const Sn__Image *image, uint32_t file_id);

/* The kind of a description of the model, NULL when nobody knows it. */
const struct kind *descriptor_kind(const Sn__OpenFile *file);

void applied_files_free(struct applied_files *files); /* NULL is fine */

#endif

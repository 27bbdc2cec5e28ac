/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of memory objects: as collected they count from 1 in the order in which they are met. So
 * that pages keep their keys from snapshot to snapshot an object keeps its number while it lives.
 */
#ifndef CORE_KINDS_OBJECT_NUMBER_H
#define CORE_KINDS_OBJECT_NUMBER_H

#include "proto/image.pb-c.h"

/* Numbers the image's objects as `like` has them, by their inodes, and new ones with what is free;
 * sorts them by number. like: NULL or with objects of which only id, dev and ino matter. */
void objects_number(Sn__Image *image, const Sn__Image *like);

/* Such an image, made of another's; `old`, which may be NULL, is freed. */
Sn__Image *objects_numbers(Sn__Image *old, const Sn__Image *image);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The table of kinds. Its order is the order of correcting within a stage; what comes and
 * goes (descriptors before the objects they are opened from are let go) has its reasons
 * in the kinds' own files.
 */
#include "core/kinds/kind.h"

#include "core/kinds/address_space.h"
#include "core/kinds/descriptor.h"
#include "core/kinds/interval_timers.h"
#include "core/kinds/mapping.h"
#include "core/kinds/memfd.h"
#include "core/kinds/object.h"
#include "core/kinds/thread.h"

const struct kind *const kinds[] = {
	&kind_threads,
	&kind_mappings,
	&kind_descriptors,
	&kind_objects,
	&kind_address_space,
	&kind_interval_timers,
	&kind_memfd,
	NULL,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * The table of kinds. Within a stage of a plan its order is that of correcting, and has
 * reasons that stand in the kinds' own files: limits are opened before what they limit;
 * descriptors are placed before the objects they were opened from are let go; permissions of
 * the processor come before the signal stacks, pending signals before the timers that send more,
 * credentials before what the kernel resets when they change.
 */
#include "core/kinds/kind.h"

#include "core/kinds/address_space.h"
#include "core/kinds/alt_stack.h"
#include "core/kinds/chardev.h"
#include "core/kinds/credentials.h"
#include "core/kinds/descriptor.h"
#include "core/kinds/dumpable.h"
#include "core/kinds/epoll.h"
#include "core/kinds/eventfd.h"
#include "core/kinds/fifo.h"
#include "core/kinds/file_system.h"
#include "core/kinds/inet_socket.h"
#include "core/kinds/inotify.h"
#include "core/kinds/interval_timers.h"
#include "core/kinds/limits.h"
#include "core/kinds/mapping.h"
#include "core/kinds/memfd.h"
#include "core/kinds/object.h"
#include "core/kinds/oom.h"
#include "core/kinds/parent_death.h"
#include "core/kinds/personality.h"
#include "core/kinds/pipe.h"
#include "core/kinds/posix_timers.h"
#include "core/kinds/processor.h"
#include "core/kinds/regular.h"
#include "core/kinds/rseq.h"
#include "core/kinds/scheduling.h"
#include "core/kinds/session.h"
#include "core/kinds/signal_actions.h"
#include "core/kinds/signal_queue.h"
#include "core/kinds/signalfd.h"
#include "core/kinds/thread.h"
#include "core/kinds/thread_area.h"
#include "core/kinds/thread_name.h"
#include "core/kinds/timerfd.h"
#include "core/kinds/unix_socket.h"

const struct kind *const kinds[] = {
	&kind_threads,
	&kind_limits,
	&kind_session,
	&kind_mappings,
	&kind_descriptors,
	&kind_objects,
	&kind_address_space,
	&kind_processor_use,
	&kind_signal_actions,
	&kind_file_system,
	&kind_personality,
	&kind_oom,
	&kind_signal_queue,
	&kind_interval_timers,
	&kind_rseq,
	&kind_thread_area,
	&kind_thread_name,
	&kind_alt_stack,
	&kind_scheduling,
	&kind_processor_control,
	&kind_thread_signal_queue,
	&kind_posix_timers,
	&kind_credentials,
	&kind_parent_death,
	&kind_dumpable,
	&kind_memfd,
	&kind_regular,
	&kind_pipe,
	&kind_fifo,
	&kind_chardev,
	&kind_eventfd,
	&kind_epoll,
	&kind_timerfd,
	&kind_signalfd,
	&kind_inotify,
	&kind_unix_socket,
	&kind_inet_socket,
	NULL,
};

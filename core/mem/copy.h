/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying pages out of and into a frozen task, and the buffer they are copied to.
 *
 * process_vm_readv(2) with a thousand pieces a call costs little more than the copy itself;
 * it honours protections, so what the task itself may not touch goes through
 * /proc/PID/mem, piece by piece.
 */
#ifndef CORE_MEM_COPY_H
#define CORE_MEM_COPY_H

#include "core/base/err.h"
#include "core/base/pagemap.h"
#include "core/task/task.h"

/* Memory on huge pages that stays warm from one snapshot to the next. {0} is empty. */
struct page_buffer {
	uint8_t *bytes;
	size_t cap;  /* bytes that may be used */
	size_t warm; /* bytes that are known to have been touched */
};

/* At least `bytes` usable; those up to `warm` touched. Contents are not kept. */
int page_buffer_reserve(struct page_buffer *buffer, size_t bytes, size_t warm,
			struct sn_err *err);
/* Gives back the memory of what was touched beyond `keep`, not its addresses. */
void page_buffer_trim(struct page_buffer *buffer, size_t keep);
void page_buffer_release(struct page_buffer *buffer);

/* The pages of `keys` (private memory of the task: their address is in the key) one after
 * another into buf. */
int mem_read(const struct task *task, const struct pagemap *keys, uint8_t *buf,
	     struct sn_err *err);

/*
 * The same from a process that runs: what is written meanwhile may be torn, and what cannot be
 * read (it is protected, or has gone by now) is added to `missed`. Batches are read or missed
 * as a whole. Returns how many pages lie in buf, and which in `copied`, whose locations count
 * from `first` on.
 */
size_t mem_read_running(pid_t pid, const struct pagemap *keys, uint8_t *buf, uint64_t first,
			struct pagemap *copied, struct pagemap *missed);

/* The other way round: pages lying one after another in buf, to where their keys say. */
int mem_write(const struct task *task, const struct pagemap *keys, const uint8_t *buf,
	      struct sn_err *err);

#endif

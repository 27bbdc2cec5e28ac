// SPDX-License-Identifier: Apache-2.0
#include "core/mem/copy.h"

#include <sys/mman.h>
#include <sys/uio.h>

enum {
	PIECES = 1024,               /* IOV_MAX */
	CALL_BYTES = 256 << 20,      /* below MAX_RW_COUNT */
	HUGE_BYTES = 2 << 20,
};

int page_buffer_reserve(struct page_buffer *buffer, size_t bytes, size_t warm,
			struct sn_err *err)
{
	size_t cap = (bytes + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1);

	if (buffer->cap < cap) {
		void *p;

		page_buffer_release(buffer);
		p = mmap(NULL, cap, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			return sn_fail_sys(err, "get %zu bytes for pages", cap);
		/* neither is essential: huge pages are quicker, a blank child needs none of it */
		madvise(p, cap, MADV_HUGEPAGE);
		madvise(p, cap, MADV_DONTFORK);
		*buffer = (struct page_buffer){p, cap, 0};
	}
	if (warm > buffer->cap)
		warm = buffer->cap;
	for (; buffer->warm < warm; buffer->warm += PAGE_BYTES)
		*(volatile uint8_t *)(buffer->bytes + buffer->warm) = 0;
	return 0;
}

void page_buffer_trim(struct page_buffer *buffer, size_t keep)
{
	keep = (keep + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1);
	if (keep >= buffer->cap)
		return;
	madvise(buffer->bytes + keep, buffer->cap - keep, MADV_DONTNEED);
	if (buffer->warm > keep)
		buffer->warm = keep;
}

void page_buffer_release(struct page_buffer *buffer)
{
	if (buffer->bytes)
		munmap(buffer->bytes, buffer->cap);
	*buffer = (struct page_buffer){0};
}

/* Copies a batch of pieces at once, or, when some are protected, each by itself. */
static int copy_batch(const struct task *task, struct iovec *pieces, size_t n, uint8_t *buf,
		      size_t len, bool write, struct sn_err *err)
{
	struct iovec local = {buf, len};
	ssize_t done = write ? process_vm_writev(task->pid, &local, 1, pieces, n, 0)
			     : process_vm_readv(task->pid, &local, 1, pieces, n, 0);
	size_t i;

	for (i = 0; i < n && done != (ssize_t)len; i++) {
		uint64_t addr = (uint64_t)pieces[i].iov_base;
		size_t bytes = pieces[i].iov_len;

		if ((write ? task_poke(task, addr, buf, bytes, err)
			   : task_peek(task, addr, buf, bytes, err)) < 0)
			return -1;
		buf += bytes;
	}
	return 0;
}

static int copy(const struct task *task, const struct pagemap *keys, uint8_t *buf, bool write,
		struct sn_err *err)
{
	struct iovec pieces[PIECES];
	size_t n = 0, len = 0, i;

	for (i = 0; i < keys->len; i++) {
		uint64_t addr = page_key_addr(keys->runs[i].key);
		uint64_t left = keys->runs[i].count * PAGE_BYTES;

		while (left > 0) {
			size_t piece = left < CALL_BYTES - len ? left : CALL_BYTES - len;

			pieces[n++] = (struct iovec){(void *)addr, piece};
			len += piece;
			addr += piece;
			left -= piece;
			if (n < PIECES && len < CALL_BYTES)
				continue;
			if (copy_batch(task, pieces, n, buf, len, write, err) < 0)
				return -1;
			buf += len;
			n = len = 0;
		}
	}
	return n ? copy_batch(task, pieces, n, buf, len, write, err) : 0;
}

int mem_read(const struct task *task, const struct pagemap *keys, uint8_t *buf,
	     struct sn_err *err)
{
	return copy(task, keys, buf, false, err);
}

int mem_write(const struct task *task, const struct pagemap *keys, const uint8_t *buf,
	      struct sn_err *err)
{
	return copy(task, keys, (uint8_t *)buf, true, err);
}

/* Pages that are read in one call. */
struct batch {
	struct pagemap keys;
	struct iovec pieces[PIECES];
	size_t n, pages;
};

/* The batch as one map of pages, with locations from `loc` on (0: none). */
static void note(struct pagemap *to, const struct batch *batch, uint64_t loc)
{
	size_t i;

	for (i = 0; i < batch->keys.len; i++) {
		const struct page_run *run = &batch->keys.runs[i];

		pagemap_append(to, run->key, run->count, loc);
		loc += loc ? run->count : 0;
	}
}

static size_t read_running(pid_t pid, struct batch *batch, uint8_t *buf, uint64_t loc,
			   struct pagemap *copied, struct pagemap *missed)
{
	size_t pages = batch->pages;
	struct iovec local = {buf, pages * PAGE_BYTES};
	bool whole = process_vm_readv(pid, &local, 1, batch->pieces, batch->n, 0) ==
		     (ssize_t)local.iov_len;

	note(whole ? copied : missed, batch, whole ? loc : PAGE_LOC_ZERO);
	pagemap_clear(&batch->keys);
	batch->n = batch->pages = 0;
	return whole ? pages : 0;
}

size_t mem_read_running(pid_t pid, const struct pagemap *keys, uint8_t *buf, uint64_t first,
			struct pagemap *copied, struct pagemap *missed)
{
	enum { BATCH_PAGES = 4096 };
	struct batch batch = {.n = 0};
	size_t got = 0, i;

	for (i = 0; i < keys->len; i++) {
		uint64_t key = keys->runs[i].key, left = keys->runs[i].count;

		while (left > 0) {
			uint64_t room = BATCH_PAGES - batch.pages;
			uint64_t count = left < room ? left : room;

			batch.pieces[batch.n++] = (struct iovec){(void *)page_key_addr(key),
								 count * PAGE_BYTES};
			pagemap_append(&batch.keys, key, count, PAGE_LOC_ZERO);
			batch.pages += count;
			key += count;
			left -= count;
			if (batch.n == PIECES || batch.pages == BATCH_PAGES)
				got += read_running(pid, &batch, buf + got * PAGE_BYTES,
						    first + got, copied, missed);
		}
	}
	if (batch.n)
		got += read_running(pid, &batch, buf + got * PAGE_BYTES, first + got, copied,
				    missed);
	pagemap_release(&batch.keys);
	return got;
}

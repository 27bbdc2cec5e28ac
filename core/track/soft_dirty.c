// SPDX-License-Identifier: Apache-2.0
/*
 * Tracking by the soft-dirty bit: writing "4" to clear_refs takes it from every page of the
 * process, and from then on a page that is written, filled or brought by mremap has it. The
 * kernel keeps no record of who cleared it when, so reading and clearing happen while the
 * process is frozen, and nobody else may clear it.
 *
 * The bit is trusted only where the last scan saw a mapping already: a fresh one that was
 * merged with its neighbour has read as clean. Huge pages of hugetlbfs are never cleared and
 * never read as dirty: always changed.
 *
 * And mremap moves whole page tables (2 MiB) as they are: on Linux 6.1 pages that came to a known
 * place that way read as clean. So a mapping that holds a whole table is marked: registered with a
 * userfaultfd for write protection, which protects nothing until it is asked to, and which
 * a mapping loses when it is moved or made anew. Where the mark is gone, all has changed.
 *
 * Source: Documentation/admin-guide/mm/soft-dirty.rst, pagemap.rst
 */
#include "core/track/internal.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const uint64_t TABLE_BYTES = UINT64_C(2) << 20; /* what one page table maps */

struct filling {
	uint32_t space;
	bool all_dirty;
	struct tracked *found;
};

static bool works(const struct kernel_caps *caps)
{
	return caps->pagemap && caps->soft_dirty && caps->userfaultfd && caps->pidfd_getfd;
}

/* Of another process nothing is known; after exec every mapping has the bit. */
static int arm(struct tracker *t, struct remote *remote, struct sn_err *err)
{
	pagemap_clear(&t->known);
	return uffd_arm(t, remote, err);
}

static bool holds_table(const Sn__Mapping *m)
{
	return (m->start + TABLE_BYTES - 1) / TABLE_BYTES < m->end / TABLE_BYTES;
}

/* A request that private memory never grants: not registered it says ENOENT first. */
static bool is_marked(const struct tracker *t, const Sn__Mapping *m)
{
	struct uffdio_continue question = {.range = {m->start, PAGE_BYTES}};

	return ioctl(t->uffd, UFFDIO_CONTINUE, &question) < 0 && errno == EINVAL;
}

/* Whether the mapping is the one that the last scan has marked. What cannot be marked (a file's
 * on old kernels) is asked again the next time, and changed each time. */
static int check_mark(struct tracker *t, const Sn__Mapping *m, bool *marked, struct sn_err *err)
{
	bool registered;

	*marked = is_marked(t, m);
	return *marked ? 0 : uffd_register_now(t, m, &registered, err);
}

static int add(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct filling *f = arg;
	uint64_t key = page_key(f->space, state->start);
	uint64_t count = (state->end - state->start) / PAGE_BYTES;

	(void)err;
	if (!state->own)
		return 0;
	pagemap_append(&f->found->present, key, count, PAGE_LOC_ZERO);
	if (state->soft_dirty || f->all_dirty)
		pagemap_append(&f->found->dirty, key, count, PAGE_LOC_ZERO);
	return 0;
}

static int clear(const struct tracker *t, struct sn_err *err)
{
	sn_auto_fd int fd = proc_open(t->pid, "clear_refs", O_WRONLY, err);

	if (fd < 0)
		return -1;
	if (write(fd, "4", 1) != 1)
		return sn_fail_sys(err, "clear the soft-dirty bits of process %d", t->pid);
	return 0;
}

/* *seen: what was looked at. */
static int read_bits(struct tracker *t, const Sn__Task *model, bool only_look,
		     struct tracked *found, struct pagemap *seen, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap strange = {0};
	sn_auto(pagemap_release) struct pagemap dirty = {0};
	struct filling f = {.space = model->space, .found = found};
	size_t i;

	for (i = 0; i < model->n_mappings; i++) {
		const Sn__Mapping *m = model->mappings[i];
		bool marked = true;

		if (m->shared || m->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
			continue;
		if (holds_table(m) && only_look)
			marked = is_marked(t, m);
		else if (holds_table(m) && check_mark(t, m, &marked, err) < 0)
			return -1;
		f.all_dirty = !marked || m->type == SN__MAPPING_TYPE__MAPPING_HUGETLB;
		if (scan_mapping(t, m, SCAN_SOFT_DIRTY, add, &f, err) < 0)
			return -1;
		pagemap_append(seen, page_key(f.space, m->start), (m->end - m->start) / PAGE_BYTES,
			       PAGE_LOC_ZERO);
	}
	pagemap_subtract(&strange, &found->present, &t->known);
	pagemap_overlay(&dirty, &found->dirty, &strange);
	pagemap_copy(&found->dirty, &dirty);
	return 0;
}

static int scan(struct tracker *t, const Sn__Task *model, struct tracked *found, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap seen = {0};

	if (read_bits(t, model, false, found, &seen, err) < 0)
		return -1;
	pagemap_copy(&t->known, &seen);
	return clear(t, err);
}

static int look(struct tracker *t, const Sn__Task *model, struct tracked *found, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap seen = {0};

	return read_bits(t, model, true, found, &seen, err);
}

/* The process has not run since the scan, so whatever has the bit has it from us. */
static int clean(struct tracker *t, const struct pagemap *keys, struct sn_err *err)
{
	(void)keys;
	return clear(t, err);
}

const struct tracker_ops tracker_soft_dirty = {
	.name = "soft-dirty",
	.works = works,
	.arm = arm,
	.scan = scan,
	.look = look,
	.clean = clean,
	.close = uffd_close,
};

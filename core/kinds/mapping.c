// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/mapping.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "core/kinds/object.h"
#include "core/kinds/plan.h"
#include "core/kinds/smaps.h"
#include "parasite/wire.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

enum { SCRATCH_STEP = 0x1000000, FIRST_HOLE = 0x210000000 };

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* ---- planning ---- */

bool mapping_is_private(const Sn__Mapping *mapping)
{
	return !mapping->shared && mapping->type != SN__MAPPING_TYPE__MAPPING_SPECIAL;
}

bool mapping_has_flag(const Sn__Mapping *mapping, const char *flag)
{
	const char *at = strstr(mapping->vm_flags, flag);

	return at && (at - mapping->vm_flags) % 3 == 0;
}

static const Sn__Mapping *mapping_at(const Sn__Task *task, uint64_t addr, uint64_t *next)
{
	size_t low = 0, high = task->n_mappings;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (task->mappings[mid]->end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	*next = low < task->n_mappings ? task->mappings[low]->start : UINT64_MAX;
	if (low == task->n_mappings || task->mappings[low]->start > addr)
		return NULL;
	*next = task->mappings[low]->end;
	return task->mappings[low];
}

bool mapping_same_marks(const Sn__Mapping *have, const Sn__Mapping *want)
{
	return have->type == want->type && have->shared == want->shared &&
	       mapping_has_flag(have, "gd") == mapping_has_flag(want, "gd") &&
	       mapping_has_flag(have, "nr") == mapping_has_flag(want, "nr") &&
	       (!mapping_has_flag(have, "hg") || mapping_has_flag(want, "hg")) &&
	       (!mapping_has_flag(have, "nh") || mapping_has_flag(want, "nh")) &&
	       strcmp(have->anon_name, want->anon_name) == 0;
}

/* Whether `have` can stay for `want` where they overlap. */
static bool is_same(const struct plan *plan, const Sn__Mapping *have, const Sn__Mapping *want)
{
	if (!have || !mapping_same_marks(have, want))
		return false;
	switch (want->type) {
	case SN__MAPPING_TYPE__MAPPING_SPECIAL:
		return have->start == want->start && strcmp(have->path, want->path) == 0;
	case SN__MAPPING_TYPE__MAPPING_FILE:
		return have->written_file == want->written_file &&
		       have->file->dev == want->file->dev && have->file->ino == want->file->ino &&
		       have->start - have->offset_bytes == want->start - want->offset_bytes;
	case SN__MAPPING_TYPE__MAPPING_OBJECT:
		return object_is_kept(plan, want->object_id, have->object_id) &&
		       have->start - have->offset_bytes == want->start - want->offset_bytes;
	default: /* accounted once is for ever, and joins other neighbours than what is not */
		return !mapping_has_flag(have, "ac") || mapping_has_flag(want, "ac");
	}
}

/*
 * What of an anonymous mapping stays: [*start, *end), empty for none. The kernel joins two
 * neighbours only if their page offsets and anon_vmas agree, which no file shows; a mapping
 * that came back as two would fail where one does not (mremap over both). So what stays is
 * part of a single one, and the rest is grown from it: at its end by mremap(2), at the start of a
 * stack by touching it. Where that cannot be, the mapping is made anew as a whole.
 */
static void anon_kept(const struct plan *plan, const Sn__Task *have, const Sn__Mapping *want,
		      uint64_t *start, uint64_t *end)
{
	bool stack = mapping_has_flag(want, "gd");
	uint64_t addr, next;

	*start = *end = 0;
	for (addr = want->start; addr < want->end; addr = next) {
		const Sn__Mapping *there = mapping_at(have, addr, &next);

		if (next > want->end)
			next = want->end;
		if (!is_same(plan, there, want))
			continue;
		if (*end) { /* a second stretch */
			*start = *end = 0;
			return;
		}
		*start = addr;
		*end = next;
	}
	if (stack ? *end != want->end : *start != want->start)
		*start = *end = 0;
}

const Sn__Mapping *mapping_kept_at(const struct plan *plan, const Sn__Task *have,
				   const Sn__Mapping *want, uint64_t addr, uint64_t *end)
{
	const Sn__Mapping *there = mapping_at(have, addr, end);
	uint64_t from, to;

	if (*end > want->end)
		*end = want->end;
	/* a new process has nothing worth keeping but what cannot be made */
	if (plan->blank && want->type != SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return NULL;
	if (!is_same(plan, there, want))
		return NULL;
	/* what is mapped beside it through another open file description would never join it */
	if (want->type == SN__MAPPING_TYPE__MAPPING_FILE &&
	    (there->start > want->start || there->end < want->end))
		return NULL;
	if (want->type != SN__MAPPING_TYPE__MAPPING_ANON)
		return there;
	anon_kept(plan, have, want, &from, &to);
	return addr >= from && addr < to ? there : NULL;
}

static void plan_unmap(struct plan *plan, const Sn__Task *have, const Sn__Task *want)
{
	struct step step = {.stage = STAGE_UNMAP, .verb = VERB_END, .kind = &kind_mappings};
	size_t i;

	for (i = 0; i < have->n_mappings; i++) {
		const Sn__Mapping *mapping = have->mappings[i];
		uint64_t addr, end;

		if (mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
			continue;
		for (addr = mapping->start; addr < mapping->end; addr = end) {
			const Sn__Mapping *goal = mapping_at(want, addr, &end);
			uint64_t ignored;

			if (end > mapping->end)
				end = mapping->end;
			if (goal && mapping_kept_at(plan, have, goal, addr, &ignored) == mapping)
				continue;
			if (step.end != addr) {
				if (step.end)
					plan_add(plan, step);
				step.start = addr;
			}
			step.end = end;
		}
	}
	if (step.end)
		plan_add(plan, step);
}

static const Sn__Mapping *special_named(const Sn__Task *task, const char *name)
{
	size_t i;

	for (i = 0; i < task->n_mappings; i++)
		if (task->mappings[i]->type == SN__MAPPING_TYPE__MAPPING_SPECIAL &&
		    strcmp(task->mappings[i]->path, name) == 0)
			return task->mappings[i];
	return NULL;
}

/* Special mappings are moved, each over a place of its own where nothing is in its way. */
static int plan_moves(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
		      struct sn_err *err)
{
	struct step step = {.stage = STAGE_MOVE, .kind = &kind_mappings};
	enum verb verb;
	size_t i;

	for (verb = VERB_END; verb <= VERB_MAKE; verb++) {
		for (i = 0; i < want->n_mappings; i++) {
			const Sn__Mapping *goal = want->mappings[i];
			const Sn__Mapping *there;

			if (goal->type != SN__MAPPING_TYPE__MAPPING_SPECIAL)
				continue;
			there = special_named(have, goal->path);
			if (!there || there->end - there->start != goal->end - goal->start)
				return sn_fail(err, "the snapshot's %s is not this kernel's: it "
					       "was taken under another kernel", goal->path);
			if (there->start == goal->start)
				continue;
			step.verb = verb;
			step.have = &there->base;
			step.want = &goal->base;
			step.start = i * SCRATCH_STEP;
			plan_add(plan, step);
		}
	}
	return 0;
}

static bool needs_protect(const Sn__Mapping *have, const Sn__Mapping *want)
{
	if (want->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return false;
	return !have || have->prot != want->prot || strcmp(have->vm_flags, want->vm_flags) != 0;
}

/* What the rest of an anonymous mapping is grown from, and so begins as: NULL when all of it is
 * there or made anew. */
static const Sn__Mapping *grown_from(const struct plan *plan, const Sn__Task *have,
				     const Sn__Mapping *want)
{
	uint64_t start, end, next;

	if (plan->blank || want->type != SN__MAPPING_TYPE__MAPPING_ANON)
		return NULL;
	anon_kept(plan, have, want, &start, &end);
	return end ? mapping_at(have, start, &next) : NULL;
}

/* A stretch of `want` that is not there: grown from what is, or made. */
static void plan_make_part(struct plan *plan, const Sn__Mapping *whole, const Sn__Mapping *want,
			   uint64_t start, uint64_t end)
{
	struct step step = {.stage = STAGE_MAP, .verb = VERB_MAKE, .kind = &kind_mappings,
			    .have = (const void *)whole, .want = &want->base, .start = start,
			    .end = end};

	if (start < end)
		plan_add(plan, step);
}

static void plan_mapping(struct plan *plan, const Sn__Task *have, const Sn__Mapping *want)
{
	struct step step = {.stage = STAGE_PROTECT, .verb = VERB_CORRECT,
			    .kind = &kind_mappings, .want = &want->base};
	const Sn__Mapping *whole = grown_from(plan, have, want);
	uint64_t addr, end, made = want->start;

	for (addr = want->start; addr < want->end; addr = end) {
		const Sn__Mapping *kept = mapping_kept_at(plan, have, want, addr, &end);
		const Sn__Mapping *like = kept ? kept : whole;

		if (kept) {
			plan_make_part(plan, whole, want, made, addr);
			made = end;
		}
		step.have = (const void *)like;
		step.start = addr, step.end = end;
		if (needs_protect(like, want))
			plan_add(plan, step);
	}
	plan_make_part(plan, whole, want, made, want->end);
}

static int plan_mappings(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
			 struct sn_err *err)
{
	size_t i;

	plan_unmap(plan, have, want);
	if (plan_moves(plan, have, want, err) < 0)
		return -1;
	for (i = 0; i < want->n_mappings; i++)
		if (want->mappings[i]->type != SN__MAPPING_TYPE__MAPPING_SPECIAL)
			plan_mapping(plan, have, want->mappings[i]);
	return 0;
}

/* ---- carrying out ---- */

uint64_t mapping_fill_prot(const Sn__Mapping *want)
{
	if (want->shared)
		return want->prot;
	if ((want->prot & PROT_WRITE) || mapping_has_flag(want, "ac"))
		return want->prot | PROT_READ | PROT_WRITE;
	return want->prot;
}

static void map_file(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t end)
{
	bool writes = want->shared && ((want->prot & PROT_WRITE) || want->written_file);
	uint64_t flags = MAP_FIXED | (want->shared ? MAP_SHARED : MAP_PRIVATE);
	uint64_t path = remote_text(a->remote, want->path);
	struct remote_call *opened, *mapped, *closed;

	opened = remote_call(a->remote, want->path, SYS_openat, (uint64_t)AT_FDCWD, path,
			     (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0);
	mapped = remote_call(a->remote, want->path, SYS_mmap, start, end - start,
			     mapping_fill_prot(want), flags, 0,
			     want->offset_bytes + (start - want->start));
	remote_ref(mapped, 4, opened);
	closed = remote_call(a->remote, want->path, SYS_close, 0);
	remote_ref(closed, 0, opened);
}

/* From the part of an anonymous mapping that has stayed: see anon_kept. */
static void grow(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t end)
{
	if (mapping_has_flag(want, "gd")) /* the kernel writes there, and finds it a stack */
		remote_call(a->remote, "grow the stack", SYS_clock_gettime, CLOCK_MONOTONIC, start);
	else
		remote_call(a->remote, "grow memory", SYS_mremap, want->start,
			    start - want->start, end - want->start, 0);
}

static int map(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t end,
	       struct sn_err *err)
{
	uint64_t flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;

	if (want->type == SN__MAPPING_TYPE__MAPPING_FILE) {
		map_file(a, want, start, end);
		return 0;
	}
	if (want->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		return object_map(a, want, start, end, err);
	if (mapping_has_flag(want, "gd"))
		flags |= MAP_GROWSDOWN;
	if (mapping_has_flag(want, "nr"))
		flags |= MAP_NORESERVE;
	if (want->type == SN__MAPPING_TYPE__MAPPING_HUGETLB)
		flags |= MAP_HUGETLB;
	remote_call(a->remote, "map anonymous memory", SYS_mmap, start, end - start,
		    mapping_fill_prot(want), flags, (uint64_t)-1, 0);
	/* before it is filled: else one page brings 511 more where huge pages are given unasked */
	if (mapping_has_flag(want, "nh"))
		remote_call(a->remote, "advise on memory", SYS_madvise, start, end - start,
			    MADV_NOHUGEPAGE);
	if (want->anon_name[0])
		remote_try(a->remote, "name memory", SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME,
			   start, end - start, remote_text(a->remote, want->anon_name));
	return 0;
}

/* Advice that leaves a mark on a mapping, and what takes it back. */
static const struct {
	const char *flag;
	int set, clear;
} advice[] = {
	{"dd", MADV_DONTDUMP, MADV_DODUMP},
	{"dc", MADV_DONTFORK, MADV_DOFORK},
	{"wf", MADV_WIPEONFORK, MADV_KEEPONFORK},
	{"mg", MADV_MERGEABLE, MADV_UNMERGEABLE},
	{"sr", MADV_SEQUENTIAL, MADV_NORMAL},
	{"rr", MADV_RANDOM, MADV_NORMAL},
	{"hg", MADV_HUGEPAGE, -1}, /* without either of the two a mapping can only be made */
	{"nh", MADV_NOHUGEPAGE, -1},
};

static void advise(struct applying *a, const Sn__Mapping *have, const Sn__Mapping *want,
		   uint64_t start, uint64_t len)
{
	size_t i;

	for (i = 0; i < sn_countof(advice); i++) {
		bool has = have && mapping_has_flag(have, advice[i].flag);
		bool wants = mapping_has_flag(want, advice[i].flag);
		int what = wants ? advice[i].set : advice[i].clear;

		if (has != wants && what >= 0)
			remote_call(a->remote, "advise on memory", SYS_madvise, start, len,
				    (uint64_t)what);
	}
}

/* What nobody may touch is locked, but cannot be filled: ENOMEM, mlock(2). */
static void lock(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t len)
{
	struct remote_call *call = remote_call(a->remote, "lock memory", SYS_mlock2, start, len,
					       mapping_has_flag(want, "lf") ? MLOCK_ONFAULT : 0);

	if (want->prot == PROT_NONE)
		remote_may_fail(call);
}

static void protect(struct applying *a, const Sn__Mapping *have, const Sn__Mapping *want,
		    uint64_t start, uint64_t end)
{
	uint64_t prot = have ? have->prot : mapping_fill_prot(want), len = end - start;
	bool was_locked = have && mapping_has_flag(have, "lo");
	bool locked = mapping_has_flag(want, "lo"), on_fault = mapping_has_flag(want, "lf");

	advise(a, have, want, start, len);
	if (prot != want->prot)
		remote_call(a->remote, "protect memory", SYS_mprotect, start, len, want->prot);
	if (locked && (!was_locked || on_fault != mapping_has_flag(have, "lf")))
		lock(a, want, start, len);
	if (was_locked && !locked)
		remote_call(a->remote, "unlock memory", SYS_munlock, start, len);
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Mapping *have = (const Sn__Mapping *)step->have;
	const Sn__Mapping *want = (const Sn__Mapping *)step->want;
	uint64_t len = have ? have->end - have->start : 0;
	uint64_t scratch = a->hole + WINDOW_BYTES + step->start;

	switch (step->stage) {
	case STAGE_UNMAP:
		remote_call(a->remote, "unmap memory", SYS_munmap, step->start,
			    step->end - step->start);
		return 0;
	case STAGE_MOVE:
		scratch &= ~(uint64_t)(PAGE_BYTES - 1);
		if (step->verb == VERB_END)
			remote_call(a->remote, have->path, SYS_mremap, have->start, len, len,
				    MREMAP_MAYMOVE | MREMAP_FIXED, scratch);
		else
			remote_call(a->remote, have->path, SYS_mremap, scratch, len, len,
				    MREMAP_MAYMOVE | MREMAP_FIXED, want->start);
		return 0;
	case STAGE_MAP:
		if (!have)
			return map(a, want, step->start, step->end, err);
		grow(a, want, step->start, step->end);
		return 0;
	default:
		protect(a, have, want, step->start, step->end);
		return 0;
	}
}

/* ---- addresses ---- */

uint64_t mapping_hole(const struct proc_maps *have, const Sn__Task *want, uint64_t len)
{
	uint64_t at = FIRST_HOLE;
	size_t h = 0, w = 0;

	for (;;) {
		while (have && h < have->len && have->maps[h].end <= at)
			h++;
		while (want && w < want->n_mappings && want->mappings[w]->end <= at)
			w++;
		if (have && h < have->len && have->maps[h].start < at + len)
			at = have->maps[h].end;
		else if (want && w < want->n_mappings && want->mappings[w]->start < at + len)
			at = want->mappings[w]->end;
		else
			return at + len < UINT64_C(0x7ffffffff000) ? at : 0;
	}
}

const struct kind kind_mappings = {
	.name = "mappings",
	.level = KIND_TASK,
	.ask = mapping_read,
	.plan = plan_mappings,
	.apply = apply,
};

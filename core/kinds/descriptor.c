// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/descriptor.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/descriptor_read.h"
#include "core/kinds/object.h"
#include "core/kinds/plan.h"

#include <fcntl.h>
#include <sys/syscall.h>

/* The operations of STAGE_FILES, in this order; in step.end. */
enum operation {
	OP_PARK,  /* a living description gets a number out of everybody's way */
	OP_CLOSE,
	OP_MAKE,
	OP_PLACE, /* a number refers to its description */
	OP_UNPARK,
	OP_SETTLE,
	OP_LINK,
};

const Sn__OpenFile *descriptor_file(const Sn__Image *image, uint32_t file_id)
{
	size_t i;

	/* ids count from 1 in the order of the array */
	if (file_id >= 1 && file_id <= image->n_files && image->files[file_id - 1]->id == file_id)
		return image->files[file_id - 1];
	for (i = 0; i < image->n_files; i++)
		if (image->files[i]->id == file_id)
			return image->files[i];
	return NULL;
}

const struct kind *descriptor_kind(const Sn__OpenFile *file)
{
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->level == KIND_FILE && kinds[i]->field == file->object_case)
			return kinds[i];
	return NULL;
}

/* ---- planning ---- */

/* Who stays for whom, by index in the files of both images. */
struct pairing {
	const struct plan *plan;
	const Sn__Task *have, *want;
	const Sn__OpenFile **partner; /* of plan->want->files[i]; NULL: to be made */
	bool *used;                   /* plan->have->files[i] has a partner */
};

static const Sn__Descriptor *descriptor_at(const Sn__Task *task, uint32_t fd)
{
	size_t i;

	for (i = 0; i < task->n_descriptors; i++)
		if (task->descriptors[i]->fd == fd)
			return task->descriptors[i];
	return NULL;
}

static size_t file_index(const Sn__Image *image, uint32_t file_id)
{
	const Sn__OpenFile *file = descriptor_file(image, file_id);
	size_t i;

	for (i = 0; i < image->n_files; i++)
		if (image->files[i] == file)
			return i;
	return SIZE_MAX;
}

static bool can_stay(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	const struct kind *kind = descriptor_kind(want);

	return have->object_case == want->object_case && kind &&
	       (!kind->file->same || kind->file->same(have, want));
}

static void pair_by_number(struct pairing *p)
{
	size_t i;

	for (i = 0; i < p->want->n_descriptors; i++) {
		const Sn__Descriptor *goal = p->want->descriptors[i];
		const Sn__Descriptor *there = descriptor_at(p->have, goal->fd);
		size_t w = file_index(p->plan->want, goal->file_id), h;

		if (!there || w == SIZE_MAX || p->partner[w])
			continue;
		h = file_index(p->plan->have, there->file_id);
		if (h == SIZE_MAX || p->used[h] ||
		    !can_stay(p->plan->have->files[h], p->plan->want->files[w]))
			continue;
		p->partner[w] = p->plan->have->files[h];
		p->used[h] = true;
	}
}

static uint64_t group_of(const Sn__OpenFile *file)
{
	const struct kind *kind = descriptor_kind(file);

	return kind && kind->file->group ? kind->file->group(file) : 0;
}

/* A description that has to be made takes the others of its group with it. */
static void part_groups(struct pairing *p)
{
	const Sn__Image *want = p->plan->want;
	size_t i, k;

	for (i = 0; i < want->n_files; i++) {
		uint64_t group = group_of(want->files[i]);

		for (k = 0; group && !p->partner[i] && k < want->n_files; k++)
			if (want->files[k]->object_case == want->files[i]->object_case &&
			    group_of(want->files[k]) == group)
				p->partner[k] = NULL;
	}
}

static const Sn__OpenFile *partner_of(const struct pairing *p, uint32_t file_id)
{
	size_t w = file_index(p->plan->want, file_id);

	return w == SIZE_MAX ? NULL : p->partner[w];
}

/* Whether a number of the living task already refers to what is wanted there. */
static bool is_in_place(const struct pairing *p, const Sn__Descriptor *goal)
{
	const Sn__Descriptor *there = descriptor_at(p->have, goal->fd);
	const Sn__OpenFile *partner = partner_of(p, goal->file_id);

	return there && partner && there->file_id == partner->id;
}

static void add(struct plan *plan, enum verb verb, enum operation op, const void *have,
		const void *want, uint32_t fd)
{
	plan_add(plan, (struct step){.stage = STAGE_FILES, .verb = verb, .end = op, .start = fd,
				     .kind = &kind_descriptors, .have = have, .want = want});
}

static int first_fd(const Sn__Task *task, uint32_t file_id)
{
	size_t i;

	for (i = 0; i < task->n_descriptors; i++)
		if (task->descriptors[i]->file_id == file_id)
			return (int)task->descriptors[i]->fd;
	return -1;
}

static void plan_numbers(struct plan *plan, const struct pairing *p)
{
	size_t i;

	for (i = 0; i < p->want->n_descriptors; i++) {
		const Sn__Descriptor *goal = p->want->descriptors[i];
		const Sn__OpenFile *partner = partner_of(p, goal->file_id);

		if (partner && !is_in_place(p, goal))
			add(plan, VERB_CORRECT, OP_PARK, partner,
			    descriptor_file(plan->want, goal->file_id),
			    (uint32_t)first_fd(p->have, partner->id));
	}
	for (i = 0; i < p->have->n_descriptors; i++) {
		const Sn__Descriptor *there = p->have->descriptors[i];
		const Sn__Descriptor *goal = descriptor_at(p->want, there->fd);

		if (!goal || !is_in_place(p, goal))
			add(plan, VERB_END, OP_CLOSE, there, NULL, there->fd);
	}
	for (i = 0; i < plan->want->n_files; i++)
		if (!p->partner[i])
			add(plan, VERB_MAKE, OP_MAKE, NULL, plan->want->files[i], 0);
	for (i = 0; i < p->want->n_descriptors; i++) {
		const Sn__Descriptor *goal = p->want->descriptors[i];
		const Sn__Descriptor *there = descriptor_at(p->have, goal->fd);

		if (!is_in_place(p, goal) || there->cloexec != goal->cloexec)
			add(plan, VERB_CORRECT, OP_PLACE, is_in_place(p, goal) ? there : NULL, goal,
			    goal->fd);
	}
	add(plan, VERB_END, OP_UNPARK, NULL, NULL, 0);
}

/* What would fail half-way fails here, where nothing has been touched. */
static int refuse_unmakeable(const struct pairing *p, struct sn_err *err)
{
	const Sn__Image *want = p->plan->want;
	size_t i;

	for (i = 0; i < want->n_files; i++) {
		const struct kind *kind = descriptor_kind(want->files[i]);
		const char *why = NULL;

		if (!p->partner[i] && kind->file->refuse)
			why = kind->file->refuse(want, want->files[i]);
		if (why)
			return sn_fail(err, "fd %d (%s): %s", first_fd(p->want, want->files[i]->id),
				       kind->name, why);
	}
	return 0;
}

static int plan_descriptors(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
			    struct sn_err *err)
{
	size_t n = plan->want->n_files, m = plan->have->n_files, i;
	sn_auto_free void *partner = sn_calloc(n, sizeof(Sn__OpenFile *));
	sn_auto_free void *used = sn_calloc(m, sizeof(bool));
	struct pairing p = {plan, have, want, partner, used};
	enum operation op;

	for (i = 0; i < n; i++)
		if (!descriptor_kind(plan->want->files[i]))
			return sn_fail(err, "open file %u is of a kind that is not handled",
				       plan->want->files[i]->id);
	if (!plan->blank)
		pair_by_number(&p);
	part_groups(&p);
	if (refuse_unmakeable(&p, err) < 0)
		return -1;
	plan_numbers(plan, &p);
	for (op = OP_SETTLE; op <= OP_LINK; op++)
		for (i = 0; i < n; i++)
			add(plan, VERB_CORRECT, op, p.partner[i], plan->want->files[i],
			    (uint32_t)first_fd(want, plan->want->files[i]->id));
	return 0;
}

/* ---- carrying out ---- */

struct applied_files {
	struct {
		uint32_t id;
		int fd;
	} *items;
	size_t len;
};

void applied_files_free(struct applied_files *files)
{
	if (files)
		free(files->items);
	free(files);
}

static int made_fd(const struct applying *a, uint32_t file_id)
{
	size_t i;

	for (i = 0; a->files && i < a->files->len; i++)
		if (a->files->items[i].id == file_id)
			return a->files->items[i].fd;
	return -1;
}

static void note_made(struct applying *a, uint32_t file_id, int fd)
{
	if (!a->files)
		a->files = sn_calloc(1, sizeof(*a->files));
	a->files->items = sn_realloc(a->files->items, a->files->len + 1, sizeof(*a->files->items));
	a->files->items[a->files->len].id = file_id;
	a->files->items[a->files->len++].fd = fd;
}

int applying_made(struct applying *a, uint32_t file_id, int fd, struct sn_err *err)
{
	int high = applying_park(a, fd, err);

	if (high < 0)
		return -1;
	note_made(a, file_id, high);
	return 0;
}

static int park(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__OpenFile *want = (const Sn__OpenFile *)step->want;
	int high;

	if (made_fd(a, want->id) >= 0)
		return 0;
	high = applying_duplicate(a, (int)step->start, err);
	if (high < 0)
		return -1;
	note_made(a, want->id, high);
	return 0;
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const struct kind *kind = descriptor_kind(want);

	if (made_fd(a, want->id) >= 0)
		return 0; /* together with another of its group */
	if (applying_run(a, err) < 0) /* what was queued before has its own errors */
		return -1;
	if (kind->file->make(a, want, err) < 0)
		return sn_ctx(err, "fd %d (%s)", first_fd(a->want_task, want->id), kind->name);
	if (made_fd(a, want->id) < 0)
		return sn_fail(err, "fd %d (%s): it was not made",
			       first_fd(a->want_task, want->id), kind->name);
	return 0;
}

static int place(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Descriptor *goal = (const Sn__Descriptor *)step->want;
	int from = made_fd(a, goal->file_id);

	if (step->have) {
		remote_call(a->remote, "set close-on-exec", SYS_fcntl, goal->fd, F_SETFD,
			    goal->cloexec ? FD_CLOEXEC : 0);
		return 0;
	}
	if (from < 0)
		return sn_fail(err, "fd %u: nothing to put there", goal->fd);
	remote_call(a->remote, "put a descriptor in its place", SYS_dup3, (uint64_t)from, goal->fd,
		    goal->cloexec ? O_CLOEXEC : 0);
	return 0;
}

static void unpark(struct applying *a)
{
	size_t i;

	for (i = 0; a->files && i < a->files->len; i++)
		remote_call(a->remote, "close", SYS_close, (uint64_t)a->files->items[i].fd);
	/* before locks are taken: closing any descriptor of a file drops those of the process */
	applied_objects_close(a);
}

static void settle_common(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
			  int fd)
{
	struct f_owner_ex owner;

	if (!(want->flags & O_PATH) && (!have || have->flags != want->flags))
		remote_call(a->remote, "set file status flags", SYS_fcntl, (uint64_t)fd, F_SETFL,
			    want->flags);
	if (message_equal((void *)want->owner, have ? (void *)have->owner : NULL))
		return;
	owner = (struct f_owner_ex){0};
	if (want->owner)
		owner = (struct f_owner_ex){(__typeof__(owner.type))want->owner->type,
					    want->owner->id};
	remote_call(a->remote, "set a file's owner", SYS_fcntl, (uint64_t)fd, F_SETOWN_EX,
		    remote_data(a->remote, &owner, sizeof(owner)));
	remote_call(a->remote, "set a file's signal", SYS_fcntl, (uint64_t)fd, F_SETSIG,
		    want->owner ? want->owner->signal : 0);
}

static int settle(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__OpenFile *have = (const Sn__OpenFile *)step->have;
	const Sn__OpenFile *want = (const Sn__OpenFile *)step->want;
	const struct file_ops *ops = descriptor_kind(want)->file;
	int fd = (int)step->start;

	if (step->end == OP_SETTLE) {
		settle_common(a, have, want, fd);
		if (applying_run(a, err) < 0 ||
		    (ops->settle && ops->settle(a, have, want, fd, err) < 0))
			return sn_ctx(err, "fd %d (%s)", fd, descriptor_kind(want)->name);
		return 0;
	}
	if (ops->link && ops->link(a, have, want, fd, err) < 0)
		return sn_ctx(err, "fd %d (%s)", fd, descriptor_kind(want)->name);
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	switch ((enum operation)step->end) {
	case OP_PARK:
		return park(a, step, err);
	case OP_CLOSE:
		remote_call(a->remote, "close", SYS_close, step->start);
		return 0;
	case OP_MAKE:
		return make(a, (const Sn__OpenFile *)step->want, err);
	case OP_PLACE:
		return place(a, step, err);
	case OP_UNPARK:
		unpark(a);
		return 0;
	default:
		return settle(a, step, err);
	}
}

const struct kind kind_descriptors = {
	.name = "descriptors",
	.level = KIND_TASK,
	.ask = descriptors_ask,
	.take = descriptors_take,
	.release = descriptors_release,
	.plan = plan_descriptors,
	.apply = apply,
};

// SPDX-License-Identifier: Apache-2.0
#include "core/tree/tree.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/thread.h"

#include <errno.h>

void plan_release(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){0};
}

/* One correction of a message kind, when the models differ. */
static void add_correction(struct plan *plan, const struct kind *kind,
			   const ProtobufCMessage *have, const ProtobufCMessage *want, pid_t tid)
{
	if (message_equal(have, want))
		return;
	plan_add(plan, (struct step){.stage = kind->stage, .verb = VERB_CORRECT, .kind = kind,
				     .have = have, .want = want, .tid = tid});
}

static void plan_threads_of(struct plan *plan, const struct kind *kind, const Sn__Task *have,
			    const Sn__Task *want)
{
	size_t i;

	for (i = 0; i < want->n_threads; i++) {
		const Sn__Thread *goal = want->threads[i];
		const Sn__Thread *there = thread_by_tid(have, goal->tid);

		add_correction(plan, kind, there ? message_get(&there->base, kind->field) : NULL,
			       message_get(&goal->base, kind->field), (pid_t)goal->tid);
	}
}

static int by_stage(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int plan_make(struct plan *plan, const Sn__Image *have, const Sn__Image *want, bool blank,
	      struct sn_err *err)
{
	const Sn__Task *from, *to;
	size_t i;

	*plan = (struct plan){.have = have, .want = want, .blank = blank};
	if (have->n_tasks != 1 || want->n_tasks != 1)
		return sn_fail(err, "a tree of %zu processes: only single processes are handled",
			       have->n_tasks != 1 ? have->n_tasks : want->n_tasks);
	from = have->tasks[0];
	to = want->tasks[0];
	for (i = 0; kinds[i]; i++) {
		const struct kind *kind = kinds[i];

		if (kind->plan && kind->plan(plan, from, to, err) < 0) {
			plan_release(plan);
			return -1;
		}
		if (kind->plan || kind->level == KIND_FILE)
			continue;
		if (kind->level == KIND_THREAD)
			plan_threads_of(plan, kind, from, to);
		else
			add_correction(plan, kind, message_get(&from->base, kind->field),
				       message_get(&to->base, kind->field), 0);
	}
	if (plan->len)
		qsort(plan->steps, plan->len, sizeof(*plan->steps), by_stage);
	return 0;
}

int plan_permitted(const struct plan *plan, const struct kernel_caps *caps, struct sn_err *err)
{
	struct kernel_cap rows[KERNEL_CAPS_MAX];
	size_t n = kernel_caps_list(caps, rows, sn_countof(rows)), i, k;

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];

		for (k = 0; step->needs && k < n; k++)
			if (strcmp(rows[k].name, step->needs) == 0 && !rows[k].present)
				return sn_fail_code(err, EPERM, "make %s %d again: it takes "
						    "CAP_CHECKPOINT_RESTORE (%s: %s)",
						    step->kind->name, step->tid, rows[k].name,
						    rows[k].detail);
	}
	return 0;
}

char *plan_text(const struct plan *plan)
{
	static const char *const verbs[] = {"end", "make", "correct"};
	char *text = NULL;
	size_t len = 0, i;
	FILE *f = open_memstream(&text, &len);

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];

		fprintf(f, "%d %s %s", (int)step->stage, verbs[step->verb], step->kind->name);
		if (step->tid)
			fprintf(f, " tid %d", step->tid);
		if (step->start || step->end)
			fprintf(f, " %#lx-%#lx", step->start, step->end);
		fputc('\n', f);
	}
	fclose(f);
	return text;
}

/* A mapped file has to be what it was: its contents are not in the snapshot. */
static int refuse_changed_file(const char *path, const Sn__FileId *id, struct sn_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return sn_fail_sys(err, "%s, mapped by the snapshot", path);
	if (id->size_bytes == 0 && id->mtime_ns == 0)
		return 0;
	if ((uint64_t)st.st_size != id->size_bytes ||
	    (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec != id->mtime_ns)
		return sn_fail(err, "%s has changed since the snapshot: restore it first", path);
	return 0;
}

int plan_refuse(const Sn__Image *want, struct sn_err *err)
{
	const Sn__Task *task = want->tasks[0];
	size_t i;

	if (refuse_changed_file(task->address_space->exe, task->address_space->exe_file, err) < 0)
		return -1;
	for (i = 0; i < task->n_mappings; i++) {
		const Sn__Mapping *m = task->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_FILE && !m->shared &&
		    refuse_changed_file(m->path, m->file, err) < 0)
			return -1;
	}
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "core/tree/tree.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "core/kinds/mapping.h"
#include "core/kinds/refuse.h"
#include "core/kinds/thread.h"
#include "parasite/wire.h"
#include "proto/image.h"

#include <ctype.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_KINDS = 64,
	SCRATCH_BYTES = 0x10000000, /* beside the window: mappings out of the way */
	SHORT_SLEEP_NS = 200000000,
};

/* ---- before the freeze ---- */

int collect_refuse_children(pid_t pid, struct sn_err *err)
{
	sn_auto_free pid_t *tids = NULL;
	size_t count, i;

	if (proc_tids(pid, &tids, &count, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		struct sn_err ignored;
		char name[64], who[64];
		sn_auto_free char *text = NULL;

		snprintf(name, sizeof(name), "task/%d/children", tids[i]);
		text = proc_read(pid, name, NULL, &ignored);
		if (text && isdigit((unsigned char)text[0]))
			return sn_fail(err, "process %d has a child, %s: process trees are not "
				       "handled", pid, proc_who(atoi(text), who, sizeof(who)));
	}
	return 0;
}

int collect_prepare(struct collect_hints *hints, pid_t pid, struct smaps_source *source,
		    struct sn_err *err)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	sn_auto_free char *status = proc_read(pid, "status", NULL, err);

	*hints = (struct collect_hints){0};
	smaps_source_choose(source, pid);
	if (!status || kinds_refuse_status(status, err) < 0 ||
	    kinds_refuse_program(pid, err) < 0 || collect_refuse_children(pid, err) < 0 ||
	    proc_maps(pid, &maps, err) < 0 || smaps_read(source, pid, &hints->smaps, err) < 0 ||
	    remote_find_gadgets(pid, &maps, &hints->gadgets, err) < 0) {
		collect_hints_release(hints);
		return -1;
	}
	blocked_read(&hints->blocked, pid);
	return 0;
}

void collect_hints_release(struct collect_hints *hints)
{
	blocked_release(&hints->blocked);
	smaps_release(&hints->smaps);
}

/* ---- while frozen ---- */

struct kind_readings {
	struct reading of[MAX_KINDS];
};

static ProtobufCMessage *message_of(const struct kind *kind, ProtobufCMessage *parent)
{
	const ProtobufCFieldDescriptor *field;
	ProtobufCMessage *message = message_get(parent, kind->field);

	if (message)
		return message;
	field = protobuf_c_message_descriptor_get_field(parent->descriptor, kind->field);
	message = message_new(field->descriptor);
	message_set(parent, kind->field, message);
	return message;
}

/* field 0: the kind fills in the task itself */
static void *place_of(const struct kind *kind, ProtobufCMessage *parent)
{
	return kind->field ? (void *)message_of(kind, parent) : (void *)parent;
}

static int ask_level(enum kind_level level, const struct reading *base, ProtobufCMessage *parent,
		     struct kind_readings *readings, struct sn_err *err)
{
	size_t i;

	for (i = 0; kinds[i]; i++) {
		if (kinds[i]->level != level)
			continue;
		readings->of[i] = *base;
		if (kinds[i]->ask &&
		    kinds[i]->ask(&readings->of[i], place_of(kinds[i], parent), err) < 0)
			return sn_ctx(err, "%s", kinds[i]->name);
	}
	return 0;
}

static int take_level(enum kind_level level, ProtobufCMessage *parent,
		      struct kind_readings *readings, struct sn_err *err)
{
	size_t i;

	for (i = 0; kinds[i]; i++) {
		if (kinds[i]->level != level || !kinds[i]->take)
			continue;
		if (kinds[i]->take(&readings->of[i], place_of(kinds[i], parent), err) < 0)
			return sn_ctx(err, "%s", kinds[i]->name);
	}
	return 0;
}

static void release_level(enum kind_level level, struct kind_readings *readings)
{
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->level == level && kinds[i]->release && readings->of[i].task)
			kinds[i]->release(&readings->of[i]);
}

/*
 * A sleep first seen now may have begun long ago. Not worth believing for a short one: a call that
 * was stopped before it slept cannot be told from the one before it, and would end early.
 */
static void shorten_timeout(const struct blocked *blocked, const struct reading *r,
			    Sn__InterruptedCall *model)
{
	const struct call *call = &r->thread->call;
	uint64_t slept_ns, left_ns;

	if (!call->has_timeout || call->timeout_ns < SHORT_SLEEP_NS ||
	    !blocked_for(blocked, r->thread->tid, r->status, r->task->frozen_ns, &slept_ns))
		return;
	call_began(r->task->log, r->thread->tid, r->task->frozen_ns - slept_ns);
	left_ns = slept_ns < call->timeout_ns ? call->timeout_ns - slept_ns : 0;
	if (left_ns < model->remaining_ns)
		model->remaining_ns = left_ns;
}

/* A thread's kinds, and with the leader's those of the task: one round of remote calls. */
static int read_thread(struct reading base, const struct blocked *blocked,
		       struct task_thread *thread, Sn__Thread *model, struct sn_err *err)
{
	Sn__Task *task = base.task_model;
	bool leader = thread->tid == base.task->pid;
	struct kind_readings readings = {0};
	sn_auto_free char *status = NULL;
	char name[64];
	int result = -1;

	snprintf(name, sizeof(name), "task/%d/status", thread->tid);
	status = proc_read(base.task->pid, name, NULL, err);
	if (!status)
		return -1;
	base.status = status;
	base.thread = thread;
	shorten_timeout(blocked, &base, model->call);
	remote_begin(base.remote);
	if ((!leader || ask_level(KIND_TASK, &base, &task->base, &readings, err) == 0) &&
	    ask_level(KIND_THREAD, &base, &model->base, &readings, err) == 0 &&
	    remote_run(base.remote, thread->tid, err) == 0 &&
	    take_level(KIND_THREAD, &model->base, &readings, err) == 0 &&
	    (!leader || take_level(KIND_TASK, &task->base, &readings, err) == 0))
		result = 0;
	release_level(KIND_TASK, &readings);
	release_level(KIND_THREAD, &readings);
	return result;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void fill_host(Sn__Image *image, const struct kernel_caps *caps)
{
	struct utsname names;
	Sn__Host *host = image->host = message_new(&sn__host__descriptor);

	image->format = IMAGE_FORMAT;
	uname(&names);
	kind_set_string(&host->release, names.release);
	kind_set_string(&host->machine, names.machine);
	host->xfeatures = caps->xcr0;
	host->monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	host->boottime_ns = clock_ns(CLOCK_BOOTTIME);
	host->realtime_ns = clock_ns(CLOCK_REALTIME);
}

static int fill_task(Sn__Task *model, struct task *task, struct sn_err *err)
{
	struct proc_stat stat;

	if (proc_stat(task->pid, &stat, err) < 0)
		return -1;
	model->pid = (uint32_t)task->pid;
	model->ppid = (uint32_t)stat.ppid;
	model->pgid = (uint32_t)stat.pgid;
	model->sid = (uint32_t)stat.sid;
	model->start_ticks = stat.start_ticks;
	model->stop_signal = (uint32_t)task_leader(task)->stop_signal;
	return 0;
}

/* One table of descriptors for all: kcmp(2). */
static int refuse_own_files(const struct reading *base, pid_t tid, struct sn_err *err)
{
	pid_t pid = base->task->pid;

	if (base->caps->kcmp && syscall(SYS_kcmp, pid, tid, KCMP_FILES, 0, 0) > 0)
		return sn_fail(err, "it has a descriptor table of its own (CLONE_FILES unshared), "
			       "which is not handled");
	return 0;
}

static int read_task(struct reading *base, const struct blocked *blocked, struct sn_err *err)
{
	struct task *task = base->task;
	size_t i;

	if (fill_task(base->task_model, task, err) < 0)
		return -1;
	for (i = 0; i < task->thread_count; i++) {
		Sn__Thread *model = thread_read(base->task_model, &task->threads[i]);

		if (refuse_own_files(base, task->threads[i].tid, err) < 0 ||
		    read_thread(*base, blocked, &task->threads[i], model, err) < 0)
			return sn_ctx(err, "read thread %d", task->threads[i].tid);
	}
	return 0;
}

/* How much room beside everything a plan may need. */
static uint64_t hole_bytes(const Sn__Image *for_model)
{
	uint64_t bytes = WINDOW_BYTES;
	size_t i;

	if (!for_model)
		return bytes;
	bytes += 2 * (uint64_t)SCRATCH_BYTES;
	bytes += for_model->tasks[0]->n_mappings * UINT64_C(0x1000000);
	for (i = 0; i < for_model->n_objects; i++)
		bytes += for_model->objects[i]->size_bytes + 2 * PAGE_BYTES;
	return bytes;
}

int collect(struct task *task, const struct collect_hints *hints, const struct kernel_caps *caps,
	    const Sn__Image *for_model, struct remote **remote, Sn__Image **image,
	    uint64_t *hole, struct sn_err *err)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	struct reading base = {.task = task, .caps = caps, .maps = &maps,
			       .smaps = &hints->smaps, .local_fd = -1};

	*image = NULL;
	*remote = NULL;
	if (proc_maps(task->pid, &maps, err) < 0)
		return -1;
	*hole = mapping_hole(&maps, for_model ? for_model->tasks[0] : NULL, hole_bytes(for_model));
	if (!*hole)
		return sn_fail(err, "process %d has no room for the window", task->pid);
	if (remote_open(remote, task, &maps, &hints->gadgets, *hole, err) < 0)
		return -1;
	base.remote = *remote;
	base.image = message_new(&sn__image__descriptor);
	base.task_model = kind_append(base.image, tasks, sn__task);
	fill_host(base.image, caps);
	if (read_task(&base, &hints->blocked, err) < 0) {
		remote_close(*remote);
		*remote = NULL;
		sn__image__free_unpacked(base.image, NULL);
		return -1;
	}
	*image = base.image;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/address_space.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/mapping.h"
#include "core/kinds/named.h"
#include "parasite/wire.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static int ask_files(struct reading *r, Sn__AddressSpace *space, struct sn_err *err)
{
	char exe[4096], link[64];
	struct stat st;
	size_t len;
	sn_auto_free char *auxv = proc_read(r->task->pid, "auxv", &len, err);

	if (!auxv || proc_readlink(r->task->pid, "exe", exe, sizeof(exe), err) < 0)
		return -1;
	kind_set_bytes(&space->auxv, auxv, len);
	kind_set_string(&space->exe, exe);
	snprintf(link, sizeof(link), "/proc/%d/exe", r->task->pid);
	if (stat(link, &st) < 0)
		return sn_fail_sys(err, "stat %s", link);
	space->exe_file = named_id(&st);
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__AddressSpace *space = message;
	struct proc_stat stat;

	if (proc_stat(r->task->pid, &stat, err) < 0 || ask_files(r, space, err) < 0)
		return -1;
	space->start_code = stat.start_code;
	space->end_code = stat.end_code;
	space->start_data = stat.start_data;
	space->end_data = stat.end_data;
	space->start_brk = stat.start_brk;
	space->start_stack = stat.start_stack;
	space->arg_start = stat.arg_start;
	space->arg_end = stat.arg_end;
	space->env_start = stat.env_start;
	space->env_end = stat.env_end;
	/* the current break is nowhere in /proc */
	r->keep[0] = remote_call(r->remote, "read the break", SYS_brk, 0);
	return 0;
}

/*
 * mlockall(MCL_FUTURE) shows nowhere but in what is mapped after it: our window, which then
 * counts as locked beside the mappings of the model.
 */
static bool locks_future(const struct reading *r)
{
	uint64_t locked_kb = 0, known_kb = 0;
	size_t i;

	proc_field(r->status, "VmLck", 10, &locked_kb);
	for (i = 0; i < r->task_model->n_mappings; i++) {
		const Sn__Mapping *m = r->task_model->mappings[i];

		if (mapping_has_flag(m, "lo"))
			known_kb += (m->end - m->start) / 1024;
	}
	return locked_kb >= known_kb + WINDOW_BYTES / 1024;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *brk = r->keep[0];

	(void)err;
	((Sn__AddressSpace *)message)->locked_future = locks_future(r) ? MCL_FUTURE : 0;
	((Sn__AddressSpace *)message)->brk = (uint64_t)brk->result;
	return 0;
}

static bool same_exe(const Sn__AddressSpace *have, const Sn__AddressSpace *want)
{
	return have && strcmp(have->exe, want->exe) == 0 && have->exe_file && want->exe_file &&
	       have->exe_file->dev == want->exe_file->dev &&
	       have->exe_file->ino == want->exe_file->ino;
}

static void fill_map(struct prctl_mm_map *map, const Sn__AddressSpace *space)
{
	*map = (struct prctl_mm_map){
		.start_code = space->start_code,
		.end_code = space->end_code,
		.start_data = space->start_data,
		.end_data = space->end_data,
		.start_brk = space->start_brk,
		.brk = space->brk,
		.start_stack = space->start_stack,
		.arg_start = space->arg_start,
		.arg_end = space->arg_end,
		.env_start = space->env_start,
		.env_end = space->env_end,
		.auxv_size = (uint32_t)space->auxv.len,
		.exe_fd = (uint32_t)-1,
	};
}

/* There is no call that only ends it: everything is unlocked, and locked again by mapping. */
static void correct_locking(struct applying *a, const Sn__AddressSpace *have,
			    const Sn__AddressSpace *want)
{
	bool now = have && have->locked_future, then = want->locked_future;
	size_t i;

	if (then && !now)
		remote_call(a->remote, "lock future memory", SYS_mlockall, MCL_FUTURE);
	if (then || !now)
		return;
	remote_call(a->remote, "unlock memory", SYS_munlockall, 0);
	for (i = 0; i < a->want_task->n_mappings; i++) {
		const Sn__Mapping *m = a->want_task->mappings[i];

		if (mapping_has_flag(m, "lo"))
			remote_call(a->remote, "lock memory", SYS_mlock, m->start,
				    m->end - m->start);
	}
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__AddressSpace *space = want;
	struct prctl_mm_map map;

	fill_map(&map, space);
	if (!same_exe(have, space)) {
		struct remote_call *opened =
			remote_call(a->remote, space->exe, SYS_openat, (uint64_t)AT_FDCWD,
				    remote_text(a->remote, space->exe), O_RDONLY | O_CLOEXEC);

		if (remote_run(a->remote, a->thread->tid, err) < 0)
			return -1;
		map.exe_fd = (uint32_t)opened->result;
	}
	map.auxv = (void *)remote_data(a->remote, space->auxv.data, space->auxv.len);
	remote_call(a->remote, "set the bounds of the address space", SYS_prctl, PR_SET_MM,
		    PR_SET_MM_MAP, remote_data(a->remote, &map, sizeof(map)), sizeof(map), 0);
	if (map.exe_fd != (uint32_t)-1)
		remote_call(a->remote, "close", SYS_close, map.exe_fd);
	correct_locking(a, have, space);
	return 0;
}

const struct kind kind_address_space = {
	.name = "address space",
	.level = KIND_TASK,
	.field = 20,
	.stage = STAGE_ADDRESS_SPACE,
	.ask = ask,
	.take = take,
	.correct = correct,
};

// SPDX-License-Identifier: Apache-2.0
/* The notes of an ELF core, core(5): what the kernel writes, from the image. */
#include "snap/inspect/core_notes.h"

#include <elf.h>

enum { SIGINFO_BYTES = 128 };

static void put(struct core_notes *notes, const void *data, size_t len)
{
	notes->bytes = sn_realloc(notes->bytes, notes->len + len + 4, 1);
	memcpy(notes->bytes + notes->len, data, len);
	notes->len += len;
	while (notes->len % 4)
		notes->bytes[notes->len++] = 0;
}

static void add(struct core_notes *notes, const char *name, uint32_t type, const void *data,
		size_t len)
{
	Elf64_Nhdr head = {(uint32_t)strlen(name) + 1, (uint32_t)len, type};

	put(notes, &head, sizeof(head));
	put(notes, name, head.n_namesz);
	put(notes, data, len);
}

void core_registers(const Sn__Registers *r, elf_gregset_t regs)
{
	const elf_gregset_t by_number = {
		r->r15,	    r->r14,	 r->r13, r->r12, r->rbp,    r->rbx, r->r11,
		r->r10,	    r->r9,	 r->r8,	 r->rax, r->rcx,    r->rdx, r->rsi,
		r->rdi,	    r->orig_rax, r->rip, r->cs,	 r->eflags, r->rsp, r->ss,
		r->fs_base, r->gs_base,	 r->ds,	 r->es,	 r->fs,	    r->gs,
	};

	memcpy(regs, by_number, sizeof(by_number));
}

static void add_prstatus(struct core_notes *notes, const Sn__Task *task, const Sn__Thread *thread)
{
	const Sn__Registers *r = thread->registers;
	struct elf_prstatus status = {
		.pr_cursig = (short)task->stop_signal,
		.pr_info = {.si_signo = (int)task->stop_signal},
		.pr_sighold = thread->signal_mask,
		.pr_pid = (pid_t)thread->tid,
		.pr_ppid = (pid_t)task->ppid,
		.pr_pgrp = (pid_t)task->pgid,
		.pr_sid = (pid_t)task->sid,
		.pr_fpvalid = r->xstate.len >= FXSAVE_BYTES,
	};

	core_registers(r, status.pr_reg);
	add(notes, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static void add_prpsinfo(struct inspect *in, struct core_notes *notes)
{
	const Sn__AddressSpace *space = in->task->address_space;
	const Sn__Thread *leader = in->task->threads[0];
	struct elf_prpsinfo info = {
		.pr_sname = in->task->stop_signal ? 'T' : 'S',
		.pr_state = in->task->stop_signal ? 3 : 1,
		.pr_pid = (pid_t)in->task->pid,
		.pr_ppid = (pid_t)in->task->ppid,
		.pr_pgrp = (pid_t)in->task->pgid,
		.pr_sid = (pid_t)in->task->sid,
	};
	size_t len = space ? space->arg_end - space->arg_start : 0;
	struct sn_err ignored;

	if (leader->credentials) {
		info.pr_uid = leader->credentials->ruid;
		info.pr_gid = leader->credentials->rgid;
	}
	if (leader->name)
		strncpy(info.pr_fname, leader->name->name, sizeof(info.pr_fname) - 1);
	if (len >= sizeof(info.pr_psargs))
		len = sizeof(info.pr_psargs) - 1;
	if (len && inspect_read(in, space->arg_start, info.pr_psargs, len, &ignored) < 0)
		len = 0;
	for (size_t i = 0; i + 1 < len; i++)
		info.pr_psargs[i] = info.pr_psargs[i] ? info.pr_psargs[i] : ' ';
	add(notes, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

const ProtobufCBinaryData *core_siginfo(const Sn__Task *task, const Sn__Thread *thread)
{
	const Sn__SignalQueue *queue = thread->signal_queue;

	if ((!queue || !queue->n_siginfos) && thread == task->threads[0])
		queue = task->signal_queue;
	if (!queue || !queue->n_siginfos || queue->siginfos[0].len != SIGINFO_BYTES)
		return NULL;
	return &queue->siginfos[0];
}

/* Which file is mapped where: counts, ranges, then names. Of a file that changed since the
 * snapshot the debugger must not take contents. */
static void add_files(struct inspect *in, struct core_notes *notes)
{
	sn_auto_free uint64_t *table = sn_calloc(2 + 3 * in->task->n_mappings, sizeof(*table));
	sn_auto_free char *text = NULL, *names = NULL;
	size_t names_len = 0, count = 0, table_bytes;
	struct sn_err ignored;

	for (size_t i = 0; i < in->task->n_mappings; i++) {
		const Sn__Mapping *mapping = in->task->mappings[i];
		size_t len = strlen(mapping->path) + 1;

		if (mapping->type != SN__MAPPING_TYPE__MAPPING_FILE ||
		    memory_file(in, mapping, &ignored) < 0)
			continue;
		table[2 + 3 * count] = mapping->start;
		table[3 + 3 * count] = mapping->end;
		table[4 + 3 * count++] = mapping->offset_bytes / PAGE_BYTES;
		names = sn_realloc(names, names_len + len, 1);
		memcpy(names + names_len, mapping->path, len);
		names_len += len;
	}
	table[0] = count;
	table[1] = PAGE_BYTES;
	table_bytes = (2 + 3 * count) * sizeof(*table);
	text = sn_malloc(table_bytes + names_len);
	memcpy(text, table, table_bytes);
	if (names_len)
		memcpy(text + table_bytes, names, names_len);
	add(notes, "CORE", NT_FILE, text, table_bytes + names_len);
}

static void add_thread(struct inspect *in, struct core_notes *notes, const Sn__Thread *thread)
{
	const ProtobufCBinaryData *xstate = &thread->registers->xstate;
	const Sn__AddressSpace *space = in->task->address_space;
	const ProtobufCBinaryData *siginfo;

	add_prstatus(notes, in->task, thread);
	if (thread == in->task->threads[0])
		add_prpsinfo(in, notes);
	siginfo = core_siginfo(in->task, thread);
	if (siginfo)
		add(notes, "CORE", NT_SIGINFO, siginfo->data, siginfo->len);
	if (thread == in->task->threads[0]) {
		if (space)
			add(notes, "CORE", NT_AUXV, space->auxv.data, space->auxv.len);
		add_files(in, notes);
	}
	if (xstate->len >= FXSAVE_BYTES) {
		add(notes, "CORE", NT_FPREGSET, xstate->data, FXSAVE_BYTES);
		add(notes, "LINUX", NT_X86_XSTATE, xstate->data, xstate->len);
	}
}

void core_notes_make(struct inspect *in, struct core_notes *notes)
{
	for (size_t i = 0; i < in->task->n_threads; i++) {
		if (in->task->threads[i]->registers)
			add_thread(in, notes, in->task->threads[i]);
	}
}

void core_notes_release(struct core_notes *notes)
{
	free(notes->bytes);
}

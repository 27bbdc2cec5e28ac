// SPDX-License-Identifier: Apache-2.0
#include "core/kernel/vma_iter.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <unistd.h>

struct vma_iter {
	int program;
};

/* What the program writes of a mapping. */
struct raw_row {
	uint64_t start, end, flags, page_offset, file;
};

/* The same members, as the running kernel has them in struct vm_area_struct. */
static const char *const members[] = {"vm_start", "vm_end", "vm_flags", "vm_pgoff", "vm_file"};

enum { MEMBERS = sn_countof(members) };

_Static_assert(sizeof(struct raw_row) == MEMBERS * sizeof(uint64_t), "a number for each");

struct layout {
	int function; /* the iterator's type */
	int offsets[MEMBERS];
};

/* Bytes from the beginning; members of nameless structs and unions count. -1: there is none. */
static int offset_of(const struct btf *btf, uint32_t type, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, type);
	uint16_t i;

	for (i = 0; t && btf_is_composite(t) && i < btf_vlen(t); i++) {
		const struct btf_member *member = btf_members(t) + i;
		const char *its_name = btf__name_by_offset(btf, member->name_off);
		int at = (int)btf_member_bit_offset(t, i) / CHAR_BIT, inner;

		if (strcmp(its_name, name) == 0)
			return at;
		if (!its_name[0] && (inner = offset_of(btf, member->type, name)) >= 0)
			return at + inner;
	}
	return -1;
}

static int find_layout(struct layout *layout, struct sn_err *err)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int type, i, result = 0;

	if (!btf)
		return sn_fail_sys(err, "read the kernel's types");
	layout->function = btf__find_by_name_kind(btf, "bpf_iter_task_vma", BTF_KIND_FUNC);
	type = btf__find_by_name_kind(btf, "vm_area_struct", BTF_KIND_STRUCT);
	if (layout->function < 0 || type < 0)
		result = sn_fail(err, "this kernel has no iterator of mappings");
	for (i = 0; i < MEMBERS && result == 0; i++) {
		layout->offsets[i] = offset_of(btf, (uint32_t)type, members[i]);
		if (layout->offsets[i] < 0 || layout->offsets[i] > SHRT_MAX)
			result = sn_fail(err, "this kernel's mappings have no %s", members[i]);
	}
	btf__free(btf);
	return result;
}

/* r1 is a struct bpf_iter__task_vma: meta, task, vma; meta begins with the seq_file. */
enum { CTX_META = 0, CTX_VMA = 16, META_SEQ = 0 };

#define LOAD(to, from, offset)                                                          \
	(struct bpf_insn)                                                               \
	{                                                                               \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (to), .src_reg = (from), \
		.off = (int16_t)(offset)                                                \
	}
#define STORE_ON_STACK(from, offset)                                                          \
	(struct bpf_insn)                                                                     \
	{                                                                                     \
		.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = (from), \
		.off = (int16_t)(offset)                                                      \
	}
#define MOVE(to, from)                                                                  \
	(struct bpf_insn)                                                               \
	{                                                                               \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
	}
#define SET(to, number)                                                               \
	(struct bpf_insn)                                                             \
	{                                                                             \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (number) \
	}
#define ADD(to, number)                                                               \
	(struct bpf_insn)                                                             \
	{                                                                             \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (number) \
	}
#define SKIP_IF_ZERO(reg, count)                                                             \
	(struct bpf_insn)                                                                    \
	{                                                                                    \
		.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = (reg), .off = (int16_t)(count) \
	}
#define CALL(function)                                        \
	(struct bpf_insn)                                     \
	{                                                     \
		.code = BPF_JMP | BPF_CALL, .imm = (function) \
	}
#define EXIT()                             \
	(struct bpf_insn)                  \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/*
 * The kernel lets only a program that is, also, under the GPL read its structures: these few
 * instructions may be used under the BSD licence and under the GPL, too.
 */
static const char LICENCE[] = "Dual BSD/GPL";

/* Called for each mapping, and at the end without one. */
static int load(const struct layout *layout, struct sn_err *err)
{
	enum { PER_MEMBER = 2, AROUND = 10, INSNS = MEMBERS * PER_MEMBER + AROUND };
	const int row = -(int)sizeof(struct raw_row);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER,
		    .attach_btf_id = (uint32_t)layout->function);
	struct bpf_insn program[INSNS], *at = program;
	int i, fd;

	*at++ = LOAD(BPF_REG_6, BPF_REG_1, CTX_VMA);
	*at++ = SKIP_IF_ZERO(BPF_REG_6, INSNS - 4);
	for (i = 0; i < MEMBERS; i++) {
		*at++ = LOAD(BPF_REG_3, BPF_REG_6, layout->offsets[i]);
		*at++ = STORE_ON_STACK(BPF_REG_3, row + i * (int)sizeof(uint64_t));
	}
	*at++ = LOAD(BPF_REG_1, BPF_REG_1, CTX_META);
	*at++ = LOAD(BPF_REG_1, BPF_REG_1, META_SEQ);
	*at++ = MOVE(BPF_REG_2, BPF_REG_10);
	*at++ = ADD(BPF_REG_2, row);
	*at++ = SET(BPF_REG_3, (int)sizeof(struct raw_row));
	*at++ = CALL(BPF_FUNC_seq_write);
	*at++ = SET(BPF_REG_0, 0);
	*at++ = EXIT();
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "snapsh_vmas", LICENCE, program, INSNS, &options);
	return fd < 0 ? sn_fail_sys(err, "load a program that lists mappings") : fd;
}

int vma_iter_open(struct vma_iter **made, struct sn_err *err)
{
	struct layout layout;
	int program;

	libbpf_set_print(NULL);
	if (find_layout(&layout, err) < 0 || (program = load(&layout, err)) < 0)
		return -1;
	*made = sn_calloc(1, sizeof(**made));
	(*made)->program = program;
	return 0;
}

void vma_iter_close(struct vma_iter *iter)
{
	if (!iter)
		return;
	close(iter->program);
	free(iter);
}

/* A descriptor whose contents are the mappings of this one. By its first thread alone: those of a
 * process come once for each of its threads. */
static int open_list(const struct vma_iter *iter, pid_t pid, struct sn_err *err)
{
	union bpf_iter_link_info whose = {.task.tid = (uint32_t)pid};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &whose,
		    .iter_info_len = sizeof(whose));
	sn_auto_fd int link = bpf_link_create(iter->program, 0, BPF_TRACE_ITER, &options);
	int fd = link < 0 ? -1 : bpf_iter_create(link);

	return fd < 0 ? sn_fail_sys(err, "list the mappings of process %d", pid) : fd;
}

int vma_iter_read(const struct vma_iter *iter, pid_t pid, struct vma_row **rows, size_t *count,
		  struct sn_err *err)
{
	enum { FIRST_ROWS = 1024 };
	sn_auto_fd int fd = open_list(iter, pid, err);
	sn_auto_free struct raw_row *raw = NULL;
	size_t cap = 0, used = 0, i;
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		if (used == cap * sizeof(*raw)) {
			cap = cap ? 2 * cap : FIRST_ROWS;
			raw = sn_realloc(raw, cap, sizeof(*raw));
		}
		n = read(fd, (uint8_t *)raw + used, cap * sizeof(*raw) - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	if (n < 0)
		return sn_fail_sys(err, "list the mappings of process %d", pid);
	*count = used / sizeof(*raw);
	*rows = sn_malloc(*count * sizeof(**rows) + 1);
	for (i = 0; i < *count; i++)
		(*rows)[i] = (struct vma_row){
			.start = raw[i].start,
			.end = raw[i].end,
			.flags = raw[i].flags,
			.offset = raw[i].file ? raw[i].page_offset * 4096 : 0,
		};
	return 0;
}

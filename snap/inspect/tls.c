// SPDX-License-Identifier: Apache-2.0
/*
 * Thread-local variables of programs with glibc. A module that was there at the start has its
 * block right below the thread's control block (its distance is l_tls_offset of its link_map); one
 * loaded later has it where the thread's dtv says. Where those members are, libc tells in the
 * symbols that it has for debuggers (nptl_db).
 */
#include "snap/inspect/evidence.h"
#include "snap/inspect/location.h"

enum { DTV_ENTRY_BYTES = 16 };

static int not_known(const struct context *context, struct sn_err *err)
{
	return sn_fail(err, "Cannot find thread-local storage for LWP %u, module %s",
		       context->in->task->threads[context->thread]->tid, context->module->path);
}

/* A member of a struct link_map: its description is {bits, count, offset}. */
static bool read_member(struct inspect *in, const char *description, uint64_t link_map,
			uint64_t *value)
{
	const struct symbol *symbol = symbol_named(in, description);
	uint32_t words[3];
	struct sn_err ignored;

	return symbol && inspect_read(in, symbol->addr, words, sizeof(words), &ignored) == 0 &&
	       memory_read_u64(in, link_map + words[2], value, &ignored) == 0;
}

/* The program's own block without a dynamic linker: it ends at the control block. */
static bool static_offset(struct module *module, uint64_t *below)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module->dwfl, &bias);
	size_t count = 0;
	GElf_Phdr phdr;

	if (!module->is_main || !elf || elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_TLS)
			continue;
		if (phdr.p_align > 1)
			*below = (phdr.p_memsz + phdr.p_align - 1 +
				  ((phdr.p_align - phdr.p_vaddr) & (phdr.p_align - 1))) &
				 ~(phdr.p_align - 1);
		else
			*below = phdr.p_memsz;
		return true;
	}
	return false;
}

int tls_address(const struct context *context, uint64_t offset, uint64_t *addr, struct sn_err *err)
{
	struct inspect *in = context->in;
	struct module *module = context->module;
	uint64_t base = in->task->threads[context->thread]->registers->fs_base;
	uint64_t below, number, dtv, block;
	struct sn_err ignored;

	reads_use(in->reads, USES_FS_BASE);
	if (!module->link_map) {
		if (!static_offset(module, &below))
			return not_known(context, err);
		*addr = base - below + offset;
		return 0;
	}
	/* 0 and -1: it has none that is fixed */
	if (read_member(in, "_thread_db_link_map_l_tls_offset", module->link_map, &below) &&
	    below && below != UINT64_MAX) {
		*addr = base - below + offset;
		return 0;
	}
	if (!read_member(in, "_thread_db_link_map_l_tls_modid", module->link_map, &number) ||
	    memory_read_u64(in, base + sizeof(uint64_t), &dtv, &ignored) < 0 ||
	    memory_read_u64(in, dtv + number * DTV_ENTRY_BYTES, &block, &ignored) < 0 ||
	    block == UINT64_MAX)
		return not_known(context, err);
	*addr = block + offset;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* info files: the sections of programs and libraries. */
#include "snap/inspect/internal.h"

static bool is_vdso(const struct module *module)
{
	return module->image && module->path[0] == '[';
}

static void print_section(FILE *out, const struct module *module, Elf *elf, size_t names,
			  const GElf_Shdr *header, uint64_t bias)
{
	const char *name = elf_strptr(elf, names, header->sh_name);
	uint64_t start = header->sh_addr + bias;

	if (!name || !(header->sh_flags & SHF_ALLOC) || !header->sh_size)
		return;
	fprintf(out, "\t0x%016lx - 0x%016lx is %s", start, start + header->sh_size, name);
	if (is_vdso(module))
		fprintf(out, " in system-supplied DSO at 0x%lx", module->start);
	else if (!module->is_main)
		fprintf(out, " in %s", module->name);
	fputc('\n', out);
}

static void print_module(FILE *out, const struct module *module)
{
	Dwarf_Addr bias;
	Elf *elf = module->dwfl ? dwfl_module_getelf(module->dwfl, &bias) : NULL;
	Elf_Scn *section = NULL;
	GElf_Ehdr head;
	GElf_Shdr header;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0 || !gelf_getehdr(elf, &head))
		return;
	if (module->is_main)
		fprintf(out,
			"Local exec file:\n\t`%s', file type elf64-x86-64.\n"
			"\tEntry point: 0x%lx\n",
			module->path, head.e_entry + bias);
	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header))
			print_section(out, module, elf, names, &header, bias);
	}
}

/* In the dynamic linker's order, the vdso behind them. */
static void print_libraries(struct inspect *in, FILE *out)
{
	for (size_t order = 1; order <= in->module_count + 1; order++) {
		for (size_t i = 0; i < in->module_count; i++) {
			const struct module *module = in->modules[i];

			if (module->link_order == order && !module->is_main && !is_vdso(module))
				print_module(out, module);
		}
	}
	for (size_t i = 0; i < in->module_count; i++) {
		if (is_vdso(in->modules[i]))
			print_module(out, in->modules[i]);
	}
}

int inspect_files(struct inspect *in, char **text, struct sn_err *err)
{
	size_t len;
	FILE *out;

	(void)err;
	*text = NULL;
	out = open_memstream(text, &len);
	if (!out)
		abort();
	for (size_t i = 0; i < in->module_count; i++) {
		if (!in->modules[i]->is_main)
			continue;
		fprintf(out, "Symbols from \"%s\".\n", in->modules[i]->path);
		print_module(out, in->modules[i]);
	}
	print_libraries(in, out);
	fclose(out);
	return 0;
}

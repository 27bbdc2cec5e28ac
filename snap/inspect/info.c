// SPDX-License-Identifier: Apache-2.0
/* info symbol, sharedlibrary. */
#include "snap/inspect/cplus.h"
#include "snap/inspect/eval.h"

/* ---- symbols ---- */

static const char *section_at(struct module *module, uint64_t addr)
{
	Dwarf_Addr bias, at = addr;
	Elf_Scn *section = dwfl_module_address_section(module->dwfl, &at, &bias);
	Elf *elf = dwfl_module_getelf(module->dwfl, &bias);
	GElf_Shdr header;
	size_t names;

	if (!section || !elf || !gelf_getshdr(section, &header) ||
	    elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	return elf_strptr(elf, names, header.sh_name);
}

int inspect_symbol(struct inspect *in, struct spot spot, const char *expression, char **text,
		   struct sn_err *err)
{
	const struct symbol *symbol;
	struct module *module;
	const char *section = NULL, *name;
	struct context context;
	struct value *value;
	uint64_t addr;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	value = eval_text(&context, expression, err);
	if (!value || value_to_address(in, value, &addr, err) < 0)
		return -1;
	module = modules_at(in, addr);
	symbol = symbol_find(in, addr);
	if (module && module->dwfl)
		section = section_at(module, addr);
	if (!symbol || !section)
		return sn_fail(err, "No symbol matches %s.", expression);
	name = cplus_demangled(in, symbol->name);
	if (symbol->addr == addr)
		*text = sn_asprintf("%s in section %s of %s\n", name, section, module->name);
	else
		*text = sn_asprintf("%s + %lu in section %s of %s\n", name, addr - symbol->addr,
				    section, module->name);
	return 0;
}

/* ---- libraries ---- */

static bool text_section(struct module *module, uint64_t *start, uint64_t *end)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Dwarf_Addr bias;
	size_t names;
	Elf *elf = dwfl_module_getelf(module->dwfl, &bias);

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (!name || strcmp(name, ".text") != 0)
			continue;
		*start = header.sh_addr + bias;
		*end = *start + header.sh_size;
		return true;
	}
	return false;
}

static bool has_debug(struct module *module)
{
	Dwarf_Addr bias;

	return dwfl_module_getdwarf(module->dwfl, &bias) != NULL;
}

static void print_library(FILE *out, struct module *module, bool *missing)
{
	uint64_t start = module->start, end = module->end;

	if (!module->dwfl) {
		fprintf(out, "%-18s  %-18s  %-10s  %s\n", "", "", "No", module->name);
		return;
	}
	text_section(module, &start, &end);
	*missing |= !has_debug(module);
	fprintf(out, "0x%016lx  0x%016lx  %-10s  %s\n", start, end,
		has_debug(module) ? "Yes" : "Yes (*)", module->name);
}

int inspect_libraries(struct inspect *in, char **text, struct sn_err *err)
{
	bool missing = false;
	size_t len, printed = 0;
	FILE *out = text_stream(text, &len);

	(void)err;
	for (size_t order = 1; order <= in->module_count + 1; order++) {
		for (size_t i = 0; i < in->module_count; i++) {
			struct module *module = in->modules[i];

			if (module->link_order != order || module->is_main || module->image)
				continue;
			if (!printed++)
				fputs("From                To                  Syms Read   "
				      "Shared Object Library\n",
				      out);
			print_library(out, module, &missing);
		}
	}
	if (!printed)
		fputs("No shared libraries loaded at this time.\n", out);
	if (missing)
		fputs("(*): Shared library is missing debugging information.\n", out);
	fclose(out);
	return 0;
}

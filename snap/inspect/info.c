// SPDX-License-Identifier: Apache-2.0
/* info registers, symbol, sharedlibrary. */
#include "snap/inspect/cplus.h"
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/register_state.h"

/* ---- registers ---- */

static const char *const register_names[] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",     "rsp",	"r8",
	"r9",  "r10", "r11", "r12", "r13", "r14", "r15",     "rip",	"eflags",
	"cs",  "ss",  "ds",  "es",  "fs",  "gs",  "fs_base", "gs_base",
};

/* [ ZF PF ] */
static void print_eflags(FILE *out, uint64_t eflags)
{
	static const char *const names[] = {
		"CF", "", "PF", "",   "AF", "",	  "ZF", "SF", "TF",  "IF",  "DF",
		"OF", "", "",	"NT", "",   "RF", "VM", "AC", "VIF", "VIP", "ID",
	};

	state_print_flags(out, eflags, names, sn_countof(names));
}

static const Sn__Registers *registers_at(const struct context *context)
{
	return context->in->task->threads[context->thread]->registers;
}

static int print_register(const struct context *context, FILE *out, const char *name,
			  struct sn_err *err)
{
	struct format f = {.in = context->in, .out = out};
	struct value *value;
	char hex[32];
	int64_t number;

	err->text[0] = '\0';
	value = register_value(context, name, err);
	if (!value && !err->text[0] && state_print(out, registers_at(context), name))
		return 0;
	if (!value)
		return err->text[0] ? -1 : sn_fail(err, "Invalid register `%s'", name);
	if (value->is_absent) {
		fprintf(out, "%-15s%s\n", name, "<not saved>");
		return 0;
	}
	if (value_to_number(context->in, value, &number, err) < 0)
		return -1;
	snprintf(hex, sizeof(hex), "0x%lx",
		 value->type->size == 4 ? (uint64_t)(uint32_t)number : (uint64_t)number);
	fprintf(out, "%-15s%-20s", name, hex);
	if (strcmp(name, "eflags") == 0)
		print_eflags(out, (uint64_t)number);
	else if (value->type->kind == TYPE_POINTER)
		format_address(&f, (uint64_t)number);
	else
		fprintf(out, "%ld", number);
	fputc('\n', out);
	return 0;
}

static int print_general(const struct context *context, FILE *out, struct sn_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < sn_countof(register_names) && rc == 0; i++)
		rc = print_register(context, out, register_names[i], err);
	return rc;
}

/* A register, or a group of them. */
static int print_word(const struct context *context, FILE *out, const char *name,
		      struct sn_err *err)
{
	bool all = strcmp(name, "all") == 0, found = all;

	if (all || strcmp(name, "general") == 0) {
		if (print_general(context, out, err) < 0)
			return -1;
		found = true;
	}
	if (all || strcmp(name, "float") == 0) {
		state_print_group(out, registers_at(context), STATE_FLOAT);
		found = true;
	}
	if (all || strcmp(name, "vector") == 0) {
		state_print_group(out, registers_at(context), STATE_VECTOR);
		found = true;
	}
	return found ? 0 : print_register(context, out, name + (*name == '$'), err);
}

static int print_named(const struct context *context, FILE *out, const char *names,
		       struct sn_err *err)
{
	while (*names) {
		size_t len = strcspn(names, " \t");
		sn_auto_free char *name = strndup(names, len);

		if (!name)
			abort();
		if (print_word(context, out, name, err) < 0)
			return -1;
		names += len + strspn(names + len, " \t");
	}
	return 0;
}

int inspect_registers(struct inspect *in, struct spot spot, const char *names, char **text,
		      struct sn_err *err)
{
	struct context context;
	size_t len;
	FILE *out;
	int rc = 0;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	out = text_stream(text, &len);
	rc = *names ? print_named(&context, out, names, err) : print_general(&context, out, err);
	fclose(out);
	if (rc < 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

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

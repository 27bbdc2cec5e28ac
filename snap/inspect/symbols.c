// SPDX-License-Identifier: Apache-2.0
/* ELF symbols by address and by name. */
#include "snap/inspect/internal.h"

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	/* gdb has no better order either: which name comes later in the string table */
	return a->name < b->name ? -1 : a->name > b->name;
}

static void load(struct inspect *in, struct module *module)
{
	int count = dwfl_module_getsymtab(module->dwfl);

	module->has_symbols = true;
	if (count <= 0)
		return;
	module->symbols = inspect_alloc(in, (size_t)count * sizeof(*module->symbols));
	for (int i = 0; i < count; i++) {
		struct symbol *symbol = &module->symbols[module->symbol_count];
		GElf_Sym sym;
		GElf_Word section;

		symbol->name = dwfl_module_getsym_info(module->dwfl, i, &sym, &symbol->addr,
						       &section, NULL, NULL);
		symbol->size = sym.st_size;
		symbol->type = GELF_ST_TYPE(sym.st_info);
		if (symbol->name && *symbol->name && section != SHN_UNDEF && section != SHN_ABS &&
		    symbol->type != STT_FILE && symbol->type != STT_SECTION &&
		    symbol->type != STT_TLS)
			module->symbol_count++;
	}
	qsort(module->symbols, module->symbol_count, sizeof(*module->symbols), compare_symbols);
}

bool symbols_load(struct inspect *in, struct module *module)
{
	if (module->dwfl && !module->has_symbols)
		load(in, module);
	return module->symbol_count > 0;
}

const struct symbol *symbols_of(struct inspect *in, struct module *module, size_t *count)
{
	*count = symbols_load(in, module) ? module->symbol_count : 0;
	return module->symbols;
}

/* How many of a module are at an address or before it. */
static size_t count_until(const struct module *module, uint64_t addr)
{
	size_t low = 0, high = module->symbol_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (module->symbols[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What gdb does with symbols that have no size, or overlap, or end before the address. */
static const struct symbol *choose(const struct module *module, uint64_t addr)
{
	const struct symbol *symbols = module->symbols;
	ptrdiff_t at, unsized = -1;

	for (at = (ptrdiff_t)count_until(module, addr) - 1; at >= 0; at--) {
		if (symbols[at].size == 0) {
			unsized = unsized < 0 ? at : unsized;
			continue;
		}
		if (addr >= symbols[at].addr + symbols[at].size && at > 0 && symbols[at - 1].size &&
		    addr < symbols[at - 1].addr + symbols[at - 1].size)
			continue;
		break;
	}
	if (at < 0)
		at = unsized;
	else if (addr >= symbols[at].addr + symbols[at].size)
		at = unsized;
	return at < 0 ? NULL : &symbols[at];
}

const struct symbol *symbol_find(struct inspect *in, uint64_t addr)
{
	struct module *module = modules_at(in, addr);

	return module && symbols_load(in, module) ? choose(module, addr) : NULL;
}

bool symbol_is_at(struct inspect *in, uint64_t addr, const char *name)
{
	struct module *module = modules_at(in, addr);
	size_t i = module && symbols_load(in, module) ? count_until(module, addr) : 0;

	for (; i > 0 && module->symbols[i - 1].addr == addr; i--) {
		const char *text = module->symbols[i - 1].name, *version = strstr(text, "@@");
		size_t len = version ? (size_t)(version - text) : strlen(text);

		if (len == strlen(name) && strncmp(text, name, len) == 0)
			return true;
	}
	return false;
}

const struct symbol *symbol_named(struct inspect *in, const char *name)
{
	for (size_t m = 0; m < in->module_count; m++) {
		struct module *module = in->modules[m];

		if (!symbols_load(in, module))
			continue;
		for (size_t i = 0; i < module->symbol_count; i++) {
			if (strcmp(module->symbols[i].name, name) == 0)
				return &module->symbols[i];
		}
	}
	return NULL;
}

void symbols_named(struct inspect *in, struct module *module, const char *prefix,
		   void (*each)(void *arg, const char *name), void *arg)
{
	size_t len = strlen(prefix);

	if (!symbols_load(in, module))
		return;
	for (size_t i = 0; i < module->symbol_count; i++) {
		const struct symbol *symbol = &module->symbols[i];

		if (symbol->type <= STT_FUNC && strncmp(symbol->name, prefix, len) == 0)
			each(arg, symbol->name);
	}
}

const char *symbol_at(struct inspect *in, uint64_t addr, uint64_t *offset)
{
	const struct symbol *symbol = symbol_find(in, addr);

	if (!symbol)
		return NULL;
	*offset = addr - symbol->addr;
	return symbol->name;
}

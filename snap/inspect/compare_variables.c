// SPDX-License-Identifier: Apache-2.0
/* Globals, statics and thread-local variables of two moments. */
#include "snap/inspect/compare_internal.h"

#include <dwarf.h>

enum { BYTES_SHOWN = 16 };

struct listing {
	struct compare *compare;
	size_t per_variable;
	struct variable_change *list;
	size_t count;
};

void variable_changes_free(struct variable_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].type);
		free(list[i].module);
		value_changes_release(&list[i].changes);
	}
	free(list);
}

/* ---- names ---- */

static const char *file_of(const struct global *global)
{
	Dwarf_Die die = global->die, cu;
	const char *name, *slash;

	if (!global->has_die || !dwarf_diecu(&die, &cu, NULL, NULL))
		return NULL;
	name = dwarf_diename(&cu);
	slash = name ? strrchr(name, '/') : NULL;
	return slash ? slash + 1 : name;
}

static bool is_namesake(const struct global *a, const struct global *b)
{
	return a != b && !b->scope && strcmp(a->name, b->name) == 0;
}

/* As `print` takes it. */
static char *name_of(const struct globals *globals, const struct global *global)
{
	const char *file = file_of(global);

	if (global->scope)
		return sn_asprintf("%s::%s", global->scope, global->name);
	for (size_t i = 0; file && !global->is_external && i < globals->count; i++) {
		if (is_namesake(global, &globals->list[i]))
			return sn_asprintf("'%s'::%s", file, global->name);
	}
	return sn_strdup(global->name);
}

/* Takes the changes; without any nothing is listed. */
static void list_change(struct listing *listing, struct value_changes *changes, char *name,
			const struct global *global, struct type *type, size_t thread)
{
	struct variable_change *row;

	if (!changes->count) {
		free(name);
		return;
	}
	listing->list = sn_realloc(listing->list, listing->count + 1, sizeof(*listing->list));
	row = &listing->list[listing->count++];
	*row = (struct variable_change){
		.name = name,
		.type = type ? type_name(listing->compare->from, type) : NULL,
		.module = global->module->is_main ? NULL : sn_strdup(global->module->path),
		.address = global->addr,
		.size = type ? type->size : global->size,
		.thread = thread,
		.changes = *changes,
	};
	*changes = (struct value_changes){0};
}

/* ---- without a type ---- */

static char *hex_words(const uint8_t *bytes, size_t len)
{
	char *text = sn_malloc(3 * len + 1);

	for (size_t i = 0; i < len; i++)
		snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
	text[len ? 3 * len - 1 : 0] = '\0';
	return text;
}

static char *number_words(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;

	memcpy(&number, bytes, len);
	return sn_asprintf("0x%lx", number);
}

static bool is_number(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool is_moved_pointer(const struct compare *compare, const uint8_t *from, const uint8_t *to)
{
	uint64_t a, b, there;

	memcpy(&a, from, sizeof(a));
	memcpy(&b, to, sizeof(b));
	return compare->moved && compare_translate(compare, a, &there) && there == b;
}

static void tell_bytes(struct value_changes *changes, size_t max, char *name, const uint8_t *from,
		       const uint8_t *to, size_t len, bool number)
{
	if (max && changes->count >= max) {
		changes->more++;
		free(name);
		return;
	}
	changes->list = sn_realloc(changes->list, changes->count + 1, sizeof(*changes->list));
	changes->list[changes->count++] =
		(struct value_change){name, number ? number_words(from, len) : hex_words(from, len),
				      number ? number_words(to, len) : hex_words(to, len)};
}

/* Words of 8 bytes that differ, or the whole when it is a number by its size. */
static void compare_symbol(struct listing *listing, const struct global *global, uint64_t there)
{
	struct compare *compare = listing->compare;
	struct value_changes changes = {0};
	bool whole = is_number(global->size);
	uint64_t step = whole ? global->size : sizeof(uint64_t);

	for (uint64_t at = 0; at < global->size; at += step) {
		uint64_t next =
			compare_next(compare, global->addr + at, global->addr + global->size) -
			global->addr;
		uint8_t from[8] = {0}, to[8] = {0};
		uint64_t len;
		struct sn_err ignored;

		at = next - next % step;
		if (next >= global->size)
			break;
		len = global->size - at < step ? global->size - at : step;
		if (inspect_read(compare->from, global->addr + at, from, len, &ignored) < 0 ||
		    inspect_read(compare->to, there + at, to, len, &ignored) < 0)
			break;
		if (memcmp(from, to, len) == 0 || (len == 8 && is_moved_pointer(compare, from, to)))
			continue;
		tell_bytes(&changes, listing->per_variable,
			   at ? sn_asprintf("%s+%lu", global->name, at) : sn_strdup(global->name),
			   from, to, len, is_number(len));
	}
	list_change(listing, &changes, sn_strdup(global->name), global, NULL, 0);
	value_changes_release(&changes);
}

/* ---- with one ---- */

static void compare_two(struct listing *listing, const struct globals *globals,
			const struct global *global, struct value *from, struct value *to,
			size_t thread)
{
	sn_auto(value_changes_release) struct value_changes changes = {0};
	char *name = name_of(globals, global);
	struct finding finding;

	finding_begin(&finding, listing->compare, &changes, listing->per_variable);
	values_compare(&finding, name, from, to);
	finding_end(&finding);
	list_change(listing, &changes, name, global, from->type, thread);
}

static void compare_global(struct listing *listing, const struct globals *globals,
			   struct global *global)
{
	struct compare *compare = listing->compare;
	struct type *type;
	uint64_t there;

	if (compare_next(compare, global->addr, global->addr + global->size) ==
		    global->addr + global->size ||
	    !compare_translate(compare, global->addr, &there))
		return;
	if (!global->has_die) {
		compare_symbol(listing, global, there);
		return;
	}
	type = type_of(compare->from, global->module, &global->die);
	compare_two(listing, globals, global, value_at(compare->from, type, global->addr),
		    value_at(compare->to, type, there), 0);
}

/* ---- of threads ---- */

static bool find_thread(const struct inspect *in, uint32_t tid, size_t *at)
{
	for (*at = 0; *at < in->task->n_threads; ++*at) {
		if (in->task->threads[*at]->tid == tid)
			return true;
	}
	return false;
}

static struct module *module_like(const struct inspect *in, const struct module *module)
{
	for (size_t i = 0; i < in->module_count; i++) {
		if (strcmp(in->modules[i]->path, module->path) == 0)
			return in->modules[i];
	}
	return NULL;
}

static void compare_local(struct listing *listing, const struct globals *globals,
			  struct global *global)
{
	struct compare *compare = listing->compare;
	struct module *other = module_like(compare->to, global->module);

	for (size_t i = 0; other && i < compare->from->task->n_threads; i++) {
		struct context a = {compare->from, global->module, NULL, i};
		struct context b = {compare->to, other, NULL, i};
		struct value *from, *to;
		struct sn_err ignored;

		if (!find_thread(compare->to, compare->from->task->threads[i]->tid, &b.thread)) {
			if (!compare->moved || i >= compare->to->task->n_threads)
				continue;
			b.thread = i;
		}
		from = value_of(&a, &global->die, &ignored);
		to = value_of(&b, &global->die, &ignored);
		if (!from || !to || !from->in_memory || !to->in_memory)
			continue;
		compare_two(listing, globals, global, from, to, i + 1);
	}
}

/* ---- all ---- */

static bool has_tls(struct module *module)
{
	GElf_Addr bias;
	Elf *elf = module->dwfl ? dwfl_module_getelf(module->dwfl, &bias) : NULL;
	size_t count = 0;
	GElf_Phdr phdr;

	if (!elf || elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_TLS)
			return true;
	}
	return false;
}

static bool has_debug(struct module *module)
{
	Dwarf_Addr bias;

	return module->dwfl && dwfl_module_getdwarf(module->dwfl, &bias) != NULL;
}

static void compare_module(struct listing *listing, struct module *module)
{
	sn_auto(globals_release) struct globals globals = {0};
	struct compare *compare = listing->compare;
	bool data = compare_next(compare, module->start, module->end) != module->end;

	if (!data && !(compare->page_count && has_debug(module) && has_tls(module)))
		return;
	globals_find(compare->from, module, &globals);
	for (size_t i = 0; data && i < globals.count; i++)
		compare_global(listing, &globals, &globals.list[i]);
	for (size_t i = 0; i < globals.local_count; i++)
		compare_local(listing, &globals, &globals.locals[i]);
}

int compare_variables(struct compare *compare, size_t per_variable, struct variable_change **list,
		      size_t *count, struct sn_err *err)
{
	struct listing listing = {.compare = compare, .per_variable = per_variable};

	/* the program's own first */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < compare->from->module_count; i++) {
			struct module *module = compare->from->modules[i];

			if (catalog_step(compare->from->cat, 0, 0, err) < 0) {
				variable_changes_free(listing.list, listing.count);
				return -1;
			}
			if (module->is_main == (pass == 0))
				compare_module(&listing, module);
		}
	}
	*list = listing.list;
	*count = listing.count;
	return 0;
}

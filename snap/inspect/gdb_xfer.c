// SPDX-License-Identifier: Apache-2.0
/*
 * Objects that gdb reads in parts: "qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH", answered by "m" and
 * bytes, or "l" and the last of them. An object is made when its start is asked for and kept
 * until another one is, so that its parts fit together.
 */
#include "snap/inspect/core_notes.h"
#include "snap/inspect/gdb_internal.h"

/* ---- names ---- */

char *gdb_module_file(const struct module *module)
{
	/* a memfd's has no path: what /proc would show */
	if (module->image && module->path[0] != '/')
		return sn_asprintf("/memfd:%s", module->path);
	return sn_strdup(module->path);
}

char *gdb_program_file(const struct inspect *in)
{
	const Sn__AddressSpace *space = in->task->address_space;

	for (size_t i = 0; i < in->module_count; i++) {
		if (in->modules[i]->is_main)
			return gdb_module_file(in->modules[i]);
	}
	return space && space->exe && *space->exe ? sn_strdup(space->exe) : NULL;
}

/* As the value of an XML attribute. What is no ASCII need not be whole characters, and gdb would
 * stop reading there. */
static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	for (; *value; value++) {
		if (strchr("<>&\"'", *value))
			fprintf(out, "&#%d;", *value);
		else
			fputc(*value < ' ' || *value > '~' ? '?' : *value, out);
	}
	fputc('"', out);
}

/* ---- the objects ---- */

static bool put_auxv(struct gdb_stub *stub, const char *annex, FILE *out)
{
	const Sn__AddressSpace *space = stub->in->task->address_space;

	(void)annex;
	if (!space || !space->auxv.len)
		return false;
	fwrite(space->auxv.data, 1, space->auxv.len, out);
	return true;
}

static bool put_exec_file(struct gdb_stub *stub, const char *annex, FILE *out)
{
	sn_auto_free char *path = NULL;
	uint64_t pid;

	if (*annex && (!gdb_take_number(&annex, &pid) || *annex || pid != stub->in->task->pid))
		return false;
	path = gdb_program_file(stub->in);
	if (path)
		fputs(path, out);
	return path;
}

static bool put_features(struct gdb_stub *stub, const char *annex, FILE *out)
{
	if (strcmp(annex, "target.xml") != 0)
		return false;
	gdb_target_describe(out, &stub->layout, stub->short_floats);
	return true;
}

/* Of a name that is relative gdb would look in its own directory. */
static void put_library(FILE *out, const struct module *module)
{
	sn_auto_free char *file = gdb_module_file(module);

	fputs("<library", out);
	put_attribute(out, "name", module->image || module->name[0] != '/' ? file : module->name);
	fprintf(out, " lm=\"0x%lx\" l_addr=\"0x%lx\" l_ld=\"0x%lx\" lmid=\"0x0\"/>",
		module->link_map, module->link_bias, module->link_dynamic);
}

/* In the order of the dynamic linker's list; the program, its first, is known by its address. */
static bool put_libraries(struct gdb_stub *stub, const char *annex, FILE *out)
{
	const struct inspect *in = stub->in;

	(void)annex;
	fputs("<library-list-svr4 version=\"1.0\"", out);
	for (size_t i = 0; i < in->module_count; i++) {
		if (in->modules[i]->link_map && in->modules[i]->is_main)
			fprintf(out, " main-lm=\"0x%lx\"", in->modules[i]->link_map);
	}
	fputc('>', out);
	for (size_t order = 1; order <= in->link_count; order++) {
		for (size_t i = 0; i < in->module_count; i++) {
			const struct module *module = in->modules[i];

			/* the vdso it finds itself */
			if (module->link_order == order && !module->is_main &&
			    strcmp(module->path, "[vdso]") != 0)
				put_library(out, module);
		}
	}
	fputs("</library-list-svr4>", out);
	return true;
}

static bool put_siginfo(struct gdb_stub *stub, const char *annex, FILE *out)
{
	const Sn__Task *task = stub->in->task;
	const ProtobufCBinaryData *siginfo = core_siginfo(task, task->threads[stub->thread]);

	(void)annex;
	if (siginfo)
		fwrite(siginfo->data, 1, siginfo->len, out);
	return siginfo;
}

static bool put_threads(struct gdb_stub *stub, const char *annex, FILE *out)
{
	const Sn__Task *task = stub->in->task;

	(void)annex;
	fputs("<threads>", out);
	for (size_t i = 0; i < task->n_threads; i++) {
		const Sn__Thread *thread = task->threads[i];

		fputs("<thread id=\"", out);
		gdb_put_thread(out, stub, i);
		fputc('"', out);
		if (thread->name)
			put_attribute(out, "name", thread->name->name);
		if (thread->registers && thread->registers->fs_base) {
			fputs(" handle=\"", out); /* its pthread_t */
			gdb_put_hex(out, &thread->registers->fs_base, sizeof(uint64_t));
			fputc('"', out);
		}
		fputs("/>", out);
	}
	fputs("</threads>", out);
	return true;
}

static const struct {
	const char *name;
	bool (*put)(struct gdb_stub *stub, const char *annex, FILE *out);
} objects[] = {
	{"auxv", put_auxv},	    {"exec-file", put_exec_file},
	{"features", put_features}, {"libraries-svr4", put_libraries},
	{"siginfo", put_siginfo},   {"threads", put_threads},
};

/* ---- their parts ---- */

/* Makes the object, and remembers it by what was asked; false: it is not there. */
static bool make_object(struct gdb_stub *stub, size_t number, const char *annex)
{
	bool there;
	FILE *out;

	free(stub->object.annex);
	free(stub->object.text);
	out = text_stream(&stub->object.text, &stub->object.len);
	there = objects[number].put(stub, annex, out);
	fclose(out);
	stub->object.annex = there ? sn_strdup(annex) : NULL;
	stub->object.number = number;
	return there;
}

static void put_part(const struct gdb_stub *stub, uint64_t offset, uint64_t len, FILE *out)
{
	size_t left = offset < stub->object.len ? stub->object.len - offset : 0, done, text_len;
	sn_auto_free char *text = NULL;
	FILE *part = text_stream(&text, &text_len);

	done = gdb_put_binary(part, stub->object.text + stub->object.len - left,
			      len < left ? len : left, GDB_PACKET_BYTES - 1);
	fclose(part);
	fputc(done == left ? 'l' : 'm', out);
	fwrite(text, 1, text_len, out);
}

/* "ANNEX:OFFSET,LENGTH" of an object. */
static void read_object(struct gdb_stub *stub, size_t number, const char *args, FILE *out)
{
	sn_auto_free char *annex = sn_asprintf("%.*s", (int)strcspn(args, ":"), args);
	bool known;
	uint64_t offset, len;

	args += strlen(annex);
	if (!gdb_take(&args, ':') || !gdb_take_number(&args, &offset) || !gdb_take(&args, ',') ||
	    !gdb_take_number(&args, &len)) {
		fputs("E01", out);
		return;
	}
	known = offset && stub->object.annex && stub->object.number == number &&
		strcmp(stub->object.annex, annex) == 0;
	if (known || make_object(stub, number, annex))
		put_part(stub, offset, len, out);
	else
		fputs("E01", out);
}

void gdb_xfer(struct gdb_stub *stub, const char *args, FILE *out)
{
	size_t len = strcspn(args, ":");

	for (size_t i = 0; i < sn_countof(objects); i++) {
		if (strlen(objects[i].name) != len || strncmp(objects[i].name, args, len) != 0)
			continue;
		if (strncmp(args + len, ":read:", 6) == 0)
			read_object(stub, i, args + len + 6, out);
		else
			fputs("E01", out);
	}
}

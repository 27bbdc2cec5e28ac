// SPDX-License-Identifier: Apache-2.0
/*
 * Files of /proc that gdb reads of a process: mappings, for `info proc mappings` and the vdso,
 * and how it was called. They say what was; the number may be another process's by now.
 */
#include "snap/inspect/gdb_internal.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>

enum { ARGUMENTS_MAX = 1 << 20 };

static void put_object_name(FILE *out, const struct inspect *in, uint32_t id)
{
	for (size_t i = 0; i < in->image->n_objects; i++) {
		const Sn__MemoryObject *object = in->image->objects[i];

		if (object->id != id)
			continue;
		if (object->type == SN__OBJECT_TYPE__OBJECT_ANON)
			fputs("/dev/zero (deleted)", out);
		else
			fprintf(out, "%s%s (deleted)",
				object->type == SN__OBJECT_TYPE__OBJECT_MEMFD ? "/memfd:" : "",
				object->name);
	}
}

/* As the kernel calls it. */
static void put_name(FILE *out, const struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;

	if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE ||
	    mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		fputs(mapping->path, out);
	else if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		put_object_name(out, in, mapping->object_id);
	else if (mapping->anon_name && *mapping->anon_name)
		fprintf(out, "[anon:%s]", mapping->anon_name);
	else if (space && mapping->start <= space->brk && mapping->end >= space->start_brk)
		fputs("[heap]", out);
	else if (space && mapping->start <= space->start_stack && mapping->end > space->start_stack)
		fputs("[stack]", out);
}

static bool put_maps(struct inspect *in, FILE *out)
{
	for (size_t i = 0; i < in->task->n_mappings; i++) {
		const Sn__Mapping *mapping = in->task->mappings[i];
		const Sn__FileId *file = mapping->file;

		fprintf(out, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", mapping->start,
			mapping->end, mapping->prot & PROT_READ ? 'r' : '-',
			mapping->prot & PROT_WRITE ? 'w' : '-',
			mapping->prot & PROT_EXEC ? 'x' : '-', mapping->shared ? 's' : 'p',
			mapping->offset_bytes, file ? major(file->dev) : 0,
			file ? minor(file->dev) : 0, file ? file->ino : 0);
		put_name(out, in, mapping);
		fputc('\n', out);
	}
	return true;
}

static bool put_arguments(struct inspect *in, FILE *out)
{
	const Sn__AddressSpace *space = in->task->address_space;
	sn_auto_free char *text = NULL;
	struct sn_err ignored;
	size_t len;

	if (!space || space->arg_end < space->arg_start)
		return false;
	len = space->arg_end - space->arg_start;
	len = len < ARGUMENTS_MAX ? len : ARGUMENTS_MAX;
	text = sn_malloc(len);
	if (inspect_read(in, space->arg_start, text, len, &ignored) < 0)
		return false;
	fwrite(text, 1, len, out);
	return true;
}

/* What follows "/proc/PID/", or "/proc/PID/task/TID/"; NULL: it is about another process. */
static const char *name_within(const struct inspect *in, const char *path)
{
	unsigned pid, tid;
	int end = 0;

	if (sscanf(path, "/proc/%u/%n", &pid, &end) != 1 || !end || pid != in->task->pid)
		return NULL;
	path += end;
	end = 0;
	if (sscanf(path, "task/%u/%n", &tid, &end) == 1 && end)
		path += end;
	return path;
}

bool gdb_proc_file(struct inspect *in, const char *path, char **text, size_t *len)
{
	const char *name = name_within(in, path);
	bool there;
	FILE *out;

	if (!name)
		return false;
	out = text_stream(text, len);
	if (strcmp(name, "maps") == 0)
		there = put_maps(in, out);
	else
		there = strcmp(name, "cmdline") == 0 && put_arguments(in, out);
	fclose(out);
	if (!there) {
		free(*text);
		*text = NULL;
	}
	return there;
}

char *gdb_proc_link(const struct inspect *in, const char *path)
{
	const char *name = name_within(in, path);
	const Sn__FileSystem *places = in->task->file_system;

	if (name && strcmp(name, "exe") == 0)
		return gdb_program_file(in);
	if (name && strcmp(name, "cwd") == 0 && places && places->cwd)
		return sn_strdup(places->cwd);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of one process, written down: for tests of planning, which needs no process.
 *
 *	map 10-20 rw- anon flags=ac,gd name=heap    addresses in pages, hexadecimal
 *	map 10-20 r-- file ino=5 off=2 shared
 *	map 10-20 rw- object id=1 off=0 shared
 *	map 10-12 r-x special name=[vdso]
 *	object 1 memfd ino=5 size=4 seals=1         anon, memfd or unlinked; size in pages
 *	file 1 pipe id=7 flags=1 external           or eventfd, timerfd clock=, memfd object=
 *	fd 3 file=1 cloexec
 *	thread 101 name=worker rseq=1000
 *	umask 22
 *
 * Statements end with ";". The process has pid 100; nothing is there but what is said.
 */
#ifndef CORE_KINDS_TEST_MODELS_H
#define CORE_KINDS_TEST_MODELS_H

#include "core/base/guard.h"
#include "core/base/pagemap.h"
#include "core/kinds/kind.h"
#include "core/kinds/plan.h"

#include <setjmp.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { MODEL_PID = 100 };

struct statement {
	char *words[12];
	size_t count;
};

/* The value behind "key=", or the word itself when it is all of the key; NULL: not said. */
static const char *said(const struct statement *s, const char *key)
{
	size_t len = strlen(key), i;

	for (i = 1; i < s->count; i++)
		if (strncmp(s->words[i], key, len) == 0 &&
		    (s->words[i][len] == '=' || !s->words[i][len]))
			return s->words[i] + len + (s->words[i][len] == '=');
	return NULL;
}

static uint64_t number(const struct statement *s, const char *key)
{
	const char *text = said(s, key);

	return text ? strtoull(text, NULL, 16) : 0;
}

static void say_mapping(Sn__Task *task, const struct statement *s)
{
	static const char *const types[] = {"anon", "file", "object", "special", "hugetlb"};
	Sn__Mapping *m = kind_append(task, mappings, sn__mapping);
	const char *flags = said(s, "flags"), *name = said(s, "name");
	char *end, *c;
	size_t i;

	m->start = strtoull(s->words[1], &end, 16) * PAGE_BYTES;
	m->end = strtoull(end + 1, NULL, 16) * PAGE_BYTES;
	m->prot = (s->words[2][0] == 'r' ? PROT_READ : 0) |
		  (s->words[2][1] == 'w' ? PROT_WRITE : 0) |
		  (s->words[2][2] == 'x' ? PROT_EXEC : 0);
	for (i = 0; i < sn_countof(types); i++)
		if (strcmp(s->words[3], types[i]) == 0)
			m->type = (Sn__MappingType)i;
	m->shared = said(s, "shared") != NULL;
	m->offset_bytes = number(s, "off") * PAGE_BYTES;
	m->object_id = (uint32_t)number(s, "id");
	kind_set_string(&m->vm_flags, flags ? flags : "");
	for (c = m->vm_flags; *c; c++)
		if (*c == ',')
			*c = ' ';
	if (name)
		kind_set_string(
			m->type == SN__MAPPING_TYPE__MAPPING_ANON ? &m->anon_name : &m->path, name);
	if (m->type != SN__MAPPING_TYPE__MAPPING_FILE)
		return;
	m->file = message_new(&sn__file_id__descriptor);
	m->file->ino = number(s, "ino");
}

static void say_object(Sn__Image *image, const struct statement *s)
{
	static const char *const types[] = {"anon", "memfd", "unlinked"};
	Sn__MemoryObject *object = kind_append(image, objects, sn__memory_object);
	size_t i;

	object->id = (uint32_t)strtoul(s->words[1], NULL, 10);
	for (i = 0; i < sn_countof(types); i++)
		if (strcmp(s->words[2], types[i]) == 0)
			object->type = (Sn__ObjectType)i;
	object->ino = number(s, "ino");
	object->seals = (uint32_t)number(s, "seals");
	object->size_bytes = number(s, "size") * PAGE_BYTES;
	kind_set_string(&object->name, "an object");
}

static void say_file(Sn__Image *image, const struct statement *s)
{
	Sn__OpenFile *file = kind_append(image, files, sn__open_file);
	const char *what = s->words[2];

	file->id = (uint32_t)strtoul(s->words[1], NULL, 10);
	file->flags = (uint32_t)number(s, "flags");
	file->ino = number(s, "ino");
	if (strcmp(what, "pipe") == 0) {
		message_set(&file->base, 11, message_new(&sn__pipe__descriptor));
		file->pipe->pipe_id = number(s, "id");
		file->pipe->external = said(s, "external") != NULL;
	} else if (strcmp(what, "timerfd") == 0) {
		message_set(&file->base, 17, message_new(&sn__timer_fd__descriptor));
		file->timerfd->clock = (uint32_t)number(s, "clock");
	} else if (strcmp(what, "memfd") == 0) {
		message_set(&file->base, 14, message_new(&sn__mem_fd__descriptor));
		file->memfd->object_id = (uint32_t)number(s, "object");
	} else if (strcmp(what, "eventfd") == 0) {
		message_set(&file->base, 15, message_new(&sn__event_fd__descriptor));
		file->eventfd->semaphore = said(s, "semaphore") != NULL;
	} /* else of no kind at all */
}

static void say_thread(Sn__Task *task, const struct statement *s)
{
	Sn__Thread *thread = kind_append(task, threads, sn__thread);

	thread->tid = (uint32_t)strtoul(s->words[1], NULL, 10);
	if (said(s, "name")) {
		thread->name = message_new(&sn__thread_name__descriptor);
		kind_set_string(&thread->name->name, said(s, "name"));
	}
	if (said(s, "rseq")) {
		thread->rseq = message_new(&sn__rseq__descriptor);
		thread->rseq->pointer = number(s, "rseq");
	}
}

static void say(Sn__Image *image, const struct statement *s)
{
	Sn__Task *task = image->tasks[0];
	const char *what = s->words[0];

	if (strcmp(what, "map") == 0) {
		say_mapping(task, s);
	} else if (strcmp(what, "object") == 0) {
		say_object(image, s);
	} else if (strcmp(what, "file") == 0) {
		say_file(image, s);
	} else if (strcmp(what, "thread") == 0) {
		say_thread(task, s);
	} else if (strcmp(what, "fd") == 0) {
		Sn__Descriptor *d = kind_append(task, descriptors, sn__descriptor);

		d->fd = (uint32_t)strtoul(s->words[1], NULL, 10);
		d->file_id = (uint32_t)number(s, "file");
		d->cloexec = said(s, "cloexec") != NULL;
	} else if (strcmp(what, "umask") == 0) {
		task->file_system = message_new(&sn__file_system__descriptor);
		task->file_system->umask = (uint32_t)strtoul(s->words[1], NULL, 8);
	} else {
		fail_msg("a model says \"%s\"", what);
	}
}

static Sn__Image *model_of(const char *text)
{
	Sn__Image *image = message_new(&sn__image__descriptor);
	Sn__Task *task = kind_append(image, tasks, sn__task);
	sn_auto_free char *copy = sn_strdup(text);
	char *rest = copy, *line;

	task->pid = MODEL_PID;
	while ((line = strsep(&rest, ";\n")) != NULL) {
		struct statement s = {0};
		char *word;

		while ((word = strsep(&line, " \t")) != NULL)
			if (*word && s.count < sn_countof(s.words))
				s.words[s.count++] = word;
		if (s.count)
			say(image, &s);
	}
	return image;
}

static inline void model_free(Sn__Image **image)
{
	if (*image)
		sn__image__free_unpacked(*image, NULL);
}

#define AUTO_MODEL sn_auto(model_free) Sn__Image *

#endif

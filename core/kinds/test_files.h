/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the file kinds: this very process, its descriptors read as the engine reads
 * those of a frozen one, and a folder of its own. Includes cmocka's prelude.
 */
#ifndef CORE_KINDS_TEST_FILES_H
#define CORE_KINDS_TEST_FILES_H

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/kind.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct world {
	char dir[64];
	struct task task;
	struct kernel_caps caps;
	Sn__Image *image;
	Sn__Task *model;
};

static inline int set_up(void **state)
{
	struct world *w = sn_calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/snapsh-files-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->task.pid = getpid();
	w->caps.kcmp = true;
	w->image = message_new(&sn__image__descriptor);
	w->model = kind_append(w->image, tasks, sn__task);
	*state = w;
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *w = *state;
	sn_auto_dir DIR *dir = opendir(w->dir);
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	rmdir(w->dir);
	sn__image__free_unpacked(w->image, NULL);
	free(w);
	return 0;
}

static inline const char *in_dir(struct world *w, char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", w->dir, name);
	return path;
}

static inline int make_file(struct world *w, const char *name)
{
	char path[PATH_MAX];
	int fd = open(in_dir(w, path, name), O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "contents", 8), 8);
	return fd;
}

struct probed {
	struct file_probe probe;
	char link[PATH_MAX];
	char *fdinfo;
};

static inline void release_probed(struct probed *p)
{
	free(p->fdinfo);
}

static inline struct probed probe(int fd)
{
	struct probed p = {.probe = {.fd = fd}};
	struct sn_err err;
	uint64_t value;
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	assert_int_equal(proc_readlink(getpid(), name, p.link, sizeof(p.link), &err), 0);
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	p.fdinfo = proc_read(getpid(), name, NULL, &err);
	assert_non_null(p.fdinfo);
	assert_int_equal(fstat(fd, &p.probe.stat), 0);
	assert_true(proc_field(p.fdinfo, "flags", 8, &value));
	p.probe.flags = (uint32_t)value & ~(uint32_t)O_CLOEXEC;
	assert_true(proc_field(p.fdinfo, "pos", 10, &value));
	p.probe.pos_bytes = value;
	return p;
}

/* As the engine does it; the description belongs to the world's image. */
static inline int read_probed(struct world *w, const struct kind *kind, struct probed *p,
		       Sn__OpenFile **file, struct sn_err *err)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&sn__open_file__descriptor, kind->field);
	struct reading r = {.task = &w->task, .caps = &w->caps, .image = w->image,
			    .task_model = w->model, .probe = &p->probe, .local_fd = p->probe.fd};
	void *message = message_new(field->descriptor);
	Sn__Descriptor *descriptor = kind_append(w->model, descriptors, sn__descriptor);

	p->probe.link = p->link;
	p->probe.fdinfo = p->fdinfo;
	*file = r.file = kind_append(w->image, files, sn__open_file);
	r.file->id = (uint32_t)w->image->n_files;
	r.file->flags = p->probe.flags;
	r.file->dev = p->probe.stat.st_dev;
	r.file->ino = p->probe.stat.st_ino;
	message_set(&r.file->base, kind->field, message);
	descriptor->fd = (uint32_t)p->probe.fd;
	descriptor->file_id = r.file->id;
	if (kind->ask && kind->ask(&r, message, err) < 0)
		return -1;
	return kind->take ? kind->take(&r, message, err) : 0;
}

static inline int try_read(struct world *w, const struct kind *kind, int fd, Sn__OpenFile **file,
		    struct sn_err *err)
{
	sn_auto(release_probed) struct probed p = probe(fd);

	return read_probed(w, kind, &p, file, err);
}

static inline Sn__OpenFile *read_fd(struct world *w, const struct kind *kind, int fd)
{
	Sn__OpenFile *file;
	struct sn_err err = {0};

	if (try_read(w, kind, fd, &file, &err) < 0)
		fail_msg("%s", err.text);
	return file;
}

/* A test with a world of its own. */
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif

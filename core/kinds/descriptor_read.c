// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a descriptor table: in two steps like every kind, so that all descriptors share
 * one round of remote calls. What is asked of each is kept in between.
 */
#include "core/kinds/descriptor.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/descriptor_read.h"
#include "core/kinds/socket_describe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { KCMP_FILE = 0, LINK_BYTES = 4096 };

struct asked {
	struct reading reading; /* its own: what a kind keeps is for this description */
	struct file_probe probe;
	const struct kind *kind;
	ProtobufCMessage *message;
	char *link, *fdinfo;
};

struct asking {
	struct asked **items;  /* by number */
	struct asked **sorted; /* by file, and by what kcmp(2) calls their order */
	size_t len;
};

static uint32_t fdinfo_flags(const char *fdinfo)
{
	uint64_t flags = 0;

	proc_field(fdinfo, "flags", 8, &flags);
	return (uint32_t)flags;
}

static int probe_fd(struct reading *r, int fd, struct asked *asked, struct sn_err *err)
{
	char name[64], path[96], link[LINK_BYTES];
	struct file_probe *probe = &asked->probe;
	uint64_t pos = 0;

	*probe = (struct file_probe){.fd = fd, .socket_family = -1};
	snprintf(name, sizeof(name), "fd/%d", fd);
	if (proc_readlink(r->task->pid, name, link, sizeof(link), err) < 0)
		return -1;
	asked->link = sn_strdup(link);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", r->task->pid, fd);
	if (stat(path, &probe->stat) < 0)
		return sn_fail_sys(err, "stat %s", path);
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	asked->fdinfo = proc_read(r->task->pid, name, NULL, err);
	if (!asked->fdinfo)
		return -1;
	proc_field(asked->fdinfo, "pos", 10, &pos);
	probe->link = asked->link;
	probe->fdinfo = asked->fdinfo;
	probe->pos_bytes = pos;
	probe->flags = fdinfo_flags(asked->fdinfo) & ~(uint32_t)O_CLOEXEC;
	return 0;
}

/*
 * Orders descriptors: 0 when both are one description. What the kernel compares are its
 * addresses, scrambled: an order as good as any, so one in thousands is found by halving.
 */
static int compare(const struct task *task, const struct file_probe *a,
		   const struct file_probe *b)
{
	long order;

	if (a->stat.st_dev != b->stat.st_dev)
		return a->stat.st_dev < b->stat.st_dev ? -1 : 1;
	if (a->stat.st_ino != b->stat.st_ino)
		return a->stat.st_ino < b->stat.st_ino ? -1 : 1;
	order = syscall(SYS_kcmp, task->pid, task->pid, KCMP_FILE, a->fd, b->fd);
	return order == 0 ? 0 : order == 1 ? -1 : 1;
}

/* The place of a descriptor among those sorted; *twin: one of the same description there. */
static size_t place_of(struct reading *r, const struct asking *asking,
		       const struct asked *asked, struct asked **twin)
{
	size_t low = 0, high = asking->len;

	*twin = NULL;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = compare(r->task, &asking->sorted[mid]->probe, &asked->probe);

		if (order == 0) {
			*twin = asking->sorted[mid];
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert(struct asking *asking, struct asked *asked, size_t place)
{
	size_t n = asking->len;

	asking->items = sn_realloc(asking->items, n + 1, sizeof(*asking->items));
	asking->sorted = sn_realloc(asking->sorted, n + 1, sizeof(*asking->sorted));
	memmove(asking->sorted + place + 1, asking->sorted + place,
		(n - place) * sizeof(*asking->sorted));
	asking->sorted[place] = asking->items[n] = asked;
	asking->len++;
}

static int find_family(struct asked *asked, struct sn_err *err)
{
	socklen_t len = sizeof(int);
	int fd;

	if (!S_ISSOCK(asked->probe.stat.st_mode))
		return 0;
	fd = reading_fd(&asked->reading, err);
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &asked->probe.socket_family, &len) < 0)
		return sn_fail_sys(err, "read the family of a socket");
	return 0;
}

static const struct kind *recognise(const struct file_probe *probe)
{
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (kinds[i]->level == KIND_FILE && kinds[i]->file->recognise(probe))
			return kinds[i];
	return NULL;
}

static int refuse(struct asked *asked, struct sn_err *err)
{
	char what[256];

	if (asked->probe.socket_family >= 0 &&
	    socket_describe(&asked->probe, asked->reading.local_fd, what, sizeof(what)) == 0)
		return sn_fail(err, "fd %d: %s is not handled", asked->probe.fd, what);
	return sn_fail(err, "fd %d: %s is not handled", asked->probe.fd, asked->link);
}

/* F_SETOWN and F_SETSIG matter to files that signal: those with O_ASYNC, and sockets, of
 * which we have a descriptor anyway. */
static int ask_owner(struct asked *asked, struct sn_err *err)
{
	Sn__OpenFile *file = asked->reading.file;
	struct f_owner_ex owner = {0};
	int fd;

	if (!(asked->probe.flags & O_ASYNC) && asked->probe.socket_family < 0)
		return 0;
	fd = reading_fd(&asked->reading, err);
	if (fd < 0)
		return -1;
	if (fcntl(fd, F_GETOWN_EX, &owner) < 0)
		return sn_fail_sys(err, "read the owner of fd %d", asked->probe.fd);
	if (!owner.pid && fcntl(fd, F_GETSIG) == 0)
		return 0;
	file->owner = sn_malloc(sizeof(*file->owner));
	sn__file_owner__init(file->owner);
	file->owner->type = (uint32_t)owner.type;
	file->owner->id = owner.pid;
	file->owner->signal = (uint32_t)fcntl(fd, F_GETSIG);
	return 0;
}

static int ask_kind(struct reading *r, struct asked *asked, struct sn_err *err)
{
	const ProtobufCFieldDescriptor *field;
	Sn__OpenFile *file;

	if (find_family(asked, err) < 0)
		return -1;
	asked->kind = recognise(&asked->probe);
	if (!asked->kind)
		return refuse(asked, err);
	file = kind_append(r->image, files, sn__open_file);
	file->id = (uint32_t)r->image->n_files;
	file->flags = asked->probe.flags;
	file->dev = asked->probe.stat.st_dev;
	file->ino = asked->probe.stat.st_ino;
	asked->reading.file = file;
	field = protobuf_c_message_descriptor_get_field(&sn__open_file__descriptor,
							asked->kind->field);
	asked->message = message_new(field->descriptor);
	message_set(&file->base, asked->kind->field, asked->message);
	if (ask_owner(asked, err) < 0)
		return -1;
	if (asked->kind->ask && asked->kind->ask(&asked->reading, asked->message, err) < 0)
		return sn_ctx(err, "fd %d (%s)", asked->probe.fd, asked->kind->name);
	return 0;
}

static void asked_free(struct asked *asked)
{
	if (!asked)
		return;
	if (asked->reading.local_fd >= 0)
		close(asked->reading.local_fd);
	free(asked->link);
	free(asked->fdinfo);
	free(asked);
}

static void guard_asked(struct asked **asked)
{
	asked_free(*asked);
}

static int ask_fd(struct reading *r, struct asking *asking, int fd, struct sn_err *err)
{
	sn_auto(guard_asked) struct asked *asked = sn_calloc(1, sizeof(*asked));
	Sn__Descriptor *descriptor;
	struct asked *twin;
	size_t place;

	asked->reading = *r;
	asked->reading.probe = &asked->probe;
	asked->reading.local_fd = -1;
	memset(asked->reading.keep, 0, sizeof(asked->reading.keep));
	if (probe_fd(r, fd, asked, err) < 0)
		return -1;
	descriptor = kind_append(r->task_model, descriptors, sn__descriptor);
	descriptor->fd = (uint32_t)fd;
	descriptor->cloexec = !!(fdinfo_flags(asked->fdinfo) & O_CLOEXEC);
	place = place_of(r, asking, asked, &twin);
	if (twin) {
		descriptor->file_id = twin->reading.file->id;
		return 0;
	}
	if (ask_kind(r, asked, err) < 0)
		return -1;
	descriptor->file_id = asked->reading.file->id;
	insert(asking, sn_steal_ptr(&asked), place);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

static int list_fds(pid_t pid, int **fds, size_t *count, struct sn_err *err)
{
	sn_auto_dir DIR *dir = NULL;
	struct dirent *entry;
	char path[64];

	*fds = NULL;
	*count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return sn_fail_sys(err, "open %s", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		*fds = sn_realloc(*fds, *count + 1, sizeof(**fds));
		(*fds)[(*count)++] = atoi(entry->d_name);
	}
	if (*count)
		qsort(*fds, *count, sizeof(**fds), by_number);
	return 0;
}

int descriptors_ask(struct reading *r, void *message, struct sn_err *err)
{
	struct asking *asking = r->keep[0] = sn_calloc(1, sizeof(*asking));
	sn_auto_free int *fds = NULL;
	size_t count, i;

	(void)message;
	if (list_fds(r->task->pid, &fds, &count, err) < 0)
		return -1;
	for (i = 0; i < count; i++)
		if (ask_fd(r, asking, fds[i], err) < 0)
			return -1;
	return 0;
}

int descriptors_take(struct reading *r, void *message, struct sn_err *err)
{
	struct asking *asking = r->keep[0];
	size_t i;

	(void)message;
	for (i = 0; i < asking->len; i++) {
		struct asked *asked = asking->items[i];

		if (asked->kind->take &&
		    asked->kind->take(&asked->reading, asked->message, err) < 0)
			return sn_ctx(err, "fd %d (%s)", asked->probe.fd, asked->kind->name);
	}
	return 0;
}

void descriptors_release(struct reading *r)
{
	struct asking *asking = r->keep[0];
	size_t i;

	for (i = 0; asking && i < asking->len; i++)
		asked_free(asking->items[i]);
	if (asking) {
		free(asking->items);
		free(asking->sorted);
	}
	free(asking);
	r->keep[0] = NULL;
}

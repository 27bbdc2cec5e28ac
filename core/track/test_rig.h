/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that does with its memory what it is told, and a tracker that is to find it out.
 * What it is told is a function of this program: it is a fork of it.
 */
#ifndef CORE_TRACK_TEST_RIG_H
#define CORE_TRACK_TEST_RIG_H

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "core/track/tracker.h"
#include "proto/field.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { AREA_PAGES = 8, SHOWN = 64 };
static const uint64_t HOLE = 0x210000000, AREA = 0x300000000, OTHER = 0x310000000,
		      HUGE = 0x400000000, MANY = 0x1000000000;

struct shared {
	void (*volatile deed)(struct shared *s, size_t first, size_t count);
	volatile size_t first, count;
	volatile uint64_t heap;
	volatile pid_t child;
	char file[64];
	volatile char failed[128];
};

struct rig {
	struct shared *s;
	pid_t pid;
	struct kernel_caps caps;
	struct call_log *log;
	struct remote_gadgets gadgets;
	struct task task;
	struct remote *remote;
	const char *name; /* of the tracker */
	struct tracker *tracker;
	struct tracked found;
	Sn__Task *model;
	struct sn_err err;
};

#define OK(rig, call)                                               \
	do {                                                        \
		if ((call) < 0)                                     \
			fail_msg("%s: %s", #call, (rig)->err.text); \
	} while (0)
#define OK_(call) assert_int_equal(call, 0)

static inline void skip_unless(bool can, const char *why)
{
	if (!can) {
		print_message("%s\n", why);
		skip();
	}
}

/* ---- in the child ---- */

static inline void must(struct shared *s, bool ok, const char *what)
{
	if (!ok)
		snprintf((char *)s->failed, sizeof(s->failed), "%s: %m", what);
}

static inline void write_at(uint64_t base, size_t first, size_t count)
{
	volatile char *memory = (volatile char *)base;
	size_t i;

	for (i = first; i < first + count; i++)
		memory[i * PAGE_BYTES + i % PAGE_BYTES]++;
}

static inline void write_pages(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(AREA, first, count);
}

static inline void write_other(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(OTHER, first, count);
}

static inline void write_huge(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(HUGE, first, count);
}

static inline void write_many(struct shared *s, size_t first, size_t count)
{
	(void)s;
	write_at(MANY, first, count);
}

static inline void write_every_second(struct shared *s, size_t first, size_t count)
{
	size_t i;

	(void)s;
	for (i = first; i < first + count; i += 2)
		write_at(MANY, i, 1);
}

static inline void read_pages(struct shared *s, size_t first, size_t count)
{
	const volatile char *memory = (const volatile char *)AREA;
	size_t i;

	(void)s;
	for (i = first; i < first + count; i++)
		(void)memory[i * PAGE_BYTES];
}

static inline void read_into_page(struct shared *s, size_t first, size_t count)
{
	int fd = open("/dev/zero", O_RDONLY);

	must(s, read(fd, (char *)AREA + first * PAGE_BYTES, count) == (ssize_t)count, "read");
	close(fd);
}

static inline void drop_pages(struct shared *s, size_t first, size_t count)
{
	must(s, madvise((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES, MADV_DONTNEED) == 0,
	     "madvise");
}

static inline void map_at(struct shared *s, uint64_t addr, size_t pages, int flags, int fd,
			  int advice)
{
	must(s,
	     mmap((void *)addr, pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd,
		  0) == (void *)addr,
	     "mmap");
	if (advice >= 0)
		madvise((void *)addr, pages * PAGE_BYTES, advice);
}

static inline void map_other(struct shared *s, size_t first, size_t count)
{
	map_at(s, OTHER, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	write_at(OTHER, first, count);
}

static inline void remap_other(struct shared *s, size_t first, size_t count)
{
	munmap((void *)OTHER, count * PAGE_BYTES);
	map_other(s, first, count);
}

static inline void map_shared(struct shared *s, size_t first, size_t count)
{
	map_at(s, OTHER, count, MAP_SHARED | MAP_ANONYMOUS, -1, -1);
	write_at(OTHER, first, count);
}

static inline void drop_other(struct shared *s, size_t first, size_t count)
{
	(void)s;
	madvise((void *)(OTHER + first * PAGE_BYTES), count * PAGE_BYTES, MADV_DONTNEED);
}

static inline void map_file(struct shared *s, size_t first, size_t count)
{
	const volatile char *memory = (const volatile char *)OTHER;
	int fd = open(s->file, O_RDWR);
	size_t i;

	must(s, fd >= 0 && ftruncate(fd, (off_t)(count * PAGE_BYTES)) == 0, s->file);
	map_at(s, OTHER, count, MAP_PRIVATE, fd, -1);
	close(fd);
	for (i = first; i < first + count; i++)
		(void)memory[i * PAGE_BYTES];
}

static inline void map_huge(struct shared *s, size_t first, size_t count)
{
	map_at(s, HUGE, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_HUGEPAGE);
	write_at(HUGE, first, count);
}

static inline void map_many(struct shared *s, size_t first, size_t count)
{
	map_at(s, MANY, count, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	write_at(MANY, first, count);
}

static inline void drop_many(struct shared *s, size_t first, size_t count)
{
	must(s, madvise((char *)MANY + first * PAGE_BYTES, count * PAGE_BYTES, MADV_DONTNEED) == 0,
	     "madvise");
}

static inline void protect_many(struct shared *s, size_t first, size_t count)
{
	must(s, mprotect((char *)MANY + first * PAGE_BYTES, count * PAGE_BYTES, PROT_READ) == 0,
	     "mprotect");
}

static inline void remap_many(struct shared *s, size_t first, size_t count)
{
	char *at = (char *)MANY + first * PAGE_BYTES;

	must(s,
	     mmap(at, count * PAGE_BYTES, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
	     "mmap");
}

static inline void unmap_many(struct shared *s, size_t first, size_t count)
{
	(void)first;
	must(s, munmap((void *)MANY, count * PAGE_BYTES) == 0, "munmap");
}

static inline void map_sparse(struct shared *s, size_t first, size_t count)
{
	(void)first;
	map_at(s, MANY, count, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, MADV_NOHUGEPAGE);
}

static inline void move(struct shared *s, uint64_t from, uint64_t to, size_t pages)
{
	must(s,
	     mremap((void *)from, pages * PAGE_BYTES, pages * PAGE_BYTES,
		    MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == (void *)to,
	     "mremap");
}

static inline void move_pages(struct shared *s, size_t first, size_t count)
{
	(void)first;
	move(s, AREA, OTHER, count);
}

static inline void move_back(struct shared *s, size_t first, size_t count)
{
	(void)first;
	move(s, OTHER, AREA, count);
}

static inline void move_many(struct shared *s, size_t first, size_t count)
{
	move(s, MANY, MANY + first * PAGE_BYTES, count);
}

static inline void grow_other(struct shared *s, size_t first, size_t count)
{
	must(s, mremap((void *)OTHER, first * PAGE_BYTES, count * PAGE_BYTES, 0) == (void *)OTHER,
	     "mremap");
	write_at(OTHER, first, count - first);
}

static inline void grow_heap(struct shared *s, size_t first, size_t count)
{
	uint64_t at = ((uint64_t)sbrk(0) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);

	must(s, brk((char *)at + count * PAGE_BYTES) == 0, "brk");
	s->heap = at;
	write_at(at, first, count);
}

static inline void protect_pages(struct shared *s, size_t first, size_t count)
{
	must(s, mprotect((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES, PROT_READ) == 0,
	     "mprotect");
}

static inline void unprotect_pages(struct shared *s, size_t first, size_t count)
{
	must(s,
	     mprotect((char *)AREA + first * PAGE_BYTES, count * PAGE_BYTES,
		      PROT_READ | PROT_WRITE) == 0,
	     "mprotect");
}

static inline void fork_child(struct shared *s, size_t first, size_t count)
{
	pid_t parent = getpid(), child = fork();

	(void)first;
	(void)count;
	if (child > 0) {
		s->child = child;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		usleep(1000);
	_exit(0);
}

static inline void end_child(struct shared *s, size_t first, size_t count)
{
	(void)first;
	(void)count;
	kill(s->child, SIGKILL);
	waitpid(s->child, NULL, 0);
}

static inline void become_sleep(struct shared *s, size_t first, size_t count)
{
	(void)first;
	(void)count;
	s->deed = NULL;
	execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	must(s, false, "/bin/sleep");
}

static inline void child_main(struct shared *s)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_at(s, AREA, AREA_PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1, MADV_NOHUGEPAGE);
	s->child = getpid();
	for (;;) {
		if (s->deed) {
			s->deed(s, s->first, s->count);
			s->deed = NULL;
		}
		usleep(200);
	}
}

/* ---- in the test ---- */

static inline void order(struct rig *rig, void (*deed)(struct shared *, size_t, size_t),
			 size_t first, size_t count)
{
	rig->s->first = first;
	rig->s->count = count;
	rig->s->deed = deed;
	while (rig->s->deed)
		usleep(200);
	if (rig->s->failed[0])
		fail_msg("the child: %s", (const char *)rig->s->failed);
}

static inline void exec_sleep(struct rig *rig)
{
	char name[64] = "";

	order(rig, become_sleep, 0, 0);
	while (!strstr(name, "sleep")) {
		OK(rig, proc_readlink(rig->pid, "exe", name, sizeof(name), &rig->err));
		usleep(1000);
	}
	usleep(50000); /* it loads its libraries */
}

static inline void find_gadgets(struct rig *rig)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};

	OK(rig, proc_maps(rig->pid, &maps, &rig->err));
	OK(rig, remote_find_gadgets(rig->pid, &maps, &rig->gadgets, &rig->err));
}

static inline bool is_special(const char *path)
{
	return strncmp(path, "[v", 2) == 0 || strcmp(path, "[uprobes]") == 0;
}

/* The object at OTHER is the first. */
static inline uint32_t object_id_of(const struct proc_maps *maps, const struct proc_map *map)
{
	size_t i;

	for (i = 0; i < maps->len; i++)
		if (maps->maps[i].start == OTHER && maps->maps[i].ino == map->ino)
			return 1;
	return 2;
}

static inline void model_of(struct rig *rig, const struct proc_maps *maps)
{
	size_t i;

	if (rig->model)
		sn__task__free_unpacked(rig->model, NULL);
	rig->model = message_new(&sn__task__descriptor);
	for (i = 0; i < maps->len; i++) {
		const struct proc_map *map = &maps->maps[i];
		Sn__Mapping *m;

		if (map->start == HOLE || strcmp(map->path, "[vsyscall]") == 0)
			continue;
		m = message_new(&sn__mapping__descriptor);
		m->start = map->start;
		m->end = map->end;
		m->prot = (uint32_t)map->prot;
		m->shared = map->shared;
		m->offset_bytes = map->offset;
		if (is_special(map->path))
			m->type = SN__MAPPING_TYPE__MAPPING_SPECIAL;
		else if (map->shared && strcmp(map->path, "/dev/zero (deleted)") == 0)
			m->type = SN__MAPPING_TYPE__MAPPING_OBJECT;
		else if (map->ino)
			m->type = SN__MAPPING_TYPE__MAPPING_FILE;
		if (m->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
			m->object_id = object_id_of(maps, map);
		message_append(&rig->model->base, 8, &m->base);
	}
}

static inline void hold(struct rig *rig)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};

	find_gadgets(rig);
	OK(rig, task_freeze(&rig->task, rig->pid, rig->log, &rig->err));
	OK(rig, proc_maps(rig->pid, &maps, &rig->err));
	model_of(rig, &maps);
	OK(rig, remote_open(&rig->remote, &rig->task, &maps, &rig->gadgets, HOLE, &rig->err));
}

static inline void let_go(struct rig *rig)
{
	remote_close(rig->remote);
	rig->remote = NULL;
	task_thaw(&rig->task);
}

static inline void scan(struct rig *rig)
{
	hold(rig);
	OK(rig, tracker_scan(rig->tracker, rig->remote, rig->model, &rig->found, &rig->err));
	let_go(rig);
}

static inline void show(const struct pagemap *map, uint64_t addr, size_t pages, char *text)
{
	uint64_t ignored;
	size_t i;

	for (i = 0; i < pages; i++)
		text[i] = pagemap_find(map, page_key(0, addr + i * PAGE_BYTES), &ignored) ? 'x'
											  : '.';
	text[pages] = '\0';
}

static inline void assert_pages(const struct rig *rig, uint64_t addr, size_t pages,
				const char *present, const char *dirty)
{
	char text[SHOWN];

	show(&rig->found.present, addr, pages, text);
	assert_string_equal(text, present);
	show(&rig->found.dirty, addr, pages, text);
	assert_string_equal(text, dirty);
}

static inline void assert_equal_maps(const struct pagemap *a, const struct pagemap *b)
{
	assert_true(pagemap_equal(a, b));
}

static inline size_t count_in(const struct pagemap *map, uint64_t addr, size_t pages)
{
	sn_auto(pagemap_release) struct pagemap range = {0};
	sn_auto(pagemap_release) struct pagemap both = {0};

	pagemap_append(&range, page_key(0, addr), pages, PAGE_LOC_ZERO);
	pagemap_intersect(&both, map, &range);
	return pagemap_pages(&both);
}

static inline size_t count_fds(const struct rig *rig)
{
	char path[64];
	size_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", rig->pid);
	sn_auto_dir DIR *dir = opendir(path);

	while (dir && readdir(dir))
		count++;
	return count;
}

/* "uw" among its flags: proc_pid_smaps(5). */
static inline bool is_registered(struct rig *rig)
{
	sn_auto_free char *smaps = proc_read(rig->pid, "smaps", NULL, &rig->err);
	const char *at = smaps ? strstr(smaps, "300000000-") : NULL;
	const char *flags = at ? strstr(at, "VmFlags:") : NULL;

	assert_non_null(flags);
	return memmem(flags, (size_t)(strchr(flags, '\n') - flags), " uw", 3) != NULL;
}

static inline uint64_t page_tables_kib(struct rig *rig)
{
	sn_auto_free char *status = proc_read(rig->pid, "status", NULL, &rig->err);
	uint64_t kib = 0;

	assert_true(status && proc_field(status, "VmPTE", 10, &kib));
	return kib;
}

static inline int rig_setup(void **state, const char *tracker)
{
	struct rig *rig = sn_calloc(1, sizeof(*rig));
	int fd;

	rig->s = mmap(NULL, sizeof(*rig->s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	snprintf(rig->s->file, sizeof(rig->s->file), "/tmp/snapsh-track-XXXXXX");
	fd = mkostemp(rig->s->file, O_CLOEXEC);
	rig->pid = fork();
	if (rig->pid == 0)
		child_main(rig->s);
	while (!rig->s->child)
		usleep(200);
	close(fd);
	rig->log = call_log_new();
	*state = rig;
	if (fd < 0 || kernel_probe(&rig->caps, &rig->err) < 0)
		return -1;
	rig->name = tracker;
	/* without it there is nothing to test */
	if (tracker_open(&rig->tracker, tracker, &rig->caps, &rig->err) < 0)
		rig->tracker = NULL;
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *rig = *state;

	if (rig->remote)
		let_go(rig);
	tracker_close(rig->tracker);
	tracked_release(&rig->found);
	if (rig->model)
		sn__task__free_unpacked(rig->model, NULL);
	kill(rig->pid, SIGKILL);
	waitpid(rig->pid, NULL, 0);
	unlink(rig->s->file);
	munmap(rig->s, sizeof(*rig->s));
	call_log_free(rig->log);
	free(rig);
	return 0;
}

/* A sanitizer's map of the child leaves the engine no room, and the child no address. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static inline void test_not_under_a_sanitizer(void **state)
{
	(void)state;
	print_message("the child would have a sanitizer's memory map\n");
	skip();
}

#endif

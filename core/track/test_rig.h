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
#include "core/track/test_child.h"
#include "core/track/tracker.h"
#include "proto/field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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

static inline void order(struct rig *rig, void (*deed)(struct shared *, size_t, size_t),
			 size_t first, size_t count)
{
	rig->s->first = first;
	rig->s->count = count;
	pass_on(rig->s, deed);
	await_deed(rig->s, false);
	if (rig->s->failed[0])
		fail_msg("the child: %s", (const char *)rig->s->failed);
}

static inline void exec_sleep(struct rig *rig)
{
	char call[16];
	size_t len = (size_t)snprintf(call, sizeof(call), "%d ", SYS_clock_nanosleep);
	bool sleeps = false;

	order(rig, become_sleep, 0, 0);
	while (!sleeps) {
		sn_auto_free char *in = proc_read(rig->pid, "syscall", NULL, &rig->err);

		sleeps = in && strncmp(in, call, len) == 0;
		usleep(1000);
	}
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
	const struct kernel_caps *caps = *state; /* the group's */
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
	if (fd < 0)
		return -1;
	rig->caps = *caps;
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

static inline int run_none(void)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(test_not_under_a_sanitizer)};

	return cmocka_run_group_tests(none, NULL, NULL);
}

/* What the kernel can is asked once for all tests: it takes longer than most of them. */
static inline int find_caps(void **state)
{
	struct sn_err err;

	*state = sn_malloc(sizeof(struct kernel_caps));
	return kernel_probe(*state, &err);
}

static inline int forget_caps(void **state)
{
	free(*state);
	return 0;
}

#define RUN(tests) (SANITIZED ? run_none() : cmocka_run_group_tests(tests, find_caps, forget_caps))

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * The engine as a whole against a living child: its memory is laid out at random, read, laid
 * out anew, and brought back. What /proc then says of it is what it said before.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/mem/copy.h"
#include "core/task/proc.h"
#include "core/track/tracker.h"
#include "core/tree/test_layouts.h"
#include "core/tree/tree.h"

#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { ROUNDS = 60 };

struct rig {
	struct shared *s;
	pid_t pid;
	struct kernel_caps caps;
	struct call_log *log;
	struct sn_err err;
	char step[64]; /* where it is: for messages */
};

/* A snapshot in memory. */
struct saved {
	Sn__Image *image;
	struct tracked pages;
	struct page_buffer bytes;
	struct smaps smaps; /* of the whole process, as the application's */
};

#define OK(rig, call)                                                                \
	do {                                                                         \
		if ((call) < 0)                                                      \
			fail_msg("%s: %s: %s", (rig)->step, #call, (rig)->err.text); \
	} while (0)

static void saved_release(struct saved *saved)
{
	if (saved->image)
		sn__image__free_unpacked(saved->image, NULL);
	tracked_release(&saved->pages);
	page_buffer_release(&saved->bytes);
	smaps_release(&saved->smaps);
}

/* ---- the engine ---- */

struct held {
	struct task task;
	struct smaps_source source;
	struct collect_hints hints;
	struct remote *remote;
	Sn__Image *image;
	uint64_t hole;
};

static void hold(struct rig *rig, struct held *held, const Sn__Image *for_model)
{
	*held = (struct held){0};
	OK(rig, collect_prepare(&held->hints, rig->pid, &held->source, &rig->err));
	OK(rig, task_freeze(&held->task, rig->pid, rig->log, &rig->err));
	OK(rig, collect(&held->task, &held->hints, &rig->caps, for_model, &held->remote,
			&held->image, &held->hole, &rig->err));
}

static void let_go(struct held *held)
{
	remote_close(held->remote);
	task_thaw(&held->task);
	collect_hints_release(&held->hints);
	smaps_source_close(&held->source);
	if (held->image)
		sn__image__free_unpacked(held->image, NULL);
}

static void find_pages(struct rig *rig, struct remote *remote, const Sn__Task *model,
		       struct tracked *found)
{
	struct tracker *t;

	OK(rig, tracker_open(&t, "compare", &rig->caps, &rig->err));
	OK(rig, tracker_scan(t, remote, model, found, &rig->err));
	tracker_close(t);
}

static void save(struct rig *rig, struct saved *saved)
{
	struct held held;

	*saved = (struct saved){0};
	hold(rig, &held, NULL);
	find_pages(rig, held.remote, held.image->tasks[0], &saved->pages);
	OK(rig,
	   page_buffer_reserve(&saved->bytes, pagemap_pages(&saved->pages.present) * PAGE_BYTES, 0,
			       &rig->err));
	OK(rig, mem_read(&held.task, &saved->pages.present, saved->bytes.bytes, &rig->err));
	saved->image = sn_steal_ptr(&held.image);
	let_go(&held);
	OK(rig, smaps_read(NULL, rig->pid, &saved->smaps, &rig->err));
}

struct filling {
	struct rig *rig;
	const struct saved *saved;
};

/* What is locked cannot be dropped: then it is zeros. */
static int drop(struct applying *a, const struct page_run *run, struct sn_err *err)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint64_t addr = page_key_addr(run->key), i;
	struct remote_call *call;

	remote_begin(a->remote);
	call = remote_try(a->remote, "drop", SYS_madvise, addr, run->count * PAGE_BYTES,
			  MADV_DONTNEED);
	if (remote_run(a->remote, a->task->pid, err) < 0)
		return -1;
	for (i = 0; call->result != 0 && i < run->count; i++)
		if (task_poke(a->task, addr + i * PAGE_BYTES, zeros, PAGE_BYTES, err) < 0)
			return -1;
	remote_begin(a->remote);
	return 0;
}

/* The contents of private memory: what is too much is dropped, the rest written. */
static int fill_pages(void *arg, struct applying *a, struct sn_err *err)
{
	struct filling *f = arg;
	sn_auto(tracked_release) struct tracked now = {0};
	sn_auto(pagemap_release) struct pagemap surplus = {0};
	size_t i;

	find_pages(f->rig, a->remote, a->want_task, &now);
	pagemap_subtract(&surplus, &now.present, &f->saved->pages.present);
	for (i = 0; i < surplus.len; i++)
		if (drop(a, &surplus.runs[i], err) < 0)
			return -1;
	return mem_write(a->task, &f->saved->pages.present, f->saved->bytes.bytes, err);
}

static void note(void *arg, const char *line)
{
	struct rig *rig = arg;

	fail_msg("%s: noted: %s", rig->step, line);
}

static void go_back(struct rig *rig, const struct saved *saved)
{
	struct filling filling = {rig, saved};
	struct applying applying;
	struct plan plan;
	struct held held;

	hold(rig, &held, saved->image);
	applying = (struct applying){
		.task = &held.task,
		.remote = held.remote,
		.caps = &rig->caps,
		.have = held.image,
		.want = saved->image,
		.hole = held.hole,
		.note = note,
		.note_arg = rig,
	};
	OK(rig, plan_make(&plan, held.image, saved->image, false, &rig->err));
	OK(rig, plan_permitted(&plan, &rig->caps, &rig->err));
	OK(rig, plan_apply(&plan, &applying, fill_pages, &filling, &rig->err));
	applying_release(&applying);
	plan_release(&plan);
	let_go(&held);
}

/* ---- what it is held to ---- */

/* "ac" comes and goes with what a mapping once was, mprotect(2) or the kernel's version. */
static bool same_flags(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (strncmp(a, "ac", 2) == 0 || *a == ' ')
			a += *a == ' ' ? 1 : 2;
		while (strncmp(b, "ac", 2) == 0 || *b == ' ')
			b += *b == ' ' ? 1 : 2;
		if (*a != *b || !*a)
			return *a == *b;
	}
}

static bool joins(const struct smaps_entry *a, const struct smaps_entry *b)
{
	return a->end == b->start && strcmp(a->perms, b->perms) == 0 &&
	       same_flags(a->flags, b->flags);
}

/* The kernel may have joined what was two and looked like one; never the other way round. */
static void assert_same_smaps(struct rig *rig, const struct saved *saved)
{
	sn_auto(smaps_release) struct smaps now = {0};
	size_t i, k = 0;

	OK(rig, smaps_read(NULL, rig->pid, &now, &rig->err));
	for (i = 0; i < now.len; i++, k++) {
		struct smaps_entry goal;

		if (k == saved->smaps.len)
			fail_msg("%s: %lx-%lx is too much", rig->step, now.entries[i].start,
				 now.entries[i].end);
		goal = saved->smaps.entries[k];
		while (goal.end < now.entries[i].end && k + 1 < saved->smaps.len &&
		       joins(&goal, &saved->smaps.entries[k + 1]))
			goal.end = saved->smaps.entries[++k].end;
		if (goal.start != now.entries[i].start || goal.end != now.entries[i].end ||
		    strcmp(goal.perms, now.entries[i].perms) != 0 ||
		    goal.may_write != now.entries[i].may_write ||
		    !same_flags(goal.flags, now.entries[i].flags))
			fail_msg("%s: %lx-%lx %s \"%s\" instead of %lx-%lx %s \"%s\"", rig->step,
				 now.entries[i].start, now.entries[i].end, now.entries[i].perms,
				 now.entries[i].flags, goal.start, goal.end, goal.perms,
				 goal.flags);
	}
	if (k != saved->smaps.len)
		fail_msg("%s: %lx-%lx is missing", rig->step, saved->smaps.entries[k].start,
			 saved->smaps.entries[k].end);
}

static const uint8_t *page_of(const struct saved *saved, uint64_t key)
{
	const struct pagemap *pages = &saved->pages.present;
	size_t i = pagemap_seek(pages, key), r;
	uint64_t at = 0;

	if (i == pages->len || pages->runs[i].key > key)
		return NULL;
	for (r = 0; r < i; r++)
		at += pages->runs[r].count;
	return saved->bytes.bytes + (at + key - pages->runs[i].key) * PAGE_BYTES;
}

static bool is_anonymous(const Sn__Task *task, uint64_t addr)
{
	size_t i;

	for (i = 0; i < task->n_mappings; i++)
		if (task->mappings[i]->start <= addr && addr < task->mappings[i]->end)
			return task->mappings[i]->type == SN__MAPPING_TYPE__MAPPING_ANON;
	return false;
}

/* The bytes of the region. Locking fills what was not there: with zeros, or from the file. */
static void assert_same_bytes(struct rig *rig, const struct saved *saved)
{
	static const uint8_t zeros[PAGE_BYTES];
	sn_auto(saved_release) struct saved now;
	uint64_t i;

	save(rig, &now);
	for (i = 0; i < REGION_PAGES; i++) {
		uint64_t key = page_key(0, REGION + i * PAGE_BYTES);
		const uint8_t *was = page_of(saved, key), *is = page_of(&now, key);

		if (was && !is)
			fail_msg("%s: page %lx is gone", rig->step, page_key_addr(key));
		if (!is || (!was && !is_anonymous(saved->image->tasks[0], page_key_addr(key))))
			continue;
		if (memcmp(is, was ? was : zeros, PAGE_BYTES) != 0)
			fail_msg("%s: page %lx has other bytes", rig->step, page_key_addr(key));
	}
}

static void assert_same_model(struct rig *rig, const struct saved *saved)
{
	sn_auto(saved_release) struct saved now;
	const Sn__Task *a = saved->image->tasks[0], *b;

	save(rig, &now);
	b = now.image->tasks[0];
	assert_int_equal(a->n_descriptors, b->n_descriptors);
	assert_int_equal(a->n_threads, b->n_threads);
	assert_true(message_equal((void *)a->limits, (void *)b->limits));
	assert_true(message_equal((void *)a->signal_actions, (void *)b->signal_actions));
}

static void order(struct rig *rig, unsigned seed)
{
	snprintf(rig->step, sizeof(rig->step), "layout %u", seed);
	rig->s->seed = seed;
	while (rig->s->seed)
		usleep(200);
}

/* ---- tests ---- */

static int setup(void **state)
{
	struct rig *rig = sn_calloc(1, sizeof(*rig));
	int fd;

	rig->s = mmap(NULL, sizeof(*rig->s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	snprintf(rig->s->file, sizeof(rig->s->file), "/tmp/snapsh-layout-XXXXXX");
	fd = mkostemp(rig->s->file, O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, FILE_PAGES * PAGE_BYTES) < 0)
		return -1;
	close(fd);
	rig->pid = fork();
	if (rig->pid == 0)
		child_main(rig->s);
	while (!rig->s->ready)
		usleep(200);
	rig->log = call_log_new();
	*state = rig;
	return kernel_probe(&rig->caps, &rig->err);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	kill(rig->pid, SIGKILL);
	waitpid(rig->pid, NULL, 0);
	unlink(rig->s->file);
	munmap(rig->s, sizeof(*rig->s));
	call_log_free(rig->log);
	free(rig);
	return 0;
}

static void test_nothing_changed(void **state)
{
	struct rig *rig = *state;
	sn_auto(saved_release) struct saved saved = {0};
	int i;

	order(rig, 1);
	save(rig, &saved);
	for (i = 0; i < 3; i++) {
		go_back(rig, &saved);
		assert_same_smaps(rig, &saved);
		assert_same_bytes(rig, &saved);
		assert_same_model(rig, &saved);
	}
}

/* Back over one layout, and over two. */
static void test_random_layouts(void **state)
{
	struct rig *rig = *state;
	unsigned round, first = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 1;

	for (round = first; round < first + ROUNDS; round++) {
		sn_auto(saved_release) struct saved a = {0};
		sn_auto(saved_release) struct saved b = {0};

		order(rig, 3 * round);
		save(rig, &a);
		order(rig, 3 * round + 1);
		save(rig, &b);
		go_back(rig, &a);
		assert_same_smaps(rig, &a);
		assert_same_bytes(rig, &a);
		order(rig, 3 * round + 2);
		go_back(rig, &b);
		assert_same_smaps(rig, &b);
		assert_same_bytes(rig, &b);
	}
}

/* A stack never shrinks by itself; going back takes from it, and gives it back. */
static void test_stack(void **state)
{
	struct rig *rig = *state;
	sn_auto(saved_release) struct saved flat = {0};
	sn_auto(saved_release) struct saved deep = {0};
	int i;

	save(rig, &flat);
	order(rig, DEEP);
	save(rig, &deep);
	assert_true(pagemap_pages(&deep.pages.present) >=
		    pagemap_pages(&flat.pages.present) + DEEP_BYTES / PAGE_BYTES / 2);
	for (i = 0; i < 2; i++) {
		go_back(rig, &flat);
		assert_same_smaps(rig, &flat);
		go_back(rig, &deep);
		assert_same_smaps(rig, &deep);
	}
	go_back(rig, &flat);
	order(rig, DEEP);
	assert_same_smaps(rig, &deep);
}

/* A sanitizer's map of the child leaves the engine no room, and the child no address. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void test_not_under_a_sanitizer(void **state)
{
	(void)state;
	print_message("the child would have a sanitizer's memory map\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest none[] = {cmocka_unit_test(test_not_under_a_sanitizer)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_layouts, setup, teardown),
	};

	if (SANITIZED)
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

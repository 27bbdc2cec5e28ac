// SPDX-License-Identifier: Apache-2.0
/*
 * Random pairs of layouts: their plans are carried out on an array of pages, which keeps what
 * the kernel would keep (which mapping a page came from, its protection and flags), and
 * refuses what would go wrong there: mapping over something, growing what is not alone.
 */
#include "core/kinds/mapping.h"

#include "core/base/mem.h"
#include "core/kinds/object.h"
#include "core/kinds/test_models.h"

enum { PAGES = 48, SCRATCH_PAGES = 8, ROUNDS = 20000, FIRST_PAGE = 0x10, MADE = 1000 };

struct page {
	const Sn__Mapping *like; /* whose file, type and offset it has; NULL: not mapped */
	int origin;		 /* index of the living mapping it was, or MADE and more */
	uint32_t prot;
	const char *flags;
};

struct space {
	struct page pages[PAGES];
	struct page moved[PAGES]; /* special mappings out of the way, by index of the wanted */
	int made;
	char fault[256];
};

static size_t index_of(uint64_t addr)
{
	return addr / PAGE_BYTES - FIRST_PAGE;
}

static bool fault(struct space *s, const char *what, uint64_t addr)
{
	snprintf(s->fault, sizeof(s->fault), "%s at %lx", what, addr / PAGE_BYTES);
	return false;
}

/* With which protection memory is first mapped: mapping.c, fill_prot. */
static uint32_t first_prot(const Sn__Mapping *m)
{
	bool filled = !m->shared && ((m->prot & PROT_WRITE) || mapping_has_flag(m, "ac"));

	return m->prot | (filled ? PROT_READ | PROT_WRITE : 0);
}

/* ---- carrying out ---- */

static bool unmap(struct space *s, const struct step *step)
{
	size_t i;

	for (i = index_of(step->start); i < index_of(step->end); i++) {
		if (!s->pages[i].like)
			return fault(s, "unmaps nothing", (i + FIRST_PAGE) * PAGE_BYTES);
		s->pages[i] = (struct page){0};
	}
	return true;
}

static bool move(struct space *s, const struct step *step)
{
	const Sn__Mapping *have = (const Sn__Mapping *)step->have;
	const Sn__Mapping *want = (const Sn__Mapping *)step->want;
	size_t slot = step->start / 0x1000000, i, n = index_of(have->end) - index_of(have->start);

	for (i = 0; i < n && step->verb == VERB_END; i++) {
		s->moved[slot + i] = s->pages[index_of(have->start) + i];
		s->pages[index_of(have->start) + i] = (struct page){0};
	}
	for (i = 0; i < n && step->verb == VERB_MAKE; i++) {
		if (s->pages[index_of(want->start) + i].like)
			return fault(s, "moves a special mapping over another", want->start);
		s->pages[index_of(want->start) + i] = s->moved[slot + i];
		s->moved[slot + i] = (struct page){0};
	}
	return true;
}

/* mremap(2) grows one whole mapping; a stack grows from its lowest page. */
static bool can_grow(struct space *s, const struct step *step, struct page *from)
{
	const Sn__Mapping *want = (const Sn__Mapping *)step->want;
	size_t i, start = index_of(step->start), end = index_of(step->end);

	if (mapping_has_flag(want, "gd")) {
		*from = s->pages[end];
		return from->like || fault(s, "grows a stack from nothing", step->start);
	}
	*from = s->pages[index_of(want->start)];
	for (i = index_of(want->start); i < start; i++)
		if (!s->pages[i].like || s->pages[i].origin != from->origin)
			return fault(s, "grows what is not one mapping", step->start);
	return start > index_of(want->start) || fault(s, "grows nothing", step->start);
}

static bool map(struct space *s, const struct step *step)
{
	const Sn__Mapping *want = (const Sn__Mapping *)step->want;
	struct page page = {want, MADE + s->made++, first_prot(want), ""};
	size_t i;

	if (mapping_has_flag(want, "gd"))
		page.flags = "gd";
	if (step->have && !can_grow(s, step, &page))
		return false;
	for (i = index_of(step->start); i < index_of(step->end); i++) {
		if (s->pages[i].like)
			return fault(s, "maps over something", (i + FIRST_PAGE) * PAGE_BYTES);
		s->pages[i] = page;
	}
	return true;
}

/* A correction is made of what it takes the pages to have. */
static bool protect(struct space *s, const struct step *step)
{
	const Sn__Mapping *have = (const Sn__Mapping *)step->have;
	const Sn__Mapping *want = (const Sn__Mapping *)step->want;
	uint32_t prot = have ? have->prot : first_prot(want);
	size_t i;

	for (i = index_of(step->start); i < index_of(step->end); i++) {
		if (!s->pages[i].like || s->pages[i].prot != prot)
			return fault(s, "corrects another protection",
				     (i + FIRST_PAGE) * PAGE_BYTES);
		if (have && strcmp(s->pages[i].flags, have->vm_flags) != 0)
			return fault(s, "corrects other flags", (i + FIRST_PAGE) * PAGE_BYTES);
		s->pages[i].prot = want->prot;
		s->pages[i].flags = want->vm_flags;
	}
	return true;
}

static bool carry_out(struct space *s, const struct plan *plan)
{
	static bool (*const deeds[STAGE_COUNT])(struct space *, const struct step *) = {
		[STAGE_UNMAP] = unmap,
		[STAGE_MOVE] = move,
		[STAGE_MAP] = map,
		[STAGE_PROTECT] = protect,
	};
	enum stage stage;
	size_t i;

	for (stage = 0; stage < STAGE_COUNT; stage++)
		for (i = 0; i < plan->len; i++)
			if (plan->steps[i].stage == stage && !deeds[stage](s, &plan->steps[i]))
				return false;
	return true;
}

/* ---- the result ---- */

static bool same_source(const Sn__Mapping *a, const Sn__Mapping *b)
{
	if (a->type != b->type || a->shared != b->shared || strcmp(a->anon_name, b->anon_name) != 0)
		return false;
	if (a->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return strcmp(a->path, b->path) == 0;
	if (a->type == SN__MAPPING_TYPE__MAPPING_ANON)
		return mapping_has_flag(a, "gd") == mapping_has_flag(b, "gd");
	return a->start - a->offset_bytes == b->start - b->offset_bytes &&
	       (a->type == SN__MAPPING_TYPE__MAPPING_OBJECT || a->file->ino == b->file->ino);
}

static bool check_page(struct space *s, const struct plan *plan, const Sn__Mapping *want,
		       uint64_t addr)
{
	const struct page *page = &s->pages[index_of(addr)];
	const Sn__Task *have = plan->have->tasks[0];
	const Sn__Mapping *kept;
	uint64_t end;

	if (!page->like)
		return fault(s, "nothing there", addr);
	if (!same_source(page->like, want))
		return fault(s, "something else there", addr);
	if (page->prot != want->prot)
		return fault(s, "another protection", addr);
	if (strcmp(page->flags, want->vm_flags) != 0 &&
	    want->type != SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return fault(s, "other flags", addr);
	kept = mapping_kept_at(plan, have, want, addr, &end);
	if (kept && (page->origin >= MADE || have->mappings[page->origin] != kept))
		return fault(s, "kept, yet not there any more", addr);
	/* what the kernel could not join would come back as two */
	if (want->type == SN__MAPPING_TYPE__MAPPING_ANON &&
	    page->origin != s->pages[index_of(want->start)].origin)
		return fault(s, "not of one piece", addr);
	return true;
}

static bool check_all(struct space *s, const struct plan *plan)
{
	const Sn__Task *want = plan->want->tasks[0];
	size_t i, m = 0;

	for (i = 0; i < PAGES; i++) {
		uint64_t addr = (i + FIRST_PAGE) * PAGE_BYTES;

		while (m < want->n_mappings && want->mappings[m]->end <= addr)
			m++;
		if (m < want->n_mappings && want->mappings[m]->start <= addr) {
			if (!check_page(s, plan, want->mappings[m], addr))
				return false;
		} else if (s->pages[i].like) {
			return fault(s, "left over", addr);
		}
	}
	return true;
}

/* ---- random layouts ---- */

static const char *pick(unsigned *seed, const char *const *from, size_t count)
{
	return from[(size_t)rand_r(seed) % count];
}

static void add_random(FILE *f, unsigned *seed, size_t at, size_t len)
{
	static const char *const prots[] = {"r--", "rw-", "rw-", "---", "r-x"};
	static const char *const flags[] = {
		"",	    "",		"",	    "flags=ac", "flags=dd,ac",
		"flags=gd", "flags=nr", "flags=hg", "flags=nh", "name=heap"};
	const char *prot = pick(seed, prots, sn_countof(prots));
	int what = rand_r(seed) % 8;

	fprintf(f, "map %zx-%zx %s ", at, at + len, prot);
	if (what < 4)
		fprintf(f, "anon %s;", pick(seed, flags, sn_countof(flags)));
	else if (what < 6) /* offsets with which neighbours may go on in one another, or not */
		fprintf(f, "file ino=%d off=%zx %s;", rand_r(seed) % 2 + 1,
			at + (size_t)(rand_r(seed) % 3 == 0), rand_r(seed) % 2 ? "shared" : "");
	else
		fprintf(f, "object id=%d off=%zx shared;", rand_r(seed) % 2 + 1, at);
}

/* Few pages and few kinds, so that layouts often meet. */
static char *random_layout(unsigned *seed)
{
	size_t at = FIRST_PAGE, end = FIRST_PAGE + PAGES, len, size;
	size_t special = FIRST_PAGE + (size_t)rand_r(seed) % (PAGES - 2) / 2 * 2;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "object 1 memfd ino=%d; object 2 anon ino=%d;", 51 + rand_r(seed) % 3 / 2,
		61 + rand_r(seed) % 3 / 2);
	for (; at < end; at += len) {
		len = 1 + (size_t)rand_r(seed) % 8;
		if (at == special) {
			len = 2;
			fprintf(f, "map %zx-%zx r-x special name=[vdso];", at, at + len);
			continue;
		}
		if (at < special && at + len > special)
			len = special - at;
		if (at + len > end)
			len = end - at;
		if (rand_r(seed) % 3)
			add_random(f, seed, at, len);
	}
	fclose(f);
	return text;
}

/* Like `from`, but for one word: plans that are short, and keep much. */
static char *vary(unsigned *seed, const char *from)
{
	sn_auto_free char *copy = sn_strdup(from);
	char *rest = copy, *line, *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	while ((line = strsep(&rest, ";")) != NULL) {
		bool ordinary = strncmp(line, "map", 3) == 0 && !strstr(line, "special");
		unsigned start, end;
		int what = ordinary ? rand_r(seed) % 12 : 12, used = 0;

		if (what == 0)
			continue;
		if (what > 3 || sscanf(line, "map %x-%x%n", &start, &end, &used) != 2 ||
		    end - start < 2) {
			fprintf(f, "%s;", line);
			continue;
		}
		if (what == 1)
			end--;
		if (what == 3) {
			unsigned middle = (start + end) / 2;

			fprintf(f, "map %x-%x r--%s;", start, middle, line + used + 4);
			start = middle;
			if (strstr(line, "file") || strstr(line, "object"))
				continue; /* its offset would be wrong */
		}
		fprintf(f, "map %x-%x %s%s;", start, end, what == 2 ? "r--" : "rw-",
			line + used + 4);
	}
	fclose(f);
	return text;
}

static void start_with(struct space *s, const Sn__Task *have)
{
	size_t i, p;

	*s = (struct space){0};
	for (i = 0; i < have->n_mappings; i++)
		for (p = index_of(have->mappings[i]->start); p < index_of(have->mappings[i]->end);
		     p++)
			s->pages[p] = (struct page){have->mappings[i], (int)i,
						    have->mappings[i]->prot,
						    have->mappings[i]->vm_flags};
}

static void assert_pair(const char *from, const char *to, bool blank, unsigned seed)
{
	AUTO_MODEL have = model_of(from);
	AUTO_MODEL want = model_of(to);
	struct plan plan = {.have = have, .want = want, .blank = blank};
	struct sn_err err = {0};
	struct space space;

	if (kind_mappings.plan(&plan, have->tasks[0], want->tasks[0], &err) < 0)
		fail_msg("%s", err.text);
	start_with(&space, have->tasks[0]);
	if (!carry_out(&space, &plan) || !check_all(&space, &plan))
		fail_msg("seed %u: %s\nhave %s\nwant %s", seed, space.fault, from, to);
	free(plan.steps);
}

/* Every layout has its special mapping: without one there is no plan. */
static bool has_special(const char *layout)
{
	return strstr(layout, "special");
}

static void test_random_pairs(void **state)
{
	unsigned round;

	(void)state;
	for (round = 1; round <= ROUNDS; round++) {
		unsigned seed = round;
		sn_auto_free char *from = random_layout(&seed);
		sn_auto_free char *to = rand_r(&seed) % 2 ? random_layout(&seed)
							  : vary(&seed, from);

		if (has_special(from) || !has_special(to))
			assert_pair(from, to, round % 8 == 0, round);
	}
}

/* A layout is its own goal: nothing is to be done. */
static void test_equal_layouts(void **state)
{
	unsigned round;

	(void)state;
	for (round = 1; round <= ROUNDS / 20; round++) {
		unsigned seed = round;
		sn_auto_free char *layout = random_layout(&seed);
		AUTO_MODEL have = model_of(layout);
		AUTO_MODEL want = model_of(layout);
		struct plan plan = {.have = have, .want = want};
		struct sn_err err = {0};

		assert_int_equal(kind_mappings.plan(&plan, have->tasks[0], want->tasks[0], &err),
				 0);
		if (plan.len)
			fail_msg("seed %u: %zu steps for %s", round, plan.len, layout);
		free(plan.steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pairs),
		cmocka_unit_test(test_equal_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

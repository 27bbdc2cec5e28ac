// SPDX-License-Identifier: Apache-2.0
/*
 * The plan for mappings: tables of what is done when two models differ, and random pairs of
 * layouts whose plans are carried out on an array of pages. Without any process.
 */
#include "core/kinds/mapping.h"

#include "core/base/mem.h"
#include "core/kinds/object.h"
#include "core/kinds/test_models.h"

static const struct {
	enum stage stage;
	enum verb verb;
	const char *word;
} words[] = {
	{STAGE_UNMAP, VERB_END, "unmap"},	  {STAGE_MOVE, VERB_END, "away"},
	{STAGE_MOVE, VERB_MAKE, "home"},	  {STAGE_MAP, VERB_MAKE, "make"},
	{STAGE_PROTECT, VERB_CORRECT, "protect"},
};

static const char *word_of(const struct step *step)
{
	size_t i;

	for (i = 0; i < sn_countof(words); i++)
		if (words[i].stage == step->stage && words[i].verb == step->verb)
			return step->stage == STAGE_MAP && step->have ? "grow" : words[i].word;
	return "?";
}

struct stretch {
	const char *word; /* NULL: none yet */
	uint64_t start, end;
};

static void print_stretch(FILE *f, const struct stretch *s)
{
	if (s->word)
		fprintf(f, "; %s %lx-%lx", s->word, s->start / PAGE_BYTES, s->end / PAGE_BYTES);
}

/* The steps of one stage and verb; those that go on where the last one ended are one. */
static void print_steps(FILE *f, const struct plan *plan, enum stage stage, enum verb verb)
{
	struct stretch stretch = {0};
	size_t i;

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->stage != stage || step->verb != verb)
			continue;
		if (step->stage == STAGE_MOVE) {
			fprintf(f, "; %s %s", word_of(step),
				((const Sn__Mapping *)step->want)->path);
			continue;
		}
		if (stretch.word != word_of(step) || stretch.end != step->start) {
			print_stretch(f, &stretch);
			stretch = (struct stretch){word_of(step), step->start, step->end};
		}
		stretch.end = step->end;
	}
	print_stretch(f, &stretch);
}

static char *text_of(const struct plan *plan)
{
	char *text = NULL;
	size_t len = 0, w;
	FILE *f = open_memstream(&text, &len);

	for (w = 0; w < sn_countof(words); w++)
		print_steps(f, plan, words[w].stage, words[w].verb);
	fclose(f);
	if (len)
		memmove(text, text + 2, len - 1);
	return text;
}

struct row {
	const char *name, *have, *want, *plan;
	bool blank;
};

#define ANON "map 10-20 rw- anon"
#define FILE_MAP "map 10-20 r-- file ino=5 off=3"
#define ELSE "map 20-30 r-- file ino=7"
#define VDSO "map 80-82 r-x special name=[vdso]"

static const struct row rows[] = {
	{"nothing", "", "", "", false},
	{"equal", ANON ";" ELSE, ANON ";" ELSE, "", false},
	{"unmapped", "", ANON, "make 10-20; protect 10-20", false},
	{"mapped", ANON, "", "unmap 10-20", false},
	{"neighbours go together", ANON "; map 20-28 r-- file ino=5", "", "unmap 10-28", false},
	{"moved", ANON, "map 40-50 rw- anon", "unmap 10-20; make 40-50; protect 40-50", false},
	{"moved by a little", "map 12-22 rw- anon", ANON, "unmap 12-22; make 10-20; protect 10-20",
	 false},
	{"grown", "map 10-30 rw- anon", ANON, "unmap 20-30", false},
	{"shrunk", "map 10-18 rw- anon", ANON, "grow 18-20", false},
	{"shrunk and protected", "map 10-18 r-- anon", ANON, "grow 18-20; protect 10-20", false},
	{"protected", "map 10-20 r-- anon", ANON, "protect 10-20", false},
	{"of other flags", "map 10-20 rw- anon flags=dd", ANON, "protect 10-20", false},
	{"a hole", "map 10-14 rw- anon; map 18-20 rw- anon", ANON,
	 "unmap 10-14; unmap 18-20; make 10-20; protect 10-20", false},
	{"its end gone, something else there", "map 10-14 rw- anon; map 14-20 r-- file ino=5", ANON,
	 "unmap 14-20; grow 14-20", false},
	{"its start gone", "map 18-20 rw- anon", ANON, "unmap 18-20; make 10-20; protect 10-20",
	 false},
	{"two halves", "map 10-18 r-- anon; map 18-20 rw- anon", ANON,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"of which one was", "map 10-20 rw- anon", "map 10-18 r-- anon; map 18-20 rw- anon",
	 "protect 10-18", false},
	{"another name", "map 10-20 rw- anon name=heap", ANON,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"advice that stays for ever", "map 10-20 rw- anon flags=nh", ANON,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"and that can be added", ANON, "map 10-20 rw- anon flags=nh", "protect 10-20", false},
	{"a reserve cannot be added", "map 10-20 rw- anon flags=nr", ANON,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"a stack that has grown", "map 10-20 rw- anon flags=gd", "map 18-20 rw- anon flags=gd",
	 "unmap 10-18", false},
	{"a stack that shrank", "map 18-20 rw- anon flags=gd", "map 10-20 rw- anon flags=gd",
	 "grow 10-18", false},
	{"a stack is no heap", "map 10-20 rw- anon flags=gd", ANON,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"another file", "map 10-20 r-- file ino=6 off=3", FILE_MAP,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"another offset", "map 10-20 r-- file ino=5 off=2", FILE_MAP,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"a part of the same file, which would stay apart", "map 14-18 r-- file ino=5 off=7",
	 FILE_MAP, "unmap 14-18; make 10-20; protect 10-20", false},
	{"more of the same file", "map 8-28 r-- file ino=5 off=b",
	 "map 10-20 r-- file ino=5 off=13", "unmap 8-10; unmap 20-28", false},
	{"a file now shared", "map 10-20 r-- file ino=5 off=3 shared", FILE_MAP,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"a file beneath memory", ANON, FILE_MAP, "unmap 10-20; make 10-20; protect 10-20", false},
	{"a blank process keeps nothing", ANON, ANON, "unmap 10-20; make 10-20; protect 10-20",
	 true},
	{"special where it was", VDSO, VDSO, "", true},
	{"special elsewhere", "map 60-62 r-x special name=[vdso]", VDSO, "away [vdso]; home [vdso]",
	 true},
	{"special ones that change places",
	 "map 60-62 r-x special name=[vdso]; map 62-64 r-- special name=[vvar]",
	 "map 60-62 r-- special name=[vvar]; map 62-64 r-x special name=[vdso]",
	 "away [vvar]; away [vdso]; home [vvar]; home [vdso]", false},
	{"special over memory", ANON "; map 30-32 r-x special name=[vdso]",
	 "map 12-14 r-x special name=[vdso]", "unmap 10-20; away [vdso]; home [vdso]", false},
	{"memory over special", "map 10-12 r-x special name=[vdso]", ANON ";" VDSO,
	 "away [vdso]; home [vdso]; make 10-20; protect 10-20", false},
};

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(rows); i++) {
		const struct row *row = &rows[i];
		AUTO_MODEL have = model_of(row->have);
		AUTO_MODEL want = model_of(row->want);
		struct plan plan = {.have = have, .want = want, .blank = row->blank};
		sn_auto_free char *text = NULL;
		struct sn_err err = {0};

		if (kind_mappings.plan(&plan, have->tasks[0], want->tasks[0], &err) < 0)
			fail_msg("%s: %s", row->name, err.text);
		text = text_of(&plan);
		free(plan.steps);
		if (strcmp(text, row->plan) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", row->name, text, row->plan);
	}
}

/* ---- objects ---- */

#define OBJECT(ino) "object 1 memfd size=10 ino=" #ino ";"
#define OBJECT_MAP "map 10-20 rw- object id=1 shared;"

static const struct row object_rows[] = {
	{"kept", OBJECT(5) OBJECT_MAP, OBJECT(5) OBJECT_MAP, "", false},
	{"kept under another id", "object 2 memfd ino=5; map 10-20 rw- object id=2 shared",
	 OBJECT(5) OBJECT_MAP, "", false},
	{"another object", OBJECT(6) OBJECT_MAP, OBJECT(5) OBJECT_MAP,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"more seals than wanted", "object 1 memfd ino=5 seals=4;" OBJECT_MAP, OBJECT(5) OBJECT_MAP,
	 "unmap 10-20; make 10-20; protect 10-20", false},
	{"another part of it", OBJECT(5) "map 10-20 rw- object id=1 off=1 shared",
	 OBJECT(5) OBJECT_MAP, "unmap 10-20; make 10-20; protect 10-20", false},
	{"a part is unmapped, nothing else leads there",
	 OBJECT(5) "map 10-18 rw- object id=1 shared", OBJECT(5) OBJECT_MAP,
	 "unmap 10-18; make 10-20; protect 10-20", false},
	{"a part is unmapped, a descriptor leads there",
	 OBJECT(5) "map 10-18 rw- object id=1 shared; file 1 memfd object=1; fd 3 file=1",
	 OBJECT(5) OBJECT_MAP, "make 18-20; protect 18-20", false},
};

static void test_object_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(object_rows); i++) {
		const struct row *row = &object_rows[i];
		AUTO_MODEL have = model_of(row->have);
		AUTO_MODEL want = model_of(row->want);
		struct plan plan = {.have = have, .want = want};
		sn_auto_free char *text = NULL;
		bool made, kept = strstr(row->plan, "unmap") == NULL;
		struct sn_err err = {0};

		if (kind_objects.plan(&plan, have->tasks[0], want->tasks[0], &err) < 0)
			fail_msg("%s: %s", row->name, err.text);
		made = plan.steps[0].stage == STAGE_OBJECTS && plan.steps[0].verb == VERB_MAKE;
		if (made == kept)
			fail_msg("%s: the object is %s", row->name, made ? "made" : "kept");
		plan.len = 0;
		if (kind_mappings.plan(&plan, have->tasks[0], want->tasks[0], &err) < 0)
			fail_msg("%s: %s", row->name, err.text);
		text = text_of(&plan);
		free(plan.steps);
		if (strcmp(text, row->plan) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", row->name, text, row->plan);
	}
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
	static const char *const haves[] = {"", "map 80-81 r-x special name=[vdso]",
					    "map 80-82 r-- special name=[vvar]"};
	size_t i;

	(void)state;
	for (i = 0; i < sn_countof(haves); i++) {
		AUTO_MODEL have = model_of(haves[i]);
		AUTO_MODEL want = model_of(VDSO);
		struct plan plan = {.have = have, .want = want};
		struct sn_err err = {0};

		assert_int_equal(kind_mappings.plan(&plan, have->tasks[0], want->tasks[0], &err),
				 -1);
		assert_string_equal(err.text,
				    "the snapshot's [vdso] is not this kernel's: it was taken "
				    "under another kernel");
		free(plan.steps);
	}
}

/* ---- free addresses ---- */

static void test_hole(void **state)
{
	struct proc_map lines[] = {{.start = 0x210000000, .end = 0x210004000},
				   {.start = 0x210006000, .end = 0x210007000}};
	const struct proc_maps maps = {.maps = lines, .len = 2};
	AUTO_MODEL want = model_of("map 210007-210009 rw- anon; map 21000b-7ffffffff rw- anon");
	const Sn__Task *task = want->tasks[0];

	(void)state;
	assert_int_equal(mapping_hole(NULL, NULL, PAGE_BYTES), 0x210000000);
	assert_int_equal(mapping_hole(&maps, NULL, 2 * PAGE_BYTES), 0x210004000);
	assert_int_equal(mapping_hole(&maps, NULL, 3 * PAGE_BYTES), 0x210007000);
	assert_int_equal(mapping_hole(&maps, task, 2 * PAGE_BYTES), 0x210004000);
	assert_int_equal(mapping_hole(NULL, task, 8 * PAGE_BYTES), 0);
	want->tasks[0]->mappings[1]->end = 0x300000000;
	assert_int_equal(mapping_hole(&maps, task, 3 * PAGE_BYTES), 0x300000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_object_rows),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

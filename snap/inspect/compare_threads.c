// SPDX-License-Identifier: Apache-2.0
/* Threads: which is which, where each is, which registers differ. */
#include "snap/inspect/compare_internal.h"

static bool thread_like(const struct compare *compare, size_t from, size_t *to)
{
	const Sn__Task *other = compare->to->task;

	for (*to = 0; !compare->moved && *to < other->n_threads; ++*to) {
		if (other->threads[*to]->tid == compare->from->task->threads[from]->tid)
			return true;
	}
	*to = from; /* of two lives the n-th, the first always */
	return (compare->moved || from == 0) && from < other->n_threads;
}

struct thread_pair *threads_pair(const struct compare *compare, size_t *count)
{
	size_t from_count = compare->from->task->n_threads, to_count = compare->to->task->n_threads;
	struct thread_pair *pairs = sn_calloc(from_count + to_count, sizeof(*pairs));
	sn_auto_free bool *taken = sn_calloc(to_count, sizeof(*taken));

	for (*count = 0; *count < from_count; ++*count) {
		struct thread_pair *pair = &pairs[*count];

		pair->from = *count;
		pair->has_from = true;
		pair->has_to = thread_like(compare, *count, &pair->to) && !taken[pair->to];
		if (pair->has_to)
			taken[pair->to] = true;
	}
	for (size_t i = 0; i < to_count; i++) {
		if (!taken[i])
			pairs[(*count)++] = (struct thread_pair){.to = i, .has_to = true};
	}
	return pairs;
}

static const Sn__Registers *registers_at(const struct inspect *in, size_t thread)
{
	return in->task->threads[thread]->registers;
}

struct named_register {
	const char *name;
	size_t offset;
};
static const struct named_register registers[] = {
#define REGISTER(name)                               \
	{                                            \
#name, offsetof(Sn__Registers, name) \
	}
	REGISTER(rax), REGISTER(rbx), REGISTER(rcx),	REGISTER(rdx),	   REGISTER(rsi),
	REGISTER(rdi), REGISTER(rbp), REGISTER(rsp),	REGISTER(r8),	   REGISTER(r9),
	REGISTER(r10), REGISTER(r11), REGISTER(r12),	REGISTER(r13),	   REGISTER(r14),
	REGISTER(r15), REGISTER(rip), REGISTER(eflags), REGISTER(fs_base), REGISTER(gs_base),
};

static uint64_t register_at(const Sn__Registers *regs, size_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)regs + registers[i].offset, sizeof(value));
	return value;
}

static bool registers_equal(const struct compare *compare, const struct thread_pair *pair)
{
	const Sn__Registers *a = registers_at(compare->from, pair->from);
	const Sn__Registers *b = registers_at(compare->to, pair->to);

	for (size_t i = 0; i < sn_countof(registers); i++) {
		if (register_at(a, i) != register_at(b, i))
			return false;
	}
	return true;
}

/* "rax 0x0 -> 0x5, rbx ..."; NULL: they are equal. */
static char *register_words(const struct compare *compare, const struct thread_pair *pair)
{
	const Sn__Registers *a = registers_at(compare->from, pair->from);
	const Sn__Registers *b = registers_at(compare->to, pair->to);
	char *text = NULL;

	for (size_t i = 0; i < sn_countof(registers); i++) {
		uint64_t x = register_at(a, i), y = register_at(b, i), there;
		sn_auto_free char *before = NULL;

		if (x == y ||
		    (compare->moved && compare_translate(compare, x, &there) && there == y))
			continue;
		before = text;
		text = sn_asprintf("%s%s%s 0x%lx -> 0x%lx", before ? before : "",
				   before ? ", " : "", registers[i].name, x, y);
	}
	if (!text && (a->xstate.len != b->xstate.len ||
		      memcmp(a->xstate.data, b->xstate.data, a->xstate.len) != 0))
		text = sn_strdup("vector registers");
	return text;
}

/* The part of its stack that a thread uses. */
static bool is_stack_same(const struct compare *compare, const struct thread_pair *pair)
{
	uint64_t sp = registers_at(compare->from, pair->from)->rsp - RED_ZONE;
	const Sn__Mapping *mapping = memory_mapping(compare->from, sp);

	return mapping && compare_is_same(compare, sp, sp, mapping->end - sp);
}

bool thread_is_same(const struct compare *compare, const struct thread_pair *pair)
{
	return registers_equal(compare, pair) && is_stack_same(compare, pair);
}

/* ---- a frame in words ---- */

static char *place_words(const struct frame_words *words, bool args)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	if (words->signal)
		return sn_strdup("<signal handler called>");
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	if (words->function)
		fputs(words->function, out);
	else
		fprintf(out, "0x%lx", words->pc);
	for (size_t i = 0; args && i < words->arg_count; i++)
		fprintf(out, "%s%s=%s", i ? ", " : " (", words->args[i].name, words->args[i].value);
	fputs(args && words->arg_count ? ")" : "", out);
	if (words->file)
		fprintf(out, " at %s:%d", words->file, words->line);
	else if (words->module)
		fprintf(out, " from %s", words->module);
	fclose(out);
	return text;
}

char *frame_text(struct inspect *in, struct spot spot, bool args, bool *has_line)
{
	struct frame_words words;
	struct sn_err ignored;
	char *text;

	*has_line = false;
	if (inspect_frame(in, spot, &words, &ignored) < 0)
		return sn_strdup("??");
	*has_line = words.file != NULL;
	text = place_words(&words, args);
	frame_words_release(&words);
	return text;
}

/* The innermost frame whose line is known, and the innermost of all: "rest at a.c:5 (in pause)". */
static char *thread_place(struct inspect *in, size_t thread)
{
	struct spot spot = {thread, 0};
	bool has_line;
	sn_auto_free char *top = frame_text(in, spot, false, &has_line);
	struct sn_err ignored;
	size_t count = 0;

	if (!has_line && inspect_frames(in, thread, &count, &ignored) == 0) {
		for (spot.frame = 1; spot.frame < count; spot.frame++) {
			sn_auto_free char *text = frame_text(in, spot, false, &has_line);

			if (has_line) {
				top[strcspn(top, " ")] = '\0';
				return sn_asprintf("%s (in %s)", text, top);
			}
		}
	}
	return sn_strdup(top);
}

/* ---- compare_threads ---- */

void thread_changes_free(struct thread_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].from_place);
		free(list[i].to_place);
		free(list[i].registers);
	}
	free(list);
}

static bool thread_differs(struct compare *compare, const struct thread_pair *pair,
			   struct thread_change *row)
{
	*row = (struct thread_change){.has_from = pair->has_from,
				      .has_to = pair->has_to,
				      .from = pair->from,
				      .to = pair->to};
	if (pair->has_from && pair->has_to) {
		row->registers = register_words(compare, pair);
		if (!row->registers)
			return false;
	}
	row->from_place = pair->has_from ? thread_place(compare->from, pair->from) : NULL;
	row->to_place = pair->has_to ? thread_place(compare->to, pair->to) : NULL;
	/* of two lives they are other ones anyway */
	if (row->registers && compare->moved && strcmp(row->from_place, row->to_place) == 0) {
		free(row->from_place);
		free(row->to_place);
		free(row->registers);
		return false;
	}
	return true;
}

int compare_threads(struct compare *compare, struct thread_change **list, size_t *count,
		    struct sn_err *err)
{
	size_t pair_count;
	sn_auto_free struct thread_pair *pairs = threads_pair(compare, &pair_count);

	(void)err;
	*list = sn_calloc(pair_count, sizeof(**list));
	*count = 0;
	for (size_t i = 0; i < pair_count; i++)
		*count += thread_differs(compare, &pairs[i], &(*list)[*count]);
	return 0;
}

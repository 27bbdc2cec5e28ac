// SPDX-License-Identifier: Apache-2.0
/* info proc, signals: the process as the kernel had it. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/info.h"
#include "shell/wire.h"

#include <ctype.h>
#include <signal.h>
#include <strings.h>

/* ---- info proc ---- */

enum {
	PROC_MAPPINGS = 1,
	PROC_CMDLINE = 2,
	PROC_CWD = 4,
	PROC_EXE = 8,
};

static const struct {
	const char *name;
	unsigned what;
} proc_words[] = {
	{"mappings", PROC_MAPPINGS},
	{"cmdline", PROC_CMDLINE},
	{"cwd", PROC_CWD},
	{"exe", PROC_EXE},
	{"all", PROC_MAPPINGS | PROC_CMDLINE | PROC_CWD | PROC_EXE},
};

static int parse_proc(const char *words, unsigned *what, struct sn_err *err)
{
	*what = PROC_CMDLINE | PROC_CWD | PROC_EXE;
	for (size_t i = 0; *words && i < sn_countof(proc_words); i++) {
		if (strncmp(proc_words[i].name, words, strlen(words)) == 0) {
			*what = proc_words[i].what;
			return 0;
		}
	}
	return *words ? sn_fail(err, "Too many parameters: %s", words) : 0;
}

/* "rw-p" */
static void write_prot(char prot[5], const Sn__Mapping *mapping)
{
	static const char letters[] = "rwx";

	for (size_t i = 0; i < 3; i++)
		prot[i] = mapping->prot >> i & 1 ? letters[i] : '-';
	prot[3] = mapping->shared ? 's' : 'p';
	prot[4] = '\0';
}

static json_t *print_mappings(FILE *out, struct inspect *in)
{
	const Sn__Task *task = inspect_task(in);
	json_t *rows = json_array();

	fprintf(out, "Mapped address spaces:\n\n  %18s %18s %10s %10s  Perms  objfile\n",
		"Start Addr", "End Addr", "Size", "Offset");
	for (size_t i = 0; i < task->n_mappings; i++) {
		const Sn__Mapping *m = task->mappings[i];
		const char *name = inspect_mapping_name(in, m);
		char prot[5], offset[24];

		write_prot(prot, m);
		snprintf(offset, sizeof(offset), "0x%lx", m->offset_bytes);
		fprintf(out, "  %#18lx %#18lx %#10lx %10s  %-5s  %s\n", m->start, m->end,
			m->end - m->start, offset, prot, name);
		json_array_append_new(rows, json_pack("{s:o, s:o, s:I, s:s, s:o}", "start",
						      wire_address(m->start), "end",
						      wire_address(m->end), "offset_bytes",
						      (json_int_t)m->offset_bytes, "prot", prot,
						      "name", json_text(name)));
	}
	return rows;
}

int info_proc(struct info *info, struct sn_err *err)
{
	const Sn__Task *task = inspect_task(info->looking->in);
	sn_auto_free char *line = inspect_command_line(info->looking->in), *text = NULL;
	const char *cwd = task->file_system ? task->file_system->cwd : "";
	const char *exe = task->address_space ? task->address_space->exe : "";
	unsigned what;
	size_t len;
	FILE *out;

	if (parse_proc(info->words, &what, err) < 0)
		return -1;
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	info->result = json_pack("{s:I, s:o, s:o, s:o}", "pid", (json_int_t)task->pid, "cmdline",
				 line ? json_text(line) : json_null(), "cwd", json_text(cwd), "exe",
				 json_text(exe));
	fprintf(out, "process %u\n", task->pid);
	if (what & PROC_CMDLINE)
		fprintf(out, "cmdline = '%s'\n", line ? line : "");
	if (what & PROC_CWD)
		fprintf(out, "cwd = '%s'\n", cwd);
	if (what & PROC_EXE)
		fprintf(out, "exe = '%s'\n", exe);
	if (what & PROC_MAPPINGS)
		json_object_set_new(info->result, "mappings",
				    print_mappings(out, info->looking->in));
	fclose(out);
	json_object_set_new(info->result, "text", json_text(text));
	return 0;
}

/* ---- info signals ---- */

/* "SIGINT", "SIG34"; 16 bytes are enough. */
static const char *signal_name(char buf[16], unsigned signal)
{
	const char *name = sigabbrev_np((int)signal);

	if (name && signal < 32)
		snprintf(buf, 16, "SIG%s", name);
	else
		snprintf(buf, 16, "SIG%u", signal);
	return buf;
}

/* "SIGINT", "int", "2"; 0: none. */
static unsigned parse_signal(const char *word)
{
	char name[16];

	for (unsigned signal = 1; signal < _NSIG; signal++) {
		signal_name(name, signal);
		if (strcasecmp(name, word) == 0 || strcasecmp(name + 3, word) == 0 ||
		    (isdigit((unsigned char)*word) && strtoul(word, NULL, 10) == signal))
			return signal;
	}
	return 0;
}

static size_t count_pending(const Sn__SignalQueue *queue, unsigned signal)
{
	size_t count = 0;
	int number;

	for (size_t i = 0; queue && i < queue->n_siginfos; i++) {
		if (queue->siginfos[i].len < sizeof(number))
			continue;
		memcpy(&number, queue->siginfos[i].data, sizeof(number));
		count += number == (int)signal;
	}
	return count;
}

static const Sn__SignalAction *find_action(const Sn__Task *task, unsigned signal)
{
	const Sn__SignalActions *all = task->signal_actions;

	for (size_t i = 0; all && i < all->n_actions; i++) {
		if (all->actions[i]->signal == signal)
			return all->actions[i];
	}
	return NULL;
}

/* The threads, counted from 1, of which one thing is true: blocked, or pending for it alone. */
static json_t *threads_with(const Sn__Task *task, unsigned signal, bool pending)
{
	json_t *threads = json_array();

	for (size_t i = 0; i < task->n_threads; i++) {
		const Sn__Thread *thread = task->threads[i];

		if (pending ? count_pending(thread->signal_queue, signal) > 0
			    : (thread->signal_mask >> (signal - 1) & 1) != 0)
			json_array_append_new(threads, json_integer((json_int_t)i + 1));
	}
	return threads;
}

static json_t *signal_row(struct inspect *in, unsigned signal)
{
	const Sn__Task *task = inspect_task(in);
	const Sn__SignalAction *action = find_action(task, signal);
	uint64_t handler = action ? action->handler : (uint64_t)SIG_DFL;
	bool handled = handler != (uint64_t)SIG_DFL && handler != (uint64_t)SIG_IGN;
	sn_auto_free char *place = handled ? inspect_address(in, handler) : NULL;
	char name[16];

	return json_pack("{s:s, s:I, s:s, s:o, s:o, s:I, s:o}", "name", signal_name(name, signal),
			 "signal", (json_int_t)signal, "action",
			 handled			      ? "handled"
			 : handler == (uint64_t)SIG_IGN ? "ignored"
							      : "default",
			 "handler", place ? json_text(place) : json_null(), "blocked_by",
			 threads_with(task, signal, false), "pending",
			 (json_int_t)count_pending(task->signal_queue, signal), "pending_for",
			 threads_with(task, signal, true));
}

static bool is_plain(const json_t *row)
{
	return strcmp(wire_string(row, "action"), "default") == 0 &&
	       !json_array_size(json_object_get(row, "blocked_by")) &&
	       !json_array_size(json_object_get(row, "pending_for")) &&
	       !wire_number(row, "pending");
}

/* "all", "-", "thread 1, 3"; malloc'd. */
static char *threads_text(const json_t *threads, size_t all)
{
	size_t count = json_array_size(threads);
	char *text;

	if (!count || count == all)
		return sn_strdup(count ? "all" : "-");
	text = sn_asprintf("thread %lld", json_integer_value(json_array_get(threads, 0)));
	for (size_t i = 1; i < count; i++) {
		sn_auto_free char *before = text;

		text = sn_asprintf("%s, %lld", before,
				   json_integer_value(json_array_get(threads, i)));
	}
	return text;
}

/* "2", "thread 3", "1 and thread 3"; malloc'd. */
static char *pending_text(const json_t *row)
{
	const json_t *threads = json_object_get(row, "pending_for");
	sn_auto_free char *list = threads_text(threads, 0);
	long long count = wire_number(row, "pending");

	if (!count)
		return sn_strdup(json_array_size(threads) ? list : "-");
	return json_array_size(threads) ? sn_asprintf("%lld and %s", count, list)
					: sn_asprintf("%lld", count);
}

static char *signals_text(const json_t *rows, size_t thread_count)
{
	size_t width = strlen("Action"), len, i;
	const json_t *row;
	char *text = NULL;
	FILE *out;

	json_array_foreach(rows, i, row) {
		const char *handler = wire_string(row, "handler");

		if (handler && strlen(handler) > width)
			width = strlen(handler);
	}
	width = width < strlen("default") ? strlen("default") : width;
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	fprintf(out, "%-10s  %-*s  %-12s  %s\n", "Signal", (int)width, "Action", "Blocked by",
		"Pending");
	json_array_foreach(rows, i, row) {
		const char *handler = wire_string(row, "handler");
		sn_auto_free char *pending = pending_text(row);
		sn_auto_free char *blocked =
			threads_text(json_object_get(row, "blocked_by"), thread_count);

		fprintf(out, "%-10s  %-*s  %-12s  %s\n", wire_string(row, "name"), (int)width,
			handler ? handler : wire_string(row, "action"), blocked, pending);
	}
	fclose(out);
	return text;
}

/* Every signal of which there is something to say, or the one that is asked for. */
int info_signals(struct info *info, struct sn_err *err)
{
	struct inspect *in = info->looking->in;
	unsigned only = *info->words ? parse_signal(info->words) : 0;
	sn_auto_free char *text = NULL;
	json_t *rows;

	if (*info->words && !only)
		return sn_fail(err, "no signal is called \"%s\"", info->words);
	rows = json_array();
	for (unsigned signal = 1; signal < _NSIG; signal++) {
		json_t *row = signal_row(in, signal);

		if (only ? signal == only : !is_plain(row))
			json_array_append_new(rows, row);
		else
			json_decref(row);
	}
	text = json_array_size(rows)
		       ? signals_text(rows, inspect_threads(in))
		       : sn_strdup("No signal is handled, ignored, blocked or pending.\n");
	info->result = json_pack("{s:o, s:o}", "signals", rows, "text", json_text(text));
	return 0;
}

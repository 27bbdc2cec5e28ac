// SPDX-License-Identifier: Apache-2.0
/* Which threads there are, which one is meant, and why they stand still. */
#include "snap/inspect/gdb_internal.h"

enum { LISTED_THREADS = 256 };

bool gdb_thread_find(const struct gdb_stub *stub, int64_t pid, int64_t tid, size_t *thread)
{
	const Sn__Task *task = stub->in->task;

	if (pid > 0 && pid != task->pid)
		return false;
	*thread = stub->thread;
	if (tid <= 0)
		return true;
	for (size_t i = 0; i < task->n_threads; i++) {
		*thread = i;
		if (task->threads[i]->tid == (uint32_t)tid)
			return true;
	}
	return false;
}

void gdb_put_thread(FILE *out, const struct gdb_stub *stub, size_t i)
{
	const Sn__Task *task = stub->in->task;

	if (stub->processes)
		fprintf(out, "p%x.%x", task->pid, task->threads[i]->tid);
	else
		fprintf(out, "%x", task->threads[i]->tid);
}

/* "Hg" and a thread: whose registers the next packets mean; "Hc": which one is to run. */
void gdb_select(struct gdb_stub *stub, const char *args, FILE *out)
{
	bool registers = gdb_take(&args, 'g');
	int64_t pid, tid;
	size_t thread;

	if ((!registers && !gdb_take(&args, 'c')) || !gdb_take_thread(&args, &pid, &tid) ||
	    !gdb_thread_find(stub, pid, tid, &thread)) {
		fputs("E01", out);
		return;
	}
	if (registers)
		stub->thread = thread;
	fputs("OK", out);
}

void gdb_is_alive(struct gdb_stub *stub, const char *args, FILE *out)
{
	int64_t pid, tid;
	size_t thread;

	if (gdb_take_thread(&args, &pid, &tid) && gdb_thread_find(stub, pid, tid, &thread))
		fputs("OK", out);
	else
		fputs("E01", out);
}

void gdb_current(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)args;
	fputs("QC", out);
	gdb_put_thread(out, stub, stub->thread);
}

/* For clients that do not read them by qXfer: some threads an answer, and "l" at the end. */
void gdb_list_more(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)args;
	if (stub->listed == stub->in->task->n_threads) {
		fputc('l', out);
		return;
	}
	for (size_t i = 0; i < LISTED_THREADS && stub->listed < stub->in->task->n_threads; i++) {
		fputc(i ? ',' : 'm', out);
		gdb_put_thread(out, stub, stub->listed++);
	}
}

void gdb_list(struct gdb_stub *stub, const char *args, FILE *out)
{
	stub->listed = 0;
	gdb_list_more(stub, args, out);
}

/* Signals that make a process stand still, signal(7), and gdb's numbers of them. (signal.h cannot
 * be had beside internal.h: both name registers, by other numbers.) */
static const struct {
	unsigned signal, gdb;
} stop_signals[] = {{19, 17}, {20, 18}, {21, 21}, {22, 22}}; /* STOP, TSTP, TTIN, TTOU */

static unsigned gdb_signal(unsigned signal)
{
	for (size_t i = 0; i < sn_countof(stop_signals); i++) {
		if (stop_signals[i].signal == signal)
			return stop_signals[i].gdb;
	}
	return 0;
}

void gdb_stop_reason(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)args;
	fprintf(out, "T%02xthread:", gdb_signal(stub->in->task->stop_signal));
	gdb_put_thread(out, stub, stub->thread);
	fputc(';', out);
}

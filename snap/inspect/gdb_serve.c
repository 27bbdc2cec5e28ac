// SPDX-License-Identifier: Apache-2.0
/*
 * Packets and their answers. An empty answer says that a packet is not known, "E NN" and
 * "E.text" that it failed. Breakpoints are taken and mean nothing: so it is the wish to run
 * that is refused, in words, and not the breakpoint that gdb sets for itself before.
 */
#include "snap/inspect/gdb_internal.h"
#include "snap/inspect/location.h"

#include <errno.h>

enum {
	READ_MAX = GDB_PACKET_BYTES / 2, /* two digits a byte */
};

static const char no_run[] = "E.a snapshot does not run; restore it, and it does";
static const char no_write[] = "E.a snapshot cannot be changed";

/* ---- what it can do, and where it stands ---- */

/* Whether the client says "word+" among what it supports. */
static bool supports(const char *args, const char *word)
{
	size_t len = strlen(word);

	while (*args) {
		args += strspn(args, ":;");
		if (strncmp(args, word, len) == 0 && strcspn(args, ";") == len)
			return true;
		args += strcspn(args, ";");
	}
	return false;
}

static void supported(struct gdb_stub *stub, const char *args, FILE *out)
{
	stub->processes = supports(args, "multiprocess+");
	/* with gdb 11, as the types; one that does not know them takes no registers at all */
	stub->short_floats = supports(args, "memory-tagging+");
	fprintf(out,
		"PacketSize=%x;QStartNoAckMode+;multiprocess+;vContSupported+;"
		"qXfer:auxv:read+;qXfer:exec-file:read+;qXfer:features:read+;"
		"qXfer:libraries-svr4:read+;qXfer:siginfo:read+;qXfer:threads:read+",
		GDB_PACKET_BYTES);
}

static void start_no_ack(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)args;
	stub->no_ack = true;
	fputs("OK", out);
}

/* It was there before the client, which so detaches at its end and does not kill. */
static void attached(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputc('1', out);
}

static void ways_to_run(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputs("vCont;c;C;s;S", out);
}

static void refuse_run(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputs(no_run, out);
}

static void refuse_write(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputs(no_write, out);
}

static void take(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputs("OK", out);
}

static void end(struct gdb_stub *stub, const char *args, FILE *out)
{
	stub->over = true;
	take(stub, args, out);
}

/* ---- registers and memory ---- */

static const Sn__Registers *registers_now(const struct gdb_stub *stub)
{
	return stub->in->task->threads[stub->thread]->registers;
}

static void read_registers(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)args;
	gdb_target_registers(out, &stub->layout, registers_now(stub));
}

static void read_register(struct gdb_stub *stub, const char *args, FILE *out)
{
	uint64_t number;

	if (!gdb_take_number(&args, &number) ||
	    !gdb_target_register(out, &stub->layout, registers_now(stub), number))
		fputs("E01", out);
}

/* How many bytes from addr on can be read, up to len. */
static size_t read_some(struct inspect *in, uint64_t addr, uint8_t *bytes, size_t len)
{
	struct sn_err ignored;
	size_t done = 0;

	while (done < len) {
		size_t n = PAGE_BYTES - ((addr + done) & (PAGE_BYTES - 1));

		n = n < len - done ? n : len - done;
		if (inspect_read(in, addr + done, bytes + done, n, &ignored) < 0)
			break;
		done += n;
	}
	return done;
}

static void read_memory(struct gdb_stub *stub, const char *args, FILE *out)
{
	uint8_t bytes[READ_MAX];
	uint64_t addr, len;
	size_t got;

	if (!gdb_take_number(&args, &addr) || !gdb_take(&args, ',') ||
	    !gdb_take_number(&args, &len)) {
		fputs("E01", out);
		return;
	}
	got = read_some(stub->in, addr, bytes, len < READ_MAX ? len : READ_MAX);
	if (!got && len)
		fprintf(out, "E%02x", EFAULT);
	gdb_put_hex(out, bytes, got);
}

/* "qGetTLSAddr:THREAD,OFFSET,LINK_MAP" */
static void thread_local_address(struct gdb_stub *stub, const char *args, FILE *out)
{
	struct inspect *in = stub->in;
	struct context context = {.in = in};
	uint64_t offset, link_map, addr;
	struct sn_err why;
	int64_t pid, tid;

	if (!gdb_take_thread(&args, &pid, &tid) ||
	    !gdb_thread_find(stub, pid, tid, &context.thread) || !gdb_take(&args, ',') ||
	    !gdb_take_number(&args, &offset) || !gdb_take(&args, ',') ||
	    !gdb_take_number(&args, &link_map)) {
		fputs("E01", out);
		return;
	}
	for (size_t i = 0; i < in->module_count; i++) {
		/* a static program has no list */
		if (link_map ? in->modules[i]->link_map == link_map : in->modules[i]->is_main)
			context.module = in->modules[i];
	}
	if (!context.module || !in->task->threads[context.thread]->registers ||
	    tls_address(&context, offset, &addr, &why) < 0)
		fputs("E01", out);
	else
		fprintf(out, "%lx", addr);
}

/* ---- the packets ---- */

/* By what a packet begins with, the longer first. Behind a word of several letters stands
 * nothing, or one of ":,;". */
static const struct {
	const char *name;
	void (*answer)(struct gdb_stub *stub, const char *args, FILE *out);
} packets[] = {
	{"qSupported", supported},
	{"QStartNoAckMode", start_no_ack},
	{"qXfer", gdb_xfer},
	{"qfThreadInfo", gdb_list},
	{"qsThreadInfo", gdb_list_more},
	{"qAttached", attached},
	{"qGetTLSAddr", thread_local_address},
	{"qC", gdb_current},
	{"vFile", gdb_file},
	{"vCont?", ways_to_run},
	{"vCont", refuse_run},
	{"vKill", end},
	{"vCtrlC", take},
	{"?", gdb_stop_reason},
	{"g", read_registers},
	{"p", read_register},
	{"m", read_memory},
	{"G", refuse_write},
	{"P", refuse_write},
	{"M", refuse_write},
	{"X", refuse_write},
	{"H", gdb_select},
	{"T", gdb_is_alive},
	{"Z", take},
	{"z", take},
	{"c", refuse_run},
	{"C", refuse_run},
	{"s", refuse_run},
	{"S", refuse_run},
	{"D", end},
};

static void answer(struct gdb_stub *stub, const char *text, FILE *out)
{
	for (size_t i = 0; i < sn_countof(packets); i++) {
		size_t len = strlen(packets[i].name);

		if (strncmp(text, packets[i].name, len) != 0 ||
		    (len > 1 && text[len] && !strchr(":,;", text[len])))
			continue;
		text += len;
		if (len > 1 && *text)
			text++;
		packets[i].answer(stub, text, out);
		return;
	}
}

static void take_packet(struct gdb_stub *stub, FILE *out)
{
	sn_auto_free char *text = NULL;
	size_t len = 0, ignored;
	FILE *reply;

	if (!stub->no_ack)
		fputc('+', out);
	if (strcmp(stub->parser.text, "k") == 0) { /* nothing is answered */
		stub->over = true;
		return;
	}
	reply = text_stream(&text, &len);
	answer(stub, stub->parser.text, reply);
	fclose(reply);
	free(stub->sent);
	reply = text_stream(&stub->sent, &ignored);
	gdb_packet_put(reply, text, len);
	fclose(reply);
	stub->sent_len = ignored;
	fwrite(stub->sent, 1, stub->sent_len, out);
}

bool gdb_stub_input(struct gdb_stub *stub, const char *bytes, size_t len, FILE *out)
{
	for (size_t i = 0; i < len && !stub->over; i++) {
		switch (gdb_parser_byte(&stub->parser, bytes[i])) {
		case GDB_PACKET:
			take_packet(stub, out);
			break;
		case GDB_BROKEN: /* without "-" it would wait for an answer for ever */
			stub->over = stub->no_ack;
			if (!stub->over)
				fputc('-', out);
			break;
		case GDB_NAK:
			if (!stub->no_ack && stub->sent)
				fwrite(stub->sent, 1, stub->sent_len, out);
			break;
		default:
			break;
		}
	}
	return !stub->over;
}

struct gdb_stub *gdb_stub_open(struct inspect *in)
{
	struct gdb_stub *stub = sn_calloc(1, sizeof(*stub));
	const Sn__Registers *registers = in->task->threads[0]->registers;

	stub->in = in;
	gdb_layout_of(registers ? &registers->xstate : &(ProtobufCBinaryData){0}, &stub->layout);
	return stub;
}

void gdb_stub_close(struct gdb_stub *stub)
{
	if (!stub)
		return;
	gdb_files_close(stub);
	free(stub->sent);
	free(stub->object.annex);
	free(stub->object.text);
	free(stub);
}

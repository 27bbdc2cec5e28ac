// SPDX-License-Identifier: Apache-2.0
/* The stub over a model that is made by hand: what it answers, and that it always does. */
#include "snap/inspect/gdb_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { XSTATE_BYTES = 832, PID = 0x1a, TID = 0x1b, HEAP = 0x10000 };

struct model {
	Sn__Image image;
	Sn__Task task;
	Sn__Thread leader, second;
	Sn__Registers registers;
	Sn__ThreadName name;
	Sn__Mapping heap, file;
	Sn__AddressSpace space;
	uint8_t xstate[XSTATE_BYTES];
	Sn__Task *tasks[1];
	Sn__Thread *threads[2];
	Sn__Mapping *mappings[2];
	struct stack stacks[2];
	struct inspect in;
	char thread_name[16], path[16], exe[20];
};

/* Two threads, the second without registers; four pages that are zeros; a file that is gone. */
static int set_up(void **state)
{
	struct model *m = sn_calloc(1, sizeof(*m));
	const uint64_t enabled = 7;

	strcpy(m->thread_name, "a<b&\"c");
	strcpy(m->path, "/no/such/file");
	strcpy(m->exe, "/no/such/program");
	sn__image__init(&m->image);
	sn__task__init(&m->task);
	sn__thread__init(&m->leader);
	sn__thread__init(&m->second);
	sn__registers__init(&m->registers);
	sn__thread_name__init(&m->name);
	sn__mapping__init(&m->heap);
	sn__mapping__init(&m->file);
	sn__address_space__init(&m->space);
	memcpy(m->xstate + 464, &enabled, sizeof(enabled));
	memcpy(m->xstate + 512, &enabled, sizeof(enabled));
	m->xstate[0] = 0x7f; /* x87 control word */
	m->xstate[1] = 0x03;
	m->xstate[24] = 0x80; /* mxcsr */
	m->xstate[25] = 0x1f;
	m->xstate[160] = 0x11; /* xmm0 */
	m->xstate[576] = 0x22; /* ymm0, upper half */
	m->registers.xstate = (ProtobufCBinaryData){XSTATE_BYTES, m->xstate};
	m->registers.rax = 0x0102030405060708;
	m->registers.rip = 0x4321;
	m->registers.fs_base = 0x7000;
	m->name.name = m->thread_name;
	m->leader.tid = m->task.pid = PID;
	m->leader.registers = &m->registers;
	m->leader.name = &m->name;
	m->second.tid = TID;
	m->heap.start = HEAP;
	m->heap.end = HEAP + 4 * PAGE_BYTES;
	m->heap.prot = 3;
	m->file.start = HEAP + 8 * PAGE_BYTES;
	m->file.end = HEAP + 9 * PAGE_BYTES;
	m->file.type = SN__MAPPING_TYPE__MAPPING_FILE;
	m->file.path = m->path;
	m->space.exe = m->exe;
	m->threads[0] = &m->leader;
	m->threads[1] = &m->second;
	m->mappings[0] = &m->heap;
	m->mappings[1] = &m->file;
	m->task.threads = m->threads;
	m->task.n_threads = 2;
	m->task.mappings = m->mappings;
	m->task.n_mappings = 2;
	m->task.address_space = &m->space;
	m->tasks[0] = &m->task;
	m->image.tasks = m->tasks;
	m->image.n_tasks = 1;
	m->in.image = &m->image;
	m->in.task = &m->task;
	m->in.stacks = m->stacks;
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct model *m = *state;

	memory_release(&m->in);
	free(m);
	return 0;
}

/* Gives bytes to a stub; what it writes, malloc'd. */
static char *give(struct gdb_stub *stub, const char *bytes, size_t len, bool *on)
{
	char *answer;
	size_t answer_len;
	FILE *out = text_stream(&answer, &answer_len);

	*on = gdb_stub_input(stub, bytes, len, out);
	fclose(out);
	return answer;
}

/* Takes the repetitions out of a packet's text. */
static char *expand(const char *text)
{
	char *all = sn_calloc(1, 128 * strlen(text) + 1);
	size_t len = 0;

	for (; *text; text++) {
		all[len] = *text;
		if (*text != '*') {
			len++;
			continue;
		}
		for (int again = *++text - 29; again > 0; again--, len++)
			all[len] = all[len - 1];
	}
	all[len] = '\0';
	return all;
}

/* A packet as a client makes it: without repetitions. */
static void put_packet(FILE *out, const char *text, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (uint8_t)text[i];
	fputc('$', out);
	fwrite(text, 1, len, out);
	fprintf(out, "#%02x", sum);
}

/* The text of what is answered to a packet. */
static char *ask(struct gdb_stub *stub, const char *text)
{
	sn_auto_free char *packet = NULL, *answer = NULL;
	size_t len;
	FILE *out = text_stream(&packet, &len);
	bool on;

	put_packet(out, text, strlen(text));
	fclose(out);
	answer = give(stub, packet, len, &on);
	assert_int_equal(answer[0], '+');
	assert_int_equal(answer[1], '$');
	answer[strlen(answer) - 3] = '\0';
	return expand(answer + 2);
}

static void answers(void **state)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{"qSupported:multiprocess+;xmlRegisters=i386", NULL},
		{"?", "T00thread:p1a.1a;"},
		{"qC", "QCp1a.1a"},
		{"qAttached:1a", "1"},
		{"qfThreadInfo", "mp1a.1a,p1a.1b"},
		{"qsThreadInfo", "l"},
		{"Tp1a.1b", "OK"},
		{"Tp1a.1c", "E01"},
		{"Tp1b.1b", "E01"},
		{"T", "E01"},
		{"Hgp1a.1a", "OK"},
		{"Hg0", "OK"},
		{"Hc-1", "OK"},
		{"Hx1", "E01"},
		{"p0", "0807060504030201"},
		{"p10", "2143000000000000"},
		{"p20", "7f030000"},			     /* fctrl */
		{"p22", "ffff0000"},			     /* ftag: all are empty */
		{"p28", "11000000000000000000000000000000"}, /* xmm0 */
		{"p38", "801f0000"},			     /* mxcsr */
		{"p3a", "0070000000000000"},		     /* fs_base */
		{"p3c", "22000000000000000000000000000000"}, /* ymm0h */
		{"p4c", "E01"},
		{"p", "E01"},
		{"Hgp1a.1b", "OK"},
		{"p0", "xxxxxxxxxxxxxxxx"},
		{"Hgp1a.1a", "OK"},
		{"m10000,4", "00000000"},
		{"m13ffe,8", "0000"}, /* up to the end */
		{"m14000,1", "E0e"},
		{"m18000,1", "E0e"}, /* the file */
		{"m0,1", "E0e"},
		{"mffffffffffffffff,ffffffffffffffff", "E0e"},
		{"m10000", "E01"},
		{"m10000,0", ""},
		{"M10000,1:00", "E.a snapshot cannot be changed"},
		{"G00", "E.a snapshot cannot be changed"},
		{"vCont?", "vCont;c;C;s;S"},
		{"vCont;c:p1a.-1", "E.a snapshot does not run; restore it, and it does"},
		{"s", "E.a snapshot does not run; restore it, and it does"},
		{"Z0,10000,1", "OK"},
		{"vMustReplyEmpty", ""},
		{"qXfer:exec-file:read:1a:0,100", "l/no/such/program"},
		{"qXfer:exec-file:read:1a:3,4", "m/suc"},
		{"qXfer:exec-file:read:1a:ffffffffffffffff,1", "l"},
		{"qXfer:exec-file:read:1b:0,100", "E01"},
		{"qXfer:exec-file:read:1a:0", "E01"},
		{"qXfer:exec-file:write:1a:0:00", "E01"},
		{"qXfer:siginfo:read::0,80", "E01"},
		{"qXfer:auxv:read::0,80", "E01"},
		{"qXfer:nosuch:read::0,80", ""},
		{"qXfer:features:read:other.xml:0,80", "E01"},
		{"qXfer:threads:read::0,1000",
		 "l<threads><thread id=\"p1a.1a\" name=\"a&}\00360;b&}\00338;&}\00334;c\" "
		 "handle=\"0070000000000000\"/><thread id=\"p1a.1b\"/></threads>"},
		{"qXfer:libraries-svr4:read::0,1000",
		 "l<library-list-svr4 version=\"1.0\"></library-list-svr4>"},
		{"qGetTLSAddr:p1a.1a,0,0", "E01"},
		{"vFile:setfs:0", "F0"},
		{"vFile:open:2f6e6f2f73756368,0,0", "F-1,2"},
		{"vFile:open:2f6e6f2f73756368,1,0", "F-1,1e"},
		{"vFile:open:2f,0,0", "F-1,15"},
		{"vFile:open:", "F-1,16"},
		{"vFile:open:2f70726f632f32362f6d617073,0,0", "F0"}, /* /proc/26/maps */
		{"vFile:pread:0,9,0", "F9;00010000-"},
		{"vFile:pread:0,9,ffffffff", "F0;"},
		{"vFile:pread:1,9,0", "F-1,9"},
		{"vFile:close:0", "F0"},
		{"vFile:close:0", "F-1,9"},
		{"vFile:pwrite:0,0,00", "F-1,1e"},
		{"vFile:open:2f70726f632f32372f6d617073,0,0", "F-1,2"}, /* of another process */
		{"vFile:nosuch:", ""},
	};
	struct model *m = *state;
	struct gdb_stub *stub = gdb_stub_open(&m->in);

	for (size_t i = 0; i < sn_countof(cases); i++) {
		sn_auto_free char *answer = ask(stub, cases[i].text);

		if (cases[i].answer)
			assert_string_equal(answer, cases[i].answer);
	}
	gdb_stub_close(stub);
}

/* "-" brings the last packet again, without acknowledgement a broken one is the end. */
static void acknowledged(void **state)
{
	static const struct {
		const char *bytes, *answer;
		bool on;
	} steps[] = {
		{"$qAttached#8f", "+$1#31", true},
		{"-", "$1#31", true},
		{"+", "", true},
		{"$g#00", "-", true},
		{"$QStartNoAckMode#b0", "+$OK#9a", true},
		{"+", "", true},
		{"$qAttached#8f", "$1#31", true},
		{"-", "", true},
		{"$g#00", "", false},
	};
	struct model *m = *state;
	struct gdb_stub *stub = gdb_stub_open(&m->in);

	for (size_t i = 0; i < sn_countof(steps); i++) {
		bool on;
		sn_auto_free char *answer = give(stub, steps[i].bytes, strlen(steps[i].bytes), &on);

		assert_string_equal(answer, steps[i].answer);
		assert_int_equal(on, steps[i].on);
	}
	gdb_stub_close(stub);
}

static void ends(void **state)
{
	static const struct {
		const char *bytes, *answer;
	} ways[] = {
		{"$D;1a#11", "+$OK#9a"},
		{"$vKill;1a#cf", "+$OK#9a"},
		{"$k#6b", "+"},
		{"$k#6b$g#67", "+"},
	};
	struct model *m = *state;

	for (size_t i = 0; i < sn_countof(ways); i++) {
		struct gdb_stub *stub = gdb_stub_open(&m->in);
		bool on;
		sn_auto_free char *answer = give(stub, ways[i].bytes, strlen(ways[i].bytes), &on);

		assert_string_equal(answer, ways[i].answer);
		assert_false(on);
		gdb_stub_close(stub);
	}
}

/* ---- rubbish ---- */

static unsigned next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(*seed >> 33);
}

/* Bytes that look like what packets are made of, and some of any value. */
static size_t rubbish(uint64_t *seed, char *bytes, size_t max)
{
	static const char likely[] = "0123456789abcdefp.,:;-+$#}*xXmgGHT";
	size_t len = next_random(seed) % max;

	for (size_t i = 0; i < len; i++)
		bytes[i] = next_random(seed) % 4 ? likely[next_random(seed) % (sizeof(likely) - 1)]
						 : (char)next_random(seed);
	return len;
}

/* Everything behind the beginning of each packet, in a good frame. */
static void rubbish_in_packets(void **state)
{
	static const char *const beginnings[] = {
		"qSupported:",
		"qXfer:features:read:target.xml:",
		"qXfer:threads:read::",
		"qXfer:",
		"qXfer:auxv:read:",
		"qXfer:libraries-svr4:read::",
		"qXfer:siginfo:read::",
		"qXfer:exec-file:read:",
		"qGetTLSAddr:",
		"qfThreadInfo",
		"qsThreadInfo",
		"q",
		"Q",
		"vFile:open:",
		"vFile:open:2f70726f632f32362f",
		"vFile:close:",
		"vFile:pread:",
		"vFile:pread:0,",
		"vFile:fstat:",
		"vFile:readlink:",
		"vFile:readlink:2f70",
		"vFile:",
		"vCont",
		"v",
		"m",
		"m1000",
		"p",
		"g",
		"H",
		"Hg",
		"T",
		"X",
		"M",
		"P",
		"G",
		"Z",
		"z",
		"?",
		"c",
		"s",
		"!",
		"",
	};
	struct model *m = *state;
	struct gdb_stub *stub = gdb_stub_open(&m->in);
	uint64_t seed = 1;

	for (size_t round = 0; round < 400; round++) {
		for (size_t i = 0; i < sn_countof(beginnings); i++) {
			size_t head = strlen(beginnings[i]), len, packet_len;
			sn_auto_free char *packet = NULL, *answer = NULL;
			FILE *out = text_stream(&packet, &packet_len);
			char text[128];
			bool on;

			memcpy(text, beginnings[i], head);
			len = head + rubbish(&seed, text + head, sizeof(text) - head);
			put_packet(out, text, len);
			fclose(out);
			answer = give(stub, packet, packet_len, &on);
			assert_true(strlen(answer) <= 3 * GDB_PACKET_BYTES);
			if (!on) {
				gdb_stub_close(stub);
				stub = gdb_stub_open(&m->in);
			}
		}
	}
	gdb_stub_close(stub);
}

static void rubbish_in_all(void **state)
{
	struct model *m = *state;
	struct gdb_stub *stub = gdb_stub_open(&m->in);
	uint64_t seed = 2;
	bool on;

	for (size_t round = 0; round < 20000; round++) {
		char bytes[256];
		size_t len = rubbish(&seed, bytes, sizeof(bytes));
		sn_auto_free char *answer = give(stub, bytes, len, &on);

		if (!on) {
			gdb_stub_close(stub);
			stub = gdb_stub_open(&m->in);
		}
	}
	gdb_stub_close(stub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(acknowledged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rubbish_in_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rubbish_in_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

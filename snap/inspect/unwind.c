// SPDX-License-Identifier: Apache-2.0
/*
 * The stack of a thread by libdwfl: registers out of the image, memory out of the snapshot.
 */
#include "snap/inspect/evidence.h"

enum { FRAMES_MAX = 1 << 20 };

void registers_of(const Sn__Thread *thread, uint64_t regs[REG_COUNT])
{
	const Sn__Registers *r = thread->registers;
	const uint64_t by_number[REG_COUNT] = {
		r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
		r->r9,	r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip,
	};

	memcpy(regs, by_number, sizeof(by_number));
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct inspect *in = arg;
	Sn__Thread **at = *thread_arg;

	(void)dwfl;
	at = at ? at + 1 : in->task->threads;
	if (at == in->task->threads + in->task->n_threads)
		return 0;
	*thread_arg = at;
	return (pid_t)(*at)->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	struct inspect *in = arg;

	(void)dwfl;
	for (size_t i = 0; i < in->task->n_threads; i++) {
		if (in->task->threads[i]->tid == (uint32_t)tid) {
			*thread_arg = &in->task->threads[i];
			return true;
		}
	}
	return false;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct sn_err ignored;

	(void)dwfl;
	return memory_read_u64(arg, addr, result, &ignored) == 0;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	Sn__Thread **at = arg;
	Dwarf_Word regs[REG_COUNT];

	registers_of(*at, regs);
	return dwfl_thread_state_registers(thread, 0, REG_COUNT, regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_word,
	.set_initial_registers = set_registers,
};

struct walk {
	struct inspect *in;
	struct stack *stack;
	bool after_signal; /* the last frame was a trampoline: this one was interrupted */
};

/* Whether the code at pc is a signal trampoline: its call frame information says so. */
static bool is_trampoline(const struct frame *frame)
{
	Dwarf_Addr bias;
	Dwarf_Frame *rules = NULL;
	Dwarf_CFI *cfi;
	bool signal = false;

	if (!frame->module || !frame->module->dwfl)
		return false;
	cfi = dwfl_module_eh_cfi(frame->module->dwfl, &bias);
	if (!cfi || dwarf_cfi_addrframe(cfi, frame->pc - bias, &rules) != 0)
		return false;
	dwarf_frame_info(rules, NULL, NULL, &signal);
	free(rules);
	return signal;
}

static bool is_main(struct walk *walk, const struct frame *frame)
{
	const char *name;

	if (!frame->module || !frame->module->is_main)
		return false;
	name = frame_function(walk->in, frame);
	return name && strcmp(name, "main") == 0;
}

static int add_frame(struct walk *walk, struct frame *frame)
{
	struct stack *stack = walk->stack;

	frame->module = modules_at(walk->in, frame->pc);
	frame->signal = is_trampoline(frame);
	frame->look = frame->pc;
	if (stack->count > 0 && !walk->after_signal && !frame->signal)
		frame->look--;
	walk->after_signal = frame->signal;
	frame->physical = stack->count ? stack->frames[stack->count - 1].physical + 1 : 0;
	frames_append(walk->in, stack, frame);
	if (stack->count >= FRAMES_MAX || is_main(walk, &stack->frames[stack->count - 1]))
		return DWARF_CB_ABORT;
	return DWARF_CB_OK;
}

/* What the call frame information does not speak of is taken to be as in the inner frame. */
static void keep_inner(struct walk *walk, struct frame *frame)
{
	const struct stack *stack = walk->stack;
	const struct frame *inner = stack->count ? &stack->frames[stack->count - 1] : NULL;

	for (unsigned i = 0; inner && i < REG_COUNT; i++) {
		if (!(frame->known & (1U << i)) && (inner->known & (1U << i))) {
			frame->regs[i] = inner->regs[i];
			frame->known |= 1U << i;
		}
	}
}

static int each_frame(Dwfl_Frame *state, void *arg)
{
	struct walk *walk = arg;
	struct frame frame = {0};

	if (!dwfl_frame_pc(state, &frame.pc, NULL))
		return DWARF_CB_ABORT;
	if (walk->stack->count > 0 && frame.pc == 0)
		return DWARF_CB_ABORT;
	for (unsigned i = 0; i < REG_COUNT; i++) {
		if (dwfl_frame_reg(state, i, &frame.regs[i]) == 0)
			frame.known |= 1U << i;
	}
	keep_inner(walk, &frame);
	frame.regs[REG_RIP] = frame.pc;
	frame.known |= 1U << REG_RIP;
	return add_frame(walk, &frame);
}

static int check_registers(const Sn__Thread *thread, struct sn_err *err)
{
	return thread->registers ? 0 : sn_fail(err, "thread %u has no registers", thread->tid);
}

static void add_first(struct walk *walk, const Sn__Thread *thread)
{
	struct frame frame = {.known = (1U << REG_COUNT) - 1};

	registers_of(thread, frame.regs);
	frame.pc = frame.regs[REG_RIP];
	add_frame(walk, &frame);
}

int stack_top(struct inspect *in, size_t thread, struct stack *stack, struct sn_err *err)
{
	struct walk walk = {in, stack, false};

	if (check_registers(in->task->threads[thread], err) < 0)
		return -1;
	add_first(&walk, in->task->threads[thread]);
	return 0;
}

int stack_unwind(struct inspect *in, size_t thread, struct stack *stack, struct sn_err *err)
{
	const Sn__Thread *model = in->task->threads[thread];
	struct walk walk = {in, stack, false};

	if (check_registers(model, err) < 0)
		return -1;
	reads_stack_begin(in->reads);
	if (!in->attached)
		in->attached = dwfl_attach_state(in->dwfl, NULL, (pid_t)in->task->pid,
						 &thread_callbacks, in);
	if (in->attached)
		dwfl_getthread_frames(in->dwfl, (pid_t)model->tid, each_frame, &walk);
	if (stack->count == 0) /* nothing is known of its code */
		add_first(&walk, model);
	reads_stack_end(in->reads);
	return 0;
}

void stacks_release(struct inspect *in)
{
	for (size_t i = 0; in->stacks && i < in->task->n_threads; i++) {
		free(in->stacks[i].frames);
		free(in->tops[i].frames);
	}
	free(in->stacks);
	free(in->tops);
	in->stacks = in->tops = NULL;
}

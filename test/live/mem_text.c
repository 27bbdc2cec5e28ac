// SPDX-License-Identifier: Apache-2.0
/* Code of the program itself that was patched in memory, as tracers and debuggers do:
 * the page is a private copy now, in a mapping that cannot be written. */
#include "victim.h"
#include <sys/mman.h>

/* mov eax, imm32; ret -- on a page of its own, the number patched. */
asm(".pushsection .text\n\t.balign 4096\n\t.globl patched\npatched:\n"
    "\t.byte 0xb8\n\t.long 4711\n\tret\n\t.balign 4096\n\t.popsection\n");
unsigned patched(void);

static void change(struct victim *v, void *state)
{
	char *page = (char *)(uintptr_t)patched;
	unsigned value = 4711 + v->generation;

	(void)state;
	CHECK(v, mprotect(page, VICTIM_PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %s",
	      strerror(errno));
	memcpy(page + 1, &value, 4);
	CHECK(v, mprotect(page, VICTIM_PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect: %s",
	      strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	(void)state;
	CHECK(v, patched() == 4711 + v->generation, "the patched code returns %u", patched());
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	change(&v, NULL); /* what was once writable stays accounted, so begin with it */
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, NULL);
}

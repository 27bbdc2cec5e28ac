// SPDX-License-Identifier: Apache-2.0
// varies: maps vmflags status (mappings come and go all the time)
// dry: harm
/* Streaming: threads that map, fill, move, protect, drop and unmap memory, and allocate
 * and free with malloc; contents are checked before each step. */
#include "victim.h"
#include <pthread.h>
#include <sys/mman.h>

enum {
	SLOTS = 24,
	MOST = 32 * VICTIM_PAGE,
};

struct slot {
	char *at;
	size_t bytes;
	uint64_t seed;
	bool mapped; /* by mmap, else by malloc */
};

struct worker {
	struct victim *v;
	uint64_t random;
	struct slot slots[SLOTS];
	_Atomic unsigned long rounds;
	_Atomic bool spoil;
};

static uint64_t next(struct worker *w)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return w->random >> 33;
}

static void drop(struct slot *slot)
{
	if (slot->mapped)
		munmap(slot->at, slot->bytes);
	else
		free(slot->at);
	memset(slot, 0, sizeof(*slot));
}

static void make(struct worker *w, struct slot *slot)
{
	slot->mapped = next(w) % 2;
	slot->bytes = (1 + next(w) % 32) * (slot->mapped ? VICTIM_PAGE : 200);
	slot->at = slot->mapped ? mmap(NULL, slot->bytes, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : malloc(slot->bytes);
	if (!slot->at || slot->at == MAP_FAILED) {
		victim_fault(w->v, "no memory: %s", strerror(errno));
		memset(slot, 0, sizeof(*slot));
		return;
	}
	slot->seed = next(w);
	victim_fill(slot->at, slot->bytes, slot->seed);
	if (slot->mapped && next(w) % 3 == 0)
		mprotect(slot->at, slot->bytes, PROT_READ);
}

static void move(struct worker *w, struct slot *slot)
{
	char *to;

	mprotect(slot->at, slot->bytes, PROT_READ | PROT_WRITE);
	to = mremap(slot->at, slot->bytes, slot->bytes + VICTIM_PAGE, MREMAP_MAYMOVE);
	if (to == MAP_FAILED) {
		victim_fault(w->v, "mremap: %s", strerror(errno));
		return;
	}
	slot->at = to;
	slot->bytes += VICTIM_PAGE;
	victim_fill(slot->at, slot->bytes, slot->seed);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;; w->rounds++) {
		struct slot *slot = &w->slots[next(w) % SLOTS];
		long bad = -1;

		if (slot->at)
			bad = victim_differs(slot->at, slot->bytes, slot->seed + w->spoil);
		if (bad >= 0)
			victim_fault(w->v, "wrong from byte %ld of %zu", bad, slot->bytes);
		if (!slot->at)
			make(w, slot);
		else if (slot->mapped && slot->bytes < MOST && next(w) % 2)
			move(w, slot);
		else
			drop(slot);
		if (w->rounds % 64 == 0)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct worker *workers = state;

	for (int i = 0; i < 2; i++) {
		unsigned long before = workers[i].rounds;

		workers[i].spoil = v->harm;
		for (int k = 0; k < 400 && workers[i].rounds < before + 200; k++)
			victim_sleep_ms(5);
		CHECK(v, workers[i].rounds >= before + 200, "thread %d stands still", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct worker workers[2] = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < 2; i++) {
		workers[i].v = &v;
		workers[i].random = i + 1;
		NEED(&v, pthread_create(&thread, NULL, work, &workers[i]) == 0);
	}
	victim_serve(&v, NULL, verify, workers);
}

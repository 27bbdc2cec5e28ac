/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every victim shares: the channel to the runner, and the verdict.
 *
 * A victim sets up a state, says "ready" and waits. The runner then tells it
 *
 *	change   let the state become that of the next generation
 *	verify   check that the state is exactly that of generation G
 *	harm     (dry runs) do what the verification must notice, then verify
 *
 * The channel must itself live through snapshot, revert and restore, and it must
 * not be part of the state: no descriptor, no signal, no memory but this struct.
 * So both directions are symbolic links in a directory, whose targets are the
 * text; making and reading one is a single system call and leaves nothing open.
 *
 *	DIR/command    "SEQ VERB ..."     runner to victim, polled every 10 ms
 *	DIR/ready      "PID"              victim to runner
 *	DIR/answer.SEQ "PASS", "FAIL: why", "DONE"
 *	DIR/fault      what a thread saw that must never happen; the first stays
 *
 * A reverted victim forgets which commands it has carried out. Therefore the runner
 * takes a command away once it is answered, and numbers never come again. What a
 * thread saw goes into DIR/fault at once, because memory would be reverted.
 *
 * When DIR is gone the runner is gone, and the victim ends by itself.
 *
 * Victims of signals need file-scope variables for their handlers; state that is
 * not a handler's is passed down.
 */
#ifndef TEST_LIVE_VICTIM_H
#define TEST_LIVE_VICTIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	VICTIM_PAGE = 4096,
	VICTIM_POLL_NS = 10 * 1000 * 1000,
};

struct victim {
	const char *dir;     /* the channel; a victim that changes its root changes it */
	unsigned generation; /* 0 as set up, one more with every change */
	int64_t seq;         /* the last command carried out */
	int64_t away_ms;     /* verify: how long ago the state shown was the current one, */
	int64_t snap_ms;     /*   and CLOCK_MONOTONIC when it was; 0 and 0: nothing was undone */
	bool harm;
	bool failed;
	char failure[300];
};

typedef void victim_fn(struct victim *v, void *state);

static inline int64_t victim_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline void victim_sleep_ms(int64_t ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* A link that is there already is a leftover of a future that was undone. */
static inline void victim_post(const struct victim *v, const char *name, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", v->dir, name);
	while (symlink(text, path) < 0) {
		if (errno != EEXIST || unlink(path) < 0)
			_exit(4);
	}
}

/* Something that must never happen was seen, by whatever thread. */
static inline __attribute__((format(printf, 2, 3))) void victim_fault(const struct victim *v,
								    const char *fmt, ...)
{
	char path[300], text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/fault", v->dir);
	(void)!symlink(text, path);
}

/* The verdict is FAIL; the first reason is kept. */
static inline __attribute__((format(printf, 2, 3))) void victim_fail(struct victim *v,
								   const char *fmt, ...)
{
	va_list ap;

	if (v->failed)
		return;
	v->failed = true;
	va_start(ap, fmt);
	vsnprintf(v->failure, sizeof(v->failure), fmt, ap);
	va_end(ap);
}

/* In a function that returns void: fails and returns unless `cond` holds. */
#define CHECK(v, cond, ...) \
	do { \
		if (!(cond)) { \
			victim_fail(v, __VA_ARGS__); \
			return; \
		} \
	} while (0)

/* Set-up that must work; the test fails, naming the line and errno. */
#define NEED(v, cond) \
	do { \
		if (!(cond)) \
			victim_quit(v, "broken", "line %d: %s: %s", __LINE__, #cond, \
				    strerror(errno)); \
	} while (0)

/* Gives up with a reason before "ready": `how` is "skip" or "broken". */
static inline __attribute__((format(printf, 3, 4), noreturn)) void
victim_quit(const struct victim *v, const char *how, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	victim_post(v, how, text);
	for (;;) /* until the runner ends us: snapsh may be adopting us right now */
		victim_sleep_ms(1000);
}

#define victim_skip(v, ...) victim_quit(v, "skip", __VA_ARGS__)

static inline void victim_start(struct victim *v, int argc, char **argv)
{
	memset(v, 0, sizeof(*v));
	if (argc < 2) {
		fprintf(stderr, "usage: %s CHANNEL-DIRECTORY\n", argv[0]);
		exit(2);
	}
	v->dir = argv[1];
}

/* A byte pattern that depends on the seed and on the place. */
static inline uint64_t victim_word(size_t index, uint64_t seed)
{
	uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u + seed * 0xbf58476d1ce4e5b9u;

	return x ^ x >> 29;
}

static inline void victim_fill(void *memory, size_t bytes, uint64_t seed)
{
	uint64_t *words = memory;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = victim_word(i, seed);
}

/* Offset of the first word that is not the pattern's, or -1. */
static inline long victim_differs(const void *memory, size_t bytes, uint64_t seed)
{
	const uint64_t *words = memory;

	for (size_t i = 0; i < bytes / sizeof(*words); i++) {
		if (words[i] != victim_word(i, seed))
			return (long)(i * sizeof(*words));
	}
	return -1;
}

/* Fails unless the memory holds the pattern of `seed`. */
static inline void victim_expect(struct victim *v, const char *what, const void *memory,
				 size_t bytes, uint64_t seed)
{
	long at = victim_differs(memory, bytes, seed);

	CHECK(v, at < 0, "%s: wrong from byte %ld on", what, at);
}

static inline void victim_obey(struct victim *v, const char *verb, const char *args,
			       victim_fn *change, victim_fn *verify, void *state)
{
	char name[40], text[320], *end;
	unsigned expected;

	v->failed = v->harm = false;
	strcpy(text, "DONE");
	if (strcmp(verb, "change") == 0) {
		v->generation++;
		if (change)
			change(v, state);
	} else {
		expected = (unsigned)strtoul(args, &end, 10);
		v->away_ms = strtoll(end, &end, 10);
		v->snap_ms = strtoll(end, &end, 10);
		v->harm = strcmp(verb, "harm") == 0;
		if (strcmp(verb, "disprove") == 0) {
			/* The held state against another generation's expectations. */
			unsigned held = v->generation;

			v->generation = expected;
			verify(v, state);
			v->generation = held;
		} else if (v->generation != expected) {
			victim_fail(v, "generation %u, not %u", v->generation, expected);
		} else {
			verify(v, state);
		}
		strcpy(text, "PASS");
	}
	if (v->failed)
		snprintf(text, sizeof(text), "FAIL: %s", v->failure);
	snprintf(name, sizeof(name), "answer.%lld", (long long)v->seq);
	victim_post(v, name, text);
}

/* Carries out the next command, if there is one; ends with the runner. */
static inline void victim_poll(struct victim *v, victim_fn *change, victim_fn *verify,
			       void *state)
{
	char path[300], line[200], verb[20];
	char *args;
	ssize_t len;
	int64_t seq;

	snprintf(path, sizeof(path), "%s/command", v->dir);
	len = readlink(path, line, sizeof(line) - 1);
	if (len < 0) {
		if (access(v->dir, F_OK) < 0)
			_exit(3);
		return;
	}
	line[len] = 0;
	seq = strtoll(line, &args, 10);
	if (seq <= v->seq)
		return;
	v->seq = seq;
	args += strspn(args, " ");
	len = (ssize_t)strcspn(args, " ");
	snprintf(verb, sizeof(verb), "%.*s", (int)len, args);
	victim_obey(v, verb, args + len, change, verify, state);
}

/* Says ready and serves the runner for ever. `change` may be NULL. */
static inline __attribute__((noreturn)) void victim_serve(struct victim *v, victim_fn *change,
							victim_fn *verify, void *state)
{
	char pid[20];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	victim_post(v, "ready", pid);
	for (;;) {
		struct timespec pause = { 0, VICTIM_POLL_NS };

		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		victim_poll(v, change, verify, state);
	}
}

#endif

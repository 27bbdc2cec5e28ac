// SPDX-License-Identifier: Apache-2.0
#include "core/track/forks.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- forks ---- */

static bool has(const struct pagemap *map, uint64_t key)
{
	uint64_t ignored;

	return pagemap_find(map, key, &ignored);
}

void forks_strike(struct forks *forks, uint32_t space, const struct tracked *found)
{
	size_t i, left = 0;

	for (i = 0; i < forks->count; i++) {
		uint64_t key = page_key(space, forks->pages[i]);

		if (has(&found->present, key) && !has(&found->dirty, key))
			forks->pages[left++] = forks->pages[i];
	}
	forks->count = left;
}

/* The sum of all counters of pages swapped out since boot: in /proc/vmstat pswpout, and for
 * those that never reach a device zswpout and swpout_zero. UINT64_MAX: not known. */
static uint64_t swapped_out(void)
{
	struct sn_err ignored;
	struct sysinfo info;
	uint64_t sum = 0;
	const char *at;

	if (sysinfo(&info) == 0 && info.totalswap == 0)
		return 0;
	sn_auto_free char *text = proc_read(getpid(), "../vmstat", NULL, &ignored);

	if (!text)
		return UINT64_MAX;
	for (at = strstr(text, "swpout"); at; at = strstr(at + 1, "swpout"))
		sum += strtoull(at + strcspn(at, " \n"), NULL, 10);
	return sum + 1;
}

/* Faults that reading a byte of each of the pages takes us; -1: one cannot be read. */
static long read_all(const struct forks *forks, pid_t pid)
{
	struct iovec local[FORKS_PAGES], remote[FORKS_PAGES];
	char bytes[FORKS_PAGES] = "";
	struct rusage before, after;
	size_t i;

	for (i = 0; i < forks->count; i++) {
		local[i] = (struct iovec){&bytes[i], 1};
		remote[i] = (struct iovec){(void *)forks->pages[i], 1};
	}
	getrusage(RUSAGE_THREAD, &before);
	if (process_vm_readv(pid, local, forks->count, remote, forks->count, 0) !=
	    (ssize_t)forks->count)
		return -1;
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
}

bool forks_happened(struct forks *forks, pid_t pid)
{
	uint64_t swapped = swapped_out();

	return forks->count == 0 || swapped == UINT64_MAX || swapped != forks->swapped ||
	       read_all(forks, pid) != 0;
}

static bool has_flag(const Sn__Mapping *m, const char *flag)
{
	const char *at = strstr(m->vm_flags, flag);

	return at && (at - m->vm_flags) % 3 == 0;
}

/* Memory that fork(2) copies: it is read all the same, so it has to be readable. */
static bool is_suitable(const Sn__Mapping *m)
{
	return !m->shared && m->prot & PROT_READ &&
	       (m->type == SN__MAPPING_TYPE__MAPPING_ANON ||
		m->type == SN__MAPPING_TYPE__MAPPING_FILE) &&
	       !has_flag(m, "dc") && !has_flag(m, "wf");
}

/* proc_pid_pagemap(5): what is not there must not be made by reading it. */
static bool is_present(int pagemap_fd, uint64_t addr)
{
	uint64_t entry;

	return pread(pagemap_fd, &entry, sizeof(entry),
		     (off_t)(addr / PAGE_BYTES * sizeof(entry))) == sizeof(entry) &&
	       entry >> 63;
}

static void choose(struct forks *forks, int pagemap_fd, uint64_t addr)
{
	size_t i;

	for (i = 0; i < forks->count; i++)
		if (forks->pages[i] == addr)
			return;
	if (forks->count < FORKS_PAGES && is_present(pagemap_fd, addr))
		forks->pages[forks->count++] = addr;
}

/* The first and the last of `pages` in the mapping. */
static void choose_from(struct forks *forks, int pagemap_fd, uint32_t space, const Sn__Mapping *m,
			const struct pagemap *pages)
{
	uint64_t start = page_key(space, m->start), end = page_key(space, m->end), last;
	size_t i = pagemap_seek(pages, start), k = pagemap_seek(pages, end);

	if (i == pages->len || pages->runs[i].key >= end)
		return;
	choose(forks, pagemap_fd,
	       page_key_addr(pages->runs[i].key > start ? pages->runs[i].key : start));
	if (k == pages->len || pages->runs[k].key >= end)
		k--;
	last = pages->runs[k].key + pages->runs[k].count;
	choose(forks, pagemap_fd, page_key_addr((last < end ? last : end) - 1));
}

void forks_begin(struct forks *forks, pid_t pid, int pagemap_fd, const Sn__Task *model,
		 const struct pagemap *pages)
{
	int writable;
	size_t i;

	forks->count = 0;
	/* first what the process itself is not likely to write */
	for (writable = 0; writable < 2; writable++)
		for (i = 0; i < model->n_mappings; i++) {
			const Sn__Mapping *m = model->mappings[i];
			bool writes = m->prot & PROT_WRITE && !has_flag(m, "gd");

			if (writes == writable && is_suitable(m))
				choose_from(forks, pagemap_fd, model->space, m, pages);
		}
	forks->swapped = swapped_out();
	if (forks->count && read_all(forks, pid) < 0)
		forks->count = 0;
}

/* ---- who maps it ---- */

static const char anon_path[] = "/dev/zero (deleted)";

/* The size of its program's code, which fork(2) hands on and execve(2) does not; 0: it has none,
 * being a kernel's or dead; UINT64_MAX: not known. Everybody may read it. */
static uint64_t code_kib(pid_t pid)
{
	struct sn_err err;
	sn_auto_free char *status = proc_read(pid, "status", NULL, &err);
	uint64_t kib = 0;

	if (!status)
		return err.code == ENOENT || err.code == ESRCH ? 0 : UINT64_MAX;
	proc_field(status, "VmExe", 10, &kib);
	return kib;
}

/* Whoever shares memory without a name has it from a common ancestor, and runs its program. */
static bool runs_another_program(pid_t pid, pid_t other)
{
	uint64_t kib = code_kib(pid), others = code_kib(other);

	return kib != UINT64_MAX && others != UINT64_MAX && kib != others;
}

/* False: it could not be read. */
static bool look_at(pid_t pid, struct user_of *objects, size_t count)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	struct sn_err err;
	size_t i, k;

	if (proc_maps(pid, &maps, &err) < 0)
		return err.code == ENOENT || err.code == ESRCH;
	for (i = 0; i < maps.len; i++) {
		if (!maps.maps[i].ino || strcmp(maps.maps[i].path, anon_path) != 0)
			continue;
		for (k = 0; k < count; k++)
			if (objects[k].dev == maps.maps[i].dev &&
			    objects[k].ino == maps.maps[i].ino &&
			    (pid != getpid() || objects[k].ours != maps.maps[i].start))
				objects[k].used = true;
	}
	return true;
}

/* proc_loadavg(5): the pid made last; -1 not known. */
static long last_pid(void)
{
	struct sn_err ignored;
	sn_auto_free char *text = proc_read(getpid(), "../loadavg", NULL, &ignored);
	const char *at = text ? strrchr(text, ' ') : NULL;

	return at ? strtol(at, NULL, 10) : -1;
}

bool forks_find_users(pid_t pid, struct user_of *objects, size_t count)
{
	sn_auto_dir DIR *proc = opendir("/proc");
	long before = last_pid(), after;
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);

		if (other > 0 && other != pid && !look_at(other, objects, count) &&
		    !runs_another_program(pid, other))
			return false;
	}
	/* began anew from the lowest: a new one may lie behind us */
	after = last_pid();
	return proc && before >= 0 && after >= before;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What reads and makes the rarer kinds of mappings.
 *
 * Sources: proc_pid_maps(5), proc_pid_map_files(5), madvise(2), memfd_create(2),
 * PR_SET_VMA(2const), Documentation/admin-guide/mm/{transhuge,hugetlbpage}.rst; of
 * PROCMAP_QUERY include/uapi/linux/fs.h.
 */
#include "core/base/guard.h"
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	HUGE_BYTES = 2 << 20,
};

bool probe_procmap_query(struct probe *p)
{
	sn_auto_fd int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct procmap_query query = {.size = sizeof(query)};

	if (maps < 0 || !p->page)
		return probe_no_sys(p, "open /proc/PID/maps");
	/* The read-only page: the kernel cannot have joined it to a neighbour. */
	query.query_addr = (uintptr_t)(p->page + PAGE_BYTES);
	if (ioctl(maps, PROCMAP_QUERY, &query) < 0)
		return probe_no_sys(p, "PROCMAP_QUERY (Linux 6.11)");
	if (query.vma_start != query.query_addr ||
	    query.vma_flags != (uint64_t)PROCMAP_QUERY_VMA_READABLE)
		return probe_no(p, "it describes another mapping");
	return probe_yes(p, "works");
}

bool probe_map_files(struct probe *p)
{
	sn_auto_fd int file = memfd_create("snapsh probe", MFD_CLOEXEC);
	sn_auto_fd int found = -1;
	char path[80];
	void *mem;

	if (file < 0 || ftruncate(file, PAGE_BYTES) < 0)
		return probe_no_sys(p, "make a memfd");
	mem = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE, file, 0);
	if (mem == MAP_FAILED)
		return probe_no_sys(p, "map a memfd");
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)mem,
		 (unsigned long)mem + PAGE_BYTES);
	found = open(path, O_RDONLY | O_CLOEXEC);
	if (found < 0)
		probe_no_sys(p, "open (needs cap_checkpoint_restore or cap_sys_admin)");
	munmap(mem, PAGE_BYTES);
	return found < 0 ? false : probe_yes(p, "works");
}

/* Whether the text of /proc/self/maps has a word in it. */
static bool maps_have(const char *word)
{
	sn_auto_fd int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t keep = 0, overlap = strlen(word) - 1;
	char text[4096];
	ssize_t len;

	if (fd < 0)
		return false;
	while ((len = read(fd, text + keep, sizeof(text) - keep)) > 0) {
		size_t all = keep + (size_t)len;

		if (memmem(text, all, word, strlen(word)))
			return true;
		keep = all < overlap ? all : overlap;
		memmove(text, text + all - keep, keep);
	}
	return false;
}

bool probe_anon_vma_name(struct probe *p)
{
	static const char name[] = "snapsh probe";
	bool found;

	if (!p->page)
		return probe_no(p, "no memory to try it on");
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p->page, PAGE_BYTES, name) < 0)
		return probe_no_sys(p, "PR_SET_VMA_ANON_NAME (CONFIG_ANON_VMA_NAME)");
	found = maps_have("[anon:snapsh probe]");
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p->page, PAGE_BYTES, NULL);
	return found ? probe_yes(p, "works") : probe_no(p, "the name does not show in maps");
}

bool probe_memfd(struct probe *p)
{
	sn_auto_fd int fd = memfd_create("snapsh probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return probe_no_sys(p, "memfd_create");
	if (ftruncate(fd, PAGE_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return probe_no_sys(p, "seal a memfd");
	if (ftruncate(fd, 0) == 0)
		return probe_no(p, "a seal does not hold");
	return probe_yes(p, "works");
}

bool probe_memfd_noexec(struct probe *p)
{
	sn_auto_fd int fd = memfd_create("snapsh probe", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0)
		return probe_no_sys(p, "memfd_create(MFD_NOEXEC_SEAL) (Linux 6.3)");
	if (!(fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC))
		return probe_no(p, "the memfd comes without F_SEAL_EXEC");
	return probe_yes(p, "works");
}

bool probe_guard_regions(struct probe *p)
{
	volatile uint8_t *mem = probe_pages(1);
	bool held;

	if (!mem || p->pipe_read < 0)
		return probe_no(p, "no memory to try it on");
	if (madvise((void *)mem, PAGE_BYTES, MADV_GUARD_INSTALL) < 0) {
		probe_no_sys(p, "MADV_GUARD_INSTALL (Linux 6.13)");
		munmap((void *)mem, PAGE_BYTES);
		return false;
	}
	/* The kernel copies into it: an error here where we would get a signal. */
	held = syscall(SYS_getcwd, mem, PAGE_BYTES) < 0 && errno == EFAULT;
	munmap((void *)mem, PAGE_BYTES);
	return held ? probe_yes(p, "works") : probe_no(p, "a guard region can be written");
}

/* The word in brackets: "always [madvise] never". */
static void chosen_word(const char *path, char *word, size_t size)
{
	char text[80], *start, *end;

	snprintf(word, size, "unknown");
	if (probe_read(path, text, sizeof(text)) < 0)
		return;
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end)
		snprintf(word, size, "%.*s", (int)(end - start - 1), start + 1);
}

/* Whether asking for a huge page gets one; 0 or 1, -1 with errno. */
static int ask_huge(const struct probe *p, volatile uint8_t *aligned, const char *mode)
{
	sn_auto_fd int pagemap = -1;

	if (madvise((void *)aligned, HUGE_BYTES, MADV_HUGEPAGE) < 0)
		return -1;
	if (!p->caps->pagemap_scan)
		return strcmp(mode, "never") != 0; /* nothing cheap to look with */
	aligned[0] = 1;
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return probe_scan(pagemap, aligned, HUGE_BYTES, 0, PAGE_IS_HUGE, 0) > 0;
}

bool probe_huge_pages(struct probe *p)
{
	volatile uint8_t *mem = probe_pages(2 * HUGE_BYTES / PAGE_BYTES), *aligned;
	char mode[16];
	int huge;

	chosen_word("/sys/kernel/mm/transparent_hugepage/enabled", mode, sizeof(mode));
	if (!mem)
		return probe_no_sys(p, "map memory");
	aligned = (void *)(((uintptr_t)mem + HUGE_BYTES - 1) & ~((uintptr_t)HUGE_BYTES - 1));
	huge = ask_huge(p, aligned, mode);
	if (huge < 0)
		probe_no_sys(p, "MADV_HUGEPAGE (enabled=%s)", mode);
	munmap((void *)mem, 2 * HUGE_BYTES);
	if (huge < 0)
		return false;
	return huge ? probe_yes(p, "enabled=%s", mode)
		    : probe_no(p, "enabled=%s, none was given", mode);
}

bool probe_hugetlb(struct probe *p)
{
	long pool = probe_read_number("/proc/sys/vm/nr_hugepages", -1);
	void *mem = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (mem == MAP_FAILED)
		return probe_no_sys(p, "vm.nr_hugepages=%ld", pool);
	munmap(mem, HUGE_BYTES);
	return probe_yes(p, "vm.nr_hugepages=%ld", pool);
}

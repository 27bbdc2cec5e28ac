// SPDX-License-Identifier: Apache-2.0
/*
 * What finds changed pages: each probe writes some pages of its own and looks
 * whether the kernel saw just those.
 *
 * Sources: Documentation/admin-guide/mm/{pagemap,soft-dirty,userfaultfd}.rst,
 * PAGEMAP_SCAN(2const), ioctl_userfaultfd(2).
 */
#include "core/base/guard.h"
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum {
	AREA_PAGES = 4,
	AREA_BYTES = AREA_PAGES * PAGE_BYTES,
	SCAN_REGIONS = 8,
};

#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SOFT_DIRTY (UINT64_C(1) << 55)
#define UFFD_TRACKING (UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED)

/* Some pages of our own, and what looks at them. */
struct area {
	volatile uint8_t *mem; /* AREA_BYTES */
	int pagemap;
	int uffd;
};

static void area_release(struct area *area)
{
	if (area->mem)
		munmap((void *)area->mem, AREA_BYTES);
	sn_guard_fd(&area->pagemap);
	sn_guard_fd(&area->uffd);
}

static bool area_open(struct area *area, int map_flags)
{
	void *mem =
		mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE, map_flags | MAP_ANONYMOUS, -1, 0);

	area->mem = mem == MAP_FAILED ? NULL : mem;
	area->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	area->uffd = -1;
	/* A huge page would be one page written, not some of four. */
	if (area->mem)
		madvise(mem, AREA_BYTES, MADV_NOHUGEPAGE);
	return area->mem && area->pagemap >= 0;
}

static void area_touch(struct area *area)
{
	for (size_t i = 0; i < AREA_PAGES; i++)
		area->mem[i * PAGE_BYTES] = 1;
}

static uint64_t area_entry(const struct area *area, size_t page)
{
	off_t at = (off_t)(((uintptr_t)area->mem >> PAGE_SHIFT) + page) * (off_t)sizeof(uint64_t);
	uint64_t entry;

	return pread(area->pagemap, &entry, sizeof(entry), at) == sizeof(entry) ? entry : 0;
}

long probe_scan(int pagemap, volatile void *mem, size_t bytes, uint64_t flags, uint64_t all_of,
		uint64_t any_of)
{
	struct page_region regions[SCAN_REGIONS];
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = flags,
		.start = (uintptr_t)mem,
		.end = (uintptr_t)mem + bytes,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_REGIONS,
		.category_mask = all_of,
		.category_anyof_mask = any_of,
		.return_mask = all_of | any_of,
	};
	int count = ioctl(pagemap, PAGEMAP_SCAN, &arg);
	uint64_t found = 0;

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++)
		found += regions[i].end - regions[i].start;
	return (long)(found >> PAGE_SHIFT);
}

static long area_scan(const struct area *area, uint64_t flags, uint64_t all_of, uint64_t any_of)
{
	return probe_scan(area->pagemap, area->mem, AREA_BYTES, flags, all_of, any_of);
}

/* ---- page tables ---- */

bool probe_pagemap(struct probe *p)
{
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};

	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	area.mem[PAGE_BYTES] = 1;
	if (!(area_entry(&area, 1) & ENTRY_PRESENT) || (area_entry(&area, 0) & ENTRY_PRESENT))
		return probe_no(p, "it does not tell a present page from an absent one");
	return probe_yes(p, "works");
}

bool probe_soft_dirty(struct probe *p)
{
	sn_auto_fd int clear = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};

	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	area_touch(&area);
	if (clear < 0 || write(clear, "4", 1) != 1)
		return probe_no_sys(p, "write /proc/PID/clear_refs");
	if (area_entry(&area, 0) & ENTRY_SOFT_DIRTY)
		return probe_no(p, "the bit stays set after it was cleared");
	area.mem[0] = 2;
	if (!(area_entry(&area, 0) & ENTRY_SOFT_DIRTY))
		return probe_no(p, "the bit stays clear after a write (no CONFIG_MEM_SOFT_DIRTY)");
	if (area_entry(&area, 1) & ENTRY_SOFT_DIRTY)
		return probe_no(p, "the bit is set without a write");
	return probe_yes(p, "works");
}

bool probe_pagemap_scan(struct probe *p)
{
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};
	long pages;

	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	area.mem[PAGE_BYTES] = 1;
	pages = area_scan(&area, 0, PAGE_IS_PRESENT, 0);
	if (pages < 0)
		return probe_no_sys(p, "PAGEMAP_SCAN (Linux 6.7)");
	if (pages != 1)
		return probe_no(p, "found %ld pages of 1", pages);
	return probe_yes(p, "works");
}

bool probe_pagemap_scan_soft_dirty(struct probe *p)
{
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};
	long pages;

	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	area_touch(&area);
	pages = area_scan(&area, 0, PAGE_IS_SOFT_DIRTY, 0);
	if (pages < 0)
		return probe_no_sys(p, "PAGEMAP_SCAN with the soft-dirty category (Linux 6.8)");
	if (!p->caps->soft_dirty)
		return probe_no(p, "the category is known, but there is no such bit");
	if (pages != AREA_PAGES)
		return probe_no(p, "found %ld pages of %d", pages, AREA_PAGES);
	return probe_yes(p, "works");
}

/* ---- userfaultfd ---- */

/* The handshake can be made once a descriptor: another feature set, another one. */
static int uffd_open(uint64_t features, uint64_t *offered)
{
	struct uffdio_api api = {.api = UFFD_API, .features = features};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) < 0) {
		close(fd);
		return -1;
	}
	if (offered)
		*offered = api.features;
	return fd;
}

static int area_register(struct area *area, uint64_t features, uint64_t mode)
{
	struct uffdio_register range = {
		.range = {.start = (uintptr_t)area->mem, .len = AREA_BYTES},
		.mode = mode,
	};

	area->uffd = uffd_open(features, NULL);
	return area->uffd < 0 ? -1 : ioctl(area->uffd, UFFDIO_REGISTER, &range);
}

/* Protects all of it, populated or not. */
static int area_protect(struct area *area)
{
	struct uffdio_writeprotect range = {
		.range = {.start = (uintptr_t)area->mem, .len = AREA_BYTES},
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(area->uffd, UFFDIO_WRITEPROTECT, &range);
}

static long area_written(const struct area *area)
{
	return area_scan(area, PM_SCAN_CHECK_WPASYNC, PAGE_IS_WRITTEN, 0);
}

bool probe_userfaultfd(struct probe *p)
{
	sn_auto_fd int fd = uffd_open(0, &p->caps->uffd_features);

	if (fd < 0)
		return probe_no_sys(p, "userfaultfd(UFFD_USER_MODE_ONLY)");
	return probe_yes(p, "features %#llx", (unsigned long long)p->caps->uffd_features);
}

/*
 * Protect what is present by a scan, write two of four pages, one of them by the
 * kernel, and see two.
 */
static bool track_present(struct probe *p, int map_flags, uint64_t features)
{
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};
	long pages;

	if (!area_open(&area, map_flags))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	area_touch(&area);
	/* Memory that is not registered must not pass for unchanged. */
	if (area_written(&area) >= 0)
		return probe_no(p, "a scan does not notice memory that is not registered");
	if (area_register(&area, features, UFFDIO_REGISTER_MODE_WP) < 0)
		return probe_no_sys(p, "register for WP_ASYNC (Linux 6.7)");
	if (area_scan(&area, PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, 0,
		      PAGE_IS_PRESENT | PAGE_IS_SWAPPED) < 0)
		return probe_no_sys(p, "protect by PAGEMAP_SCAN");
	pages = area_written(&area);
	if (pages != 0)
		return probe_no(p, "%ld pages count as written without a write", pages);
	area.mem[0] = 2;
	if (syscall(SYS_getcwd, area.mem + 2 * PAGE_BYTES, PAGE_BYTES) < 0)
		return probe_no_sys(p, "a write by the kernel to a protected page");
	pages = area_written(&area);
	if (pages != 2)
		return probe_no(p, "found %ld written pages of 2", pages);
	return probe_yes(p, "works");
}

bool probe_uffd_wp_async(struct probe *p)
{
	if (!p->caps->userfaultfd || !p->caps->pagemap_scan)
		return probe_no(p, "needs userfaultfd and pagemap_scan");
	return track_present(p, MAP_PRIVATE, UFFD_FEATURE_WP_ASYNC);
}

bool probe_uffd_wp_hugetlbfs_shmem(struct probe *p)
{
	if (!p->caps->uffd_wp_async)
		return probe_no(p, "needs uffd_wp_async");
	return track_present(p, MAP_SHARED, UFFD_TRACKING | UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
}

bool probe_uffd_wp_unpopulated(struct probe *p)
{
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};
	long pages;

	if (!p->caps->uffd_wp_async)
		return probe_no(p, "needs uffd_wp_async");
	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	if (area_register(&area, UFFD_TRACKING, UFFDIO_REGISTER_MODE_WP) < 0)
		return probe_no_sys(p, "register with WP_UNPOPULATED (Linux 6.4)");
	if (area_protect(&area) < 0)
		return probe_no_sys(p, "protect pages that are not there");
	pages = area_written(&area);
	if (pages != 0)
		return probe_no(p, "%ld absent pages count as written", pages);
	area.mem[PAGE_BYTES] = 1;
	pages = area_written(&area);
	if (pages != 1)
		return probe_no(p, "found %ld written pages of 1", pages);
	return probe_yes(p, "works");
}

/*
 * Of protected memory that has no page table, being dropped or never touched, Linux 6.7 and later
 * said nothing when it was asked for written pages, as if it were protected ones; from some
 * 6.18 on it is told.
 */
bool probe_pagemap_scan_holes(struct probe *p)
{
	enum { TABLE_BYTES = 2 << 20 }; /* what a page table maps */
	sn_auto_fd int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	sn_auto_fd int uffd = -1;
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_WP};
	uint8_t *mem, *table;
	long pages = -1;

	if (!p->caps->uffd_wp_unpopulated)
		return probe_no(p, "needs uffd_wp_unpopulated");
	mem = mmap(NULL, 2 * TABLE_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return probe_no_sys(p, "mmap");
	range.range.start = (uintptr_t)mem;
	range.range.len = 2 * TABLE_BYTES;
	uffd = uffd_open(UFFD_TRACKING, NULL);
	table = (uint8_t *)(((uintptr_t)mem + TABLE_BYTES - 1) & ~(uintptr_t)(TABLE_BYTES - 1));
	if (uffd >= 0 && ioctl(uffd, UFFDIO_REGISTER, &range) == 0)
		pages = probe_scan(pagemap, table, TABLE_BYTES, PM_SCAN_CHECK_WPASYNC,
				   PAGE_IS_WRITTEN, 0);
	munmap(mem, 2 * TABLE_BYTES);
	if (pages < 0)
		return probe_no_sys(p, "register and scan memory without pages");
	if (pages != TABLE_BYTES / PAGE_BYTES)
		return probe_no(p, "found %ld pages of %d", pages, TABLE_BYTES / PAGE_BYTES);
	return probe_yes(p, "works");
}

/* ---- what shared memory needs besides ---- */

/* Faults that reading a page of our own by process_vm_readv takes us; -1 it cannot be read. */
static long faults_of_reading(volatile uint8_t *page)
{
	uint8_t byte = 0;
	struct iovec local = {&byte, 1}, remote = {(void *)page, 1};
	struct rusage before, after;

	getrusage(RUSAGE_THREAD, &before);
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 1)
		return -1;
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
}

static int end_at_once(struct probe *p)
{
	(void)p;
	return 0;
}

bool probe_fork_seen(struct probe *p)
{
	volatile uint8_t *page = probe_pages(1);

	if (!page)
		return probe_no_sys(p, "map memory");
	page[0] = 1;
	if (faults_of_reading(page) < 0)
		return probe_no_sys(p, "process_vm_readv of our own memory");
	if (faults_of_reading(page) != 0)
		return probe_no(p, "reading takes a fault without a fork");
	if (probe_start(p, PROBE_HELPER, end_at_once) < 0 || probe_wait(p, PROBE_HELPER) != 0)
		return probe_no_sys(p, "fork");
	if (faults_of_reading(page) != 1)
		return probe_no(p, "reading takes no fault after a fork (Linux 5.19)");
	return probe_yes(p, "works");
}

bool probe_shmem_times(struct probe *p)
{
	static const struct timespec mark[2] = {{0, UTIME_OMIT}, {1, 1}};
	sn_auto_fd int fd = (int)syscall(SYS_memfd_create, "probe", MFD_CLOEXEC);
	struct stat marked, removed;

	if (fd < 0 || ftruncate(fd, AREA_BYTES) < 0 || pwrite(fd, "x", 1, 0) != 1)
		return probe_no_sys(p, "make a memfd");
	if (futimens(fd, mark) < 0 || fstat(fd, &marked) < 0 || marked.st_mtim.tv_sec != 1 ||
	    marked.st_mtim.tv_nsec != 1)
		return probe_no_sys(p, "set the time of a memfd");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_BYTES) < 0 ||
	    fstat(fd, &removed) < 0)
		return probe_no_sys(p, "remove a page");
	if (removed.st_mtim.tv_sec == 1)
		return probe_no(p, "removing a page leaves its time");
	return probe_yes(p, "works");
}

bool probe_uffd_copy(struct probe *p)
{
	struct uffdio_copy copy = {.len = PAGE_BYTES, .mode = UFFDIO_COPY_MODE_WP};
	sn_auto(area_release) struct area area = {.pagemap = -1, .uffd = -1};

	if (!p->caps->uffd_wp_async || !p->page)
		return probe_no(p, "needs uffd_wp_async");
	if (!area_open(&area, MAP_PRIVATE))
		return probe_no_sys(p, "open /proc/PID/pagemap");
	if (area_register(&area, UFFD_FEATURE_WP_ASYNC,
			  UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP) < 0)
		return probe_no_sys(p, "register for missing pages");
	copy.dst = (uintptr_t)area.mem;
	copy.src = (uintptr_t)(p->page + PAGE_BYTES);
	if (ioctl(area.uffd, UFFDIO_COPY, &copy) < 0 || copy.copy != PAGE_BYTES)
		return probe_no_sys(p, "UFFDIO_COPY");
	/* A page that was not filled must not be touched: nobody would serve it. */
	if (!(area_entry(&area, 0) & ENTRY_PRESENT) || area.mem[0] != PROBE_MARK)
		return probe_no(p, "the page did not arrive");
	if (probe_scan(area.pagemap, area.mem, PAGE_BYTES, 0, PAGE_IS_WRITTEN, 0) != 0)
		return probe_no(p, "the page arrives without its protection");
	return probe_yes(p, "works");
}

bool probe_uffd_kernel_faults(struct probe *p)
{
	sn_auto_fd int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	int why = errno;

	p->caps->unprivileged_userfaultfd =
		(int)probe_read_number("/proc/sys/vm/unprivileged_userfaultfd", -1);
	errno = why;
	if (fd < 0)
		return probe_no_sys(p, "vm.unprivileged_userfaultfd=%d",
				    p->caps->unprivileged_userfaultfd);
	return probe_yes(p, "vm.unprivileged_userfaultfd=%d", p->caps->unprivileged_userfaultfd);
}

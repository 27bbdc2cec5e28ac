/* SPDX-License-Identifier: Apache-2.0 */
/* For victims of memory: what the kernel says of one address of ours. */
#ifndef TEST_LIVE_SMAPS_H
#define TEST_LIVE_SMAPS_H

#include "victim.h"
#include <fcntl.h>

/* Whether the mapping at `at` has the two-letter flag of VmFlags, proc_pid_smaps(5);
 * -1 when nothing is mapped there. */
static inline int smaps_flag(const void *at, const char *flag)
{
	unsigned long start, end;
	char line[512];
	bool inside = false;
	int found = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)at >= start && (uintptr_t)at < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	if (file)
		fclose(file);
	return found;
}

/* Asked of the kernel, so that a "no" is no SIGSEGV. */
static inline bool smaps_readable(const void *at)
{
	return !(access(at, F_OK) < 0 && errno == EFAULT);
}

/* Overwrites 16 bytes where the answer is yes. */
static inline bool smaps_writable(void *at)
{
	return syscall(SYS_clock_getres, CLOCK_MONOTONIC, at) == 0;
}

#endif

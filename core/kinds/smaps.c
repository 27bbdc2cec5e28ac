// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/smaps.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <sys/mman.h>

/* Flags that a mapping can be given again, and "ac" (accounted: was writable once). */
static const char *const kept[] = {"gd", "lo", "nr", "dd", "dc", "wf", "hg",
				   "nh", "mg", "sr", "rr", "ht", "ac", "lf"};

static bool is_header(const char *line)
{
	const char *p = line;

	while (isxdigit((unsigned char)*p))
		p++;
	return p > line && *p == '-';
}

static void keep_flags(const char *line, char *out, size_t size)
{
	size_t i, used = 0;

	out[0] = '\0';
	for (i = 0; i < sn_countof(kept); i++) {
		char token[5];

		snprintf(token, sizeof(token), " %s ", kept[i]);
		if (strstr(line, token) && used + 4 < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
						 kept[i]);
	}
}

int smaps_read(pid_t pid, struct smaps *smaps, struct sn_err *err)
{
	sn_auto_free char *text = proc_read(pid, "smaps", NULL, err);
	struct smaps_entry *entry = NULL;
	size_t cap = 0;
	char *line, *rest = text;

	*smaps = (struct smaps){0};
	if (!text)
		return -1;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (is_header(line)) {
			if (smaps->len == cap) {
				cap = cap ? 2 * cap : 128;
				smaps->entries = sn_realloc(smaps->entries, cap, sizeof(*entry));
			}
			entry = &smaps->entries[smaps->len++];
			*entry = (struct smaps_entry){0};
			sscanf(line, "%lx-%lx %4s %lx", &entry->start, &entry->end, entry->perms,
			       &entry->offset);
		} else if (entry && strncmp(line, "VmFlags:", 8) == 0) {
			keep_flags(line, entry->flags, sizeof(entry->flags));
			entry->may_write = strstr(line, " mw ");
		}
	}
	return 0;
}

void smaps_release(struct smaps *smaps)
{
	free(smaps->entries);
	*smaps = (struct smaps){0};
}

static bool same_perms(const char *perms, const struct proc_map *map)
{
	return (perms[0] == 'r') == !!(map->prot & PROT_READ) &&
	       (perms[1] == 'w') == !!(map->prot & PROT_WRITE) &&
	       (perms[2] == 'x') == !!(map->prot & PROT_EXEC) &&
	       (perms[3] == 's') == map->shared;
}

const struct smaps_entry *smaps_find(const struct smaps *smaps, const struct proc_map *map)
{
	const struct smaps_entry *entry;
	size_t low = 0, high = smaps->len;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (smaps->entries[mid].start < map->start)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == smaps->len)
		return NULL;
	entry = &smaps->entries[low];
	if (entry->start != map->start || entry->end != map->end ||
	    entry->offset != map->offset || !same_perms(entry->perms, map))
		return NULL;
	return entry;
}

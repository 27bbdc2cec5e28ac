// SPDX-License-Identifier: Apache-2.0
#include "core/task/proc.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

int proc_open(pid_t pid, const char *name, int flags, struct sn_err *err)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return sn_fail_sys(err, "open %s", path);
	return fd;
}

char *proc_read(pid_t pid, const char *name, size_t *len, struct sn_err *err)
{
	sn_auto_fd int fd = proc_open(pid, name, O_RDONLY, err);
	sn_auto_free char *buf = NULL;
	size_t used = 0, cap = 4096;
	ssize_t n;

	if (fd < 0)
		return NULL;
	buf = sn_malloc(cap);
	while ((n = read(fd, buf + used, cap - used - 1)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sn_fail_sys(err, "read /proc/%d/%s", pid, name);
			return NULL;
		}
		used += (size_t)n;
		if (cap - used < 2048) {
			cap *= 2;
			buf = sn_realloc(buf, cap, 1);
		}
	}
	buf[used] = '\0';
	if (len)
		*len = used;
	return sn_steal_ptr(&buf);
}

int proc_readlink(pid_t pid, const char *name, char *buf, size_t size, struct sn_err *err)
{
	char path[96];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, buf, size - 1);
	if (n < 0)
		return sn_fail_sys(err, "readlink %s", path);
	buf[n] = '\0';
	return 0;
}

int proc_stat(pid_t pid, struct proc_stat *stat, struct sn_err *err)
{
	sn_auto_free char *text = proc_read(pid, "stat", NULL, err);
	enum { EXITING = 4 }; /* PF_EXITING, include/linux/sched.h */
	uint64_t field[53] = {0};
	char *p;
	int i;

	if (!text)
		return -1;
	p = strrchr(text, ')');
	if (!p || !p[1])
		return sn_fail(err, "/proc/%d/stat: no closing parenthesis", pid);
	stat->state = p[2];
	p += 3;
	for (i = 4; i < 53; i++) /* numbered as in proc_pid_stat(5) */
		field[i] = strtoull(p, &p, 10);
	stat->ppid = (pid_t)field[4];
	stat->pgid = (pid_t)field[5];
	stat->sid = (pid_t)field[6];
	stat->exiting = field[9] & EXITING;
	stat->start_ticks = field[22];
	stat->start_code = field[26];
	stat->end_code = field[27];
	stat->start_stack = field[28];
	stat->start_data = field[45];
	stat->end_data = field[46];
	stat->start_brk = field[47];
	stat->arg_start = field[48];
	stat->arg_end = field[49];
	stat->env_start = field[50];
	stat->env_end = field[51];
	return 0;
}

bool proc_ending(pid_t pid)
{
	struct sn_err ignored;
	struct proc_stat stat;

	return proc_stat(pid, &stat, &ignored) < 0 || stat.exiting || stat.state == 'Z' ||
	       stat.state == 'X';
}

bool proc_field(const char *text, const char *name, int base, uint64_t *value)
{
	size_t len = strlen(name);
	const char *line = text;

	while (line) {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			*value = strtoull(line + len + 1, NULL, base);
			return true;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

/* Undoes the octal escapes of seq_path(): "\012" and "\134". */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && isdigit(s[1]) && isdigit(s[2]) && isdigit(s[3])) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

static char *parse_map(char *line, struct proc_map *map)
{
	char *p = line, *end;
	unsigned long major, minor;

	map->start = strtoull(p, &p, 16);
	map->end = strtoull(p + 1, &p, 16);
	p++;
	map->prot = (p[0] == 'r' ? PROT_READ : 0) | (p[1] == 'w' ? PROT_WRITE : 0) |
		    (p[2] == 'x' ? PROT_EXEC : 0);
	map->shared = p[3] == 's';
	map->offset = strtoull(p + 5, &p, 16);
	major = strtoul(p + 1, &p, 16);
	minor = strtoul(p + 1, &p, 16);
	map->dev = makedev(major, minor);
	map->ino = strtoull(p, &p, 10);
	end = strchrnul(p, '\n');
	while (p < end && *p == ' ')
		p++;
	map->path = p;
	p = *end ? end + 1 : end;
	*end = '\0';
	unescape(map->path);
	return p;
}

int proc_maps(pid_t pid, struct proc_maps *maps, struct sn_err *err)
{
	size_t cap = 0;
	char *p;

	*maps = (struct proc_maps){0};
	maps->text = proc_read(pid, "maps", NULL, err);
	if (!maps->text)
		return -1;
	for (p = maps->text; *p;) {
		if (maps->len == cap) {
			cap = cap ? cap * 2 : 128;
			maps->maps = sn_realloc(maps->maps, cap, sizeof(*maps->maps));
		}
		p = parse_map(p, &maps->maps[maps->len++]);
	}
	return 0;
}

void proc_maps_release(struct proc_maps *maps)
{
	free(maps->text);
	free(maps->maps);
	*maps = (struct proc_maps){0};
}

static int by_tid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

int proc_tids(pid_t pid, pid_t **tids, size_t *count, struct sn_err *err)
{
	sn_auto_dir DIR *dir = NULL;
	struct dirent *entry;
	size_t cap = 16, n = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return sn_fail_sys(err, "open %s", path);
	*tids = sn_malloc(cap * sizeof(**tids));
	while ((entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (n == cap) {
			cap *= 2;
			*tids = sn_realloc(*tids, cap, sizeof(**tids));
		}
		(*tids)[n++] = tid;
	}
	qsort(*tids, n, sizeof(**tids), by_tid);
	*count = n;
	return 0;
}

const char *proc_who(pid_t pid, char *buf, size_t size)
{
	struct sn_err err;
	sn_auto_free char *comm = proc_read(pid, "comm", NULL, &err);

	if (comm)
		comm[strcspn(comm, "\n")] = '\0';
	snprintf(buf, size, "%d (%s)", pid, comm ? comm : "gone");
	return buf;
}

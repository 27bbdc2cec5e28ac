// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/file_system.h"

#include "core/base/mem.h"
#include "core/task/proc.h"

#include <linux/kcmp.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- reading ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int read_directory(pid_t pid, const char *link, const char *what, char **field,
			  struct sn_err *err)
{
	char path[PATH_MAX], proc[64];
	struct stat st;

	if (proc_readlink(pid, link, path, sizeof(path), err) < 0)
		return -1;
	snprintf(proc, sizeof(proc), "/proc/%d/%s", pid, link);
	/* a name may end so and be there */
	if (ends_with(path, " (deleted)") && (stat(proc, &st) < 0 || st.st_nlink == 0))
		return sn_fail(err, "%s %s: the directory has been removed", what, path);
	if (path[0] != '/')
		return sn_fail(err, "%s %s: not in our directory tree", what, path);
	kind_set_string(field, path);
	return 0;
}

/* Threads that have called unshare(2) with CLONE_FS. */
static int check_threads(const struct reading *r, struct sn_err *err)
{
	const struct task *task = r->task;
	size_t i;

	for (i = 1; r->caps->kcmp && i < task->thread_count; i++)
		if (syscall(SYS_kcmp, task->pid, task->threads[i].tid, KCMP_FS, 0, 0) > 0)
			return sn_fail(err, "thread %d has a working directory of its own",
				       task->threads[i].tid);
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__FileSystem *model = message;
	uint64_t mask;

	if (read_directory(r->task->pid, "cwd", "working directory", &model->cwd, err) < 0 ||
	    read_directory(r->task->pid, "root", "root directory", &model->root, err) < 0)
		return -1;
	if (!proc_field(r->status, "Umask", 8, &mask))
		return sn_fail(err, "/proc/%d/status: no umask", r->task->pid);
	model->umask = (uint32_t)mask;
	return check_threads(r, err);
}

/* ---- correcting ---- */

/* The path as a process with this root says it; NULL: outside of it. */
static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (strcmp(root, "/") == 0)
		return path;
	if (strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len : "/";
}

static int go(struct applying *a, long nr, const char *what, const char *path, struct sn_err *err)
{
	const struct remote_call *call =
		remote_try(a->remote, what, nr, remote_text(a->remote, path));

	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (call->result < 0)
		return sn_fail_code(err, (int)-call->result, "%s %s", what, path);
	return 0;
}

/*
 * The working directory first: chroot(2) leaves it alone, and it may lie outside the new root
 * as that of a careless program does.
 */
static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__FileSystem *old = have, *new = want;
	const char *root = old ? old->root : "/", *cwd;

	if (!new)
		return 0;
	if (strcmp(root, new->root) != 0 && strcmp(root, "/") != 0)
		return sn_fail(err, "root directory %s: the process cannot leave %s", new->root,
			       root);
	cwd = below(new->cwd, root);
	if (!cwd)
		return sn_fail(err, "working directory %s: the process cannot leave %s", new->cwd,
			       root);
	if ((!old || strcmp(old->cwd, new->cwd) != 0) &&
	    go(a, SYS_chdir, "change to the working directory", cwd, err) < 0)
		return -1;
	if (strcmp(root, new->root) != 0 &&
	    go(a, SYS_chroot, "change to the root directory", new->root, err) < 0)
		return -1;
	if (!old || old->umask != new->umask)
		remote_call(a->remote, "set the umask", SYS_umask, new->umask);
	return 0;
}

const struct kind kind_file_system = {
	.name = "directories and umask",
	.level = KIND_TASK,
	.field = 26,
	.stage = STAGE_TASK,
	.ask = ask,
	.correct = correct,
};

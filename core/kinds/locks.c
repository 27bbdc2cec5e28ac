// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/locks.h"

#include "core/kinds/fdinfo.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

static int lock_type(const char *name)
{
	static const struct {
		const char *name;
		Sn__FileLock__Type type;
	} types[] = {
		{"FLOCK", SN__FILE_LOCK__TYPE__FLOCK},
		{"POSIX", SN__FILE_LOCK__TYPE__POSIX},
		{"OFDLCK", SN__FILE_LOCK__TYPE__OFD},
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return -1;
}

int locks_read(const struct file_probe *probe, Sn__RegularFile *regular, struct sn_err *err)
{
	const char *at = probe->fdinfo;
	struct fdinfo_lock found;
	int more;

	while ((more = fdinfo_next_lock(&at, &found, err)) > 0) {
		int type = lock_type(found.type);
		Sn__FileLock *lock;

		if (type < 0)
			return sn_fail(err, "%s: a lock of type %s cannot be captured", probe->link,
				       found.type);
		lock = kind_append(regular, locks, sn__file_lock);
		lock->type = (Sn__FileLock__Type)type;
		lock->write = found.write;
		lock->start_bytes = found.start;
		lock->length_bytes = found.length;
	}
	return more;
}

static int queue_lock(struct applying *a, const Sn__FileLock *lock, bool release, int fd,
		      struct sn_err *err)
{
	int type = release ? F_UNLCK : lock->write ? F_WRLCK : F_RDLCK;
	const char *what = release ? "release a lock" : "take a lock again";
	struct flock range = {
		.l_type = (short)type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)lock->start_bytes,
		.l_len = (off_t)lock->length_bytes,
	};
	int command = lock->type == SN__FILE_LOCK__TYPE__OFD ? F_OFD_SETLK : F_SETLK;

	if (!remote_fits(a->remote, 1, sizeof(range)) && applying_run(a, err) < 0)
		return -1;
	if (lock->type == SN__FILE_LOCK__TYPE__FLOCK)
		remote_call(a->remote, what, SYS_flock, (uint64_t)fd,
			    (release ? LOCK_UN : lock->write ? LOCK_EX : LOCK_SH) | LOCK_NB);
	else
		remote_call(a->remote, what, SYS_fcntl, (uint64_t)fd, (uint64_t)command,
			    remote_data(a->remote, &range, sizeof(range)));
	return 0;
}

static bool has(const Sn__RegularFile *regular, const Sn__FileLock *lock)
{
	size_t i;

	for (i = 0; i < regular->n_locks; i++)
		if (message_equal(&regular->locks[i]->base, &lock->base))
			return true;
	return false;
}

int locks_release(struct applying *a, const Sn__RegularFile *have, const Sn__RegularFile *want,
		  int fd, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < have->n_locks; i++)
		if (!has(want, have->locks[i]) && queue_lock(a, have->locks[i], true, fd, err) < 0)
			return -1;
	return 0;
}

int locks_take(struct applying *a, const Sn__RegularFile *want, int fd, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < want->n_locks; i++)
		if (queue_lock(a, want->locks[i], false, fd, err) < 0)
			return -1;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the fault tests: takes the place of libc's calls that change files, for our
 * code and SQLite's alike, and asks a hook before each of them.
 *
 * Included once in a program. The hook is a file-scope variable because libc's
 * names leave no way to pass a context.
 */
#ifndef CATALOG_TEST_IO_H
#define CATALOG_TEST_IO_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum io_what {
	IO_WRITE,
	IO_SYNC,
	IO_TRUNCATE, /* to `offset` */
	IO_CREATE,   /* `path` below `fd`, a file that was not there */
	IO_UNLINK,
	IO_RENAME,
};

struct io_call {
	enum io_what what;
	int fd;
	const char *path;
	const void *bytes;
	size_t len;
	off_t offset;
};

enum {
	IO_HALF = -1, /* verdict on a write: do half of it */
};

/* 0: let it be done, IO_HALF, or the errno to fail with. NULL: no hook. */
static int (*io_hook)(const struct io_call *call);

static int io_ask(struct io_call call)
{
	int saved = errno;
	int verdict = io_hook ? io_hook(&call) : 0;

	errno = saved;
	if (verdict > 0)
		errno = verdict;
	return verdict;
}

static ssize_t io_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	int verdict = io_ask((struct io_call){IO_WRITE, fd, NULL, bytes, len, offset});

	if (verdict > 0)
		return -1;
	if (verdict == IO_HALF && len > 1)
		len /= 2;
	return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	return io_pwrite(fd, bytes, len, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	return io_pwrite(fd, bytes, len, offset);
}

int fsync(int fd)
{
	if (io_ask((struct io_call){.what = IO_SYNC, .fd = fd}) > 0)
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	if (io_ask((struct io_call){.what = IO_SYNC, .fd = fd}) > 0)
		return -1;
	return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t len)
{
	if (io_ask((struct io_call){.what = IO_TRUNCATE, .fd = fd, .offset = len}) > 0)
		return -1;
	return (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

int unlink(const char *path)
{
	if (io_ask((struct io_call){.what = IO_UNLINK, .fd = AT_FDCWD, .path = path}) > 0)
		return -1;
	return (int)syscall(SYS_unlink, path);
}

int unlinkat(int fd, const char *path, int flags)
{
	if (io_ask((struct io_call){.what = IO_UNLINK, .fd = fd, .path = path}) > 0)
		return -1;
	return (int)syscall(SYS_unlinkat, fd, path, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (io_ask((struct io_call){.what = IO_RENAME, .fd = from_fd, .path = from}) > 0)
		return -1;
	return (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
}

static int io_openat(int fd, const char *path, int flags, mode_t mode)
{
	struct stat st;

	if ((flags & O_CREAT) && fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    io_ask((struct io_call){.what = IO_CREATE, .fd = fd, .path = path}) > 0)
		return -1;
	return (int)syscall(SYS_openat, fd, path, flags, mode);
}

#define IO_OPEN_MODE(flags, mode)               \
	do {                                    \
		va_list args;                   \
		va_start(args, flags);          \
		if (flags & O_CREAT)            \
			mode = va_arg(args, mode_t); \
		va_end(args);                   \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	IO_OPEN_MODE(flags, mode);
	return io_openat(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	IO_OPEN_MODE(flags, mode);
	return io_openat(AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	IO_OPEN_MODE(flags, mode);
	return io_openat(fd, path, flags, mode);
}

#endif

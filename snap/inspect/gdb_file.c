// SPDX-License-Identifier: Apache-2.0
/*
 * Files for gdb ("Host I/O Packets" in its manual), to read only: programs and libraries as they
 * were (out of the snapshot, when the file is gone), files of /proc about the process, and any
 * other as it is on disk, where debug information is looked for. The client is the same user, and
 * could open those itself. A library that changed since is not there: its symbols would be wrong.
 */
#include "snap/inspect/gdb_internal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { FILES_MAX = 512, ERRNO_UNKNOWN = 9999 };

/* ---- answers ---- */

/* The protocol's own numbers: those of most systems, but for the last two. */
static void fail(FILE *out, int code)
{
	static const int same[] = {EPERM, ENOENT, EBADF, EACCES, EISDIR, EINVAL, EMFILE, EROFS};

	for (size_t i = 0; i < sn_countof(same); i++) {
		if (same[i] == code) {
			fprintf(out, "F-1,%x", (unsigned)code);
			return;
		}
	}
	fprintf(out, "F-1,%x", code == ENAMETOOLONG ? 91 : ERRNO_UNKNOWN);
}

/* How many bytes, and they themselves. */
static void put_bytes(FILE *out, const void *bytes, size_t len)
{
	sn_auto_free char *text = NULL;
	size_t text_len, done;
	FILE *part = text_stream(&text, &text_len);

	done = gdb_put_binary(part, bytes, len, GDB_PACKET_BYTES - 16);
	fclose(part);
	fprintf(out, "F%zx;", done);
	fwrite(text, 1, text_len, out);
}

/* ---- opening ---- */

static int add_file(struct gdb_stub *stub, struct gdb_file file)
{
	size_t i = 0;

	while (i < stub->file_count && stub->files[i].used)
		i++;
	if (i == stub->file_count) {
		stub->files = sn_realloc(stub->files, i + 1, sizeof(*stub->files));
		stub->file_count++;
	}
	file.used = true;
	stub->files[i] = file;
	return (int)i;
}

static struct module *module_named(struct inspect *in, const char *path)
{
	for (size_t i = 0; i < in->module_count; i++) {
		sn_auto_free char *file = gdb_module_file(in->modules[i]);

		if (strcmp(file, path) == 0 || strcmp(in->modules[i]->name, path) == 0)
			return in->modules[i];
	}
	return NULL;
}

/* 0, or an errno. */
static int open_module(struct inspect *in, const struct module *module, struct gdb_file *file)
{
	const Sn__Mapping *mapping = memory_mapping(in, module->start);
	struct sn_err ignored;
	int fd;

	if (module->image) {
		file->bytes = module->image;
		file->len = module->image_len;
		return 0;
	}
	if (!mapping || mapping->type != SN__MAPPING_TYPE__MAPPING_FILE)
		return ENOENT;
	fd = memory_file(in, mapping, &ignored);
	if (fd < 0)
		return ENOENT;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return file->fd < 0 ? errno : 0;
}

static int open_on_disk(const char *path, struct gdb_file *file)
{
	/* nothing is waited for, and a terminal does not become ours */
	sn_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	file->fd = sn_steal_fd(&fd);
	return 0;
}

static int open_path(struct inspect *in, const char *path, struct gdb_file *file)
{
	const struct module *module = module_named(in, path);

	if (module)
		return open_module(in, module, file);
	if (strncmp(path, "/proc/", 6) != 0)
		return path[0] == '/' ? open_on_disk(path, file) : ENOENT;
	if (!gdb_proc_file(in, path, &file->own, &file->len))
		return ENOENT;
	file->bytes = (const uint8_t *)file->own;
	return 0;
}

/* ---- the packets ---- */

/* "NAME,FLAGS,MODE" */
static void do_open(struct gdb_stub *stub, const char *args, FILE *out)
{
	struct gdb_file file = {.fd = -1};
	char path[PATH_MAX];
	uint64_t flags;
	size_t used = 0;
	int code;

	for (size_t i = 0; i < stub->file_count; i++)
		used += stub->files[i].used;
	if (!gdb_take_text(&args, path, sizeof(path)) || !gdb_take(&args, ',') ||
	    !gdb_take_number(&args, &flags))
		code = EINVAL;
	else if (flags != 0)
		code = EROFS;
	else if (used >= FILES_MAX)
		code = EMFILE;
	else
		code = open_path(stub->in, path, &file);
	if (code)
		fail(out, code);
	else
		fprintf(out, "F%x", (unsigned)add_file(stub, file));
}

static struct gdb_file *take_file(struct gdb_stub *stub, const char **args)
{
	uint64_t number;

	if (!gdb_take_number(args, &number) || number >= stub->file_count ||
	    !stub->files[number].used)
		return NULL;
	return &stub->files[number];
}

static void close_file(struct gdb_file *file)
{
	if (file->used && file->fd >= 0)
		close(file->fd);
	free(file->own);
	*file = (struct gdb_file){.fd = -1};
}

static void do_close(struct gdb_stub *stub, const char *args, FILE *out)
{
	struct gdb_file *file = take_file(stub, &args);

	if (!file) {
		fail(out, EBADF);
		return;
	}
	close_file(file);
	fputs("F0", out);
}

/* "FD,COUNT,OFFSET" */
static void do_pread(struct gdb_stub *stub, const char *args, FILE *out)
{
	struct gdb_file *file = take_file(stub, &args);
	char bytes[GDB_PACKET_BYTES];
	uint64_t count, offset;
	ssize_t n;

	if (!file) {
		fail(out, EBADF);
	} else if (!gdb_take(&args, ',') || !gdb_take_number(&args, &count) ||
		   !gdb_take(&args, ',') || !gdb_take_number(&args, &offset) ||
		   offset > INT64_MAX) {
		fail(out, EINVAL);
	} else if (file->fd < 0) {
		offset = offset < file->len ? offset : file->len;
		put_bytes(out, file->bytes + offset,
			  count < file->len - offset ? count : file->len - offset);
	} else {
		n = pread(file->fd, bytes, count < sizeof(bytes) ? count : sizeof(bytes),
			  (off_t)offset);
		if (n < 0)
			fail(out, errno);
		else
			put_bytes(out, bytes, (size_t)n);
	}
}

/* The protocol's struct stat: everything big-endian, times in seconds. */
static void do_fstat(struct gdb_stub *stub, const char *args, FILE *out)
{
	struct gdb_file *file = take_file(stub, &args);
	struct stat st = {.st_mode = S_IFREG | 0444, .st_nlink = 1};
	struct __attribute__((packed)) {
		uint32_t dev, ino, mode, nlink, uid, gid, rdev;
		uint64_t size, blksize, blocks;
		uint32_t atime, mtime, ctime;
	} answer;

	if (!file || (file->fd >= 0 && fstat(file->fd, &st) < 0)) {
		fail(out, EBADF);
		return;
	}
	if (file->fd < 0)
		st.st_size = (off_t)file->len;
	answer.dev = htobe32((uint32_t)st.st_dev);
	answer.ino = htobe32((uint32_t)st.st_ino);
	answer.mode = htobe32(st.st_mode);
	answer.nlink = htobe32((uint32_t)st.st_nlink);
	answer.uid = htobe32(st.st_uid);
	answer.gid = htobe32(st.st_gid);
	answer.rdev = htobe32((uint32_t)st.st_rdev);
	answer.size = htobe64((uint64_t)st.st_size);
	answer.blksize = htobe64((uint64_t)st.st_blksize);
	answer.blocks = htobe64((uint64_t)st.st_blocks);
	answer.atime = htobe32((uint32_t)st.st_atime);
	answer.mtime = htobe32((uint32_t)st.st_mtime);
	answer.ctime = htobe32((uint32_t)st.st_ctime);
	put_bytes(out, &answer, sizeof(answer));
}

static void do_readlink(struct gdb_stub *stub, const char *args, FILE *out)
{
	char path[PATH_MAX];
	sn_auto_free char *target = NULL;

	if (gdb_take_text(&args, path, sizeof(path)))
		target = gdb_proc_link(stub->in, path);
	if (target)
		put_bytes(out, target, strlen(target));
	else
		fail(out, EINVAL);
}

/* "setfs:PID": whose files are meant. There are only ours. */
static void do_setfs(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fputs("F0", out);
}

static void refuse(struct gdb_stub *stub, const char *args, FILE *out)
{
	(void)stub;
	(void)args;
	fail(out, EROFS);
}

void gdb_file(struct gdb_stub *stub, const char *args, FILE *out)
{
	static const struct {
		const char *name;
		void (*answer)(struct gdb_stub *stub, const char *args, FILE *out);
	} packets[] = {
		{"open:", do_open},   {"close:", do_close},	  {"pread:", do_pread},
		{"fstat:", do_fstat}, {"readlink:", do_readlink}, {"setfs:", do_setfs},
		{"pwrite:", refuse},  {"unlink:", refuse},
	};

	for (size_t i = 0; i < sn_countof(packets); i++) {
		size_t len = strlen(packets[i].name);

		if (strncmp(args, packets[i].name, len) == 0)
			packets[i].answer(stub, args + len, out);
	}
}

void gdb_files_close(struct gdb_stub *stub)
{
	for (size_t i = 0; i < stub->file_count; i++)
		close_file(&stub->files[i]);
	free(stub->files);
}

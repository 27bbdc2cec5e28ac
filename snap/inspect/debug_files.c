// SPDX-License-Identifier: Apache-2.0
/*
 * libdwfl looks beside the file and in the directories. The servers are asked here: libdwfl takes
 * one that is down for one that does not have the file, asks it for every file anew, and waits
 * a minute and a half for one that is silent.
 */
#include "snap/inspect/debug_files.h"

#include "core/base/interrupt.h"
#include "snap/inspect/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <time.h>

static const char urls_name[] = "DEBUGINFOD_URLS";

enum { PATIENCE_S = 5 };

struct debug_files {
	char *directories;
	char *path; /* the same in libdwfl's words */
	void *library;
	char *note;
	bool given_up;
	/* Of the question that is being asked: */
	bool silent;
	long done;
	time_t heard_s;
};

struct debug_files *debug_files_new(void)
{
	struct debug_files *files = sn_calloc(1, sizeof(*files));

	debug_files_set(files, "/usr/lib/debug");
	return files;
}

void debug_files_free(struct debug_files *files)
{
	if (!files)
		return;
	if (files->library)
		dlclose(files->library);
	free(files->directories);
	free(files->path);
	free(files->note);
	free(files);
}

void debug_files_set(struct debug_files *files, const char *directories)
{
	char here[PATH_MAX];
	char *path = sn_strdup(":.debug"); /* beside the file, and in .debug there */

	if (!getcwd(here, sizeof(here)))
		here[0] = '\0';
	for (const char *at = directories; *at;) {
		int len = (int)strcspn(at, ":");
		sn_auto_free char *before = path;

		/* libdwfl would take "debug" for one beside the file */
		path = sn_asprintf("%s:%s%s%.*s", before, *at == '/' ? "" : here,
				   *at == '/' ? "" : "/", len, at);
		at += len + (at[len] == ':');
	}
	free(files->path);
	files->path = path;
	free(files->directories);
	files->directories = sn_strdup(directories);
}

const char *debug_files_directories(const struct debug_files *files)
{
	return files->directories;
}

char *debug_files_take_note(struct debug_files *files)
{
	return sn_steal_ptr(&files->note);
}

/* ---- the servers ---- */

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * debuginfod_find_debuginfo(3) has these. libdebuginfod is loaded by libdwfl when there are servers
 * to ask, and not linked: it brings a whole stack of network libraries along.
 */
typedef int find_debuginfo(debuginfod_client *client, const unsigned char *id, int len,
			   char **path);
typedef int progress_step(debuginfod_client *client, long done, long whole);
typedef void set_progressfn(debuginfod_client *client, progress_step *step);
typedef void set_user_data(debuginfod_client *client, void *data);
typedef void *get_user_data(debuginfod_client *client);

static void *call(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

/* About once a second; `whole` is 0, and `done` means nothing, before an answer. Not 0: no more. */
static int step(debuginfod_client *client, long done, long whole)
{
	struct debug_files *files = ((get_user_data *)call("debuginfod_get_user_data"))(client);

	if (whole && done != files->done) {
		files->done = done;
		files->heard_s = now_s();
	}
	files->silent = now_s() - files->heard_s >= PATIENCE_S;
	return files->silent || sn_interrupted();
}

/* Whom to ask; NULL: nobody. */
static debuginfod_client *client_of(struct debug_files *files, Dwfl *dwfl)
{
	debuginfod_client *client = files->given_up ? NULL : dwfl_get_debuginfod_client(dwfl);

	if (!client)
		return NULL;
	if (!files->library)
		files->library = dlopen("libdebuginfod.so.1", RTLD_LAZY | RTLD_GLOBAL);
	if (!call("debuginfod_find_debuginfo") || !call("debuginfod_get_user_data"))
		return NULL;
	((set_user_data *)call("debuginfod_set_user_data"))(client, files);
	((set_progressfn *)call("debuginfod_set_progressfn"))(client, step);
	files->silent = false;
	files->done = 0;
	files->heard_s = now_s();
	return client;
}

static void give_up(struct debug_files *files, const char *urls, int error)
{
	files->given_up = true;
	free(files->note);
	files->note = sn_asprintf("debuginfod at %s: %s; it is not asked again, without it names"
				  " may be missing (unset %s)",
				  urls, files->silent ? "silence" : strerror(error), urls_name);
}

static int ask(struct debug_files *files, debuginfod_client *client, Dwfl_Module *mod,
	       const char *urls, char **path)
{
	const unsigned char *id;
	GElf_Addr addr;
	int len = dwfl_module_build_id(mod, &id, &addr), fd;

	if (len <= 0)
		return -1;
	fd = ((find_debuginfo *)call("debuginfod_find_debuginfo"))(client, id, len, path);
	/* What was ended looks as what is nowhere. */
	if (fd < 0 && (fd != -ENOENT || files->silent))
		give_up(files, urls, -fd);
	return fd < 0 ? -1 : fd;
}

static int find(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		const char *file, const char *link, GElf_Word crc, char **path)
{
	struct module *module = *userdata;
	const char *set = getenv(urls_name);
	sn_auto_free char *urls = set && *set ? sn_strdup(set) : NULL;
	debuginfod_client *client = module && urls ? client_of(module->in->debug, module->in->dwfl)
						   : NULL;
	/* What dwz(1) took out of several files, named without a sum: libdwfl knows its id. */
	bool is_common = link && !crc;
	int fd;

	if (urls && !(client && is_common))
		unsetenv(urls_name);
	fd = dwfl_standard_find_debuginfo(mod, userdata, name, base, file, link, crc, path);
	if (urls)
		setenv(urls_name, urls, 1);
	if (fd >= 0 || !client || is_common)
		return fd;
	return ask(module->in->debug, client, mod, urls, path);
}

void debug_files_callbacks(struct debug_files *files, Dwfl_Callbacks *callbacks)
{
	callbacks->find_debuginfo = find;
	callbacks->debuginfo_path = &files->path;
}

// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.h"

#include "core/base/mem.h"
#include "shell/looking.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

static char *default_dir(void)
{
	const char *home;

	home = getenv("SNAPSH_CATALOG");
	if (home && *home)
		return sn_strdup(home);
	home = getenv("XDG_DATA_HOME");
	if (home && *home)
		return sn_asprintf("%s/snapsh", home);
	home = getenv("HOME");
	return sn_asprintf("%s/.local/share/snapsh", home && *home ? home : "");
}

void shell_init(struct shell *shell, const char *dir)
{
	memset(shell, 0, sizeof(*shell));
	shell->print = inspect_print_defaults();
	shell->debug = debug_files_new();
	shell->variables = variables_new();
	shell->catalog_dir = dir ? sn_strdup(dir) : default_dir();
}

void shell_fini(struct shell *shell)
{
	looking_close(shell);
	debug_files_free(shell->debug);
	variables_free(shell->variables);
	catalog_close(shell->catalog);
	free(shell->catalog_dir);
	memset(shell, 0, sizeof(*shell));
}

/* Every directory above `path`; what cannot be made is left for catalog_open to
 * say, which knows what it wanted there. */
static void make_parents(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

struct catalog *shell_catalog(struct shell *shell, struct sn_err *err)
{
	char *real;

	if (shell->catalog)
		return shell->catalog;
	if (!*shell->catalog_dir) {
		sn_fail(err, "the catalog's directory has an empty name");
		return NULL;
	}
	make_parents(shell->catalog_dir);
	if (catalog_open(&shell->catalog, shell->catalog_dir, err) < 0) {
		shell->catalog = NULL;
		return NULL;
	}
	/* Keepers live in "/" and need a name that holds there too. */
	real = realpath(shell->catalog_dir, NULL);
	if (real) {
		free(shell->catalog_dir);
		shell->catalog_dir = real;
	}
	return shell->catalog;
}

const char *shell_selected(const struct shell *shell)
{
	return *shell->selected ? shell->selected : NULL;
}

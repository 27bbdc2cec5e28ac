/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run of snapsh has in hand: passed down, never global.
 *
 *	main -> (repl ->) command_run -> a cmd_*.c -> client, catalog, snap
 *
 * The catalog is opened by the first command that asks for it, so that `help`
 * and `check` work where none can be made.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include "catalog/catalog.h"
#include "core/base/err.h"
#include "snap/inspect/inspect.h"

#include <stdbool.h>

struct looking;

struct shell {
	char *catalog_dir;	 /* as given or by default; absolute once it is open */
	struct catalog *catalog; /* NULL until shell_catalog */
	char selected[64];	 /* application named by `use`; "" none */
	bool json;
	bool no_pager;
	bool interactive;
	const char *script; /* what lines are read from; NULL: no script */
	size_t script_line;
	bool quit;		    /* said `quit` */
	struct print_options print; /* how values are printed, shell/print_options.h */
	struct debug_files *debug;
	struct variables *variables; /* $foo of its expressions */
	struct looking *at;	     /* the snapshot `at` selected, shell/looking.h; NULL none */
	struct looking *once;	     /* the one a command named for itself */
};

/* `dir` NULL: $SNAPSH_CATALOG, $XDG_DATA_HOME/snapsh, ~/.local/share/snapsh. */
void shell_init(struct shell *shell, const char *dir);
void shell_fini(struct shell *shell);

/* The catalog, made with the directories above it when missing. */
struct catalog *shell_catalog(struct shell *shell, struct sn_err *err);

/* What snap_app and snap_ref take as `selected`: NULL when there is none. */
const char *shell_selected(const struct shell *shell);

#endif

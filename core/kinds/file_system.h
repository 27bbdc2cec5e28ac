/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working directory, root directory and umask: what CLONE_FS shares, clone(2).
 *
 * Paths are those of the directory tree the controller sees. A directory that has been removed,
 * one outside that tree, and threads with directories of their own are refused by name.
 * A living process with another root directory cannot be led out of it.
 */
#ifndef CORE_KINDS_FILE_SYSTEM_H
#define CORE_KINDS_FILE_SYSTEM_H

#include "core/kinds/kind.h"

extern const struct kind kind_file_system;

#endif

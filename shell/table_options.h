/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the commands in table.c. */
#ifndef SHELL_TABLE_OPTIONS_H
#define SHELL_TABLE_OPTIONS_H

#include "shell/command.h"

extern const struct command_option run_options[];
extern const struct command_option attach_options[];
extern const struct command_option kill_options[];
extern const struct command_option snap_options[];
extern const struct command_option restore_options[];
extern const struct command_option auto_options[];
extern const struct command_option forget_options[];
extern const struct command_option set_options[];
extern const struct command_option look_options[];
extern const struct command_option info_options[];
extern const struct command_option find_options[];
extern const struct command_option diff_options[];
extern const struct command_option when_options[];
extern const struct command_option bisect_options[];
extern const struct command_option core_options[];
extern const struct command_option help_options[];
extern const struct command_option gdbserver_options[];

#endif

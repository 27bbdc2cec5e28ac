// SPDX-License-Identifier: Apache-2.0
#include "core/base/interrupt.h"

#include <signal.h>

bool sn_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1;
}

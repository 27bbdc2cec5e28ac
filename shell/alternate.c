// SPDX-License-Identifier: Apache-2.0
#include "shell/alternate.h"

void alternate_watch(struct alternate *alternate, const char *bytes, size_t len)
{
	static const char sequence[] = "\033[?1049"; /* then h or l */
	const size_t whole = sizeof(sequence) - 1;

	for (size_t i = 0; i < len; i++) {
		if (alternate->at == whole && (bytes[i] == 'h' || bytes[i] == 'l'))
			alternate->on = bytes[i] == 'h';
		if (alternate->at < whole && bytes[i] == sequence[alternate->at])
			alternate->at++;
		else
			alternate->at = bytes[i] == sequence[0];
	}
}
